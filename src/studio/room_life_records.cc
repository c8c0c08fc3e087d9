#include "studio/room_life_records.h"

#include <utility>

#include "store/answer.h"

namespace klieg::studio {

store::Outcome<std::vector<RoomLife>> take_up_rooms(store::Database& database, const std::string& node, WallTime now) {
  return store::transact(database, [&](store::Database& open) -> store::Outcome<std::vector<RoomLife>> {
    return store::all_of(
        open.run("UPDATE rooms SET epoch = epoch + 1 WHERE ended_ms IS NULL AND seen_ms >= $1 AND node = $2 "
                 "RETURNING channel, broadcast, epoch, seen_ms",
                 {now - room_goes_on_within - room_seen_every, node}),
        [](const store::Row& row) {
          return RoomLife{row[0].text(), row[1].text(), static_cast<uint32_t>(row[2].integer()), row[3].time()};
        });
  });
}

store::Outcome<std::optional<RoomLife>> find_room_that_goes_on(store::Database& database, const std::string& channel,
                                                               int64_t number, WallTime now) {
  return store::first_of(database.run("SELECT broadcast, seen_ms FROM rooms WHERE channel = $1 AND epoch < $2 AND "
                                      "ended_ms IS NULL AND seen_ms >= $3",
                                      {channel, number, now - room_goes_on_within - room_seen_every}),
                         [&](const store::Row& row) {
                           return RoomLife{channel, row[0].text(), static_cast<uint32_t>(number), row[1].time()};
                         });
}

store::Outcome<void> write_live_rooms(store::Database& database, const std::string& node,
                                      const std::vector<RoomLife>& lives) {
  return store::transact(database, [&](store::Database& open) -> store::Outcome<void> {
    for (const RoomLife& life : lives) {
      auto done = open.run(
          "INSERT INTO rooms (channel, broadcast, epoch, seen_ms, node) VALUES ($1, $2, $3, $4, $5) "
          "ON CONFLICT (channel) DO UPDATE SET broadcast = excluded.broadcast, epoch = excluded.epoch, "
          "seen_ms = excluded.seen_ms, node = excluded.node, ended_ms = NULL "
          "WHERE rooms.broadcast <> excluded.broadcast OR rooms.epoch <= excluded.epoch",
          {life.channel, life.broadcast, static_cast<int64_t>(life.epoch), life.seen, node});
      if (!done) return std::unexpected(std::move(done.error()));
    }
    return {};
  });
}

store::Outcome<void> write_room_over(store::Database& database, const RoomLife& life, WallTime now) {
  return store::nothing_of(
      database.run("UPDATE rooms SET ended_ms = $4 WHERE channel = $1 AND broadcast = $2 AND epoch <= $3",
                   {life.channel, life.broadcast, static_cast<int64_t>(life.epoch), now}));
}

}  // namespace klieg::studio

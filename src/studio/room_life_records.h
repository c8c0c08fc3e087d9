// Which broadcasts had a room when their server died, and which of them go on.
//
//   live ──over──► forgotten by the next          its publisher, or whoever may, ended it
//    └── the server died, or was told to go ──► begun again: the first broadcast of the channel within
//    room_goes_on_within is
//                                               the same one of another epoch, and its room goes on from its journal
//
// Epochs are given out when a server starts, so names of objects never mean two things, however often it dies. Of
// several machines they are the numbers of the channel's lease (store/lease.h), and it goes on at whichever has that.
//
// Thread: the store's; take_up_rooms() before there is one. Limit: a database's rows_max rooms are taken up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "store/database.h"

namespace klieg::studio {

struct RoomLife {
  std::string channel;
  std::string broadcast;  // its id
  uint32_t epoch = 1;
  WallTime seen;
};

// An encoder tries again for as long; whoever comes later begins something else.
constexpr Duration room_goes_on_within = std::chrono::minutes(10);
constexpr Duration room_seen_every = 30s;  // so long before its death a server may have been seen last

// What was live on the node of that name and may go on there, with the epochs that it has then: a database may be
// shared, and what another node has lives.
store::Outcome<std::vector<RoomLife>> take_up_rooms(store::Database& database, const std::string& node, WallTime now);
// What was live on the channel, on any node, and goes on under its lease of this number.
store::Outcome<std::optional<RoomLife>> find_room_that_goes_on(store::Database& database, const std::string& channel,
                                                               int64_t number, WallTime now);
// Of a broadcast that is another's by now, in a later epoch, nothing is written; nor that it is over.
store::Outcome<void> write_live_rooms(store::Database& database, const std::string& node,
                                      const std::vector<RoomLife>& lives);
store::Outcome<void> write_room_over(store::Database& database, const RoomLife& life, WallTime now);

}  // namespace klieg::studio

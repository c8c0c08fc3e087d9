#include "cli/room_journal.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/logging.h"
#include "wire/room_record.h"

namespace klieg::cli {
namespace {

constexpr size_t rows_per_commit_max = 256;  // of some hundred bytes each; of the largest, a transaction of 128 MiB
constexpr Duration again_after = 1s;

}  // namespace

RoomJournal::RoomJournal(net::Loop& loop, store::Worker& store, std::string topic,
                         std::function<void(uint64_t)> on_safe)
    : loop_(loop), store_(loop, store), topic_(std::move(topic)), on_safe_(std::move(on_safe)), again_(loop, [this] {
        write_next();
      }) {}

void RoomJournal::write(audience::JournalEntry entry) {
  std::vector<Bytes> records{wire::room::record_of(entry.answer)};
  for (const media::RoomEvent& event : entry.events) records.push_back(wire::room::record_of(event));
  rows_.push_back({entry.number, Bytes::join(records)});
  if (under_way_ == 0 && !failing_) write_next();
}

void RoomJournal::write_next() {
  if (rows_.empty()) return;
  under_way_ = std::min(rows_.size(), rows_per_commit_max);
  auto rows =
      std::make_shared<const std::vector<Row>>(rows_.begin(), rows_.begin() + static_cast<ptrdiff_t>(under_way_));
  store_.ask<void>(
      [rows, topic = topic_, wall = loop_.wall_now()](store::Database& database) {
        return store::transact(database, [&](store::Database& open) -> store::Outcome<void> {
          for (const Row& row : *rows) {
            auto done = open.run(
                "INSERT INTO room_journals (topic, number, written_ms, entry) VALUES ($1, $2, $3, $4) "
                "ON CONFLICT DO NOTHING",
                {topic, static_cast<int64_t>(row.number), wall, row.entry});
            if (!done) return std::unexpected(std::move(done.error()));
          }
          return {};
        });
      },
      [this](store::Outcome<void> written) {
        const size_t count = std::exchange(under_way_, 0);
        if (!written) {
          if (!std::exchange(failing_, true)) {
            logging::error("a room's journal cannot be written; nobody is told what is said there until it is",
                           {{"room", topic_}, {"why", written.error().message}});
          }
          return again_.arm(loop_.now() + again_after);
        }
        failing_ = false;
        const uint64_t safe = rows_[count - 1].number;
        rows_.erase(rows_.begin(), rows_.begin() + static_cast<ptrdiff_t>(count));
        write_next();
        on_safe_(safe);  // which may be the last that is heard of us
      });
}

store::Outcome<void> RoomJournal::forget_old(store::Database& database, WallTime now) {
  auto done = database.run("DELETE FROM room_journals WHERE written_ms < $1", {now - kept_max});
  if (!done) return std::unexpected(std::move(done.error()));
  return {};
}

}  // namespace klieg::cli

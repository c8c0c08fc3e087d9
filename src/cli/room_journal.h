// The journal of a room, over the store: written down before anybody is told.
//
// One write is under way at a time; what comes meanwhile goes with the next, in one transaction, so that a slow disk
// makes the transactions larger and not the queue longer. A write that fails is tried again until it succeeds: what was
// not safe was told to nobody. Each entry is keyed by its number, so that one whose commit is in doubt is there once.
//
// Of several machines the room is written by who has the channel's lease of a number. Who comes after him, and has a
// later one, reads first what is there, and from then on nothing is written any more here: what this home was told and
// could not write was told to nobody.
//
// A room that goes on after a death is read back in pages, before anything is written. What cannot be read is tried
// again until it can: while there is no store a room could tell nobody anything either.
//
// Owner: who owns the room. Thread: its loop; the store's own does the writing. Limit: Room::pending_bytes_max.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audience/journal.h"
#include "base/bytes.h"
#include "net/loop.h"
#include "store/worker.h"

namespace klieg::cli {

class RoomJournal final : public audience::Journal {
 public:
  // `name`: of the room, the same for every epoch. `host`: the account whose room it is; empty: none. What moderators
  // do in his rooms is written where it lasts, too, in the same transaction (studio/moderation_records.h). `on_safe` is
  // told the number of the last entry that is, in later turns.
  RoomJournal(net::Loop& loop, store::Worker& store, std::string name, std::string host,
              std::function<void(uint64_t)> on_safe);
  struct Tenure {
    std::string lease;
    int64_t number = 0;
  };
  // Before anything is written. `on_taken` is called once, when the room is another home's.
  void write_under(Tenure tenure, std::move_only_function<void()> on_taken);

  // Of a room that goes on: every entry there is, in its order, in later turns; then `done`, once.
  void restore(std::function<void(audience::JournalEntry)> on_entry, std::move_only_function<void()> done);

  void write(audience::JournalEntry entry) override;

  // So long a conversation is kept.
  static constexpr Duration kept_max = std::chrono::hours(24 * 365);
  static store::Outcome<void> forget_old(store::Database& database, WallTime now);

 private:
  struct Row {
    uint64_t number;
    Bytes entry;
    std::vector<media::Audited> deeds = {};
  };
  void read_next();
  void write_next();
  void try_again_later(const store::Failure& why, std::string_view what);
  void taken();

  net::Loop& loop_;
  store::Asker store_;
  const std::string name_;
  const std::string host_;
  const std::function<void(uint64_t)> on_safe_;
  std::optional<Tenure> tenure_;  // nullopt: this node is alone
  std::move_only_function<void()> on_taken_;
  std::function<void(audience::JournalEntry)> on_entry_;
  std::move_only_function<void()> restored_;  // while it is read back
  uint64_t read_ = 0;                         // up to this number
  std::deque<Row> rows_;                      // the first under_way_ of them are being written
  size_t under_way_ = 0;
  bool failing_ = false;
  bool taken_ = false;
  net::Timer again_;
};

}  // namespace klieg::cli

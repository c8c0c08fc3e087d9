// Broadcasts, as the database has them: planned, live, ended; who may watch; what they came to.
//
//   make_broadcast() ──► planned ──start_broadcast()──► live ──end_broadcast()──► ended
//                           └────── none planned: made as it starts ──┘  a person is live once: the one before is ended
//
// Video needs none of this: it goes on while the database is down, and what it came to is written later. So starting
// twice with the same key and ending twice change nothing the second time.
//
// Lists are read in pages, by id downwards: `before` is the last id of the page before, 0 for the first.
//
// Thread: the store's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/database.h"
#include "studio/account_records.h"
#include "studio/visibility.h"

namespace klieg::studio {

// Of who watched. Peak and totals only grow: what is written late or twice takes nothing away.
struct BroadcastCounts {
  int64_t viewers_peak = 0;
  int64_t viewers_total = 0;
  int64_t comments = 0;
  int64_t hearts = 0;
  bool operator==(const BroadcastCounts&) const = default;
};

struct Broadcast {
  int64_t id = 0;
  Account owner;
  std::string link;
  std::string title;
  Visibility visibility = Visibility::everyone;
  WallTime created;
  std::optional<WallTime> started, ended;
  BroadcastCounts counts;
};

struct BroadcastPlan {
  std::string title;
  Visibility visibility = Visibility::everyone;
  std::vector<int64_t> guests;  // of a private one; at most guests_max
};
constexpr size_t guests_max = 1'000;
constexpr size_t page_max = 100;

store::Outcome<int64_t> make_broadcast(store::Database& database, int64_t account, const BroadcastPlan& plan,
                                       WallTime now);
enum class Changed : uint8_t { yes, not_there };  // another's counts as not there
store::Outcome<Changed> change_broadcast(store::Database& database, int64_t account, int64_t id,
                                         const BroadcastPlan& plan);

// The account's newest plan goes live, or one without a title is made. Live already with this key: that one. `ended`:
// the broadcast with another key that had to end for it.
struct Started {
  Broadcast broadcast;
  std::optional<int64_t> ended;
  bool begins = false;  // and was not live with this key already
};
store::Outcome<Started> start_broadcast(store::Database& database, int64_t account, int64_t key, WallTime now);
store::Outcome<void> end_broadcast(store::Database& database, int64_t id, const BroadcastCounts& counts, WallTime now);
// Of a database that is this node's alone, before anybody publishes: what a process that was killed left live.
store::Outcome<void> end_all(store::Database& database, WallTime now);
store::Outcome<void> write_counts(store::Database& database, int64_t id, const BroadcastCounts& counts);

store::Outcome<std::optional<Broadcast>> find_broadcast(store::Database& database, int64_t id);
store::Outcome<std::optional<Broadcast>> find_broadcast(store::Database& database, const std::string& link);
store::Outcome<std::optional<Broadcast>> find_live_broadcast(store::Database& database, int64_t account);
// What is public and live: the global list.
store::Outcome<std::vector<Broadcast>> list_live(store::Database& database, int64_t before, size_t limit);
// All of an account's, for itself.
store::Outcome<std::vector<Broadcast>> list_broadcasts(store::Database& database, int64_t account, int64_t before,
                                                       size_t limit);

// What of an account's is public and over, for everybody.
store::Outcome<std::vector<Broadcast>> list_past_broadcasts(store::Database& database, int64_t account, int64_t before,
                                                            size_t limit);

// Whether `viewer` (none: not logged in) may watch: all that judge() needs, from the database.
store::Outcome<MayWatch> may_watch(store::Database& database, const Broadcast& broadcast, std::optional<int64_t> viewer,
                                   const std::string& link);

}  // namespace klieg::studio

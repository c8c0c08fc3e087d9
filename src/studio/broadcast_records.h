// Broadcasts, as the database has them: planned, live, ended; who may watch; what they came to.
//
//   make_broadcast() ──► planned ──start_broadcast()──► live ──end_broadcast()──► ended
//                           └────── none planned: made as it starts ──┘  a person is live once: the one before is ended
//
// One that is made as it starts is for whom the last was: after a failure, what was private goes on so.
//
// Tokens are for a channel, and so for one broadcast after the other. What a plan makes of them (revocation_records.h):
// as it goes live, all that were made before it, or before the last broadcast's end, are worth nothing; who is no guest
// any more loses his, and what becomes private its links.
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

#include "media/push.h"
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
// What is to be otherwise.
struct BroadcastChange {
  std::optional<std::string> title = {};
  std::optional<Visibility> visibility = {};
  std::optional<std::vector<int64_t>> guests = {};
};
enum class Changed : uint8_t {
  yes,
  not_there,  // or another's
  is_live,    // who watches what is public cannot be asked to leave
  has_guests_only_if_private,
};
store::Outcome<Changed> change_broadcast(store::Database& database, int64_t account, int64_t id,
                                         const BroadcastChange& change, WallTime now);
// Their names, sorted.
store::Outcome<std::vector<std::string>> guests_of(store::Database& database, int64_t id);

// The account's newest plan goes live, or one without a title is made. Live already with this key: that one. `ended`:
// the broadcast with another key that had to end for it.
struct Started {
  Broadcast broadcast;
  std::optional<int64_t> ended;
  bool begins = false;                          // and was not live with this key already
  std::optional<media::GuestsRevoked> revoked;  // written down, and to be told
};
// The visibility of what start_broadcast() would start.
store::Outcome<Visibility> visibility_of_next(store::Database& database, int64_t account, int64_t key);
store::Outcome<Started> start_broadcast(store::Database& database, int64_t account, int64_t key, WallTime now);
store::Outcome<void> end_broadcast(store::Database& database, int64_t id, const BroadcastCounts& counts, WallTime now);
// What a process that was killed left live. Of a database that is this node's alone, before anybody publishes; of one
// that is shared, what the node of that name had last (room_life_records.h); of several machines, what nobody holds by
// a lease (store/lease.h) of that prefix and the account's name.
store::Outcome<void> end_all(store::Database& database, WallTime now);
store::Outcome<void> end_all_of(store::Database& database, const std::string& node, WallTime now);
store::Outcome<void> end_unheld(store::Database& database, const std::string& lease_prefix, WallTime now);
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

// The first second of which a token of the viewer (0: of a link) opens this broadcast and none before it. nullopt: it
// is not what the channel shows now or next.
store::Outcome<std::optional<int64_t>> token_from_s(store::Database& database, const Broadcast& broadcast,
                                                    uint64_t viewer);

}  // namespace klieg::studio

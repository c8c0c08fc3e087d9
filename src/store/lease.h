// Who owns what only one may own - a broadcast's home - when several machines could: a numbered lease in the database.
//
// No two machines' clocks are ever compared. Each holder beats, and what counts is how long a clock of one's own runs.
// It beats in two places: in the row, and over the bus, which says when it has passed a sign of life on to all who hear
// it. One of them is enough to hold; to take it, both have to be silent:
//
//   the holder   owns for lease_duration from the moment it *asked* for the last beat that was granted, or said the
//   last
//                sign of life that was passed on; once that is over, what is granted later comes too late
//   another      takes it once for take_after it has *seen* the same beat and *heard* no sign of life of the holder,
//   and
//                is certain that it would have heard one; the row must still be at that beat
//
// A beat was asked for before anybody saw it, so the holder has stopped before another begins, whatever the network did
// in between. The number goes up with each owner: it is the epoch in the names of objects, so what a process that was
// asleep for a minute still says under its old number is nobody's.
//
//   free --take_free()--> held --renew_all()--> held --release()--> free
//                          |  the same beat, and silence, for take_after
//                          +--take_from()--> held by another, number + 1
//                          +--take_away()--> free
//
// While the database is down nobody takes over, and while the bus is down only what is free; a holder goes on by the
// other of the two. One that is cut off from both stops.
//
// HeldLease and WatchedLease are pure; the functions are statements, on the store's thread. `holder` is new at every
// start of a process: who is in doubt reads the row, and knows itself.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/assert.h"
#include "store/database.h"

namespace klieg::store {

// Two beats in a row may be lost. A broadcaster whose home died is taken elsewhere after take_after at the latest;
// ffmpeg and OBS try again for longer.
constexpr Duration beat_every = 2s;
constexpr Duration lease_duration = 3 * beat_every;
// Clocks that run apart by 10 % would be broken; those of machines differ by 0.02 %.
constexpr Duration take_after = lease_duration + lease_duration / 10;

struct Lease {
  std::string name;
  int64_t number = 0;
  std::optional<std::string> holder;  // none: free
  int64_t beat = 0;
  bool operator==(const Lease&) const = default;
};

// The holder's side.
class HeldLease {
 public:
  // What was granted, and when it had been asked for.
  HeldLease(Lease lease, LoopTime asked_at) : lease_(std::move(lease)), asked_at_(asked_at) {}

  // Asserted: it is held still. Of several the last asked for counts.
  void beat_granted(LoopTime asked_at, LoopTime now) {
    KLIEG_ASSERT(held(now), "what is over is not prolonged");
    asked_at_ = std::max(asked_at_, asked_at);
  }
  bool held(LoopTime now) const { return now < until(); }
  LoopTime until() const { return asked_at_ + lease_duration; }
  LoopTime beat_at() const { return asked_at_ + beat_every; }
  const Lease& lease() const { return lease_; }

 private:
  Lease lease_;
  LoopTime asked_at_;
};

// The side of who waits for it.
class WatchedLease {
 public:
  // The row, and when its answer came.
  void saw(Lease lease, LoopTime at);
  // A sign of life of `holder`.
  void heard(const std::string& holder, LoopTime at);
  // Of the way on which signs of life come it is certain that none was left out from `since` to `up_to`.
  struct Listening {
    LoopTime since, up_to;
  };
  // A lease that is free may be taken at once, also where nothing is certain (nullopt).
  bool may_take(const std::optional<Listening>& listening, LoopTime now) const;
  const std::optional<Lease>& lease() const { return lease_; }

 private:
  std::optional<Lease> lease_;
  LoopTime silent_since_;  // of the holder nothing newer was seen or heard
};

// nullopt: nobody ever held it.
Outcome<std::optional<Lease>> read_lease(Database& database, const std::string& name);
// nullopt: somebody holds it.
Outcome<std::optional<Lease>> take_free(Database& database, const std::string& name, const std::string& holder);
// nullopt: the row is no longer as it was seen.
Outcome<std::optional<Lease>> take_from(Database& database, const Lease& seen, const std::string& holder);
enum class Granted : uint8_t { yes, no };  // no: it is another's by now, or not as it was seen
// All that `holder` still holds.
Outcome<std::vector<Lease>> renew_all(Database& database, const std::string& holder);
Outcome<Granted> release(Database& database, const Lease& held);
// What anybody holds, by name; the first Database::rows_max.
Outcome<std::vector<Lease>> list_held(Database& database);
// In a transaction: whether nobody took it since it had that number. Then nobody does before the transaction ends, so
// what it writes is there before anything that a later owner reads.
Outcome<Granted> not_taken_since(Database& open, const std::string& name, int64_t number);
// From who is silent, for nobody: it is free.
Outcome<Granted> take_away(Database& database, const Lease& seen);

// What came of trying to take it: ours now, or how it stands.
struct Attempt {
  std::optional<Lease> taken;
  std::optional<Lease> there;
};
// `seen`: taken from who holds it, if it is as it was seen; else only if it is free. What is `holder`'s already, which
// an attempt whose answer was lost leaves, or a release that failed, is taken anew: with a number under which nothing
// was named, and a beat, so that who has watched it waits from the beginning.
Outcome<Attempt> attempt(Database& database, const std::string& name, const std::optional<Lease>& seen,
                         const std::string& holder);

}  // namespace klieg::store

// Which channels this node is the home of, where several could be: takes their leases (store/lease.h), keeps them,
// gives them back.
//
//   none --claim()--> asking --free, or may be taken----------------------> here --give_back()--> none
//                      |  ^ |                                                |
//                      |  +-+ another's, who is silent: again, for a while   +--another's by now, or no beat in time-->
//                      |                                                                              none, on_lost()
//                      +--another's, who lives; still not to be taken; the database is away--> none
//
// What another held who is silent is freed, also where nobody wants it: so it can be known what nobody carries.
//
// Pure: `now` goes in. Questions to the database go out and are answered later, in the order in which they were asked.
// Thread: one loop. Limits: as many claims wait as publishers do, each for `patience` at the most; of what is watched
// nothing is kept for longer than watched_for.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "bus/bus.h"
#include "store/lease.h"

namespace klieg::cli {

// The leases in the database. `done` is called once, later.
class LeaseDesk {
 public:
  virtual ~LeaseDesk() = default;
  using Attempted = std::move_only_function<void(store::Outcome<store::Attempt>)>;
  virtual void attempt(const std::string& name, std::optional<store::Lease> seen, Attempted done) = 0;
  using Renewed = std::move_only_function<void(store::Outcome<std::vector<store::Lease>>)>;
  virtual void renew_all(Renewed done) = 0;
  using Released = std::move_only_function<void(store::Outcome<store::Granted>)>;
  virtual void release(const store::Lease& lease, Released done) = 0;
  using Listed = Renewed;
  virtual void list_held(Listed done) = 0;
  virtual void take_away(const store::Lease& seen, Released done) = 0;
};

// Of a channel; of "", what the names of all of them begin with.
std::string lease_name_of(const std::string& channel);

enum class LostLease : uint8_t {
  taken,    // it is another's, by the database's word
  expired,  // neither the database nor the bus took a beat in time
};
std::string_view name_of(LostLease why);

class OwnershipHost {
 public:
  virtual ~OwnershipHost() = default;
  virtual LoopTime now() const = 0;
  // The node on which a process runs that is heard of; empty: none is.
  virtual std::string node_of(const std::string& process) const = 0;
  // This node is the channel's home no longer, and has to stop at once.
  virtual void on_lost(const std::string& channel, LostLease why) = 0;
};

class Ownership {
 public:
  // An encoder is answered within 10 s of connecting (ingest/session.h).
  static constexpr Duration patience = 9s;
  static constexpr Duration ask_again_every = 500ms;
  static constexpr Duration watched_for = 60s;
  // How soon it is noticed that a holder is silent: twice that, and store::take_after.
  static constexpr Duration look_every = 5s;
  // How often wake() is to be called: what a lease's end may be late by, far below the slack of store::take_after.
  static constexpr Duration wake_every = 250ms;

  enum class End : uint8_t {
    here,
    elsewhere,  // at another node, who lives
    silent,     // another's, of whom nothing is heard; it cannot be taken yet
    unknown,    // the database cannot be asked
  };
  struct Claimed {
    End end = End::unknown;
    int64_t number = 0;  // here: of the lease
    std::string node;    // elsewhere
  };
  using Done = std::move_only_function<void(Claimed)>;

  Ownership(LeaseDesk& desk, OwnershipHost& host) : desk_(desk), host_(host) {}

  // Wants this node to be the channel's home. `done` is called once, perhaps at once.
  void claim(const std::string& channel, Done done);
  // The channel's broadcast is over here. Of what is not held: nothing.
  void give_back(const std::string& channel);
  // The lease's number; nullopt: this node is not its home.
  std::optional<int64_t> held(std::string_view channel) const;
  std::vector<std::string> all_held() const;
  // Signs of life that were taken since the start, by each witness: who loses both of them loses what he holds.
  uint64_t beats_by_bus() const { return beats_by_bus_; }
  uint64_t beats_by_database() const { return beats_by_database_; }

  // A sign of life: of another process; our own, which the bus may not have passed on yet.
  void heard(const std::string& process);
  void said();

  // `certainty`: of the bus, as it was at the wake before this one, so that what it had by then has been heard.
  void wake(const std::optional<bus::Certainty>& certainty);

 private:
  struct Held {
    store::HeldLease lease;
    uint64_t since = 0;  // which question it is the answer of
  };
  struct Waiter {
    LoopTime until;
    Done done;
  };
  struct Asking {
    std::vector<Waiter> waiters;
    std::optional<LoopTime> again_at;  // nullopt: an answer is to come
  };
  struct Watched {
    store::WatchedLease lease;
    LoopTime asked_at;
  };
  void ask(const std::string& channel);
  void on_attempted(const std::string& channel, uint64_t question, LoopTime asked_at,
                    store::Outcome<store::Attempt> outcome);
  void on_renewed(uint64_t question, LoopTime asked_at, const store::Outcome<std::vector<store::Lease>>& outcome);
  void answer(const std::string& channel, const Claimed& claimed);
  void lose(const std::string& channel, LostLease why);
  void release(const std::string& channel, const store::Lease& lease);
  void release_again();
  void look();
  void on_listed(store::Outcome<std::vector<store::Lease>> held);

  LeaseDesk& desk_;
  OwnershipHost& host_;
  std::map<std::string, Held, std::less<>> held_;
  std::map<std::string, Asking> asking_;
  std::map<std::string, Watched> watched_;
  // Given back, and the database does not know it yet: who else wants it would hear of us, and wait.
  struct Returned {
    store::Lease lease;
    bool asked = false;
  };
  std::map<std::string, Returned> returned_;
  std::optional<store::WatchedLease::Listening> listening_;
  std::deque<LoopTime> said_;  // signs of life that are not known to have been passed on
  uint64_t questions_ = 0;
  uint64_t beats_by_bus_ = 0, beats_by_database_ = 0;
  bool renewing_ = false;
  bool in_doubt_ = false;  // the database may have given us what we do not know of
  LoopTime renew_at_ = LoopTime::min();
  bool looking_ = false;
  LoopTime look_at_ = LoopTime::min();
};

}  // namespace klieg::cli

// Visits everybody on a loop in turn, at the pace of pace.h: whoever has readers that are sent what gathered for them.
//
//   renew() ──► everybody is to be visited once more, from who is next on; at once while that is cheap, else over a
//   window
//
// A visit is for the visited to say: it sends what is due, and answers how many system calls' worth that was. Nothing
// is remembered of who could not take what he was sent: he is visited again when he can (on_drained), or in a later
// round.
//
// Who comes or goes in the middle of a round changes nobody else's turn in it.
//
// Owner: a server. Thread: its loop.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/time.h"
#include "net/connection.h"
#include "net/loop.h"
#include "net/pace.h"

namespace klieg::net {

class Visits;

// Is visited while it lives; `connection` is what a visit writes to, and outlives it.
class Visited {
 public:
  Visited(Visits& visits, Connection& connection);
  virtual ~Visited();
  Visited(const Visited&) = delete;
  Visited& operator=(const Visited&) = delete;

 private:
  friend class Visits;
  // Sends what is due; how many writes that was. May be its own end, or another's.
  virtual size_t visit(LoopTime now) = 0;

  Visits& visits_;
  Connection& connection_;
  size_t place_ = 0;
};

class Visits {
 public:
  // `after_turn` is told how many pushes a turn's visits were.
  Visits(Loop& loop, const PaceSettings& pace, std::move_only_function<void(size_t)> after_turn);
  ~Visits();  // asserted: nobody is left

  size_t size() const { return all_.size(); }
  const Pace& pace() const { return pace_; }

  // There is something new for somebody. In a turn of its own: what belongs together leaves together.
  void renew();

 private:
  friend class Visited;
  void add(Visited& one);
  void remove(Visited& one);
  void turn();
  void look_ahead() const;
  void measure(size_t pushes);
  void schedule();

  Loop& loop_;
  Pace pace_;
  std::move_only_function<void(size_t)> after_turn_;
  Round round_;
  std::vector<Visited*> all_;
  size_t position_ = 0;                                                   // in all_: who is next
  enum class Scheduled : uint8_t { no, yes } scheduled_ = Scheduled::no;  // turn() will be called
  Timer timer_;
  std::shared_ptr<Visits*> self_ = std::make_shared<Visits*>(this);  // for work that is posted
};

}  // namespace klieg::net

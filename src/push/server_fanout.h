// Sends reels to viewers: all viewers of a loop, whatever they look at and in whatever protocol.
//
// Each has a seat: a connection and a cursor in a reel. When reels grow, seats are visited in turn (net/visits.h); a
// visit is one writev of all that is due. A connection that has not taken what it was given last is passed over until
// it has, or until that takes longer than stalled_max.
//
// Memory per seat: 170 bytes, and what net::Connection queues: one visit's pieces, which are shared (cursor.h); the
// kernel's is what is on its way and unsent_in_kernel_max.
//
// Owner: the loop's shard. Thread: that loop.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "base/metrics.h"
#include "net/connection.h"
#include "net/loop.h"
#include "net/visits.h"
#include "push/cursor.h"
#include "push/reel.h"

namespace klieg::push {

// Who sits there. Both calls come from the loop's turns, and may end the seat.
class Sitter {
 public:
  virtual ~Sitter() = default;
  virtual void on_stalled() = 0;   // it takes nothing, or next to nothing
  virtual void on_reel_end() = 0;  // the reel has ended and all of it was sent
};

class Fanout;

// Sits while it lives: the fanout, the connection and the sitter outlive it.
class Seat final : private net::Visited {
 public:
  // Who has the broadcast up to `after` already goes on there (cursor.h).
  Seat(Fanout& fanout, std::shared_ptr<const Reel> reel, net::Connection& connection, Sitter& sitter,
       std::optional<Duration> after = std::nullopt);
  ~Seat() override;
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;

  void on_drained();  // for the connection's handler to pass on; may end the seat

 private:
  friend class Fanout;
  size_t visit(LoopTime now) override;

  Fanout& fanout_;
  const std::shared_ptr<const Reel> reel_;
  net::Connection& connection_;
  Sitter& sitter_;
  Cursor cursor_;
  std::optional<LoopTime> blocked_since_;  // seen with something on its way, a push or an answer; nothing: not since
};

// Counts what leaves and for how many, for whoever decides by it.
class Meter {
 public:
  virtual ~Meter() = default;
  virtual void viewer_came() = 0;
  virtual void viewer_left() = 0;
  virtual void sent(uint64_t bytes) = 0;
};

struct FanoutLimits {
  // What the kernel may hold for a viewer that is not on its way to him. A key frame of 5 Mbit/s and more, so that one
  // who reads takes a visit's pieces at once. One who stops reading, or reads a byte a second, has this and what his
  // window takes, 64 KiB, before he takes nothing: of 300 kbit/s 5 s. The kernel's own limit, 4 MiB, would be 2 min.
  uint32_t unsent_in_kernel_max = 128 << 10;
  // For one visit's pieces: 10 s for less than a second of the broadcast. Who takes that long would never catch up, and
  // a viewer that reads a byte a second is gone in it.
  Duration stalled_max = 10s;
  // A newcomer's GOP leaves in so many visits at once where its connection takes it: 8 x 64 pieces are 7 s.
  size_t writes_per_visit_max = 8;
};

class Fanout {
 public:
  // `meter`: null where nobody counts.
  Fanout(net::Loop& loop, Metrics& metrics, Meter* meter = nullptr, const net::PaceSettings& pace = {},
         const FanoutLimits& limits = {});
  ~Fanout();  // asserted: nobody sits

  size_t seats() const { return visits_.size(); }
  // Within how long everybody would be served once, with one seat more; and what that is at most.
  Duration window_with_one_more() const { return visits_.pace().window(seats() + 1); }
  Duration window_max() const { return visits_.pace().window_max(); }

 private:
  friend class Seat;
  struct Watch;  // of a reel that somebody looks at

  void add(Seat& seat);
  void remove(Seat& seat);
  size_t send_due(Seat& seat, LoopTime now);
  void note(size_t pushes);

  net::Loop& loop_;
  Meter* const meter_;
  const FanoutLimits limits_;
  net::Visits visits_;
  std::map<const Reel*, std::unique_ptr<Watch>> watches_;
  Batch batch_;         // of this turn
  uint64_t bytes_ = 0;  // not told to the operator yet
  prometheus::Gauge& viewers_;
  prometheus::Counter& sent_bytes_;
  prometheus::Counter& sent_pushes_;
  prometheus::Counter& skips_;
};

}  // namespace klieg::push

#include "push/server_fanout.h"

#include <utility>

#include "base/assert.h"

namespace klieg::push {

struct Fanout::Watch final : LogWaiter {
  Watch(Fanout& owner, const Reel& watched) : fanout(owner), reel(watched) { wait(); }
  void wait() {
    if (reel.log().growing()) reel.log().wake_me(*this);
  }
  void on_log_grew() override {
    wait();
    fanout.visits_.renew();
  }
  Fanout& fanout;
  const Reel& reel;
  size_t seats = 0;
};

Seat::Seat(Fanout& fanout, std::shared_ptr<const Reel> reel, net::Connection& connection, Sitter& sitter,
           std::optional<Duration> after)
    : Visited(fanout.visits_, connection),
      fanout_(fanout),
      reel_(std::move(reel)),
      connection_(connection),
      sitter_(sitter),
      cursor_(after) {
  connection_.limit_unsent_in_kernel(fanout_.limits_.unsent_in_kernel_max);
  fanout_.add(*this);
}

Seat::~Seat() { fanout_.remove(*this); }

void Seat::on_drained() {
  Fanout& fanout = fanout_;  // the visit may end the seat
  fanout.note(visit(fanout.loop_.now()));
}

size_t Seat::visit(LoopTime now) {
  if (connection_.unsent() > 0) {
    if (!blocked_since_) blocked_since_ = now;
    if (now - *blocked_since_ >= fanout_.limits_.stalled_max) sitter_.on_stalled();
    return 0;
  }
  blocked_since_.reset();
  const size_t pushes = fanout_.send_due(*this, now);
  const bool all_is_sent = connection_.unsent() == 0;
  if (all_is_sent && !reel_->log().growing() && !cursor_.due(*reel_)) sitter_.on_reel_end();
  return pushes;
}

Fanout::Fanout(net::Loop& loop, Metrics& metrics, Meter* meter, const net::PaceSettings& pace,
               const FanoutLimits& limits)
    : loop_(loop),
      meter_(meter),
      limits_(limits),
      visits_(loop, pace, [this](size_t pushes) { note(pushes); }),
      viewers_(metrics.gauge("klieg_push_viewers", "viewers that are pushed to")),
      sent_bytes_(metrics.counter("klieg_push_sent_bytes_total", "bytes pushed to viewers")),
      sent_pushes_(metrics.counter("klieg_push_pushes_total", "system calls' worth of pushes to viewers")),
      skips_(metrics.counter("klieg_push_skips_total", "times that a slow viewer was skipped to a key frame")) {}

Fanout::~Fanout() { KLIEG_ASSERT(seats() == 0, "who sits leaves before the fanout does"); }

void Fanout::add(Seat& seat) {
  std::unique_ptr<Watch>& watch = watches_[seat.reel_.get()];
  if (!watch) watch = std::make_unique<Watch>(*this, *seat.reel_);
  ++watch->seats;
  viewers_.Increment();
  if (meter_) meter_->viewer_came();
}

void Fanout::remove(Seat& seat) {
  const auto watch = watches_.find(seat.reel_.get());
  if (--watch->second->seats == 0) watches_.erase(watch);
  batch_.clear();  // with the last seat the reel may go, and another come to lie where it was
  viewers_.Decrement();
  if (meter_) meter_->viewer_left();
}

void Fanout::note(size_t pushes) {
  batch_.clear();
  const uint64_t bytes = std::exchange(bytes_, 0);
  sent_bytes_.Increment(static_cast<double>(bytes));
  sent_pushes_.Increment(static_cast<double>(pushes));
  if (meter_ && bytes > 0) meter_->sent(bytes);
}

// In how many pushes.
size_t Fanout::send_due(Seat& seat, LoopTime now) {
  const uint64_t skips = seat.cursor_.skips();
  size_t pushes = 0;
  while (pushes < limits_.writes_per_visit_max && seat.cursor_.due(*seat.reel_)) {
    seat.cursor_.next(*seat.reel_, batch_);
    seat.connection_.write(batch_.pieces());
    ++pushes;
    bytes_ += batch_.size();
    if (seat.connection_.unsent() > 0) {
      seat.blocked_since_ = now;
      break;
    }
  }
  if (seat.cursor_.skips() > skips) skips_.Increment();
  return pushes;
}

}  // namespace klieg::push

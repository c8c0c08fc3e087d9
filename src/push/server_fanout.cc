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
    fanout.renew();
  }
  Fanout& fanout;
  const Reel& reel;
  size_t seats = 0;
};

Seat::Seat(Fanout& fanout, std::shared_ptr<const Reel> reel, net::Connection& connection, Sitter& sitter)
    : fanout_(fanout), reel_(std::move(reel)), connection_(connection), sitter_(sitter) {
  connection_.limit_unsent_in_kernel(fanout_.limits_.unsent_in_kernel_max);
  fanout_.add(*this);
}

Seat::~Seat() { fanout_.remove(*this); }

void Seat::on_drained() {
  Fanout& fanout = fanout_;  // the visit may end the seat
  fanout.visit(*this);
  fanout.batch_.clear();
}

Fanout::Fanout(net::Loop& loop, Metrics& metrics, Meter* meter, const net::PaceSettings& pace,
               const FanoutLimits& limits)
    : loop_(loop),
      meter_(meter),
      limits_(limits),
      pace_(pace),
      timer_(loop, [this] { turn(); }),
      viewers_(metrics.gauge("klieg_push_viewers", "viewers that are pushed to")),
      sent_bytes_(metrics.counter("klieg_push_sent_bytes_total", "bytes pushed to viewers")),
      sent_pushes_(metrics.counter("klieg_push_pushes_total", "system calls' worth of pushes to viewers")),
      skips_(metrics.counter("klieg_push_skips_total", "times that a slow viewer was skipped to a key frame")) {}

Fanout::~Fanout() { KLIEG_ASSERT(seats_.empty(), "who sits leaves before the fanout does"); }

void Fanout::add(Seat& seat) {
  seat.place_ = seats_.size();
  seats_.push_back(&seat);
  std::unique_ptr<Watch>& watch = watches_[seat.reel_.get()];
  if (!watch) watch = std::make_unique<Watch>(*this, *seat.reel_);
  ++watch->seats;
  viewers_.Increment();
  if (meter_) meter_->viewer_came();
  renew();
}

// Who was visited last and who is last of all move up. In a round that has begun anywhere, either may have been
// visited.
void Fanout::remove(Seat& seat) {
  size_t hole = seat.place_;
  const auto move_to_hole = [&](size_t from) {
    if (from == hole) return;
    seats_[hole] = seats_[from];
    seats_[hole]->place_ = hole;
    hole = from;
  };
  if (hole < position_) move_to_hole(--position_);
  move_to_hole(seats_.size() - 1);
  seats_.pop_back();
  round_.one_more();
  const auto watch = watches_.find(seat.reel_.get());
  if (--watch->second->seats == 0) watches_.erase(watch);
  batch_.clear();  // with the last seat the reel may go, and another come to lie where it was
  viewers_.Decrement();
  if (meter_) meter_->viewer_left();
}

void Fanout::renew() {
  round_.renew(seats_.size(), loop_.now());
  // In a turn of its own: a picture and its sound leave together, and who appended goes on first.
  if (scheduled_ == Scheduled::no) schedule();
}

void Fanout::turn() {
  const LoopTime now = loop_.now();
  sent_pushes_.Increment(static_cast<double>(std::exchange(pushes_, 0)));  // to connections that drained between turns
  for (size_t visits = round_.take(seats_.size(), pace_, now); visits > 0 && !seats_.empty(); --visits) {
    if (position_ >= seats_.size()) position_ = 0;
    look_ahead();
    visit(*seats_[position_++]);
  }
  batch_.clear();
  const uint64_t bytes = std::exchange(bytes_, 0);
  sent_bytes_.Increment(static_cast<double>(bytes));
  if (meter_ && bytes > 0) meter_->sent(bytes);
  sent_pushes_.Increment(static_cast<double>(pushes_));
  if (pushes_ > 0) measure();
  pushes_ = 0;
  schedule();
}

// Thousands of seats and their connections do not stay in the processor's caches from one visit to the next. Waiting
// for them is a tenth of what a push takes; asked for while the ones before are served, they are there in time. Each
// names the next: a seat its connection, that its stream.
void Fanout::look_ahead() const {
  constexpr size_t seats_ahead = 6, connections_ahead = 4, streams_ahead = 2;
  if (position_ + seats_ahead >= seats_.size()) return;
  const Seat* seat = seats_[position_ + seats_ahead];
  __builtin_prefetch(seat);
  __builtin_prefetch(&seat->cursor_);
  __builtin_prefetch(&seats_[position_ + connections_ahead]->connection_);
  seats_[position_ + streams_ahead]->connection_.prefetch();
}

// A turn is asked for now; when it comes says what the pushes did to the loop.
void Fanout::measure() {
  loop_.post([weak = std::weak_ptr(self_), pushes = pushes_, asked = loop_.now()] {
    if (const auto self = weak.lock()) (*self)->pace_.served(pushes, (*self)->loop_.now() - asked);
  });
}

void Fanout::schedule() {
  const std::optional<LoopTime> next = round_.next(seats_.size(), pace_, loop_.now());
  scheduled_ = next ? Scheduled::yes : Scheduled::no;
  if (next && *next <= loop_.now()) {
    loop_.post([weak = std::weak_ptr(self_)] {
      if (const auto self = weak.lock()) (*self)->turn();
    });
  } else if (next) {
    timer_.arm(*next);
  }
}

void Fanout::visit(Seat& seat) {
  if (seat.connection_.unsent() > 0) {
    const LoopTime now = loop_.now();
    if (!seat.blocked_since_) seat.blocked_since_ = now;
    if (now - *seat.blocked_since_ >= limits_.stalled_max) seat.sitter_.on_stalled();
    return;
  }
  seat.blocked_since_.reset();
  if (!send_due(seat)) return;
  if (!seat.reel_->log().growing() && !seat.cursor_.due(*seat.reel_)) seat.sitter_.on_reel_end();
}

// False: the connection has not taken it all.
bool Fanout::send_due(Seat& seat) {
  const uint64_t skips = seat.cursor_.skips();
  for (size_t i = 0; i < limits_.writes_per_visit_max && seat.cursor_.due(*seat.reel_); ++i) {
    seat.cursor_.next(*seat.reel_, batch_);
    seat.connection_.write(batch_.pieces());
    ++pushes_;
    bytes_ += batch_.size();
    if (seat.connection_.unsent() > 0) {
      seat.blocked_since_ = loop_.now();
      break;
    }
  }
  if (seat.cursor_.skips() > skips) skips_.Increment();
  return seat.connection_.unsent() == 0;
}

}  // namespace klieg::push

#include "net/visits.h"

#include <utility>

#include "base/assert.h"

namespace klieg::net {

Visited::Visited(Visits& visits, Connection& connection) : visits_(visits), connection_(connection) {
  visits_.add(*this);
}

Visited::~Visited() { visits_.remove(*this); }

Visits::Visits(Loop& loop, const PaceSettings& pace, std::move_only_function<void(size_t)> after_turn)
    : loop_(loop), pace_(pace), after_turn_(std::move(after_turn)), timer_(loop, [this] { turn(); }) {}

Visits::~Visits() { KLIEG_ASSERT(all_.empty(), "who is visited leaves before the visits end"); }

void Visits::add(Visited& one) {
  one.place_ = all_.size();
  all_.push_back(&one);
  renew();
}

// Who was visited last and who is last of all move up. In a round that has begun anywhere, either may have been
// visited.
void Visits::remove(Visited& one) {
  size_t hole = one.place_;
  const auto move_to_hole = [&](size_t from) {
    if (from == hole) return;
    all_[hole] = all_[from];
    all_[hole]->place_ = hole;
    hole = from;
  };
  if (hole < position_) move_to_hole(--position_);
  move_to_hole(all_.size() - 1);
  all_.pop_back();
  round_.one_more();
}

void Visits::renew() {
  round_.renew(all_.size(), loop_.now());
  if (scheduled_ == Scheduled::no) schedule();
}

void Visits::turn() {
  const LoopTime now = loop_.now();
  size_t pushes = 0;
  for (size_t visits = round_.take(all_.size(), pace_, now); visits > 0 && !all_.empty(); --visits) {
    if (position_ >= all_.size()) position_ = 0;
    look_ahead();
    pushes += all_[position_++]->visit(now);
  }
  after_turn_(pushes);
  if (pushes > 0) measure(pushes);
  schedule();
}

// Thousands of viewers and their connections do not stay in the processor's caches from one visit to the next. Waiting
// for them is a tenth of what a push takes; asked for while the ones before are served, they are there in time. Each
// names the next: who is visited his connection, that its stream.
void Visits::look_ahead() const {
  constexpr size_t visited_ahead = 6, connections_ahead = 4, streams_ahead = 2, cache_line = 64;
  if (position_ + visited_ahead >= all_.size()) return;
  const auto* visited = reinterpret_cast<const char*>(all_[position_ + visited_ahead]);
  __builtin_prefetch(visited);
  __builtin_prefetch(visited + cache_line);
  __builtin_prefetch(&all_[position_ + connections_ahead]->connection_);
  all_[position_ + streams_ahead]->connection_.prefetch();
}

// A turn is asked for now; when it comes says what the pushes did to the loop.
void Visits::measure(size_t pushes) {
  loop_.post([weak = std::weak_ptr(self_), pushes, asked = loop_.now()] {
    if (const auto self = weak.lock()) (*self)->pace_.served(pushes, (*self)->loop_.now() - asked);
  });
}

void Visits::schedule() {
  const std::optional<LoopTime> next = round_.next(all_.size(), pace_, loop_.now());
  scheduled_ = next ? Scheduled::yes : Scheduled::no;
  if (next && *next <= loop_.now()) {
    loop_.post([weak = std::weak_ptr(self_)] {
      if (const auto self = weak.lock()) (*self)->turn();
    });
  } else if (next) {
    timer_.arm(*next);
  }
}

}  // namespace klieg::net

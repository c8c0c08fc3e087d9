#include "net/loop.h"

#include <utility>

#include "net/reactor.h"

namespace klieg::net {

Loop::Loop() : reactor_(std::make_unique<Reactor>()) {}
Loop::~Loop() = default;

void Loop::run() {
  reactor_->thread = std::this_thread::get_id();
  reactor_->begin_turn();
  reactor_->context.run();
  reactor_->context.restart();  // here and not before: a stop() that came before run() counts
}

void Loop::stop() { reactor_->context.stop(); }

void Loop::post(std::move_only_function<void()> work) {
  asio::post(reactor_->context, [reactor = reactor_.get(), work = std::move(work)]() mutable {
    reactor->begin_turn();
    work();
  });
}

void Loop::dispatch(std::move_only_function<void()> work) {
  if (std::this_thread::get_id() == reactor_->thread) return work();
  post(std::move(work));
}

LoopTime Loop::now() const {
  if (!reactor_->now) reactor_->now = read_loop_clock();
  return *reactor_->now;
}

WallTime Loop::wall_now() const {
  if (!reactor_->wall_now) reactor_->wall_now = read_wall_clock();
  return *reactor_->wall_now;
}

// Lives as long as a wait for it is under way, so that a wait which ends after the Timer finds something to look at.
struct Timer::State {
  State(Loop& loop, std::move_only_function<void()> callback)
      : reactor(loop.reactor()), timer(reactor.context), callback(std::move(callback)) {}

  Loop::Reactor& reactor;
  asio::steady_timer timer;
  std::move_only_function<void()> callback;
  uint64_t armed = 0;  // which arm() counts; a wait of another one was cancelled, even if it had already expired
};

Timer::Timer(Loop& loop, std::move_only_function<void()> callback)
    : state_(std::make_shared<State>(loop, std::move(callback))) {}

Timer::~Timer() { cancel(); }

void Timer::arm(LoopTime when) {
  state_->timer.expires_at(std::chrono::steady_clock::time_point(when.time_since_epoch()));
  const uint64_t armed = ++state_->armed;
  state_->timer.async_wait([state = state_, armed](boost::system::error_code error) {
    if (error || state->armed != armed) return;
    ++state->armed;
    state->reactor.begin_turn();
    state->callback();
  });
}

void Timer::cancel() {
  ++state_->armed;
  state_->timer.cancel();
}

}  // namespace klieg::net

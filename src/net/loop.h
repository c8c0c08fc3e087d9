// A loop: one thread, and everything that lives and dies on it.
//
// Nothing on a loop is touched from another thread; post() is the only way in. A turn is one callback (a readable
// connection, a timer, posted work). Time is read at most once per turn, so all that happens in a turn happens at one
// `now`. Timers are bounded by what they belong to and need no limit of their own.
//
// Callbacks, not coroutines: a connection's life is two events (readable, writable) that must cost no allocation and
// may end in its own destruction; a frame on the heap per wait would buy nothing. Stages that tell a story in sequence
// may build coroutines on top.
#pragma once

#include <functional>
#include <memory>

#include "base/time.h"

namespace klieg::net {

class Loop {
 public:
  Loop();
  ~Loop();  // what lives on the loop is destroyed before it
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs on the calling thread until stop(). Work posted before run() is done first. May be run again.
  void run();
  void stop();  // from any thread; the turn under way is finished

  // From any thread: `work` runs on this loop, in the order posted. From this loop too: it runs in a later turn.
  void post(std::move_only_function<void()> work);
  // Runs `work` at once when called on this loop, posts it otherwise.
  void dispatch(std::move_only_function<void()> work);

  LoopTime now() const;       // on this loop
  WallTime wall_now() const;  // on this loop

  struct Reactor;  // the asio context; known only to net/*.cc
  Reactor& reactor() { return *reactor_; }

 private:
  std::unique_ptr<Reactor> reactor_;
};

// Calls back once per arm(). Destroying or re-arming it cancels what was armed; a cancelled call never happens.
class Timer {
 public:
  Timer(Loop& loop, std::move_only_function<void()> callback);
  ~Timer();  // also from inside its own callback
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void arm(LoopTime when);
  void cancel();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace klieg::net

// Threads for the rungs of one picture, none of which needs what another became.
//
// Whoever hands work over waits for its end before he reads anything of it, so nothing outside this file knows of
// threads: what is handed over is alone with one of them until its future is ready.
//
// Thread: one, that of its owner. Memory: a thread for each hand; nothing queues but the rungs of one picture.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

namespace klieg::codec {

class Crew {
 public:
  // A picture waits for its largest rung, which takes about as long as all smaller ones together: more would idle.
  static constexpr unsigned hands_max = 4;
  // As many as the processors that this process may use; none for one, where a thread would only cost.
  static unsigned usual_hands();

  // Returns when all are there: whatever a thread asks of the system at its start is over, so a sandbox may close.
  explicit Crew(unsigned hands);
  ~Crew();  // after what is under way

  // In the order of the calls, as hands get free; without hands at once.
  std::future<void> start(std::move_only_function<void()> work);

 private:
  void serve();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::packaged_task<void()>> waiting_;
  unsigned present_ = 0;
  bool ended_ = false;
  std::vector<std::jthread> hands_;
};

}  // namespace klieg::codec

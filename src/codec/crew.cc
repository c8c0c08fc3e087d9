#include "codec/crew.h"

#include <sched.h>

#include <algorithm>
#include <utility>

namespace klieg::codec {

unsigned Crew::usual_hands() {
  cpu_set_t mine;
  CPU_ZERO(&mine);
  if (sched_getaffinity(0, sizeof mine, &mine) != 0) return 0;  // more than 1,024 of them, or forbidden
  const auto processors = static_cast<unsigned>(CPU_COUNT(&mine));
  return processors > 1 ? std::min(processors, hands_max) : 0;
}

Crew::Crew(unsigned hands) {
  for (unsigned hand = 0; hand < hands; ++hand) hands_.emplace_back([this] { serve(); });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return present_ == hands; });
}

Crew::~Crew() {
  const std::scoped_lock lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

std::future<void> Crew::start(std::move_only_function<void()> work) {
  std::packaged_task<void()> task(std::move(work));
  std::future<void> end = task.get_future();
  if (hands_.empty()) {
    task();
    return end;
  }
  const std::scoped_lock lock(mutex_);
  waiting_.push_back(std::move(task));
  changed_.notify_one();
  return end;
}

void Crew::serve() {
  std::unique_lock lock(mutex_);
  ++present_;
  changed_.notify_all();
  for (;;) {
    changed_.wait(lock, [&] { return ended_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::packaged_task<void()> task = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
}

}  // namespace klieg::codec

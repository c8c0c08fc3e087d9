// A thread for work that waits - a database, the digest of a password - and the way there and back.
//
//   a loop --ask(job, done)--> queue --job, on the side thread--> its answer --done(answer), in a later turn--> the
//   loop
//
// The side thread is a loop itself, so that what lives there may have timers and hear of things by posted messages.
//
// Thread: offer() from any. An Asker lives on the loop that it answers on, and so does all that a `done` holds: it
// never leaves there. What a job holds is destroyed on the side thread, or where the SideThread is.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "net/loop.h"

namespace klieg::net {

class SideThread {
 public:
  // So many jobs wait at most, the one under way not counted; who uses it says with which sum.
  explicit SideThread(size_t queued_max);
  ~SideThread();
  SideThread(const SideThread&) = delete;
  SideThread& operator=(const SideThread&) = delete;

  enum class Accepted : uint8_t { yes, full };
  Accepted offer(std::move_only_function<void()> job);
  size_t queued() const { return queued_; }

  // Where jobs run.
  Loop& loop() { return loop_; }
  // The job under way is finished, those that wait are never run; afterwards nothing runs there any more, and what
  // lives there may be destroyed from here.
  void stop();

 private:
  const size_t queued_max_;
  std::atomic<size_t> queued_ = 0;
  Loop loop_;
  std::thread thread_;
};

// Asks a side thread on behalf of whatever owns it. Outlived by both of its loops.
class Asker {
 public:
  Asker(Loop& home, SideThread& thread);
  ~Asker();  // on `home`, also inside a `done`: none is called afterwards
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;

  // `done` is called once, never inside ask(): with what the job returned, or with `if_full` when it was not taken.
  template <class Answer>
  void ask(std::move_only_function<Answer()> job, std::move_only_function<void(Answer)> done, Answer if_full);

 private:
  // What jobs on their way know of us. `home` is posted to with the mutex held, so that a loop which is about to go has
  // either closed the link or is posted to in time.
  struct Link {
    Link(Asker* owner, Loop& loop) : asker(owner), home(loop) {}
    std::mutex mutex;
    Asker* asker;  // nullptr: gone
    Loop& home;
  };
  using Done = std::move_only_function<void(void* answer)>;

  template <class Answer>
  static void answer(const std::shared_ptr<Link>& link, uint64_t question, Answer answer);
  Done take(uint64_t question);

  SideThread& thread_;
  std::shared_ptr<Link> link_;
  uint64_t last_question_ = 0;
  std::unordered_map<uint64_t, Done> asked_;  // as many as the thread's queue takes, and those it refused a turn ago
};

template <class Answer>
void Asker::ask(std::move_only_function<Answer()> job, std::move_only_function<void(Answer)> done, Answer if_full) {
  const uint64_t question = ++last_question_;
  asked_.emplace(question,
                 [done = std::move(done)](void* answer) mutable { done(std::move(*static_cast<Answer*>(answer))); });
  const auto accepted =
      thread_.offer([link = link_, question, job = std::move(job)]() mutable { answer(link, question, job()); });
  if (accepted == SideThread::Accepted::full) answer(link_, question, std::move(if_full));
}

template <class Answer>
void Asker::answer(const std::shared_ptr<Link>& link, uint64_t question, Answer answer) {
  const std::lock_guard lock(link->mutex);
  if (!link->asker) return;
  link->home.post([link, question, answer = std::move(answer)]() mutable {
    if (!link->asker) return;  // only this thread writes it
    Done done = link->asker->take(question);
    done(&answer);
  });
}

}  // namespace klieg::net

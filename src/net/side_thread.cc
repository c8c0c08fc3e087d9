#include "net/side_thread.h"

namespace klieg::net {

SideThread::SideThread(size_t queued_max) : queued_max_(queued_max), thread_([this] { loop_.run(); }) {}

SideThread::~SideThread() { stop(); }

SideThread::Accepted SideThread::offer(std::move_only_function<void()> job) {
  if (queued_.fetch_add(1) >= queued_max_) {
    --queued_;
    return Accepted::full;
  }
  loop_.post([this, job = std::move(job)]() mutable {
    --queued_;
    job();
  });
  return Accepted::yes;
}

void SideThread::stop() {
  loop_.stop();
  if (thread_.joinable()) thread_.join();
}

Asker::Asker(Loop& home, SideThread& thread) : thread_(thread), link_(std::make_shared<Link>(this, home)) {}

Asker::~Asker() {
  const std::lock_guard lock(link_->mutex);
  link_->asker = nullptr;
}

Asker::Done Asker::take(uint64_t question) {
  auto node = asked_.extract(question);
  return std::move(node.mapped());
}

}  // namespace klieg::net

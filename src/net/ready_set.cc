#include "net/ready_set.h"

#include <unistd.h>

#include "base/assert.h"

namespace klieg::net {

ReadySet::ReadySet() : set_(::epoll_create1(EPOLL_CLOEXEC)) { KLIEG_ASSERT(set_ >= 0, "a loop can be made"); }

ReadySet::~ReadySet() { ::close(set_); }

void ReadySet::add(int descriptor, uint32_t events, Watched& watched) {
  epoll_event event{events, {.ptr = &watched}};
  const int status = ::epoll_ctl(set_, EPOLL_CTL_ADD, descriptor, &event);
  KLIEG_ASSERT(status == 0, "an open descriptor can be watched");
}

void ReadySet::change(int descriptor, uint32_t events, Watched& watched) {
  epoll_event event{events, {.ptr = &watched}};
  const int status = ::epoll_ctl(set_, EPOLL_CTL_MOD, descriptor, &event);
  KLIEG_ASSERT(status == 0, "what was added can be changed");
}

void ReadySet::remove(int descriptor, Watched& watched) {
  ::epoll_ctl(set_, EPOLL_CTL_DEL, descriptor, nullptr);
  for (int i = next_; i < count_; ++i) {
    if (events_[static_cast<size_t>(i)].data.ptr == &watched) events_[static_cast<size_t>(i)].data.ptr = nullptr;
  }
}

}  // namespace klieg::net

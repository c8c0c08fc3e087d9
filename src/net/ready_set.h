// Which of a loop's connections can go on: a level-triggered epoll set.
//
// Asio's own wait re-arms a descriptor for every event, an epoll_ctl per request; here interest stays until it changes.
// Measured at 12 KB per response: 5.8 us of CPU instead of 7.0 (a bare recv + writev loop: 5.3).
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>

namespace klieg::net {

class Watched {
 public:
  virtual void on_ready(uint32_t events) = 0;  // EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP

 protected:
  ~Watched() = default;
};

class ReadySet {
 public:
  ReadySet();
  ~ReadySet();
  ReadySet(const ReadySet&) = delete;
  ReadySet& operator=(const ReadySet&) = delete;

  void add(int descriptor, uint32_t events, Watched& watched);
  void change(int descriptor, uint32_t events, Watched& watched);
  void remove(int descriptor, Watched& watched);  // also from inside on_ready, of any; nothing comes after it

  int descriptor() const { return set_; }  // readable while something in the set is ready

  // Calls on_ready of what is ready now, each in a turn of its own.
  template <class BeginTurn>
  void dispatch(BeginTurn begin_turn) {
    count_ = ::epoll_wait(set_, events_.data(), static_cast<int>(events_.size()), 0);
    for (next_ = 0; next_ < count_;) {
      const epoll_event event = events_[static_cast<size_t>(next_++)];
      if (!event.data.ptr) continue;  // it died in this round
      begin_turn();
      static_cast<Watched*>(event.data.ptr)->on_ready(event.events);
    }
    next_ = count_ = 0;
  }

 private:
  const int set_;
  // 64 events are one visit; then timers and posted work have their turn.
  std::array<epoll_event, 64> events_;
  int next_ = 0;  // of events_, while they are dispatched
  int count_ = 0;
};

}  // namespace klieg::net

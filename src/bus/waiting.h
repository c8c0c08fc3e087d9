// Messages that wait for their turn, up to queued_max of them: beyond it goes what Loss says.
//
// Pure; its owner guards it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>

#include "base/assert.h"
#include "bus/bus.h"

namespace klieg::bus {

class Waiting {
 public:
  explicit Waiting(Loss loss) : loss_(loss) {}

  void put(Message message) {
    if (loss_ == Loss::superseded) {
      lost_ += std::erase_if(queued_, [&](const Message& older) { return older.subject == message.subject; });
    }
    if (queued_.size() == queued_max) {
      ++lost_;
      if (loss_ == Loss::newest) return;
      queued_.pop_front();
    }
    queued_.push_back(std::move(message));
  }
  Message take() {
    KLIEG_ASSERT(!queued_.empty(), "one waits");
    Message first = std::move(queued_.front());
    queued_.pop_front();
    return first;
  }
  bool empty() const { return queued_.empty(); }
  uint64_t lost() const { return lost_; }

 private:
  const Loss loss_;
  std::deque<Message> queued_;
  uint64_t lost_ = 0;
};

}  // namespace klieg::bus

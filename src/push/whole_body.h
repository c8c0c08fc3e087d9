// Waits until the body of an answer is all there: playlists and headers are read whole.
//
// Owner: who reads. Destroyed, it calls nobody. Thread: one loop. Limit: the `bytes_max` of each read.
#pragma once

#include <functional>

#include "base/bytes.h"
#include "base/result.h"
#include "push/source.h"

namespace klieg::push {

enum class BodyFault : uint8_t { broken_off, too_large };

class WholeBody final : private LogWaiter {
 public:
  using Then = std::move_only_function<void(Result<Bytes, BodyFault>)>;

  // Calls `then` once, from inside where the body is whole already; it may destroy this. What was read before is given
  // up. Asserted: the answer has a body.
  void read(Answer answer, uint64_t bytes_max, Then then);
  void give_up();  // what is read now: nobody is called

 private:
  void on_log_grew() override { look(); }
  void look();

  Answer answer_;
  uint64_t bytes_max_ = 0;
  Then then_;
};

}  // namespace klieg::push

#include "push/whole_body.h"

#include <utility>

namespace klieg::push {

void WholeBody::read(Answer answer, uint64_t bytes_max, Then then) {
  KLIEG_ASSERT(answer.log, "only what has a body is read");
  give_up();
  answer_ = std::move(answer);
  bytes_max_ = bytes_max;
  then_ = std::move(then);
  look();
}

void WholeBody::give_up() {
  stop_waiting();
  answer_ = {};
  then_ = nullptr;
}

void WholeBody::look() {
  const Log& log = *answer_.log;
  const uint64_t end = answer_.end.value_or(log.size());
  const bool whole = log.size() >= end && (answer_.end || log.state() == LogEnd::complete);
  const bool too_large = end - answer_.offset > bytes_max_;
  if (!whole && !too_large && log.growing()) return log.wake_me(*this);
  const Answer answer = std::exchange(answer_, {});
  Then then = std::exchange(then_, nullptr);
  if (too_large) return then(std::unexpected(BodyFault::too_large));
  if (!whole) return then(std::unexpected(BodyFault::broken_off));
  then(answer.log->read(answer.offset, end - answer.offset));
}

}  // namespace klieg::push

#include "push/reel.h"

#include <algorithm>
#include <utility>

namespace klieg::push {

void Reel::append(Bytes piece) {
  log_.append(std::move(piece));
  while (marks_.size() > 1 && marks_[1].decode_time + limits_.lag_max <= marks_.back().decode_time) marks_.pop_front();
  forget();
}

void Reel::append_marked(Bytes piece, Duration decode_time, Bytes preamble) {
  marks_.push_back({log_.size(), decode_time, std::move(preamble)});
  append(std::move(piece));
}

void Reel::end() {
  if (log_.growing()) log_.end(LogEnd::aborted);
}

void Reel::forget() {
  const uint64_t over = log_.size() > limits_.bytes_max ? log_.size() - limits_.bytes_max : 0;
  log_.forget_before(std::max(over, marks_.empty() ? 0 : marks_.front().offset));
  while (!marks_.empty() && marks_.front().offset < log_.first()) marks_.pop_front();
}

}  // namespace klieg::push

#include "push/reel.h"

#include <algorithm>
#include <utility>

namespace klieg::push {

void Reel::append(Bytes piece, Duration decode_time) {
  if (!places_.empty()) places_.push_back({log_.size(), decode_time});
  keep(std::move(piece));
}

void Reel::append_marked(Bytes piece, Duration decode_time, Bytes preamble) {
  marks_.push_back({log_.size(), decode_time, std::move(preamble)});
  places_.push_back({log_.size(), decode_time});
  keep(std::move(piece));
}

void Reel::append_words(Bytes piece) {
  places_.clear();
  keep(std::move(piece));
}

void Reel::end() {
  if (log_.growing()) log_.end(LogEnd::aborted);
}

std::optional<uint64_t> Reel::place_after(Duration decode_time) const {
  if (places_.empty() || places_.back().decode_time + limits_.awaited_max < decode_time) return std::nullopt;
  const auto place = std::ranges::find_if(places_, [&](const Place& one) { return one.decode_time > decode_time; });
  if (place == places_.begin()) return std::nullopt;
  return place == places_.end() ? log_.size() : place->offset;
}

void Reel::keep(Bytes piece) {
  log_.append(std::move(piece));
  while (marks_.size() > 1 && marks_[1].decode_time + limits_.lag_max <= marks_.back().decode_time) marks_.pop_front();
  const uint64_t over = log_.size() > limits_.bytes_max ? log_.size() - limits_.bytes_max : 0;
  log_.forget_before(std::max(over, marks_.empty() ? 0 : marks_.front().offset));
  while (!marks_.empty() && marks_.front().offset < log_.first()) marks_.pop_front();
  while (!places_.empty() && places_.front().offset < log_.first()) places_.pop_front();
}

}  // namespace klieg::push

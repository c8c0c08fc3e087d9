#include "base/log.h"

#include <algorithm>
#include <utility>

#include "base/memory_file.h"

namespace klieg {

void LogWaiter::stop_waiting() {
  if (!log_) return;
  (previous_ ? previous_->next_ : log_->waiters_) = next_;
  if (next_) next_->previous_ = previous_;
  log_ = nullptr;
  previous_ = next_ = nullptr;
}

Log::~Log() {
  while (waiters_) waiters_->stop_waiting();
}

std::shared_ptr<Log> Log::complete(Bytes content) {
  auto log = std::make_shared<Log>();
  log->append(std::move(content));
  log->end(LogEnd::complete);
  return log;
}

void Log::append(Bytes piece) { append_all({&piece, 1}); }

void Log::append_all(std::span<Bytes> pieces) {
  KLIEG_ASSERT(growing(), "nothing is appended after the end");
  const uint64_t before = size_;
  for (Bytes& piece : pieces) {
    if (piece.empty()) continue;
    const uint64_t offset = size_;
    size_ += piece.size();
    pieces_.push_back({offset, std::move(piece)});
  }
  if (size_ > before) wake_all();
}

void Log::end(LogEnd how) {
  KLIEG_ASSERT(growing(), "a log ends once");
  KLIEG_ASSERT(how != LogEnd::growing, "an end is complete or aborted");
  state_ = how;
  if (how == LogEnd::complete && pieces_.size() - forgotten_ > 1) {
    std::vector<Bytes> contents;
    contents.reserve(pieces_.size() - forgotten_);
    for (size_t i = forgotten_; i < pieces_.size(); ++i) contents.push_back(std::move(pieces_[i].content));
    pieces_.clear();
    forgotten_ = 0;
    pieces_.push_back({first_, Bytes::join(contents)});
    pieces_.shrink_to_fit();
  }
  wake_all();
}

void Log::forget_before(uint64_t offset) {
  KLIEG_ASSERT(offset <= size_, "only what was appended can be forgotten");
  while (forgotten_ < pieces_.size()) {
    Piece& piece = pieces_[forgotten_];
    const uint64_t end = piece.offset + piece.content.size();
    if (end > offset) break;
    piece.content = {};
    first_ = end;
    ++forgotten_;
  }
  // Moving up what is left costs no more than the pieces that went.
  if (forgotten_ * 2 < pieces_.size()) return;
  pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<ptrdiff_t>(forgotten_));
  forgotten_ = 0;
}

size_t Log::piece_at(uint64_t offset) const {
  auto after = std::upper_bound(pieces_.begin() + static_cast<ptrdiff_t>(forgotten_), pieces_.end(), offset,
                                [](uint64_t value, const Piece& piece) { return value < piece.offset; });
  return static_cast<size_t>(after - pieces_.begin()) - 1;
}

size_t Log::gather(uint64_t offset, uint64_t limit, std::vector<Bytes>& out, size_t pieces_max) const {
  if (offset < first_ || offset >= size_ || limit == 0) return 0;
  const uint64_t wanted = std::min(limit, size_ - offset);
  uint64_t gathered = 0;
  for (size_t i = piece_at(offset); gathered < wanted && pieces_max > 0; ++i, --pieces_max) {
    const Piece& piece = pieces_[i];
    const uint64_t skip = offset + gathered - piece.offset;
    const uint64_t take = std::min(wanted - gathered, piece.content.size() - skip);
    out.push_back(piece.content.slice(skip, take));
    gathered += take;
  }
  return gathered;
}

Bytes Log::read(uint64_t offset, uint64_t size) const {
  KLIEG_ASSERT(offset <= size_ && size <= size_ - offset, "the range exists");
  KLIEG_ASSERT(size == 0 || offset >= first_, "the range is kept");
  std::vector<Bytes> pieces;
  gather(offset, size, pieces);
  return Bytes::join(pieces);
}

void Log::sent_in_clear() const {
  if (state_ != LogEnd::complete || sends_in_clear_ == sends_before_file) return;
  if (++sends_in_clear_ < sends_before_file || pieces_.size() == forgotten_) return;
  const Bytes& content = pieces_.back().content;
  if (content.size() >= MemoryFile::size_min) pieces_.back().content = content.put_in_file();
}

void Log::wake_me(LogWaiter& waiter) const {
  KLIEG_ASSERT(growing(), "an ended log wakes nobody");
  KLIEG_ASSERT(!waiter.waiting(), "a waiter waits in one place");
  waiter.log_ = this;
  waiter.next_ = waiters_;
  if (waiters_) waiters_->previous_ = &waiter;
  waiters_ = &waiter;
}

void Log::wake_all() {
  // The waiters of this moment are moved to a list of their own, headed by a waiter that is nobody: one that waits
  // again while being woken joins the next round instead of this one, and one that dies meanwhile unlinks itself.
  // Its neighbours lie in the same list, so the head is found through `previous_` and never through the log.
  struct Head final : LogWaiter {
    void on_log_grew() override {}
  } head;
  if (!waiters_) return;
  head.log_ = this;
  head.next_ = std::exchange(waiters_, nullptr);
  head.next_->previous_ = &head;
  while (LogWaiter* waiter = head.next_) {
    waiter->stop_waiting();
    waiter->on_log_grew();
  }
  head.log_ = nullptr;
}

}  // namespace klieg

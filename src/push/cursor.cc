#include "push/cursor.h"

namespace klieg::push {

bool Cursor::due(const Reel& reel) const {
  const Log& log = reel.log();
  if (offset_ && *offset_ >= log.first()) return *offset_ < log.size();
  return reel.latest_mark() != nullptr && begin(reel) < log.size();
}

// Where there is a mark.
uint64_t Cursor::begin(const Reel& reel) const {
  const auto place = after_ ? reel.place_after(*after_) : std::nullopt;
  return place.value_or(reel.latest_mark()->offset);
}

void Batch::clear() {
  pieces_.clear();
  size_ = 0;
  log_ = nullptr;
}

void Cursor::next(const Reel& reel, Batch& out) {
  const Log& log = reel.log();
  const bool reads_on = offset_ && *offset_ >= log.first();
  if (reads_on && out.begins_at(log, *offset_)) {
    offset_ = out.to_;
    return;
  }
  out.clear();
  if (!reads_on) {
    if (!due(reel)) return;
    const Mark* mark = reel.latest_mark();
    if (offset_) ++skips_;
    offset_ = begin(reel);
    after_.reset();
    out.pieces_.push_back(mark->preamble);
    out.size_ = mark->preamble.size();
  }
  out.from_ = *offset_;
  const uint64_t taken = log.gather(*offset_, UINT64_MAX, out.pieces_, pieces_max);
  out.size_ += taken;
  out.to_ = *offset_ += taken;
  out.log_size_ = log.size();
  if (reads_on) out.log_ = &log;
}

}  // namespace klieg::push

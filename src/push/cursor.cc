#include "push/cursor.h"

namespace klieg::push {

bool Cursor::due(const Reel& reel) const {
  const Log& log = reel.log();
  if (offset_ && *offset_ >= log.first()) return *offset_ < log.size();
  return reel.latest_mark() != nullptr;
}

void Cursor::next(const Reel& reel, std::vector<Bytes>& out) {
  const Log& log = reel.log();
  if (!offset_ || *offset_ < log.first()) {
    const Mark* mark = reel.latest_mark();
    if (!mark) return;
    if (offset_) ++skips_;
    offset_ = mark->offset;
    out.push_back(mark->preamble);
  }
  *offset_ += log.gather(*offset_, UINT64_MAX, out, pieces_max);
}

}  // namespace klieg::push

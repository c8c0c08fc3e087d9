#include "push/chunk_cutter.h"

#include "wire/mp4_box.h"

namespace klieg::push {

Result<std::optional<Bytes>, CutError> ChunkCutter::next(const Log& log, uint64_t end) {
  constexpr uint64_t head_size = 8, large_head_size = 16;  // ISO/IEC 14496-12 4.2: size 1 has a 64-bit size behind it
  while (end - at_ >= head_size) {
    const Bytes head = log.read(at_, std::min(large_head_size, end - at_));
    ByteReader in(head);
    uint64_t size = in.u32();
    const uint32_t type = in.u32();
    if (size == 1) {
      if (head.size() < large_head_size) return std::nullopt;
      size = in.u64();
    }
    // Size 0 is a box up to the end of a file, which nobody who writes live would know.
    if (size < head_size) return std::unexpected(CutError::malformed);
    if (size > chunk_bytes_max || at_ - begin_ + size > chunk_bytes_max) return std::unexpected(CutError::too_large);
    if (size > end - at_) return std::nullopt;
    at_ += size;
    if (type != wire::fourcc("mdat")) continue;
    Bytes chunk = log.read(begin_, at_ - begin_);
    begin_ = at_;
    return chunk;
  }
  return std::nullopt;
}

}  // namespace klieg::push

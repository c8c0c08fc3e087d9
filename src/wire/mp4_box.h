// ISO base media file format (ISO/IEC 14496-12): the grammar of boxes, for writing.
//
// A BoxScope writes a box's head when it is born and its size when it dies, so that the nesting of C++ scopes is the
// nesting of boxes:
//
//   BoxScope moof(out, "moof");
//   { BoxScope mfhd(out, "mfhd", 0, 0); out.u32(sequence_number); }
#pragma once

#include <string_view>

#include "base/bytes.h"

namespace klieg::wire {

constexpr uint32_t fourcc(std::string_view name) {
  return uint32_t{static_cast<uint8_t>(name[0])} << 24 | uint32_t{static_cast<uint8_t>(name[1])} << 16 |
         uint32_t{static_cast<uint8_t>(name[2])} << 8 | static_cast<uint8_t>(name[3]);
}

class BoxScope {
 public:
  BoxScope(ByteWriter& out, std::string_view type) : out_(out), at_(out.size()) {
    out_.u32(0);
    out_.u32(fourcc(type));
  }
  // A full box: one with a version and flags.
  BoxScope(ByteWriter& out, std::string_view type, uint8_t version, uint32_t flags) : BoxScope(out, type) {
    out_.u32(uint32_t{version} << 24 | flags);
  }
  BoxScope(const BoxScope&) = delete;
  BoxScope& operator=(const BoxScope&) = delete;
  ~BoxScope() { out_.set_u32(at_, static_cast<uint32_t>(out_.size() - at_)); }

 private:
  ByteWriter& out_;
  size_t at_;
};

// trun, tfhd and trex sample flags (14496-12 8.8.3.1).
inline constexpr uint32_t sync_sample_flags = 0x02000000;      // depends on no other
inline constexpr uint32_t non_sync_sample_flags = 0x01010000;  // depends on others, is no sync sample

}  // namespace klieg::wire

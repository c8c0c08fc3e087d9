#include "wire/nal.h"

#include <algorithm>

namespace klieg::wire {

std::optional<ByteView> NalWalk::next() {
  if (!ok_ || reader_.remaining() == 0) return std::nullopt;
  uint32_t length = 0;
  for (unsigned i = 0; i < length_size_; ++i) length = length << 8 | reader_.u8();
  const ByteView nal_unit = reader_.bytes(length);
  ok_ = reader_.ok() && length > 0;
  if (!ok_) return std::nullopt;
  return nal_unit;
}

void write_nal_unit(ByteWriter& out, ByteView nal_unit, unsigned length_size) {
  KLIEG_ASSERT(length_size == 4 || nal_unit.size() >> (8 * length_size) == 0, "the length fits its field");
  for (unsigned i = length_size; i-- > 0;) out.u8(static_cast<uint8_t>(nal_unit.size() >> (8 * i)));
  out.bytes(nal_unit);
}

bool same_nal_units(const NalUnits& one, const NalUnits& other) {
  return std::ranges::equal(one, other, [](ByteView a, ByteView b) { return std::ranges::equal(a, b); });
}

}  // namespace klieg::wire

#include "wire/sei.h"

#include <algorithm>

#include "wire/bits.h"

namespace klieg::wire {
namespace {

constexpr uint8_t user_data_unregistered = 5;
constexpr size_t stamp_size = capture_stamp_uuid.size() + 8;
// Ours is written first; behind this much of others' SEI (captions, HDR) it is no longer looked for.
constexpr size_t looked_at_max = 2048;

size_t header_size(SeiOf codec) { return codec == SeiOf::avc ? 1 : 2; }

// payloadType and payloadSize: 255 for every full 255, then the rest.
uint32_t read_growing(ByteReader& in) {
  uint32_t value = 0;
  uint8_t byte = 0;
  do {
    byte = in.u8();
    value += byte;
  } while (byte == 0xff && in.ok());
  return value;
}

}  // namespace

Bytes write_capture_stamp(WallTime captured, SeiOf codec) {
  ByteWriter payload;
  payload.u8(user_data_unregistered);
  payload.u8(stamp_size);
  payload.bytes(capture_stamp_uuid);
  payload.u64(static_cast<uint64_t>(captured.time_since_epoch().count()));
  payload.u8(0x80);  // rbsp_trailing_bits
  ByteWriter out;
  if (codec == SeiOf::avc) {
    out.u8(6);
  } else {
    out.u16(39 << 9 | 1);  // prefix SEI, layer 0, temporal id 0
  }
  out.bytes(with_emulation_prevention(payload.view()));
  return out.take();
}

std::optional<WallTime> read_capture_stamp(ByteView nal_unit, SeiOf codec) {
  if (nal_unit.size() < header_size(codec)) return std::nullopt;
  const std::vector<uint8_t> messages =
      without_emulation_prevention(nal_unit.subspan(header_size(codec)), looked_at_max);
  ByteReader in(messages);
  while (in.remaining() > 1) {  // one byte left is the trailing bits
    const uint32_t type = read_growing(in);
    const ByteView content = in.bytes(read_growing(in));
    if (!in.ok()) return std::nullopt;
    if (type != user_data_unregistered || content.size() != stamp_size) continue;
    if (!std::ranges::equal(content.first(capture_stamp_uuid.size()), capture_stamp_uuid)) continue;
    ByteReader stamp(content.subspan(capture_stamp_uuid.size()));
    const uint64_t ns = stamp.u64();
    if (ns > INT64_MAX) return std::nullopt;
    return WallTime(Duration(static_cast<int64_t>(ns)));
  }
  return std::nullopt;
}

}  // namespace klieg::wire

#include "wire/cmaf_reader.h"

#include <chrono>

#include "wire/mp4_box.h"

namespace klieg::wire {
namespace {

constexpr uint64_t seconds_from_1900_to_1970 = 2'208'988'800;

std::optional<ReferenceTime> read_prft(ByteReader box) {
  const uint32_t version_flags = box.u32();
  box.u32();  // reference_track_ID
  uint64_t ntp_s = box.u32();
  const uint64_t ntp_fraction = box.u32();
  const uint64_t media_ticks = version_flags >> 24 == 0 ? box.u32() : box.u64();
  if (!box.ok()) return std::nullopt;
  if (ntp_s < seconds_from_1900_to_1970) ntp_s += uint64_t{1} << 32;  // the era that begins in 2036 (RFC 5905 6)
  const Duration wall = std::chrono::seconds(ntp_s - seconds_from_1900_to_1970) +
                        // rounded to nearest: what was written comes back
                        Duration(static_cast<int64_t>((ntp_fraction * 1'000'000'000 + (uint64_t{1} << 31)) >> 32));
  const uint32_t flags = version_flags & 0xFFFFFF;
  return ReferenceTime{flags == 0 ? ReferenceEvent::captured : ReferenceEvent::ingested, WallTime(wall), media_ticks};
}

}  // namespace

std::optional<ReferenceTime> first_reference(ByteView chunks) {
  ByteReader reader(chunks);
  while (reader.remaining() >= 8) {
    const uint32_t size = reader.u32();
    const uint32_t type = reader.u32();
    if (size < 8 || size - 8 > reader.remaining()) return std::nullopt;
    const ByteView content = reader.bytes(size - 8);
    if (type == fourcc("prft")) return read_prft(ByteReader(content));
  }
  return std::nullopt;
}

}  // namespace klieg::wire

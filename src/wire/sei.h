// The capture stamp: when a picture left the camera, written by the encoder into the coded picture itself.
//
// It is an SEI message user_data_unregistered (ITU-T H.264 D.1.7, H.265 D.2.7) with the UUID below, then the wall clock
// at capture in nanoseconds since 1970 as 64 bits. It survives every copy of the stream, and whoever does not know the
// UUID ignores it. All other SEI passes through Klieg untouched.
#pragma once

#include <array>
#include <optional>

#include "base/bytes.h"
#include "base/time.h"

namespace klieg::wire {

enum class SeiOf : uint8_t { avc, hevc };

inline constexpr std::array<uint8_t, 16> capture_stamp_uuid = {0x6b, 0x6c, 0x69, 0x65, 0x67, 0x20, 0x4c, 0x2a,
                                                               0x9d, 0x31, 0x63, 0x61, 0x70, 0x74, 0x75, 0x72};

// A NAL unit (without length) to stand before the picture's first slice.
Bytes write_capture_stamp(WallTime captured, SeiOf codec);

// The stamp in an SEI NAL unit, if one of its messages is ours.
std::optional<WallTime> read_capture_stamp(ByteView nal_unit, SeiOf codec);

}  // namespace klieg::wire

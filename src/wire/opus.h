// Opus: the ID header (RFC 7845 5.1) and how long a packet lasts (RFC 6716 3.1).
#pragma once

#include "wire/frame.h"

namespace klieg::wire::opus {

inline constexpr uint32_t sample_rate = 48'000;  // every Opus decoder's, whatever the input's was

// Samples per channel at 48 kHz of a packet; an error when its frames cannot be.
Result<uint32_t> packet_samples(ByteView packet);

Result<media::Track> read_config(const Bytes& content);
Result<Frame> read_frame(const media::Track& track, const Bytes& content);

}  // namespace klieg::wire::opus

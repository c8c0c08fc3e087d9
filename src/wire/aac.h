// AAC: AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1) and raw frames.
#pragma once

#include "wire/frame.h"

namespace klieg::wire::aac {

// What AudioSpecificConfig says. SBR and PS count only when they are signalled, at the front (object type 5 or 29) or
// behind (sync extension): a plain AAC-LC configuration whose frames turn out to carry SBR is described as AAC-LC, and
// decoders find out by themselves.
struct Config {
  uint8_t object_type = 2;  // of the core: 2 is AAC-LC
  bool sbr = false;
  bool ps = false;
  uint32_t core_rate = 0;
  uint32_t output_rate = 0;
  uint32_t channels = 0;  // of what comes out
  uint32_t core_samples_per_frame = 1024;
};
Result<Config> parse_config(ByteView content);

Result<media::Track> read_config(const Bytes& content);
Result<Frame> read_frame(const media::Track& track, const Bytes& content);

}  // namespace klieg::wire::aac

// H.264 (ITU-T H.264) inside ISO/IEC 14496-15: the content of avcC, its parameter sets, access units.
#pragma once

#include <span>

#include "wire/frame.h"
#include "wire/nal.h"

namespace klieg::wire::avc {

enum NalType : uint8_t { slice = 1, idr_slice = 5, sei = 6, sps = 7, pps = 8 };
constexpr uint8_t type_of(ByteView nal_unit) { return nal_unit.empty() ? 0 : nal_unit[0] & 0x1f; }

// What an SPS says that we need. 7.3.2.1.1 and E.1.1.
struct SequenceParameters {
  uint8_t profile = 0;
  uint8_t constraints = 0;  // the byte between profile and level
  uint8_t level = 0;
  uint8_t chroma_format = 1;
  uint8_t luma_bits = 8;
  uint8_t chroma_bits = 8;
  media::VideoFormat format;
};
Result<SequenceParameters> read_sps(ByteView nal_unit);

// AVCDecoderConfigurationRecord, ISO/IEC 14496-15 5.3.3.1. The views point into what was read.
struct Config {
  unsigned length_size = 4;
  NalUnits sps;
  NalUnits pps;
};
Result<Config> parse_config(ByteView content);
Bytes write_config(const Config& config);  // asserted: it has an SPS that read_sps() accepts

Result<media::Track> read_config(const Bytes& content);
Result<Frame> read_frame(const media::Track& track, const Bytes& content);

}  // namespace klieg::wire::avc

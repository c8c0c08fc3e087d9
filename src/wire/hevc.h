// HEVC (ITU-T H.265) inside ISO/IEC 14496-15: the content of hvcC, its parameter sets, access units.
#pragma once

#include <array>

#include "wire/frame.h"
#include "wire/nal.h"

namespace klieg::wire::hevc {

enum NalType : uint8_t {
  irap_first = 16,
  irap_last = 23,
  slice_last = 31,
  vps = 32,
  sps = 33,
  pps = 34,
  sei_prefix = 39
};
constexpr uint8_t type_of(ByteView nal_unit) { return nal_unit.empty() ? 0 : nal_unit[0] >> 1 & 0x3f; }

// profile_tier_level() without its sub-layers, 7.3.3.
struct ProfileTierLevel {
  uint8_t space = 0;
  bool high_tier = false;
  uint8_t profile = 0;
  uint32_t compatibility = 0;  // the first flag is the most significant bit
  std::array<uint8_t, 6> constraints{};
  uint8_t level = 0;
};

struct SequenceParameters {
  ProfileTierLevel level;
  uint8_t temporal_layers = 1;
  bool temporal_nesting = false;
  uint8_t chroma_format = 1;
  uint8_t luma_bits = 8;
  uint8_t chroma_bits = 8;
  media::VideoFormat format;
};
Result<SequenceParameters> read_sps(ByteView nal_unit);

// HEVCDecoderConfigurationRecord, ISO/IEC 14496-15 8.3.3.1. The views point into what was read.
struct Config {
  unsigned length_size = 4;
  ProfileTierLevel level;
  NalUnits vps;
  NalUnits sps;
  NalUnits pps;
};
Result<Config> parse_config(ByteView content);
Bytes write_config(const Config& config);  // asserted: it has an SPS that read_sps() accepts

Result<media::Track> read_config(const Bytes& content);
Result<Frame> read_frame(const media::Track& track, const Bytes& content);

}  // namespace klieg::wire::hevc

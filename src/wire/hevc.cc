#include "wire/hevc.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "wire/bits.h"
#include "wire/sample_aspect.h"
#include "wire/sei.h"

namespace klieg::wire::hevc {
namespace {

constexpr uint32_t dimension_max = 16'384;  // beyond any level; keeps a hostile SPS from overflowing arithmetic
constexpr size_t parameter_sets_max = 64;   // the standard has 16 VPS, 16 SPS and 64 PPS

ProfileTierLevel read_profile_tier_level(BitReader& in, unsigned temporal_layers) {
  ProfileTierLevel out;
  out.space = static_cast<uint8_t>(in.bits(2));
  out.high_tier = in.flag();
  out.profile = static_cast<uint8_t>(in.bits(5));
  out.compatibility = in.bits(32);
  for (uint8_t& byte : out.constraints) byte = static_cast<uint8_t>(in.bits(8));
  out.level = static_cast<uint8_t>(in.bits(8));
  bool profile_present[8] = {};
  bool level_present[8] = {};
  for (unsigned i = 0; i + 1 < temporal_layers; ++i) {
    profile_present[i] = in.flag();
    level_present[i] = in.flag();
  }
  if (temporal_layers > 1) in.skip(size_t{2} * (8 - (temporal_layers - 1)));
  for (unsigned i = 0; i + 1 < temporal_layers; ++i)
    in.skip((profile_present[i] ? 88u : 0u) + (level_present[i] ? 8u : 0u));
  return out;
}

void skip_scaling_lists(BitReader& in) {
  for (unsigned size = 0; size < 4; ++size) {
    for (unsigned matrix = 0; matrix < 6 && in.ok(); matrix += size == 3 ? 3 : 1) {
      if (!in.flag()) {
        in.unsigned_golomb();
        continue;
      }
      if (size > 1) in.signed_golomb();
      for (unsigned i = 0; i < std::min(64u, 16u << (2 * size)) && in.ok(); ++i) in.signed_golomb();
    }
  }
}

// st_ref_pic_set(), 7.3.7: only its length matters here, but a set may be told as the difference to an earlier one, so
// their sizes must be kept.
void skip_reference_sets(BitReader& in) {
  const uint32_t count = in.unsigned_golomb();
  if (count > 64) return in.fail();
  std::vector<uint32_t> sizes;
  for (uint32_t set = 0; set < count && in.ok(); ++set) {
    if (set > 0 && in.flag()) {  // inter_ref_pic_set_prediction_flag
      in.skip(1);
      in.unsigned_golomb();
      uint32_t size = 0;
      for (uint32_t i = 0; i <= sizes.back() && in.ok(); ++i) {
        const bool used = in.flag();
        const bool used_delta = used || in.flag();
        if (used_delta) ++size;
      }
      sizes.push_back(size);
      continue;
    }
    const uint32_t negative = in.unsigned_golomb();
    const uint32_t positive = in.unsigned_golomb();
    if (negative > 16 || positive > 16) return in.fail();
    for (uint32_t i = 0; i < negative + positive && in.ok(); ++i) {
      in.unsigned_golomb();
      in.skip(1);
    }
    sizes.push_back(negative + positive);
  }
}

void read_vui(BitReader& in, media::VideoFormat& format) {
  read_picture_description(in, format);
  in.skip(3);     // neutral chroma, field sequence, frame field info
  if (in.flag())  // default display window
    for (int i = 0; i < 4; ++i) in.unsigned_golomb();
  if (!in.flag()) return;  // vui_timing_info_present_flag
  const uint32_t units_in_tick = in.bits(32);
  const uint32_t time_scale = in.bits(32);
  if (in.ok() && units_in_tick > 0) format.frame_rate = static_cast<double>(time_scale) / units_in_tick;
}

// ISO/IEC 14496-15 E.3: profile space and number, compatibility flags with the first one least significant, tier and
// level, constraint bytes up to the last one that is not zero.
std::string codecs_of(const ProfileTierLevel& level) {
  uint32_t reversed = 0;
  for (unsigned i = 0; i < 32; ++i) reversed |= (level.compatibility >> i & 1u) << (31 - i);
  static constexpr std::string_view spaces[] = {"", "A", "B", "C"};
  std::string out = fmt::format("hvc1.{}{}.{:X}.{}{}", spaces[level.space & 3], level.profile, reversed,
                                level.high_tier ? 'H' : 'L', level.level);
  size_t used = level.constraints.size();
  while (used > 0 && level.constraints[used - 1] == 0) --used;
  for (size_t i = 0; i < used; ++i) out += fmt::format(".{:X}", level.constraints[i]);
  return out;
}

}  // namespace

Result<SequenceParameters> read_sps(ByteView nal_unit) {
  if (type_of(nal_unit) != sps || nal_unit.size() < 3) return fail("not an HEVC sequence parameter set");
  const std::vector<uint8_t> payload = without_emulation_prevention(nal_unit.subspan(2), 8192);
  BitReader in(payload);
  SequenceParameters out;
  in.skip(4);  // sps_video_parameter_set_id
  out.temporal_layers = static_cast<uint8_t>(in.bits(3) + 1);
  if (out.temporal_layers > 7) return fail("HEVC has at most seven temporal layers");
  out.temporal_nesting = in.flag();
  out.level = read_profile_tier_level(in, out.temporal_layers);
  in.unsigned_golomb();  // sps_seq_parameter_set_id
  const uint32_t chroma_format = in.unsigned_golomb();
  if (chroma_format > 3) return fail("the HEVC chroma format is not one of the standard's");
  out.chroma_format = static_cast<uint8_t>(chroma_format);
  const bool separate_planes = chroma_format == 3 && in.flag();
  const uint64_t width = in.unsigned_golomb();
  const uint64_t height = in.unsigned_golomb();
  uint64_t crop_width = 0;
  uint64_t crop_height = 0;
  if (in.flag()) {
    const bool subsampled = !separate_planes && chroma_format != 0;
    crop_width = (uint64_t{in.unsigned_golomb()} + in.unsigned_golomb()) * (subsampled && chroma_format != 3 ? 2 : 1);
    crop_height = (uint64_t{in.unsigned_golomb()} + in.unsigned_golomb()) * (subsampled && chroma_format == 1 ? 2 : 1);
  }
  const uint32_t luma = in.unsigned_golomb();
  const uint32_t chroma = in.unsigned_golomb();
  if (!in.ok()) return fail("the HEVC sequence parameter set is cut short");
  if (luma > 8 || chroma > 8) return fail("the HEVC bit depth is not one of the standard's");
  if (width > dimension_max || height > dimension_max || crop_width >= width || crop_height >= height)
    return fail("the HEVC picture size is not possible");
  out.luma_bits = static_cast<uint8_t>(8 + luma);
  out.chroma_bits = static_cast<uint8_t>(8 + chroma);
  out.format.width = static_cast<uint32_t>(width - crop_width);
  out.format.height = static_cast<uint32_t>(height - crop_height);

  // Everything below stands before the VUI; a fault here costs the pixel aspect and frame rate, nothing else.
  const uint32_t order_bits = in.unsigned_golomb() + 4;
  const bool per_layer = in.flag();
  for (unsigned i = per_layer ? 0 : out.temporal_layers - 1u; i < out.temporal_layers; ++i) {
    in.unsigned_golomb(), in.unsigned_golomb(), in.unsigned_golomb();
  }
  for (int i = 0; i < 6; ++i) in.unsigned_golomb();  // block sizes and transform depths
  if (in.flag() && in.flag()) skip_scaling_lists(in);
  in.skip(2);       // amp, sample adaptive offset
  if (in.flag()) {  // pcm
    in.skip(8);
    in.unsigned_golomb(), in.unsigned_golomb();
    in.skip(1);
  }
  skip_reference_sets(in);
  if (in.flag()) {  // long_term_ref_pics_present_flag
    const uint32_t count = in.unsigned_golomb();
    for (uint32_t i = 0; i < count && in.ok(); ++i) in.skip(uint64_t{order_bits} + 1);
  }
  in.skip(2);  // temporal motion vectors, strong intra smoothing
  if (in.flag()) read_vui(in, out.format);
  return out;
}

Result<Config> parse_config(ByteView content) {
  ByteReader in(content);
  Config config;
  const uint8_t version = in.u8();
  const uint8_t profile = in.u8();
  config.level.space = profile >> 6;
  config.level.high_tier = (profile >> 5 & 1) != 0;
  config.level.profile = profile & 0x1f;
  config.level.compatibility = in.u32();
  for (uint8_t& byte : config.level.constraints) byte = in.u8();
  config.level.level = in.u8();
  in.skip(8);  // segmentation, parallelism, chroma format, bit depths, average frame rate
  config.length_size = (in.u8() & 3u) + 1;
  const unsigned arrays = in.u8();
  for (unsigned i = 0; i < arrays && in.ok(); ++i) {
    const uint8_t type = in.u8() & 0x3f;
    const unsigned count = in.u16();
    for (unsigned j = 0; j < count && in.ok(); ++j) {
      const ByteView unit = in.bytes(in.u16());
      NalUnits* units = type == vps ? &config.vps : type == sps ? &config.sps : type == pps ? &config.pps : nullptr;
      if (!units || !in.ok()) continue;
      if (units->size() == parameter_sets_max)
        return fail("the HEVC decoder configuration has too many parameter sets");
      units->push_back(unit);
    }
  }
  if (!in.ok()) return fail("the HEVC decoder configuration is cut short");
  // Version 0 was written by encoders before the standard was final, with the same layout.
  if (version > 1) return fail("the HEVC decoder configuration has an unknown version");
  if (config.length_size == 3) return fail("HEVC NAL lengths of three bytes do not exist");
  if (config.vps.empty() || config.sps.empty() || config.pps.empty())
    return fail("the HEVC decoder configuration has not all parameter sets");
  return config;
}

Bytes write_config(const Config& config) {
  KLIEG_ASSERT(!config.sps.empty(), "a configuration has a sequence parameter set");
  const Result<SequenceParameters> sequence = read_sps(config.sps.front());
  KLIEG_ASSERT(sequence.has_value(), "a configuration is made of readable parameter sets");
  const ProfileTierLevel& level = sequence->level;
  ByteWriter out;
  out.u8(1);
  out.u8(static_cast<uint8_t>(level.space << 6 | (level.high_tier ? 0x20 : 0) | level.profile));
  out.u32(level.compatibility);
  out.bytes(level.constraints);
  out.u8(level.level);
  out.u16(0xf000);  // min_spatial_segmentation_idc: unknown
  out.u8(0xfc);     // parallelismType: unknown
  out.u8(0xfc | sequence->chroma_format);
  out.u8(static_cast<uint8_t>(0xf8 | (sequence->luma_bits - 8)));
  out.u8(static_cast<uint8_t>(0xf8 | (sequence->chroma_bits - 8)));
  out.u16(0);  // avgFrameRate: unknown
  out.u8(static_cast<uint8_t>(sequence->temporal_layers << 3 | (sequence->temporal_nesting ? 4 : 0) |
                              (config.length_size - 1)));
  out.u8(3);
  for (const auto& [type, units] : {std::pair{vps, &config.vps}, {sps, &config.sps}, {pps, &config.pps}}) {
    out.u8(0x80 | type);  // complete: no further ones in the samples
    out.u16(static_cast<uint16_t>(units->size()));
    for (ByteView unit : *units) write_nal_unit(out, unit, 2);
  }
  return out.take();
}

Result<media::Track> read_config(const Bytes& content) {
  const Result<Config> config = parse_config(content);
  if (!config) return std::unexpected(config.error());
  const Result<SequenceParameters> sequence = read_sps(config->sps.front());
  if (!sequence) return std::unexpected(sequence.error());
  // From the SPS, not from the record's own copy of it, which some encoders leave at zero.
  return media::Track{.kind = media::TrackKind::video,
                      .codec = media::Codec::hevc,
                      .decoder_config = content,
                      .codecs = codecs_of(sequence->level),
                      .video = sequence->format,
                      .audio = {}};
}

Result<Frame> read_frame(const media::Track& track, const Bytes& content) {
  const Result<Config> config = parse_config(track.decoder_config);
  if (!config) return std::unexpected(config.error());
  Frame frame{.content = content};
  Config in_band{.length_size = config->length_size};
  bool picture = false;
  NalWalk walk(content, config->length_size);
  while (auto unit = walk.next()) {
    const uint8_t type = type_of(*unit);
    if (type <= slice_last) picture = true;
    if (type >= irap_first && type <= irap_last) frame.sync = media::Sync::yes;
    if (type == vps) in_band.vps.push_back(*unit);
    if (type == sps) in_band.sps.push_back(*unit);
    if (type == pps) in_band.pps.push_back(*unit);
    if (type == sei_prefix && !frame.captured) frame.captured = read_capture_stamp(*unit, SeiOf::hevc);
  }
  if (!walk.ok()) return fail("the lengths of the HEVC NAL units do not add up");
  if (!picture) return fail("the HEVC access unit has no picture");
  const bool whole = !in_band.vps.empty() && !in_band.sps.empty() && !in_band.pps.empty() &&
                     std::max({in_band.vps.size(), in_band.sps.size(), in_band.pps.size()}) <= parameter_sets_max;
  const bool other = whole && !(same_nal_units(in_band.vps, config->vps) && same_nal_units(in_band.sps, config->sps) &&
                                same_nal_units(in_band.pps, config->pps));
  if (frame.sync == media::Sync::yes && other && read_sps(in_band.sps.front())) {
    Result<media::Track> renewed = read_config(write_config(in_band));
    if (renewed) frame.renewed = *std::move(renewed);
  }
  return frame;
}

}  // namespace klieg::wire::hevc

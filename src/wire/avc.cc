#include "wire/avc.h"

#include <fmt/format.h>

#include <algorithm>

#include "wire/bits.h"
#include "wire/sample_aspect.h"
#include "wire/sei.h"

namespace klieg::wire::avc {
namespace {

constexpr uint32_t dimension_max = 16'384;  // beyond any level; keeps a hostile SPS from overflowing arithmetic

bool has_chroma_info(uint8_t profile) {
  static constexpr uint8_t profiles[] = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135};
  return std::ranges::find(profiles, profile) != std::end(profiles);
}

void skip_scaling_list(BitReader& in, int size) {
  int last = 8;
  int next = 8;
  for (int i = 0; i < size && in.ok(); ++i) {
    if (next != 0) next = (last + in.signed_golomb() % 256 + 256) % 256;
    if (next != 0) last = next;
  }
}

void read_vui(BitReader& in, media::VideoFormat& format) {
  read_picture_description(in, format);
  if (!in.flag()) return;  // timing_info_present_flag
  const uint32_t units_in_tick = in.bits(32);
  const uint32_t time_scale = in.bits(32);
  // A tick is a field; a frame is two (E.2.1).
  if (in.ok() && units_in_tick > 0) format.frame_rate = time_scale / (2.0 * units_in_tick);
}

std::string codecs_of(const SequenceParameters& sequence) {
  return fmt::format("avc1.{:02x}{:02x}{:02x}", sequence.profile, sequence.constraints, sequence.level);
}

}  // namespace

Result<SequenceParameters> read_sps(ByteView nal_unit) {
  if (type_of(nal_unit) != sps) return fail("not an H.264 sequence parameter set");
  const std::vector<uint8_t> payload = without_emulation_prevention(nal_unit.subspan(1), 4096);
  BitReader in(payload);
  SequenceParameters out;
  out.profile = static_cast<uint8_t>(in.bits(8));
  out.constraints = static_cast<uint8_t>(in.bits(8));
  out.level = static_cast<uint8_t>(in.bits(8));
  in.unsigned_golomb();  // seq_parameter_set_id
  bool separate_planes = false;
  if (has_chroma_info(out.profile)) {
    out.chroma_format = static_cast<uint8_t>(in.unsigned_golomb());
    if (out.chroma_format > 3) return fail("the H.264 chroma format is not one of the standard's");
    if (out.chroma_format == 3) separate_planes = in.flag();
    const uint32_t luma = in.unsigned_golomb();
    const uint32_t chroma = in.unsigned_golomb();
    if (luma > 6 || chroma > 6) return fail("the H.264 bit depth is not one of the standard's");
    out.luma_bits = static_cast<uint8_t>(8 + luma);
    out.chroma_bits = static_cast<uint8_t>(8 + chroma);
    in.skip(1);       // qpprime_y_zero_transform_bypass_flag
    if (in.flag()) {  // seq_scaling_matrix_present_flag
      for (int i = 0; i < (out.chroma_format == 3 ? 12 : 8); ++i) {
        if (in.flag()) skip_scaling_list(in, i < 6 ? 16 : 64);
      }
    }
  }
  in.unsigned_golomb();                         // log2_max_frame_num_minus4
  const uint32_t order = in.unsigned_golomb();  // pic_order_cnt_type
  if (order == 0) {
    in.unsigned_golomb();
  } else if (order == 1) {
    in.skip(1);
    in.signed_golomb();
    in.signed_golomb();
    const uint32_t cycle = in.unsigned_golomb();
    for (uint32_t i = 0; i < cycle && in.ok(); ++i) in.signed_golomb();
  }
  in.unsigned_golomb();  // max_num_ref_frames
  in.skip(1);
  const uint64_t width = (uint64_t{in.unsigned_golomb()} + 1) * 16;
  const uint64_t map_height = (uint64_t{in.unsigned_golomb()} + 1) * 16;
  const bool frames_only = in.flag();
  const uint64_t height = map_height * (frames_only ? 1 : 2);
  if (!frames_only) in.skip(1);
  in.skip(1);  // direct_8x8_inference_flag
  uint64_t crop_width = 0;
  uint64_t crop_height = 0;
  if (in.flag()) {
    const bool subsampled = !separate_planes && out.chroma_format != 0;
    const unsigned unit_x = subsampled && out.chroma_format != 3 ? 2 : 1;
    const unsigned unit_y = (subsampled && out.chroma_format == 1 ? 2u : 1u) * (frames_only ? 1u : 2u);
    crop_width = uint64_t{in.unsigned_golomb()} + in.unsigned_golomb();
    crop_height = uint64_t{in.unsigned_golomb()} + in.unsigned_golomb();
    crop_width *= unit_x;
    crop_height *= unit_y;
  }
  if (!in.ok()) return fail("the H.264 sequence parameter set is cut short");
  if (width > dimension_max || height > dimension_max || crop_width >= width || crop_height >= height)
    return fail("the H.264 picture size is not possible");
  out.format.width = static_cast<uint32_t>(width - crop_width);
  out.format.height = static_cast<uint32_t>(height - crop_height);
  if (in.flag()) read_vui(in, out.format);
  return out;
}

Result<Config> parse_config(ByteView content) {
  ByteReader in(content);
  Config config;
  const uint8_t version = in.u8();
  in.skip(3);
  config.length_size = (in.u8() & 3u) + 1;
  const unsigned sps_count = in.u8() & 0x1f;
  for (unsigned i = 0; i < sps_count && in.ok(); ++i) config.sps.push_back(in.bytes(in.u16()));
  const unsigned pps_count = in.u8();
  for (unsigned i = 0; i < pps_count && in.ok(); ++i) config.pps.push_back(in.bytes(in.u16()));
  if (!in.ok()) return fail("the H.264 decoder configuration is cut short");
  if (version != 1) return fail("the H.264 decoder configuration has an unknown version");
  if (config.length_size == 3) return fail("H.264 NAL lengths of three bytes do not exist");
  if (config.sps.empty() || config.pps.empty()) return fail("the H.264 decoder configuration has no parameter sets");
  return config;
}

Bytes write_config(const Config& config) {
  KLIEG_ASSERT(!config.sps.empty() && config.sps.size() < 32 && config.pps.size() < 256, "an avcC can hold them");
  const Result<SequenceParameters> sequence = read_sps(config.sps.front());
  KLIEG_ASSERT(sequence.has_value(), "a configuration is made of readable parameter sets");
  ByteWriter out;
  out.u8(1);
  out.u8(sequence->profile);
  out.u8(sequence->constraints);
  out.u8(sequence->level);
  out.u8(static_cast<uint8_t>(0xfc | (config.length_size - 1)));
  out.u8(static_cast<uint8_t>(0xe0 | config.sps.size()));
  for (ByteView unit : config.sps) write_nal_unit(out, unit, 2);
  out.u8(static_cast<uint8_t>(config.pps.size()));
  for (ByteView unit : config.pps) write_nal_unit(out, unit, 2);
  if (has_chroma_info(sequence->profile)) {
    out.u8(0xfc | sequence->chroma_format);
    out.u8(static_cast<uint8_t>(0xf8 | (sequence->luma_bits - 8)));
    out.u8(static_cast<uint8_t>(0xf8 | (sequence->chroma_bits - 8)));
    out.u8(0);  // SPS extensions
  }
  return out.take();
}

Result<media::Track> read_config(const Bytes& content) {
  const Result<Config> config = parse_config(content);
  if (!config) return std::unexpected(config.error());
  const Result<SequenceParameters> sequence = read_sps(config->sps.front());
  if (!sequence) return std::unexpected(sequence.error());
  return media::Track{.kind = media::TrackKind::video,
                      .codec = media::Codec::avc,
                      .decoder_config = content,
                      .codecs = codecs_of(*sequence),
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
    switch (type_of(*unit)) {
      case slice:
        picture = true;
        break;
      case idr_slice:
        picture = true, frame.sync = media::Sync::yes;
        break;
      case sps:
        in_band.sps.push_back(*unit);
        break;
      case pps:
        in_band.pps.push_back(*unit);
        break;
      case sei:
        if (!frame.captured) frame.captured = read_capture_stamp(*unit, SeiOf::avc);
        break;
      default:
        break;
    }
  }
  if (!walk.ok()) return fail("the lengths of the H.264 NAL units do not add up");
  if (!picture) return fail("the H.264 access unit has no picture");
  // Most encoders repeat their parameter sets before every key frame; only other ones are news.
  const bool other = !in_band.sps.empty() && !in_band.pps.empty() && in_band.sps.size() < 32 &&
                     in_band.pps.size() < 256 &&
                     !(same_nal_units(in_band.sps, config->sps) && same_nal_units(in_band.pps, config->pps));
  if (frame.sync == media::Sync::yes && other && read_sps(in_band.sps.front())) {
    Result<media::Track> renewed = read_config(write_config(in_band));
    if (renewed) frame.renewed = *std::move(renewed);
  }
  return frame;
}

}  // namespace klieg::wire::avc

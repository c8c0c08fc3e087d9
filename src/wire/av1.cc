#include "wire/av1.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "wire/bits.h"

namespace klieg::wire::av1 {
namespace {

constexpr uint32_t dimension_max = 16'384;  // beyond any level; the header could say 65536

struct Obu {
  uint8_t type = 0;
  ByteView whole;
  ByteView payload;
};

// Takes the next OBU (5.3.1) off the front of `rest`; nullopt when it does not fit.
std::optional<Obu> take_obu(ByteView& rest) {
  ByteReader in(rest);
  const uint8_t header = in.u8();
  const bool extension = (header & 4) != 0;
  const bool has_size = (header & 2) != 0;
  if ((header & 0x80) != 0) return std::nullopt;  // obu_forbidden_bit
  if (extension) in.skip(1);
  uint64_t size = in.remaining();  // the last OBU of a sample may leave its size out
  if (has_size) {
    size = 0;
    for (unsigned i = 0; i < 8; ++i) {  // leb128()
      const uint8_t byte = in.u8();
      size |= uint64_t{byte & 0x7fu} << (7 * i);
      if ((byte & 0x80) == 0) break;
      if (i == 7) return std::nullopt;
    }
  }
  if (!in.ok() || size > in.remaining()) return std::nullopt;
  Obu obu{.type = static_cast<uint8_t>(header >> 3 & 0xf), .whole = {}, .payload = in.bytes(size)};
  obu.whole = rest.first(rest.size() - in.remaining());
  rest = in.rest();
  return obu;
}

// color_config(), 5.5.2.
void read_color(BitReader& in, SequenceHeader& out) {
  const bool high_depth = in.flag();
  if (out.profile == 2 && high_depth) {
    out.bit_depth = in.flag() ? 12 : 10;
  } else {
    out.bit_depth = high_depth ? 10 : 8;
  }
  out.monochrome = out.profile != 1 && in.flag();
  media::Colour& colour = out.format.colour;
  if (in.flag()) {
    colour.primaries = static_cast<uint8_t>(in.bits(8));
    colour.transfer = static_cast<uint8_t>(in.bits(8));
    colour.matrix = static_cast<uint8_t>(in.bits(8));
  }
  if (out.monochrome) {
    in.skip(1);  // color_range
    return;
  }
  if (colour == media::Colour{1, 13, 0}) {  // sRGB
    out.subsampled_x = out.subsampled_y = false;
    return;
  }
  in.skip(1);  // color_range
  if (out.profile == 1) {
    out.subsampled_x = out.subsampled_y = false;
  } else if (out.profile == 2 && out.bit_depth == 12) {
    out.subsampled_x = in.flag();
    out.subsampled_y = out.subsampled_x && in.flag();
  } else if (out.profile == 2) {
    out.subsampled_y = false;
  }
  if (out.subsampled_x && out.subsampled_y) out.chroma_position = static_cast<uint8_t>(in.bits(2));
}

// AV1 Codec ISO Media File Format Binding 5: profile, level and tier, bit depth.
std::string codecs_of(const SequenceHeader& header) {
  return fmt::format("av01.{}.{:02}{}.{:02}", header.profile, header.level, header.high_tier ? 'H' : 'M',
                     header.bit_depth);
}

Bytes make_config(const SequenceHeader& header, ByteView obu) {
  ByteWriter out;
  out.u8(0x81);
  out.u8(static_cast<uint8_t>(header.profile << 5 | header.level));
  out.u8(static_cast<uint8_t>((header.high_tier ? 0x80 : 0) | (header.bit_depth > 8 ? 0x40 : 0) |
                              (header.bit_depth == 12 ? 0x20 : 0) | (header.monochrome ? 0x10 : 0) |
                              (header.subsampled_x ? 8 : 0) | (header.subsampled_y ? 4 : 0) | header.chroma_position));
  out.u8(0);
  out.bytes(obu);
  return out.take();
}

media::Track track_of(const SequenceHeader& header, Bytes config) {
  return media::Track{.kind = media::TrackKind::video,
                      .codec = media::Codec::av1,
                      .decoder_config = std::move(config),
                      .codecs = codecs_of(header),
                      .video = header.format,
                      .audio = {}};
}

// The sequence header among a decoder configuration's OBUs, if it has one.
std::optional<Obu> sequence_header_in(ByteView config) {
  ByteView rest = config.size() > 4 ? config.subspan(4) : ByteView{};
  while (!rest.empty()) {
    const std::optional<Obu> obu = take_obu(rest);
    if (!obu) break;
    if (obu->type == sequence_header) return obu;
  }
  return std::nullopt;
}

// Of uncompressed_header(), 5.9.2, the first bits.
bool is_shown_key_frame(ByteView payload, bool still_picture_header) {
  if (still_picture_header) return true;
  BitReader in(payload);
  const bool show_existing = in.flag();
  const uint32_t type = in.bits(2);
  const bool shown = in.flag();
  return in.ok() && !show_existing && type == 0 && shown;
}

}  // namespace

Result<SequenceHeader> read_sequence_header(ByteView payload) {
  BitReader in(payload);
  SequenceHeader out;
  out.profile = static_cast<uint8_t>(in.bits(3));
  in.skip(1);  // still_picture
  out.still_picture_header = in.flag();
  if (out.still_picture_header) {
    out.level = static_cast<uint8_t>(in.bits(5));
  } else {
    bool decoder_model = false;
    unsigned delay_bits = 0;
    if (in.flag()) {  // timing_info_present_flag
      const uint32_t units_in_tick = in.bits(32);
      const uint32_t time_scale = in.bits(32);
      if (in.flag()) {  // equal_picture_interval
        const double ticks = static_cast<double>(in.unsigned_golomb()) + 1;
        if (units_in_tick > 0) out.format.frame_rate = time_scale / (ticks * units_in_tick);
      }
      decoder_model = in.flag();
      if (decoder_model) {
        delay_bits = in.bits(5) + 1;
        in.skip(32 + 5 + 5);
      }
    }
    const bool initial_display_delay = in.flag();
    const unsigned points = in.bits(5) + 1;
    for (unsigned i = 0; i < points && in.ok(); ++i) {
      in.skip(12);  // operating_point_idc
      const auto level = static_cast<uint8_t>(in.bits(5));
      const bool tier = level > 7 && in.flag();
      if (i == 0) out.level = level, out.high_tier = tier;
      if (decoder_model && in.flag()) in.skip(2 * delay_bits + 1);
      if (initial_display_delay && in.flag()) in.skip(4);
    }
  }
  const unsigned width_bits = in.bits(4) + 1;
  const unsigned height_bits = in.bits(4) + 1;
  out.format.width = in.bits(width_bits) + 1;
  out.format.height = in.bits(height_bits) + 1;
  if (!out.still_picture_header && in.flag()) in.skip(7);  // frame ids
  in.skip(3);                                              // superblocks, filter intra, intra edge
  if (!out.still_picture_header) {
    in.skip(4);  // interintra, masked, warped, dual filter
    const bool order_hint = in.flag();
    if (order_hint) in.skip(2);  // joint compound, reference motion vectors
    const bool choose_screen_content = in.flag();
    const bool screen_content = choose_screen_content || in.flag();
    if (screen_content && !in.flag()) in.skip(1);  // integer motion vectors
    if (order_hint) in.skip(3);                    // order_hint_bits
  }
  in.skip(3);  // superres, cdef, restoration
  read_color(in, out);
  if (!in.ok()) return fail("the AV1 sequence header is cut short");
  if (out.profile > 2) return fail("the AV1 profile is not one of the standard's");
  if (out.format.width > dimension_max || out.format.height > dimension_max)
    return fail("the AV1 picture size is not possible");
  return out;
}

Result<media::Track> read_config(const Bytes& content) {
  if (content.size() < 4 || content[0] != 0x81) return fail("the AV1 decoder configuration has an unknown version");
  if (const std::optional<Obu> obu = sequence_header_in(content)) {
    const Result<SequenceHeader> header = read_sequence_header(obu->payload);
    if (!header) return std::unexpected(header.error());
    return track_of(*header, content);
  }
  media::Track blank{.kind = media::TrackKind::video, .codec = media::Codec::av1};
  blank.decoder_config = content;
  return blank;
}

Result<Frame> read_frame(const media::Track& track, const Bytes& content) {
  const std::optional<Obu> known = sequence_header_in(track.decoder_config);
  std::optional<Obu> in_band;
  Result<SequenceHeader> header = fail("no sequence header");
  bool picture = false;
  bool key = false;
  bool only_whole = true;  // no temporal delimiter to take out
  std::vector<Obu> obus;
  ByteView rest = content;
  while (!rest.empty()) {
    const std::optional<Obu> obu = take_obu(rest);
    if (!obu) return fail("the sizes of the AV1 OBUs do not add up");
    if (obu->type == temporal_delimiter) {
      only_whole = false;
      continue;
    }
    obus.push_back(*obu);
    if (obu->type == sequence_header && !in_band) {
      in_band = obu;
      header = read_sequence_header(obu->payload);
      if (!header) return std::unexpected(header.error());
    }
    if ((obu->type == frame || obu->type == frame_header) && !picture) {
      picture = true;
      key = is_shown_key_frame(obu->payload, header && header->still_picture_header);
    }
  }
  if (!picture) return fail("the AV1 temporal unit has no frame");
  Frame out;
  out.content = content;
  if (!only_whole) {
    ByteWriter kept;
    for (const Obu& obu : obus) kept.bytes(obu.whole);
    out.content = kept.take();
  }
  if (!key || !in_band) return out;
  out.sync = media::Sync::yes;
  if (!known || !std::ranges::equal(known->payload, in_band->payload))
    out.renewed = track_of(*header, make_config(*header, in_band->whole));
  return out;
}

}  // namespace klieg::wire::av1

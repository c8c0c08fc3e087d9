#include "wire/vp9.h"

#include <fmt/format.h>

#include "wire/bits.h"

namespace klieg::wire::vp9 {
namespace {

struct FrameHeader {
  uint8_t profile = 0;
  bool key = false;
  uint8_t bit_depth = 8;
  bool full_range = false;
  bool subsampled_x = true;
  bool subsampled_y = true;
  uint32_t width = 0;
  uint32_t height = 0;
};

constexpr size_t config_size = 12;  // version, flags, eight bytes of fields without initialisation data
constexpr uint32_t srgb = 7;

Result<FrameHeader> read_header(ByteView content) {
  BitReader in(content);
  FrameHeader out;
  if (in.bits(2) != 2) return fail("the VP9 frame marker is missing");
  const uint32_t low = in.bits(1);
  out.profile = static_cast<uint8_t>(in.bits(1) << 1 | low);
  if (out.profile == 3) in.skip(1);
  if (in.flag()) return out;  // show_existing_frame
  out.key = !in.flag();
  in.skip(2);  // show_frame, error_resilient_mode
  if (out.key) {
    if (in.bits(24) != 0x498342) return fail("the VP9 sync code is missing");
    if (out.profile >= 2) out.bit_depth = in.flag() ? 12 : 10;
    if (in.bits(3) != srgb) {
      out.full_range = in.flag();
      if (out.profile == 1 || out.profile == 3) {
        out.subsampled_x = in.flag();
        out.subsampled_y = in.flag();
        in.skip(1);
      }
    } else {
      out.full_range = true;
      out.subsampled_x = out.subsampled_y = false;
      if (out.profile == 1 || out.profile == 3) in.skip(1);
    }
    out.width = in.bits(16) + 1;
    out.height = in.bits(16) + 1;
  }
  if (!in.ok()) return fail("the VP9 frame is cut short");
  return out;
}

// The level by picture size and rate (VP9 levels, luma samples per second at 60 frames): too high never stops a player
// that can play it, too low may.
uint8_t level_for(uint32_t width, uint32_t height) {
  struct Level {
    uint8_t name;
    uint64_t picture;
    uint64_t rate;
  };
  static constexpr Level levels[] = {
      {10, 36'864, 829'440},          {11, 73'728, 2'764'800},        {20, 122'880, 4'608'000},
      {21, 245'760, 9'216'000},       {30, 552'960, 20'736'000},      {31, 983'040, 36'864'000},
      {40, 2'228'224, 83'558'400},    {41, 2'228'224, 160'432'128},   {50, 8'912'896, 311'951'360},
      {51, 8'912'896, 588'251'136},   {52, 8'912'896, 1'176'502'272}, {60, 35'651'584, 1'176'502'272},
      {61, 35'651'584, 2'353'004'544}};
  const uint64_t picture = uint64_t{width} * height;
  for (const Level& level : levels) {
    if (picture <= level.picture && picture * 60 <= level.rate) return level.name;
  }
  return 62;
}

Bytes make_config(const FrameHeader& header) {
  // chromaSubsampling: 1 is 4:2:0 colocated, 2 is 4:2:2, 3 is 4:4:4
  const unsigned chroma = header.subsampled_x ? (header.subsampled_y ? 1 : 2) : 3;
  ByteWriter out;
  out.u32(0x01000000);  // version 1, no flags
  out.u8(header.profile);
  out.u8(level_for(header.width, header.height));
  out.u8(static_cast<uint8_t>(header.bit_depth << 4 | chroma << 1 | (header.full_range ? 1 : 0)));
  out.u24(0x020202);  // primaries, transfer, matrix: unspecified
  out.u16(0);
  return out.take();
}

// VP Codec Binding 3: profile, level, bit depth.
std::string codecs_of(ByteView config) {
  return fmt::format("vp09.{:02}.{:02}.{:02}", config[4], config[5], config[6] >> 4);
}

}  // namespace

Result<media::Track> read_config(const Bytes& content) {
  media::Track track{.kind = media::TrackKind::video, .codec = media::Codec::vp9};
  if (content.empty()) return track;
  ByteReader in(content);
  if (content.size() >= config_size && in.u32() == 0x01000000) {
    track.decoder_config = content;
  } else if (content.size() >= config_size - 4) {
    const Bytes parts[] = {Bytes::copy_of(std::string_view("\x01\0\0\0", 4)), content};
    track.decoder_config = Bytes::join(parts);
  } else {
    return fail("the VP9 decoder configuration is cut short");
  }
  if (track.decoder_config[4] > 3) return fail("the VP9 profile is not one of the standard's");
  track.codecs = codecs_of(track.decoder_config);
  track.video.colour = {track.decoder_config[7], track.decoder_config[8], track.decoder_config[9]};
  return track;
}

Result<Frame> read_frame(const media::Track& track, const Bytes& content) {
  const Result<FrameHeader> header = read_header(content);
  if (!header) return std::unexpected(header.error());
  Frame out{.content = content};
  if (!header->key) return out;
  out.sync = media::Sync::yes;
  media::Track seen = track;
  if (track.decoder_config.empty() || track.decoder_config[4] != header->profile ||
      track.decoder_config[6] >> 4 != header->bit_depth) {
    seen.decoder_config = make_config(*header);
  }
  seen.codecs = codecs_of(seen.decoder_config);
  seen.video.width = header->width;
  seen.video.height = header->height;
  if (seen != track) out.renewed = std::move(seen);
  return out;
}

}  // namespace klieg::wire::vp9

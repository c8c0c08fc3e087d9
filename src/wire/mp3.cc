#include "wire/mp3.h"

#include <algorithm>

namespace klieg::wire::mp3 {

Result<FrameHeader> read_header(ByteView frame) {
  ByteReader in(frame);
  const uint32_t word = in.u32();
  if (!in.ok() || word >> 21 != 0x7ff) return fail("not an MP3 frame");
  const unsigned version = word >> 19 & 3;  // 0: MPEG-2.5, 2: MPEG-2, 3: MPEG-1
  const unsigned layer = word >> 17 & 3;    // 1: Layer III
  const unsigned bitrate = word >> 12 & 15;
  const unsigned rate = word >> 10 & 3;
  const unsigned padding = word >> 9 & 1;
  if (version == 1 || layer != 1 || bitrate == 15 || rate == 3) return fail("not an MPEG Layer III frame");
  static constexpr uint32_t rates[] = {44'100, 48'000, 32'000};
  static constexpr uint32_t kilobits_1[] = {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320};
  static constexpr uint32_t kilobits_2[] = {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160};
  FrameHeader out;
  out.sample_rate = rates[rate] >> (version == 3 ? 0 : version == 2 ? 1 : 2);
  out.channels = (word >> 6 & 3) == 3 ? 1 : 2;
  out.samples = version == 3 ? 1152 : 576;
  const uint32_t bits_per_second = (version == 3 ? kilobits_1 : kilobits_2)[bitrate] * 1000;
  if (bits_per_second > 0) out.size = out.samples / 8 * bits_per_second / out.sample_rate + padding;
  return out;
}

media::Track blank_track() {
  media::Track track{.kind = media::TrackKind::audio, .codec = media::Codec::mp3};
  track.codecs = "mp4a.40.34";
  return track;
}

Result<Frame> read_frame(const media::Track& track, const Bytes& content) {
  const Result<FrameHeader> header = read_header(content);
  if (!header) return std::unexpected(header.error());
  if (header->size > content.size()) return fail("the MP3 frame is cut short");
  Frame out{.sync = media::Sync::yes, .content = content, .samples = header->samples};
  media::Track seen = track;
  seen.audio = {.sample_rate = header->sample_rate, .channels = header->channels, .samples_per_frame = header->samples};
  if (seen != track) out.renewed = std::move(seen);
  return out;
}

}  // namespace klieg::wire::mp3

#include "wire/opus.h"

#include <algorithm>

namespace klieg::wire::opus {

Result<uint32_t> packet_samples(ByteView packet) {
  if (packet.empty()) return fail("the Opus packet is empty");
  const unsigned config = packet[0] >> 3;
  // SILK 10, 20, 40, 60 ms; hybrid 10, 20 ms; CELT 2.5, 5, 10, 20 ms.
  static constexpr uint32_t silk[] = {480, 960, 1920, 2880};
  static constexpr uint32_t hybrid[] = {480, 960};
  static constexpr uint32_t celt[] = {120, 240, 480, 960};
  const uint32_t frame = config < 12 ? silk[config % 4] : config < 16 ? hybrid[config % 2] : celt[config % 4];
  unsigned frames = 1;
  switch (packet[0] & 3) {
    case 0:
      break;
    case 1:
    case 2:
      frames = 2;
      break;
    default:
      if (packet.size() < 2) return fail("the Opus packet is cut short");
      frames = packet[1] & 0x3f;
  }
  if (frames == 0 || frames * frame > sample_rate * 120 / 1000) return fail("the Opus packet has an impossible length");
  return frames * frame;
}

Result<media::Track> read_config(const Bytes& content) {
  ByteReader in(content);
  const ByteView magic = in.bytes(8);
  const uint8_t version = in.u8();
  const uint8_t channels = in.u8();
  in.skip(2 + 4 + 2);  // pre-skip, input rate, gain
  const uint8_t family = in.u8();
  if (family != 0) in.skip(2 + size_t{channels});  // stream counts, mapping
  if (!in.ok()) return fail("the Opus ID header is cut short");
  if (!std::ranges::equal(magic, as_bytes("OpusHead")) || version > 15) return fail("not an Opus ID header");
  if (channels == 0 || (family == 0 && channels > 2)) return fail("the Opus ID header has an impossible channel count");
  media::Track track{.kind = media::TrackKind::audio, .codec = media::Codec::opus};
  track.decoder_config = content;
  track.codecs = "opus";
  track.audio = {.sample_rate = sample_rate, .channels = channels, .samples_per_frame = 0};
  return track;
}

Result<Frame> read_frame(const media::Track&, const Bytes& content) {
  const Result<uint32_t> samples = packet_samples(content);
  if (!samples) return std::unexpected(samples.error());
  return Frame{.sync = media::Sync::yes, .content = content, .samples = *samples};
}

}  // namespace klieg::wire::opus

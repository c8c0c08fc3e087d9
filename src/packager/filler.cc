#include "packager/filler.h"

#include <vector>

namespace klieg::packager {
namespace {

// raw_data_block() of ISO/IEC 14496-3 4.4.2.1 with max_sfb 0, so that nothing is coded but the frame itself.
// single_channel_element, 29 bits of zero, then ID_END.
constexpr uint8_t aac_mono[] = {0x00, 0x00, 0x00, 0x07};
// channel_pair_element with a common window: ID_CPE, tag 0, 1, 35 bits of zero, then ID_END.
constexpr uint8_t aac_stereo[] = {0x21, 0x00, 0x00, 0x00, 0x00, 0x1C};
// TOC: CELT, full band, 20 ms, one frame; its range coder's content says silence (RFC 6716 4.3).
constexpr uint8_t opus_20ms[] = {0xF8, 0xFF, 0xFE};

// An MP3 frame of the same header with no side information and no data: all granules empty.
Bytes mp3_silence(const Bytes& last) {
  std::vector<uint8_t> frame(last.size(), 0);
  for (size_t i = 0; i < 4; ++i) frame[i] = last[i];
  frame[1] |= 1;  // no CRC
  return Bytes::take(std::move(frame));
}

}  // namespace

std::optional<Bytes> silent_frame(const media::Track& track, const Bytes& last) {
  switch (track.codec) {
    case media::Codec::aac:
      if (track.audio.channels == 1) return Bytes::of_static(aac_mono);
      if (track.audio.channels == 2) return Bytes::of_static(aac_stereo);
      break;
    case media::Codec::opus:
      if (track.audio.channels <= 2) return Bytes::of_static(opus_20ms);
      break;  // a packet holds one of each stream (RFC 7845 5.1.1)
    case media::Codec::mp3:
      if (last.size() >= 4) return mp3_silence(last);
      break;
    default:
      break;
  }
  if (last.empty()) return std::nullopt;
  return last;
}

}  // namespace klieg::packager

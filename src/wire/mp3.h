// MP3: the frame header (ISO/IEC 11172-3 2.4.1.3, 13818-3). There is no configuration: the first frame tells.
//
// Codecs string: "mp4a.40.34" (MPEG-4 object type "Layer-3"), which HLS players know. Chromium's Media Source plays no
// MP3 inside MP4 under any name ("mp3", "mp4a.40.34", "mp4a.6B", "mp4a.69" are all refused), so a broadcast with MP3
// is heard only by native players until it is transcoded.
#pragma once

#include "wire/frame.h"

namespace klieg::wire::mp3 {

struct FrameHeader {
  uint32_t sample_rate = 0;
  uint32_t channels = 0;
  uint32_t samples = 0;  // per channel
  uint32_t size = 0;     // in bytes, header included; 0: free format, not told
};
Result<FrameHeader> read_header(ByteView frame);

media::Track blank_track();
Result<Frame> read_frame(const media::Track& track, const Bytes& content);  // one whole frame

}  // namespace klieg::wire::mp3

// For tests: a track of video at 30 frames a second, and its chunks of a frame.
#pragma once

#include "wire/cmaf_chunk.h"
#include "wire/cmaf_header.h"

namespace klieg::player {

inline constexpr uint32_t frame_ticks = 3000;

inline Bytes video_header() {
  media::Track video{.kind = media::TrackKind::video,
                     .codec = media::Codec::avc,
                     .decoder_config = Bytes::copy_of("\x01\x64\x00\x1f\xff\xe0\x00"),
                     .codecs = "avc1.64001f"};
  video.video.width = 64;
  video.video.height = 36;
  return wire::write_cmaf_header(video);
}

// The frame of this number; every 30th is a key frame. `late`: so many frames later presented than decoded.
inline Bytes video_chunk(uint64_t number, std::optional<WallTime> captured = {}, int32_t late = 0) {
  wire::Chunk chunk{.usual_duration = frame_ticks, .decode_ticks = number * frame_ticks};
  chunk.samples = {{.duration = frame_ticks,
                    .composition_offset = late * static_cast<int32_t>(frame_ticks),
                    .sync = number % 30 == 0 ? media::Sync::yes : media::Sync::no,
                    .content = Bytes::copy_of("frame")}};
  if (captured) chunk.reference = {wire::ReferenceEvent::captured, *captured, number * frame_ticks};
  return wire::write_cmaf_chunk(chunk);
}

}  // namespace klieg::player

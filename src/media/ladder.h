// The ladder: the renditions of a broadcast that are made here, beside the one that came.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/time.h"
#include "media/track.h"

namespace klieg::media {

using RungId = uint8_t;  // index of a rung in its broadcast's ladder

struct Rung {
  std::string name;  // of its track in URLs: "720p", "audio-64k"
  TrackKind kind = TrackKind::video;
  uint32_t bits_per_second = 0;  // what the encoder is held to; peaks last at most a second
  // Of video. Even numbers; pixels are square; what is shown, after rotation.
  uint32_t width = 0;
  uint32_t height = 0;
  uint32_t frame_divisor = 1;  // 2: every second frame of the source
  bool operator==(const Rung&) const = default;
};

enum class Presence : uint8_t {
  media,
  gap,  // there is none: EXT-X-GAP (rfc8216bis 4.4.4.7)
};

enum class PictureUse : uint8_t {
  poster,     // what the broadcast looks like now: for lists and before play
  thumbnail,  // one tile of the storyboard: for scrubbing
};

// A picture of the source at `at`, as JPEG.
struct Picture {
  PictureUse use = PictureUse::poster;
  MediaTime at;  // presentation time
  uint32_t width = 0;
  uint32_t height = 0;
  Bytes jpeg;
};

}  // namespace klieg::media

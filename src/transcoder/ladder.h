// Which rungs a broadcast gets: from what the operator wishes and what the source is.
//
// Pure. A rung is never larger than the source. "720p" is the short side of what is shown, so that a portrait broadcast
// gets the same quality under the same name; pixels come out square and sides even. A rotation is not known here: it
// turns the picture, not its short side.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "media/ladder.h"
#include "media/track.h"

namespace klieg::transcoder {

struct RungWish {
  media::TrackKind kind = media::TrackKind::video;
  uint32_t short_side = 0;  // of video, in pixels
  uint32_t bits_per_second = 0;
  double frame_rate_max = 0;  // of video; 0: the source's
  bool operator==(const RungWish&) const = default;
};

// "1080p,720p:3000k,480p30:1200k,audio" as rungs, largest first; "none" or nothing as no rung. What is not said of a
// rung is as in the default.
Result<std::vector<RungWish>> parse_rungs(std::string_view text);
inline constexpr std::string_view default_rungs = "1080p,720p,480p,360p,240p,audio";

// The name of a wish's track in URLs: "720p", "audio-64k".
std::string name_of(const RungWish& wish);

// What stands above the ladder.
enum class TopRung : uint8_t {
  source,  // the source itself, which every player can decode: a rung of nearly its size would be the same again
  none,    // not every player can: the ladder has to have a rung of its size
};

struct Source {
  const media::Track* video = nullptr;  // null: there is none
  const media::Track* audio = nullptr;
  TopRung top = TopRung::source;
};

// Largest first, audio last. A source that is smaller than every wish and that not every player can decode gets the
// least of them at its own size.
std::vector<media::Rung> choose_ladder(const std::vector<RungWish>& wishes, const Source& source);

// What decoding the source and making these rungs keeps busy, in cores. A rough estimate for admission: what happens
// then is measured (pace.h).
double cost_in_cores(const std::vector<media::Rung>& rungs, const Source& source);
double cost_in_cores(const media::Rung& rung, double source_frame_rate);

// The side of a picture with square pixels.
struct PictureSize {
  uint32_t width = 0;
  uint32_t height = 0;
  bool operator==(const PictureSize&) const = default;
};
PictureSize shown_size(const media::VideoFormat& format);

}  // namespace klieg::transcoder

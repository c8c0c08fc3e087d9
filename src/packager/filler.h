// What stands in for a track that has nothing to say: silence for audio, the last key frame again for video.
//
// Every track has media in every segment, because HLS knows no empty segment and a player stalls at the end of a buffer
// even if only one of its tracks ran dry. A microphone that a phone call took away must not stop the picture.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "media/sample.h"
#include "media/track.h"

namespace klieg::packager {

// One silent frame of the track, as long as its frames are (Opus: 20 ms); `last` is the frame that came last, if any.
// AAC and Opus of more than two channels, and MP3 before its first frame: none is known, so the last frame is repeated,
// if any.
std::optional<Bytes> silent_frame(const media::Track& track, const Bytes& last);

}  // namespace klieg::packager

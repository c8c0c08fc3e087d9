// What a codec's reader finds in one frame: the same for every codec, so that ingest need not know them apart.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "media/sample.h"
#include "media/track.h"

namespace klieg::wire {

struct Frame {
  media::Sync sync = media::Sync::no;  // every frame of audio is one
  Bytes content;                       // as media::Sample wants it
  uint32_t samples = 0;                // of audio: how many per channel, at the track's sample rate
  // The track as the frame's own parameter sets describe it, when they differ from the track's. Only on sync frames.
  std::optional<media::Track> renewed;
  std::optional<WallTime> captured;  // from our SEI (wire/sei.h)
};

// `config` as E-RTMP and FLV sequence headers carry it. VP9 without one (empty) and MP3, which has none, give a track
// whose format is not known yet; a first frame renews it.
Result<media::Track> read_config(media::Codec codec, const Bytes& config);

// One frame of `track`. An error means the frame is broken and must not reach a decoder.
Result<Frame> read_frame(const media::Track& track, const Bytes& content);

// Whether manifests and headers can be written for it: width and height, or sample rate and channels, are known.
bool format_known(const media::Track& track);

}  // namespace klieg::wire

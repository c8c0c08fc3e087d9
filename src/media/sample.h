// A sample: the coded data for one instant of one track.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/time.h"

namespace klieg::media {

enum class Sync : uint8_t { no, yes };  // yes: decoding can begin here (a sync sample, ISO/IEC 14496-12 8.6.2)

struct Sample {
  MediaTime decode_time;
  Duration composition_offset{0};  // presentation time - decode time; may be negative
  Duration duration{0};            // to the next sample of the track; 0: not known yet
  Sync sync = Sync::no;
  // avc, hevc: NAL units, each behind a length of the size that decoder_config says; av1: a temporal unit of OBUs
  // without temporal delimiters; others: one raw frame.
  Bytes content;
  // When the camera saw it, if the encoder stamped it and its clock is known; else empty and ingest time stands in.
  std::optional<WallTime> captured;

  MediaTime presentation_time() const { return decode_time + composition_offset; }
};

}  // namespace klieg::media

// Reads MP4: fragmented (CMAF headers and segments) and progressive, from bytes that may be anything.
//
// For tests, for our own test publisher and for a player: whole boxes only, no seeking, no editing. A malformed file is
// an Error that says which box; nothing is read outside the input, and nothing is allocated on the say-so of a count.
//
//   Result<Mp4> movie = read_mp4(header);            // tracks; and samples, if there are any
//   movie->append(segment);                          // the samples of moof + mdat
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "media/sample.h"
#include "media/track.h"

namespace klieg::wire {

struct Mp4Sample {
  uint32_t track_id = 0;
  int64_t decode_ticks = 0;
  uint32_t duration = 0;
  int32_t composition_offset = 0;
  media::Sync sync = media::Sync::no;
  Bytes content = {};  // shares storage with the input
  bool operator==(const Mp4Sample&) const = default;
};

struct Mp4Track {
  uint32_t id = 0;
  uint32_t timescale = 0;
  // Has an empty `codecs`, and no sample aspect ratio but pasp's: the decoder configuration is not looked into.
  media::Track info;
  // Media time of the first edit: what is shown first. Encoder delay and B-frames of progressive files stand here.
  int64_t edit_start_ticks = 0;
  // trex
  uint32_t default_duration = 0;
  uint32_t default_size = 0;
  uint32_t default_flags = 0;
};

struct Mp4 {
  std::vector<Mp4Track> tracks;    // those of a codec media/track.h knows; others are passed over
  std::vector<Mp4Sample> samples;  // in file order; progressive: per track

  const Mp4Track* track(uint32_t id) const;
  const Mp4Track* track(media::TrackKind kind) const;

  // Appends what further boxes hold. After an Error the movie holds what was read before the fault.
  Result<void> append(const Bytes& content);
};

// 2^20 samples: 9 hours of 30 fps; a table that claims more, at no byte of input each, is a lie.
inline constexpr size_t mp4_samples_max = 1 << 20;

Result<Mp4> read_mp4(const Bytes& content);

}  // namespace klieg::wire

// The CMAF header (ISO/IEC 23000-19 7.3): ftyp + moov of one track, what a decoder needs before the first chunk.
//
// Sample entries: avc1, hvc1 (14496-15), av01, vp09, mp4a with esds (14496-14; AAC is object type 0x40, MP3 0x6B, which
// is what browsers' media source extensions take), Opus with dOps. There is no edit list: brand cmf2, composition
// offsets are signed, so the first presentation time needs no correction.
#pragma once

#include "base/bytes.h"
#include "media/track.h"

namespace klieg::wire {

inline constexpr uint32_t cmaf_track_id = 1;  // every CMAF track is a file of its own

// Ticks per second of a track's media: 90,000 for video, the sample rate for audio (48,000 for Opus, whatever it was
// made from: RFC 7845).
uint32_t cmaf_timescale(const media::Track& track);

// The default duration, flags and so on of its samples stand in trex, where chunks rely on them: a chunk is only
// readable with its header. `track` comes from ingest, so its decoder_config has the form media/track.h says.
Bytes write_cmaf_header(const media::Track& track);

}  // namespace klieg::wire

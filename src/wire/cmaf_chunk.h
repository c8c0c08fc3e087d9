// The CMAF chunk (ISO/IEC 23000-19 7.3.3.2): [styp] [prft] [emsg] moof mdat, the unit that is appended and sent.
//
// What it costs beside the media, in bytes: one video frame 104, + 4 when presented at another time than decoded, + 4
// when it is a sync sample; audio of n frames of the track's usual length 96 + 4 n. styp adds 24, prft 36.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "media/sample.h"
#include "media/track.h"

namespace klieg::wire {

struct ChunkSample {
  uint32_t duration = 0;           // ticks
  int32_t composition_offset = 0;  // ticks, may be negative (trun version 1)
  media::Sync sync = media::Sync::no;
  Bytes content = {};
  bool operator==(const ChunkSample&) const = default;
};

// Which event a producer reference time tells (14496-12 8.16.5). The values are the box's flags.
enum class ReferenceEvent : uint32_t {
  captured = 0,  // the frame went into the encoder: the encoder stamped it
  // Association with UTC is arbitrary but the same in every box of the track: the server's clock, on which the period
  // was anchored by arrival at the ingest. It says nothing about the camera.
  ingested = 8,
};

struct ReferenceTime {
  ReferenceEvent event = ReferenceEvent::ingested;
  WallTime wall;
  uint64_t media_ticks = 0;  // presentation time of the frame meant
};

// A timed event for the player (DASH event message, version 1). A seam: nothing writes one yet.
struct EventMessage {
  std::string scheme_id_uri = {};
  std::string value = {};
  uint64_t presentation_ticks = 0;
  uint32_t duration_ticks = 0;
  uint32_t id = 0;
  Bytes message_data = {};
};

enum class ChunkPlace : uint8_t { inside, segment_start };  // segment_start: begins with styp

struct Chunk {
  media::TrackKind kind = media::TrackKind::video;
  uint32_t timescale = 90'000;
  uint32_t usual_duration = 0;  // what trex says; samples of this duration need not repeat it
  ChunkPlace place = ChunkPlace::inside;
  uint32_t sequence_number = 1;
  uint64_t decode_ticks = 0;  // of the first sample
  std::vector<ChunkSample> samples = {};
  std::optional<ReferenceTime> reference = {};
  std::vector<EventMessage> events = {};
};

Bytes write_cmaf_chunk(const Chunk& chunk);

}  // namespace klieg::wire

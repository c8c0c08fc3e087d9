// MPEG-DASH manifests (ISO/IEC 23009-1:2022), live and low-latency (DASH-IF low-latency-live-v5).
//
// Pure: a view of the broadcast in, XML out. One document serves low-latency players (availabilityTimeOffset,
// ServiceDescription) and plain ones. Every document it writes validates against the schema of the standard.
//
// Times: `availability_start` is the wall clock of presentation time zero, to the millisecond, because that is what
// players read; a Period's `start` counts from there. Ticks are of the period track's `timescale`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace klieg::wire::dash {

// SegmentTimeline S (5.3.9.6): `count` segments of `duration` ticks, the first at `start`.
struct Run {
  uint64_t start = 0;
  uint64_t duration = 0;
  uint64_t count = 1;
  bool operator==(const Run&) const = default;
};

// Appends a segment to runs, joining it to the last one when it continues it with the same duration.
void append(std::vector<Run>& runs, uint64_t start, uint64_t duration);

// SegmentTemplate (5.3.9.4). With `duration` every segment is assumed to lie on the grid and is found by arithmetic;
// without it `timeline` names each one.
struct Template {
  uint32_t timescale = 1;
  std::string initialization;
  std::string media;  // with $Number$
  uint64_t start_number = 0;
  uint64_t presentation_time_offset = 0;  // ticks of the track's own timeline at the period's start
  std::optional<uint64_t> duration;       // ticks
  std::vector<Run> timeline;
  std::optional<Duration> availability_offset;  // how much before its end a segment may be asked for
};

enum class Kind : uint8_t { video, audio };
enum class StartsWithKey : uint8_t { no, yes };

// Representations that follow each other and have the same `set` make an AdaptationSet: players switch among them
// without a seam, so they are of one kind and codec.
struct Representation {
  Kind kind = Kind::video;
  uint32_t set = 0;  // id of the AdaptationSet
  std::string name;  // id of the Representation
  std::string codecs;
  uint64_t bandwidth = 0;
  StartsWithKey starts_with_key = StartsWithKey::yes;
  uint32_t width = 0;
  uint32_t height = 0;
  uint32_t sar_width = 1;
  uint32_t sar_height = 1;
  double frame_rate = 0;
  uint32_t sample_rate = 0;
  uint32_t channels = 0;
  Template segments;
};

struct Period {
  uint32_t index = 0;
  Duration start{0};
  std::optional<Duration> duration;
  WallTime start_wall;  // ProducerReferenceTime of its first instant
  std::vector<Representation> representations;
};

enum class Presentation : uint8_t { live, over };

struct Latency {
  Duration target{0};
  Duration least{0};
  Duration most{0};
};

struct Manifest {
  Presentation presentation = Presentation::live;
  WallTime availability_start;
  WallTime published;
  Duration update_period{0};       // minimumUpdatePeriod
  Duration time_shift{0};          // timeShiftBufferDepth
  Duration presentation_delay{0};  // suggestedPresentationDelay, for players that know no ServiceDescription
  Duration buffer_min{0};          // minBufferTime
  Duration segment_duration_max{0};
  Latency latency;
  std::string clock_url;  // UTCTiming http-iso
  std::vector<Period> periods;
};

std::string render(const Manifest& manifest);

// A frame rate as the fraction encoders mean: 29.97 is 30000/1001.
std::string frame_rate_text(double frames_per_second);

// xs:duration: "PT1.001S", to the microsecond.
std::string duration_text(Duration duration);

// A timescale in which `grid` is a whole number of ticks: the track's own if it can be.
uint32_t exact_timescale(Duration grid, uint32_t preferred);

}  // namespace klieg::wire::dash

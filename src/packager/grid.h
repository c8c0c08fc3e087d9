// The grid: where a broadcast's segments lie and how long its parts are. One per broadcast, fixed once, never changed,
// because players are promised TARGETDURATION and PART-TARGET for good.
//
//   key frames every   0.5   0.96  1.0   1.001  2.0  3.5  8.3   30 s or never
//   grid               1.0   0.96  1.0   1.001  2.0  4    9     10 s
//   fits               whole whole whole whole whole rounded_up  sparse
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace klieg::packager {

enum class GridFit : uint8_t {
  whole,       // a multiple of the key-frame interval
  rounded_up,  // the key-frame interval rounded up: segments will leave the grid
  sparse,      // key frames are further apart than the longest segment: some segments are dependent
};

struct Grid {
  Duration segment{0};             // nominal duration
  Duration segment_max{0};         // what no segment of the leading track exceeds
  uint32_t target_duration_s = 1;  // EXT-X-TARGETDURATION: the grid rounded; no EXTINF rounds to more
  Duration part_target{0};         // EXT-X-PART-INF:PART-TARGET; no part is longer
  GridFit fit = GridFit::whole;
  bool operator==(const Grid&) const = default;
};

struct GridMeasure {
  Duration segment = 1s;                 // wished
  Duration part = 200ms;                 // wished
  std::optional<Duration> key_interval;  // none: no second key frame came within grid_max
  Duration frame{0};                     // duration of a frame of the leading track, the longest if they vary
};

// A segment is at most 10 s: what a viewer who joins may have to download, and what is buffered to find the grid.
inline constexpr Duration grid_max = 10s;

Grid choose_grid(const GridMeasure& measure);

// Audio is always cut at the frame nearest the line, so audio alone takes the wish as it is.
Grid choose_audio_grid(const GridMeasure& measure);

}  // namespace klieg::packager

#include "packager/grid.h"

#include <algorithm>

namespace klieg::packager {
namespace {

// An audio segment ends at the frame nearest the cut and so may be a frame longer than the video's: 64 ms at 16 kHz.
constexpr Duration audio_frame_allowance = 75ms;

Duration round_up(Duration value, Duration unit) { return (value + unit - 1ns) / unit * unit; }

// The multiple of `interval` nearest to `wish`, if it lies within a fifth of it.
std::optional<Duration> whole_intervals_near(Duration interval, Duration wish) {
  const auto count = std::max<int64_t>((wish + interval / 2) / interval, 1);
  const Duration multiple = interval * count;
  if (multiple * 5 < wish * 4 || multiple * 5 > wish * 6) return std::nullopt;
  return multiple;
}

// A whole number of frames. Strictly above their sum, so that a millisecond's rounding in a timestamp still fits.
Duration part_target_of(const GridMeasure& measure) {
  if (measure.frame <= 0ns) return measure.part;
  const auto frames = std::max<int64_t>((measure.part + measure.frame / 2) / measure.frame, 1);
  return (measure.frame * frames + 100us) / 1ms * 1ms + 1ms;
}

Grid grid_of(Duration segment, GridFit fit, const GridMeasure& measure) {
  Grid grid{.segment = segment, .fit = fit};
  grid.target_duration_s = static_cast<uint32_t>(std::max<int64_t>((segment + 500ms) / Duration(1s), 1));
  grid.segment_max =
      std::min<Duration>(segment * 3 / 2, grid.target_duration_s * Duration(1s) + 500ms - audio_frame_allowance);
  grid.part_target = part_target_of(measure);
  return grid;
}

}  // namespace

Grid choose_grid(const GridMeasure& measure) {
  if (!measure.key_interval || *measure.key_interval > grid_max || *measure.key_interval <= 0ns) {
    return grid_of(grid_max, GridFit::sparse, measure);
  }
  for (const Duration wish : {measure.segment, measure.segment * 2}) {
    if (const auto multiple = whole_intervals_near(*measure.key_interval, wish)) {
      return grid_of(*multiple, GridFit::whole, measure);
    }
  }
  return grid_of(round_up(*measure.key_interval, 1s), GridFit::rounded_up, measure);
}

Grid choose_audio_grid(const GridMeasure& measure) { return grid_of(measure.segment, GridFit::whole, measure); }

}  // namespace klieg::packager

// How fast to play so as to stay at a wished distance behind the live edge without running dry: gently faster when
// behind it with media in hand, gently slower when nearly dry.
//
// The law of web/src/playback/pace.ts, with its constants, so that what is measured here is what people see there. A
// change of one is a change of both.
#pragma once

#include "base/time.h"

namespace klieg::player {

struct Position {
  Duration behind{0};  // behind the live edge, or behind anything else that runs at the speed of time
  Duration target{0};  // how far behind it to be
  Duration ahead{0};   // media in hand beyond what is shown
  double rate = 1;     // as it is now
};

inline constexpr double fastest = 1.1;  // speech stays natural where the pitch is kept
inline constexpr double slowest = 0.97;
inline constexpr Duration replay = 5s;  // whoever is further behind watches the past

struct PaceLaw {
  Duration start_off{0};   // acts when this far off...
  Duration settle_off{0};  // ...and until this near: no flutter around the target
  Duration spare{0};       // never spent to catch up
  Duration dry{0};
};
// One and a half parts of 200 ms are spare; three frames are nearly nothing.
inline constexpr PaceLaw of_parts{.start_off = 150ms, .settle_off = 40ms, .spare = 300ms, .dry = 100ms};
// Where chunks of a frame or two come as they are born.
inline constexpr PaceLaw of_chunks{.start_off = 60ms, .settle_off = 15ms, .spare = 70ms, .dry = 35ms};

double pace(const Position& position, const PaceLaw& law);

}  // namespace klieg::player

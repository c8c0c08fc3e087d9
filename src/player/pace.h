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
inline constexpr Duration start_off = 150ms;  // acts when this far off...
inline constexpr Duration settle_off = 40ms;  // ...and until this near: no flutter around the target
inline constexpr Duration spare = 300ms;      // one and a half parts of 200 ms: never spent to catch up
inline constexpr Duration dry = 100ms;        // three frames
inline constexpr Duration replay = 5s;        // whoever is further behind watches the past

double pace(const Position& position);

}  // namespace klieg::player

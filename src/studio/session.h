// How long somebody stays logged in.
//
//   idle_max      without a request: a phone that lay in a drawer for a month asks for the password again
//   lifetime_max  in all: whoever took the cookie has it for so long at most
//   touch_every   that a session was used is written down no more often: a write for each request would be one too many
//
// A log-in makes a new session, always, and ends the one that the browser came with: a cookie that somebody planted
// beforehand is worth nothing afterwards (session fixation). Changing the password ends all others.
//
// Pure: `now` comes in.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace klieg::studio {

constexpr Duration idle_max = std::chrono::days(30);
constexpr Duration lifetime_max = std::chrono::days(180);
constexpr Duration touch_every = std::chrono::minutes(5);
// A person with more browsers than that has lost some of them: the longest unused session ends.
constexpr size_t sessions_max = 50;

struct SessionTimes {
  WallTime created;
  WallTime used;
};

enum class SessionIs : uint8_t { good, to_be_touched, over };
inline SessionIs judge(const SessionTimes& times, WallTime now) {
  if (now - times.created >= lifetime_max || now - times.used >= idle_max) return SessionIs::over;
  return now - times.used >= touch_every ? SessionIs::to_be_touched : SessionIs::good;
}
// When it is over if nobody uses it any more: for who sweeps, and for the cookie.
inline WallTime expires(const SessionTimes& times) {
  const WallTime idle = times.used + idle_max, old = times.created + lifetime_max;
  return idle < old ? idle : old;
}

}  // namespace klieg::studio

#include "base/time.h"

namespace klieg {

LoopTime read_loop_clock() {
  return LoopTime(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

WallTime read_wall_clock() {
  return WallTime(std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()));
}

}  // namespace klieg

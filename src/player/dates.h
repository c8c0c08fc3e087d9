// When a broadcast's media came in, by its DASH manifest: what playlists say of their segments, said of any instant of
// the timeline. Whoever is pushed to is told instants of the timeline and nothing else.
#pragma once

#include <optional>
#include <vector>

#include "base/time.h"
#include "wire/dash.h"

namespace klieg::player {

class Dates {
 public:
  // Nothing: it names no media.
  static std::optional<Dates> of(const wire::dash::Manifest& manifest);

  // On the server's clock. What lies before the first Period is taken to be of it. Nothing: no clock will ever say it.
  std::optional<WallTime> wall_of(MediaTime media) const;

 private:
  struct Period {
    MediaTime from;
    WallTime wall;
  };
  std::vector<Period> periods_;  // as many as the manifest has; never empty
};

}  // namespace klieg::player

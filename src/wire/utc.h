// The wall clock as text (RFC 3339, ISO 8601): "2026-11-20T10:34:17.250Z". Playlists, manifests and status speak it.
#pragma once

#include <string>

#include "base/time.h"

namespace klieg::wire {

// To the millisecond, rounded down: more digits than JavaScript's Date reads would be lost differently by each player.
std::string utc_text(WallTime time);

}  // namespace klieg::wire

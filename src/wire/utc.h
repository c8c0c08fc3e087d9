// The wall clock as text (RFC 3339, ISO 8601): "2026-11-20T10:34:17.250Z". Playlists, manifests and status speak it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace klieg::wire {

// To the millisecond, rounded down: more digits than JavaScript's Date reads would be lost differently by each player.
std::string utc_text(WallTime time);

// "2026-11-20T10:34:17.250Z", with any fraction (finer than a nanosecond is left out) or none; Z or an offset as in
// "+01:00". Empty for other text and for what is before 1970 or after 2200.
std::optional<WallTime> read_utc(std::string_view text);

}  // namespace klieg::wire

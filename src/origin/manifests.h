// What playlists and manifests say about a window: from records to the views that wire/hls and wire/dash render.
// Pure functions of the window and the settings.
#pragma once

#include <string>

#include "origin/window.h"
#include "wire/dash.h"
#include "wire/hls.h"

namespace klieg::origin {

enum class HlsParts : uint8_t {
  file,   // each part has its own URL: works behind caches that answer a range of a growing object with all of it
  range,  // byte ranges of the segment, the next one open-ended (RFC 8673)
};

struct ManifestSettings {
  HlsParts hls_parts = HlsParts::file;
  Duration part_hold_back{0};            // 0: four part targets; less than three is raised to three (4.4.3.8)
  Duration target_latency{0};            // of DASH players; 0: 900 ms
  std::string clock_url = "../../time";  // from the manifest: what serves us below a path serves /time below it too
};

Duration part_hold_back(const Window& window, const ManifestSettings& settings);
Duration target_latency(const ManifestSettings& settings);

// Asserted: window.playable(). Each track of video is a variant, with one group of audio; rungs of audio are variants
// alone.
wire::hls::MultivariantPlaylist multivariant_of(const Window& window);

// The playlist lists what is finished, the open segment once it has a part, and parts of the last three target
// durations.
wire::hls::MediaPlaylist playlist_of(const Window& window, const TrackWindow& track, const ManifestSettings& settings);

// Asserted: window.playable(). A rung that is a gap now is left out. A function of the window alone, publishTime too,
// so that every loop and node writes the same document with the same tag.
wire::dash::Manifest manifest_of(const Window& window, const ManifestSettings& settings, Duration live);

// Every listed segment of the track begins where decoding can.
bool all_independent(const Window& window, const TrackWindow& track);

// The wall clock of the presentation's zero, as players read it. Asserted: a period has begun.
WallTime availability_start(const Window& window);

// Bits per second of a track's segments, rounded up to two digits so that manifests change seldom. The peak of a rung
// is at least what its encoder is held to.
struct Bitrate {
  uint64_t peak = 0;
  uint64_t average = 0;
};
Bitrate bitrate_of(const Window& window, const TrackWindow& track);

}  // namespace klieg::origin

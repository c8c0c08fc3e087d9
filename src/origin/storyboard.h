// The storyboard: which thumbnail shows what is seen when, as a WebVTT track whose cues name pictures.
//
//   WEBVTT
//
//   NOTE PROGRAM-DATE-TIME=2023-11-14T22:13:20.000Z is 00:00:00.000
//
//   00:00:30.000 --> 00:00:35.000
//   thumb-30000.jpg
//
// Times count from the wall clock that the NOTE names, which is the manifest's availabilityStartTime and stays the same
// for the whole broadcast. So a cue's time is what a DASH player calls presentation time, and with HLS it is the
// EXT-X-PROGRAM-DATE-TIME of what is seen minus that of the NOTE: all players tell one of the two, none tells media
// time.
#pragma once

#include <string>

#include "origin/window.h"

namespace klieg::origin {

// Cues do not overlap; one ends where the next begins. Names are relative to the broadcast's playlists.
std::string storyboard_of(const Window& window);

}  // namespace klieg::origin

// The names under /live/: what a viewer may ask for.
//
//   /live/NAME/index.m3u8  manifest.mpd  status.json      stable: what NAME shows now
//   /live/NAME/poster.jpg                                 stable: what it looks like now
//   /live/NAME/ID.EPOCH/video.m3u8                        a track's media playlist
//   /live/NAME/ID.EPOCH/video-h0.mp4                      version 0 of its CMAF header
//   /live/NAME/ID.EPOCH/video-12.m4s                      the segment with media sequence number 12
//   /live/NAME/ID.EPOCH/video-12.3.m4s                    part 3 of it: a slice of the same bytes
//   /live/NAME/ID.EPOCH/thumb-34567.jpg                   the picture at 34.567 s of media time
//   /live/NAME/ID.EPOCH/storyboard.vtt                    when each thumbnail is what is seen (storyboard.h)
//
// Everything with ID.EPOCH in its path, playlists and storyboard aside, means the same bytes for ever. There is one
// spelling for each: numbers are decimal without leading zeros, so a cache never holds an object twice.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "media/record.h"

namespace klieg::origin {

enum class NameKind : uint8_t {
  multivariant,
  manifest,
  status,
  poster,
  playlist,
  header,
  segment,
  part,
  thumbnail,
  storyboard,
};

struct Name {
  NameKind kind = NameKind::multivariant;
  std::string_view channel;
  std::string_view broadcast;  // "ID.EPOCH"; empty for the stable names
  std::string_view track;
  uint64_t number = 0;  // header version, media sequence number, or milliseconds of a thumbnail
  uint64_t part = 0;
};

// Empty when no such name can exist. The views point into `path`.
std::optional<Name> parse_name(std::string_view path);

// What is subscribed to as one (media/push.h): a track of a broadcast, "/live/NAME/ID.EPOCH/video". The names of all
// that belongs to it begin so. A view of `path`; empty: it belongs to none.
std::string_view topic_of(std::string_view path);

std::string broadcast_name(const std::string& id, uint32_t epoch);  // "ID.EPOCH"

std::string multivariant_path(std::string_view channel);
std::string manifest_path(std::string_view channel);

// Within a broadcast, relative to its playlists.
std::string playlist_name(std::string_view track);
std::string header_name(std::string_view track, uint32_t version);
std::string segment_name(std::string_view track, media::Msn msn);
std::string part_name(std::string_view track, media::Msn msn, uint64_t part);
std::string thumbnail_name(uint64_t ms);

}  // namespace klieg::origin

// What a reader needs of HLS playlists that somebody wrote (wire/hls.h writes them): which tracks and segments there
// are.
//
// Whatever is not asked for here is passed over, as the standard wants of tags that a client does not know (6.3.1). The
// views point into the text. An Error says in which line the text is no playlist. Nothing is allocated on the say-so of
// a number.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/hls.h"

namespace klieg::wire::hls {

struct ListedVariant {
  std::string_view uri;
  std::string_view codecs;
  uint64_t bandwidth = 0;
  std::string_view audio_uri;  // of the rendition that plays by default in its audio group; empty: it has none
};

// Asked of: a multivariant playlist (4.4.6).
Result<std::vector<ListedVariant>> read_multivariant_playlist(std::string_view text);

struct ListedSegment {
  std::string_view uri;
  Gap gap = Gap::no;
};

// Asked of: a media playlist (4.4.4, 4.4.5) that is no delta update.
struct MediaListing {
  uint64_t media_sequence = 0;  // of the first segment
  std::vector<ListedSegment> segments;
  uint64_t open_parts = 0;  // of the segment that follows: it has begun
  Ended ended = Ended::no;
};

Result<MediaListing> read_media_playlist(std::string_view text);

}  // namespace klieg::wire::hls

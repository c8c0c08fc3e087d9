// HTTP Live Streaming playlists: draft-pantos-hls-rfc8216bis (protocol version 9 of it), low latency included.
//
// Pure: a view of the window in, text out; a query in, delivery directives out. What may be listed and when is the
// origin's business; what a playlist must look like so that players accept it is decided here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace klieg::wire::hls {

enum class Independent : uint8_t { no, yes };  // has a place to begin decoding (EXT-X-PART INDEPENDENT)
enum class Break : uint8_t { none, discontinuity };
enum class Ended : uint8_t { no, yes };  // EXT-X-ENDLIST
enum class Gap : uint8_t { no, yes };    // EXT-X-GAP (4.4.4.7), GAP=YES: not there, and never will be

struct ByteRange {
  uint64_t offset = 0;
  uint64_t size = 0;
};

// EXT-X-PART (4.4.4.9).
struct Part {
  std::string uri;
  Duration duration{0};
  Independent independent = Independent::no;
  std::optional<ByteRange> range;  // of the segment, when parts are not files of their own
  Gap gap = Gap::no;
};

// A Media Segment and the tags that apply to it (4.4.4). The last of a playlist may still be open: parts, no URI line.
struct Segment {
  std::string uri;
  Duration duration{0};
  WallTime begins;      // EXT-X-PROGRAM-DATE-TIME
  std::string map_uri;  // EXT-X-MAP: written where it differs from the segment before
  Break break_before = Break::none;
  Gap gap = Gap::no;
  std::vector<Part> parts;  // empty once nobody needs them any more
};

// EXT-X-PRELOAD-HINT (4.4.5.3) of the next part.
struct PreloadHint {
  std::string uri;
  std::optional<uint64_t> offset;  // BYTERANGE-START; the length is open
};

// EXT-X-RENDITION-REPORT (4.4.5.4).
struct RenditionReport {
  std::string uri;
  uint64_t last_msn = 0;
  std::optional<uint64_t> last_part;
};

struct MediaPlaylist {
  uint32_t target_duration_s = 1;
  Duration part_target{0};     // EXT-X-PART-INF
  Duration part_hold_back{0};  // >= 3 x part_target (4.4.3.8)
  uint64_t media_sequence = 0;
  uint64_t discontinuity_sequence = 0;
  std::vector<Segment> segments;
  std::optional<Segment> open;  // being born
  std::optional<PreloadHint> hint;
  std::vector<RenditionReport> reports;
  Ended ended = Ended::no;
};

enum class Skip : uint8_t { nothing, old_segments };  // _HLS_skip

// EXTM3U... `old_segments` asks for a Playlist Delta Update; when nothing lies before the skip boundary the whole
// playlist is the answer (6.2.5.1).
std::string render(const MediaPlaylist& playlist, Skip skip);

// EXT-X-MEDIA of type AUDIO (4.4.6.1).
struct AudioRendition {
  std::string name;
  std::string uri;
  uint32_t channels = 0;  // 0: not known
};

// Where a variant's audio is: in the group, or in the variant, which is audio alone.
enum class Audio : uint8_t { of_group, own };

// EXT-X-STREAM-INF (4.4.6.2).
struct Variant {
  std::string uri;
  std::string codecs;  // of the variant and its audio group
  uint64_t bandwidth = 0;
  uint64_t average_bandwidth = 0;
  uint32_t width = 0;  // 0: no RESOLUTION
  uint32_t height = 0;
  double frame_rate = 0;  // 0: no FRAME-RATE
  Audio audio = Audio::of_group;
};

struct MultivariantPlaylist {
  Independent all_segments = Independent::no;  // EXT-X-INDEPENDENT-SEGMENTS
  std::vector<Variant> variants;
  std::vector<AudioRendition> audio;  // the group that variants play with; empty: none
};

std::string render(const MultivariantPlaylist& playlist);

// Delivery directives (6.2.5): what a client asks of a media playlist in its query.
struct Directives {
  std::optional<uint64_t> msn;   // _HLS_msn: hold until it is listed
  std::optional<uint64_t> part;  // _HLS_part: ... or until this part of it is
  Skip skip = Skip::nothing;
  bool operator==(const Directives&) const = default;
};

// Unknown parameters are tolerated: they belong to players, proxies and versions to come. The error is for the client.
Result<Directives> parse_directives(std::string_view query);

// How many parts past the last one a client may ask for before it is refused (6.2.5.2, Advance Part Limit).
uint64_t advance_part_limit(Duration part_target);

// Segments further than this from the end may be skipped (CAN-SKIP-UNTIL, at least six target durations), and parts
// further than this are no longer listed (three target durations, 4.4.4.9 and 6.2.2).
constexpr Duration skip_until(uint32_t target_duration_s) { return std::chrono::seconds(6 * target_duration_s); }
constexpr Duration parts_kept(uint32_t target_duration_s) { return std::chrono::seconds(3 * target_duration_s); }

}  // namespace klieg::wire::hls

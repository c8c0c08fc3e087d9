// Reads HLS playlists (draft-pantos-hls-rfc8216bis) into the values that wire/hls.h renders, as a player needs them:
// dates, durations, parts. Tags it does not know are passed over (4.1). wire/hls_reader.h is for who wants to know no
// more than which segments there are.
//
// Pure; the text may be anything. Nothing is allocated on the word of a number.
#pragma once

#include <string_view>
#include <variant>

#include "base/result.h"
#include "wire/hls.h"

namespace klieg::wire::hls {

// Of a media playlist, as render() writes it and as others do: segments without EXT-X-PROGRAM-DATE-TIME follow the one
// before them; where none has one, `begins` is 1970. `skipped` segments (EXT-X-SKIP) are in media_sequence already.
// part_target 0: no low latency. The hold-backs, rendition reports and byte ranges of maps are not read.
using Playlist = std::variant<MultivariantPlaylist, MediaPlaylist>;

// A day of segments of one second; more is no live playlist.
inline constexpr size_t segments_max = 86'400;
// Parts and variants, in all.
inline constexpr size_t parts_max = 100'000;

Result<Playlist> read_playlist(std::string_view text);

}  // namespace klieg::wire::hls

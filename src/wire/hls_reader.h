// Reads HLS playlists (draft-pantos-hls-rfc8216bis) into the values that wire/hls.h renders. What it does not know is
// passed over, as the standard wants of clients (4.1, 6.3.1).
//
// Strict in what it does know: a number is a number to its end, a segment has an EXTINF and a variant an
// EXT-X-STREAM-INF before its URI. An Error says in which line the text is no playlist.
//
// Pure; the text may be anything. Nothing is allocated on the word of a number.
#pragma once

#include <string_view>
#include <variant>

#include "base/result.h"
#include "wire/hls.h"

namespace klieg::wire::hls {

using Playlist = std::variant<MultivariantPlaylist, MediaPlaylist>;

// A day of segments of one second; more is no live playlist.
inline constexpr size_t segments_max = 86'400;
// Parts, variants and renditions, in all.
inline constexpr size_t parts_max = 100'000;

// Of a media playlist, as render() writes it and as others do: segments without EXT-X-PROGRAM-DATE-TIME follow the one
// before them; where none has one, `begins` is 1970. Skipped segments (EXT-X-SKIP) are in media_sequence already.
// part_target 0: no low latency. The hold-backs, rendition reports and byte ranges of maps are not read.
//
// Of a multivariant playlist: variants, and the audio group of the first that names one, what plays by default before
// the rest. A variant that plays with another group, or none, has Audio::own.
Result<Playlist> read_playlist(std::string_view text);

// The same where it is known which of the two was asked for; the other is an Error.
Result<MediaPlaylist> read_media_playlist(std::string_view text);
Result<MultivariantPlaylist> read_multivariant_playlist(std::string_view text);

}  // namespace klieg::wire::hls

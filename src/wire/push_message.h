// The WebSocket subprotocol "klieg.push.1": what a node says over /live/NAME/push, written and read.
//
//   text     {"type":"tracks","tracks":[{"id":1,"kind":"video","name":"video","mime":"video/mp4;
//   codecs=\"avc1.64001f\"",
//             "timescale":90000}, ...]}                 before what follows is of other tracks than before
//            {"type":"over","why":"ended"}              the last, but where the connection breaks
//   binary   u8 track id, u8 flags, u16 0, u32 size, then as many bytes of CMAF
//
//     flag 1  key             a viewer may begin with this chunk
//     flag 2  discontinuity   of another header than the chunk of this track before
//     flag 4  initialization  not a chunk but the track's header: what Media Source Extensions call an initialization
//                             segment. It comes after "tracks", one for each
//
// A viewer is first sent tracks and their headers, then chunks from the latest key frame on. One that was too slow is
// sent that again: what it misses in between is seen from the times in the chunks. Viewers have nothing to say.
//
// Who lost another connection says with `?after_ms=N` what it has of all tracks, by decode time: where nothing is
// missing in between, the chunks after that follow the headers at once, without the key frame.
//
// Pages read the same in web/src/playback/push_message.ts. Pure; what is read may be anything.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "media/track.h"

namespace klieg::wire::push_message {

inline constexpr std::string_view protocol = "klieg.push.1";

enum Flag : uint8_t { flag_key = 1, flag_discontinuity = 2, flag_initialization = 4 };

struct Track {
  uint8_t id = 0;
  media::TrackKind kind = media::TrackKind::video;
  std::string name;  // "video", "720p"
  std::string mime;  // with its codecs
  uint32_t timescale = 0;
  bool operator==(const Track&) const = default;
};
struct Tracks {
  std::vector<Track> tracks;
  bool operator==(const Tracks&) const = default;
};
struct Over {
  std::string why;
  bool operator==(const Over&) const = default;
};
struct Later {  // words of a later version: to be passed over
  bool operator==(const Later&) const = default;
};
using Words = std::variant<Tracks, Over, Later>;

std::string write(const Tracks& tracks);
std::string write(const Over& over);
// The error says what is wrong with the text. Tracks without an id or a timescale are none.
Result<Words> read_words(std::string_view text);

struct Chunk {
  uint8_t track = 0;
  uint8_t flags = 0;
  Bytes content;  // shares storage with the message
  bool operator==(const Chunk&) const = default;
};

// Before so many bytes of content.
Bytes chunk_head(uint8_t track, uint8_t flags, uint32_t content_size);
std::optional<Chunk> read_chunk(const Bytes& message);  // nothing: it is none

}  // namespace klieg::wire::push_message

// What the viewer of a tier of requests is: a machine that says what to ask for next and is told what came. It owns no
// socket and no clock; client_requests.h joins one to the network.
//
// A tier that is a connection (push) has another way in, push_viewer.h, but its pieces are the same `Received`, and
// everything behind them too.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

namespace klieg::player {

// How a viewer reads the timeline. A row here and a Viewer make another.
enum class Tier : uint8_t {
  push,     // chunks as they are born, by RTMP or over a WebSocket
  ll_hls,   // parts: the playlist is held until it names the next
  ll_dash,  // chunks of a segment that is sent as it grows
  dash,     // whole segments, from when the manifest says they are there
  hls,      // whole segments: the playlist is polled
};

enum class Body : uint8_t {
  whole,
  growing,  // it is told of piece by piece, and not kept
};

struct Wanted {
  std::string target;  // path and query
  LoopTime at;         // not before
  Body body = Body::whole;
};

struct Answered {
  LoopTime asked;
  LoopTime first_byte;
  LoopTime last_byte;
  uint16_t status = 0;  // 0: none came
  Bytes body;
};

// What a piece is: one frame may leave with itself, more leave when the last of them is there.
enum class Holds : uint8_t { one_frame, more };

// A piece of media that has arrived whole.
struct Received {
  WallTime begins;  // on the server's clock: when its first frame came in at the ingest, by playlist or manifest
  Duration duration{0};
  std::optional<WallTime> captured;  // of its first frame, where the camera stamped it; on the camera's clock
  // When a held playlist told of it, which it did as soon as it was there. Empty: the playlist was not held.
  std::optional<LoopTime> told;
  Answered transfer;
  Holds holds = Holds::more;
};

class Viewer {
 public:
  virtual ~Viewer() = default;
  // One request at a time: the next is asked for when this one was answered. Empty: the broadcast is over.
  virtual std::optional<Wanted> next(LoopTime now) = 0;
  // Of an answer whose body was wanted growing: what became whole with `piece`.
  virtual std::vector<Received> grew(const Answered& so_far, ByteView piece, LoopTime now);
  // The answer to what next() wanted. The error says why there is nothing to see.
  virtual Result<std::optional<Received>> take(const Answered& answered) = 0;
};

// Where a document at `base` (a path) means by `uri` (RFC 3986 5.2): absolute paths and relative ones of the same host.
std::string resolved(std::string_view base, std::string_view uri);

}  // namespace klieg::player

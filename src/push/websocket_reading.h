// A channel as messages of the WebSocket subprotocol "klieg.push.1": each is framed once, and the bytes are the same
// for every viewer.
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
// sent that again: what it misses in between is seen from the times in the chunks.
//
// Owner: the loop's WebSocketServer. Thread: that loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "push/channel.h"
#include "push/reel.h"

namespace klieg::push {

inline constexpr std::string_view websocket_protocol = "klieg.push.1";

enum WebSocketFlag : uint8_t { flag_key = 1, flag_discontinuity = 2, flag_initialization = 4 };

class WebSocketReading final : public Reading {
 public:
  // `changed` is called when headers are told for the first time, and at the end.
  explicit WebSocketReading(std::function<void()> changed, const ReelLimits& limits = {});

  void on_headers(const Headers& headers) override;
  void on_chunk(const Chunk& chunk) override;
  void on_over(ChannelEnd why) override;

  const std::shared_ptr<Reel>& reel() const { return reel_; }
  bool begun() const { return begun_; }  // headers are known: viewers can be let in
  const std::optional<ChannelEnd>& over() const { return over_; }

 private:
  std::function<void()> changed_;
  std::shared_ptr<Reel> reel_;
  Bytes preamble_;  // of the headers told last
  bool begun_ = false;
  bool headers_due_ = false;   // in the log itself, with the next chunk
  uint8_t discontinuous_ = 0;  // a bit for each track whose next chunk says so
  std::optional<ChannelEnd> over_;
};

}  // namespace klieg::push

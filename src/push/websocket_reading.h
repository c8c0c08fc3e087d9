// A channel as messages of the WebSocket subprotocol "klieg.push.1" (wire/push_message.h): each is framed once, and the
// bytes are the same for every viewer.
//
// Owner: the loop's WebSocketServer. Thread: that loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "push/channel.h"
#include "push/reel.h"

namespace klieg::push {

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

// A viewer of the push tier over a WebSocket: /live/NAME/push in klieg.push.1 (wire/push_message.h).
//
//   asking ──101──► open ──"over", the server's Close──► end
//     └──any other answer──► end, with what it was
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "player/chunk_times.h"
#include "player/push_viewer.h"
#include "wire/push_message.h"
#include "wire/websocket.h"

namespace klieg::player {

class WebSocketViewer final : public PushViewer {
 public:
  static constexpr size_t head_size_max = size_t{16} << 10;

  // `seed` of the key and the masks, which need not be secret: they keep proxies from mistaking us.
  WebSocketViewer(std::string_view authority, std::string_view path, uint64_t seed);

  void receive(ByteView bytes, LoopTime now) override;
  std::vector<Bytes> take_output() override { return std::exchange(output_, {}); }

 private:
  void read_head();
  void take(const wire::websocket::Message& message, LoopTime first_byte, LoopTime now);
  void take_tracks(const wire::push_message::Tracks& tracks);
  void take_chunk(const wire::push_message::Chunk& chunk, LoopTime first_byte, LoopTime now);
  void send(wire::websocket::Opcode opcode, ByteView payload);

  Random random_;
  std::vector<Bytes> output_;
  std::string path_;
  std::string key_;
  std::string head_;  // of the answer, until it is whole
  bool open_ = false;
  wire::websocket::Reader reader_{message_size_max, wire::websocket::From::server};
  LoopTime message_began_;
  uint8_t track_ = 0;  // that counts; 0: none is known yet
  std::optional<ChunkTimes> times_;
};

}  // namespace klieg::player

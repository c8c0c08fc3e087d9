// A viewer of the push tier over RTMP (RTMP 1.0, 7.2.2): connects, plays, and tells frames by their times.
//
//   handshaking ──► connecting ──► creating ──► playing ──"the broadcast is over"──► end
//       └───────────────┴─────────────┴────────────┴──an error's words──► end
//
// RTMP tells a frame's time to a millisecond and not how long it lasts: that is as long as the one before. Times are 32
// bits of milliseconds; a broadcast that is older than 49 days is not told from a younger one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "media/track.h"
#include "player/push_viewer.h"
#include "wire/rtmp_client_link.h"

namespace klieg::player {

struct RtmpAddress {
  std::string application;  // "live"
  std::string name;         // of the stream: "ada", "ada?rendition=720p"
  std::string tc_url;       // "rtmp://HOST/live"
};

class RtmpViewer final : public PushViewer {
 public:
  RtmpViewer(RtmpAddress address, uint64_t seed);

  void receive(ByteView bytes, LoopTime now) override;
  std::vector<Bytes> take_output() override { return link_.take_output(); }

 private:
  enum class State : uint8_t { handshaking, connecting, creating, playing };

  void connect();
  void obey(const wire::rtmp::Message& message, LoopTime first_byte, LoopTime now);
  void obey_command(const wire::rtmp::Message& message);
  void obey_status(const wire::rtmp::Command& command);
  void take_metadata(const wire::rtmp::Message& message);
  void take_media(const wire::rtmp::Message& message, LoopTime first_byte, LoopTime now);

  RtmpAddress address_;
  State state_ = State::handshaking;
  wire::rtmp::ClientLink link_;
  LoopTime message_began_;

  wire::rtmp::MessageType counts_ = wire::rtmp::MessageType::video;
  std::optional<media::Track> track_;  // once its header came
  Duration frame_{0};                  // how long one lasts; 0: not known
  Duration key_offset_{0};             // see chunk_times.h
  std::optional<MediaTime> before_;
};

}  // namespace klieg::player

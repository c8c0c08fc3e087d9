// One RTMP viewer as a state machine, from its play command on: bytes and `now` in; bytes to send and a wake-at out.
//
//   asking ──begin()──► playing ──finish()──► closing ──► closed
//      └──refuse()──────────┴────refuse()──────►┘
//
// It says everything but the media, which the owner sends between begin() and finish() (rtmp_reading.h,
// server_fanout.h). Memory: ChunkReader's bound with commands_max, and the answers of one receive(); a viewer that asks
// much and reads nothing is the owner's business (unsent()).
//
// Section 7.2.2 of RTMP 1.0. `play` of what is not there, or no more, has words for the person at the player.
//
// Ownership, thread: a plain value of its owner; no socket, no clock, no callback.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "wire/rtmp_play_request.h"

namespace klieg::push {

struct RtmpSessionLimits {
  Duration answer_within = 20s;  // of play: a channel that is looked for is lost after about 10 s, where parents hang
  Duration words_linger = 2s;    // reading on after the last words: closing at once would reset them away
  // Commands are about 100 bytes, and nobody who watches has more to say.
  size_t commands_max = 16 << 10;
};

enum class RtmpState : uint8_t { asking, playing, closing, closed };

enum class RtmpEnd : uint8_t {
  left,         // the viewer closed, or the network did
  finished,     // the broadcast did
  refused,      // with words
  malformed,    // chunks or commands that make no sense
  not_reading,  // it takes nothing, or next to nothing
  stopped,      // by us
};
std::string_view name_of(RtmpEnd end);

// What is asked for: "ada", "ada?rendition=720p", or by a guest "ada?token=..." (wire/path_token.h).
struct PlayAddress {
  std::string channel;    // empty: none was given
  std::string rendition;  // empty: the one that came
  std::string token = {};
  bool operator==(const PlayAddress&) const = default;
};
// As players have it in one box or two: the play command's name, or else what follows the app in the URL.
PlayAddress read_play_address(std::string_view app, std::string_view name);

class RtmpSession {
 public:
  RtmpSession(wire::rtmp::PlayRequest request, const RtmpSessionLimits& limits, LoopTime now);

  void receive(ByteView bytes);
  void wake(LoopTime now);
  std::optional<LoopTime> wake_at() const;  // nothing: while playing, and once closed

  // The broadcast is there. Asserted: asking. Media may follow what take_output() gives now.
  void begin();
  // "NetStream.Play.StreamNotFound" and why, then it closes.
  void refuse(std::string_view code, std::string_view words, LoopTime now);
  void finish(LoopTime now);                      // no media follows
  void end(RtmpEnd why, std::string words = {});  // at once, without a word

  std::vector<Bytes> take_output() { return std::exchange(output_, {}); }

  RtmpState state() const { return state_; }
  RtmpEnd why() const { return end_; }  // once closing or closed
  const std::string& words() const { return words_; }
  const PlayAddress& address() const { return address_; }
  std::string_view player() const { return player_; }  // flashVer, printable and cut
  // Whether the player said that it takes this codec of Enhanced RTMP ("hvc1").
  bool takes(std::string_view fourcc) const;

 private:
  void obey(const wire::rtmp::Message& message);
  void close_after_words(RtmpEnd why, std::string_view words, LoopTime now);
  void say(wire::rtmp::StatusLevel level, std::string_view code, std::string_view words);
  void send(const wire::rtmp::Message& message, uint32_t chunk_stream_id);

  RtmpSessionLimits limits_;
  RtmpState state_ = RtmpState::asking;
  RtmpEnd end_ = RtmpEnd::left;
  LoopTime deadline_;
  std::string words_;
  wire::rtmp::ChunkReader reader_;
  wire::rtmp::ChunkWriter writer_;
  std::vector<std::string> fourccs_;  // that the player takes
  std::string player_;
  PlayAddress address_;
  uint32_t stream_id_;
  std::vector<Bytes> output_;
};

}  // namespace klieg::push

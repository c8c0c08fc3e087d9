// One RTMP connection as a state machine: bytes and `now` in; bytes to send, events and a wake-at out.
//
//   handshaking -> connecting -> connected -> claiming -> publishing -> connected (unpublished) ...
//   any -> closing (words are on their way to the encoder) -> closed;   any -> closed (nothing more to say)
//   connected -> watching (it asked to play) -> closed (hand_over(): it is somebody else's)
//
// The owner moves bytes both ways, looks at next_event() after every call, and answers PublishAsked with accept() or
// refuse(), and PlayAsked with hand_over() or refuse(), in its own time. While the answer is awaited the session takes
// no further bytes: the owner should stop reading (wants_bytes()); what was read already is kept, at most 64 KiB of it.
//
// Nothing waits for ever: see SessionLimits. Memory: ChunkReader's bound with 64 KiB until a key was accepted and 16
// MiB after, and the events of one receive().
//
// Ownership, thread: a plain value of its owner; no socket, no clock, no callback.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "ingest/media_message.h"
#include "ingest/refusal.h"
#include "wire/rtmp_chunk.h"
#include "wire/rtmp_handshake.h"
#include "wire/rtmp_message.h"
#include "wire/rtmp_play_request.h"

namespace klieg::ingest {

struct SessionLimits {
  Duration publish_within = 10s;  // of connecting, or of the last unpublish: handshake, connect, publish, answer
  Duration silence_max = 30s;     // without a byte while publishing
  Duration ping_after = 10s;      // without a byte: an encoder that lives answers, so only dead ones become silent
  Duration words_linger = 2s;     // reading on after a refusal: closing at once would reset the words away
  // Commands are about 400 bytes; the largest seen, a Flash player's connect, is 1 KiB.
  size_t buffered_max_unknown = 64 << 10;
  // The largest message is a key frame. 100 Mbit/s with all of a second in it makes 12.5 MB.
  size_t buffered_max_publishing = 16 << 20;
};

enum class SessionState : uint8_t {
  handshaking,
  connecting,
  connected,
  claiming,
  publishing,
  watching,
  closing,
  closed
};

enum class SessionEnd : uint8_t {
  left,              // the peer closed, or the network did
  refused,           // see Refusal
  not_rtmp,          // the first byte said so
  encryption_asked,  // RTMPE, which is not spoken; RTMPS is
  malformed,         // chunks or commands that make no sense
  too_slow,          // nothing published within publish_within
  silent,            // no byte for silence_max
  not_reading,       // answers pile up unsent
  stopped,           // by us
};
std::string_view name_of(SessionState state);
std::string_view name_of(SessionEnd end);

struct PublishAsked {
  std::string app;
  std::string key;
  std::string encoder;          // flashVer, printable and cut: may be logged
  std::string parameters = {};  // behind the stream's name; the key may be one
};
struct PlayAsked {};  // no encoder but a viewer: see hand_over()
struct Refused {      // whoever refused, the session itself included: the words are on their way to the encoder
  Refusal refusal;
};
struct Unpublished {};  // by the encoder's own word; a lost connection is SessionEnded alone
struct SessionEnded {
  SessionEnd why = SessionEnd::left;
  std::string words;  // for the log: what exactly, "" where `why` says it all
};
using SessionEvent = std::variant<PublishAsked, PlayAsked, MediaMessage, Refused, Unpublished, SessionEnded>;

class Session {
 public:
  // `wall`: what the wall clock says at `now`; encoders are told.
  Session(const SessionLimits& limits, uint64_t seed, LoopTime now, WallTime wall);

  void receive(ByteView bytes, LoopTime now);
  void wake(LoopTime now);
  std::optional<LoopTime> wake_at() const;  // nothing once closed

  // The answer to PublishAsked. Asserted: claiming.
  void accept(LoopTime now);
  // The answer to PublishAsked or PlayAsked, or at any later time of the publishing. The words go out, then the session
  // closes.
  void refuse(const Refusal& refusal, LoopTime now);
  // The answer to PlayAsked: what was said so far, for who serves viewers. This session is closed and says nothing
  // more. Asserted: watching.
  wire::rtmp::PlayRequest hand_over();
  // Asks the encoder to connect elsewhere ("": here again). False: it never said that it can.
  bool request_reconnect(std::string_view tc_url);
  // The connection is gone, or is to go at once: no more words.
  void end(SessionEnd why, std::string words = {});

  std::optional<SessionEvent> next_event();
  std::vector<Bytes> take_output();

  SessionState state() const { return state_; }
  bool wants_bytes() const { return !awaits_answer() && state_ != SessionState::closed; }
  const std::string& encoder() const { return encoder_; }
  uint64_t bytes_received() const { return bytes_received_; }

 private:
  void read(ByteView bytes, LoopTime now);
  void obey(const wire::rtmp::Message& message, LoopTime now);
  void obey_command(const wire::rtmp::Message& message, LoopTime now);
  void connect(const wire::rtmp::Command& command, LoopTime now);
  void publish(const wire::rtmp::Command& command, uint32_t stream_id, LoopTime now);
  void play(const wire::rtmp::Command& command, uint32_t stream_id);
  bool awaits_answer() const { return state_ == SessionState::claiming || state_ == SessionState::watching; }
  void unpublish(LoopTime now);
  void media(MediaMessage::Kind kind, const wire::rtmp::Message& message, Bytes body);
  void data(const wire::rtmp::Message& message);
  void acknowledge();
  void close_after_words(Refusal refusal, LoopTime now);
  void send(const wire::rtmp::Message& message, uint32_t chunk_stream_id);
  void send(const wire::rtmp::Command& command, uint32_t stream_id);

  SessionLimits limits_;
  SessionState state_ = SessionState::handshaking;
  LoopTime deadline_;  // of every state but publishing
  Duration loop_to_wall_;
  LoopTime last_bytes_at_;
  LoopTime ping_at_;
  wire::rtmp::HandshakeServer handshake_;
  wire::rtmp::ChunkReader reader_;
  wire::rtmp::ChunkWriter writer_;
  wire::rtmp::ConnectRequest connect_;
  std::string encoder_;
  uint32_t streams_created_ = 0;
  uint32_t publish_stream_id_ = 0;
  std::string refusal_words_;
  std::string play_name_;
  std::vector<uint8_t> held_;  // bytes behind an unanswered publish or play
  uint64_t bytes_received_ = 0;
  uint64_t bytes_acknowledged_ = 0;
  uint32_t window_;
  std::deque<SessionEvent> events_;
  std::vector<Bytes> output_;
};

}  // namespace klieg::ingest

// One RTMP connection as its publisher's state machine: bytes and `now` in; bytes to send, events and a wake-at out.
//
//   handshaking -> connecting -> creating -> asking -> on_air -> closed
//   any -> closed, with a ClientEnded that says why
//
// Each step up to on_air has the same time to be answered. The server's own words reach the caller in ClientEnded.
//
// Enhanced RTMP v2: connect() says what we can send (videoFourCcInfoMap, audioFourCcInfoMap, fourCcList, capsEx), and
// a server may ask us to connect elsewhere. Commands are AMF0.
//
// Memory: ChunkReader's bound with 64 KiB; a server tells a publisher nothing longer.
// Ownership, thread: a plain value of its owner; no socket, no clock, no callback.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "wire/rtmp_client_link.h"

namespace klieg::broadcaster {

enum class Dialect : uint8_t {
  enhanced,  // Enhanced RTMP v2
  legacy,    // RTMP 1.0: no FourCC is ever mentioned
};

struct ClientSettings {
  std::string application;
  std::string tc_url;
  std::string stream_key;
  Dialect dialect = Dialect::enhanced;
  wire::rtmp::HandshakeForm handshake = wire::rtmp::HandshakeForm::simple;
  Duration answer_within = 10s;  // each of handshake, connect, createStream, publish
  // Large enough that a frame of 2 Mbit/s is mostly one chunk, small enough that sound waits little behind a key frame.
  uint32_t chunk_size = 16 << 10;
};

enum class ClientState : uint8_t { handshaking, connecting, creating, asking, on_air, closed };

enum class ClientEnd : uint8_t {
  refused,        // the server said so; its words follow
  not_rtmp,       // what answers is no RTMP server
  malformed,      // chunks or commands that make no sense
  not_answering,  // a step was not answered in time
  lost,           // the connection
  finished,       // by us
};
std::string_view name_of(ClientState state);
std::string_view name_of(ClientEnd end);

struct WentOnAir {};
struct ReconnectAsked {
  std::string tc_url;  // "": the same address again
  std::string words;
};
struct ClientEnded {
  ClientEnd why = ClientEnd::finished;
  std::string code;   // onStatus code, "NetStream.Publish.BadName"
  std::string words;  // its description
};
using ClientEvent = std::variant<WentOnAir, ReconnectAsked, ClientEnded>;

// What the server's clock says, where it told in its answer to connect. Half of the way there and back lay before that.
struct ServerClock {
  Duration loop_to_wall{0};  // add it to a LoopTime's count to have the server's wall clock
  Duration error_max{0};     // half a round trip: however unequal its halves were
};
// What to add to our own wall clock, which says `wall` at `now`, to have the server's. Nothing where they differ by no
// more than may be the network's: two clocks that somebody sets well agree better than that.
Duration correction_by(const ServerClock& clock, LoopTime now, WallTime wall);

class ClientSession {
 public:
  ClientSession(ClientSettings settings, uint64_t seed, LoopTime now);

  void receive(ByteView bytes, LoopTime now);
  void wake(LoopTime now);
  std::optional<LoopTime> wake_at() const;  // nothing once on air

  // Asserted: on air. The body is shared, not copied.
  void send(wire::rtmp::MessageType type, uint32_t timestamp_ms, Bytes body);
  // Says goodbye properly (FCUnpublish, deleteStream), then is closed: send the output, then close.
  void finish();
  // The connection is gone.
  void end(ClientEnd why);

  std::optional<ClientEvent> next_event();
  std::vector<Bytes> take_output();

  ClientState state() const { return state_; }
  const std::optional<ServerClock>& server_clock() const { return server_clock_; }

 private:
  void begin_connecting(LoopTime now);
  void obey(const wire::rtmp::Message& message, LoopTime now);
  void obey_command(const wire::rtmp::Message& message, LoopTime now);
  void obey_status(const wire::rtmp::Command& command);
  void create_stream(LoopTime now);
  void ask_to_publish(uint32_t stream_id, LoopTime now);
  void step(ClientState state, LoopTime now);
  void close(ClientEnded ended);

  ClientSettings settings_;
  ClientState state_ = ClientState::handshaking;
  LoopTime deadline_;
  LoopTime connect_asked_;
  std::optional<ServerClock> server_clock_;
  wire::rtmp::ClientLink link_;
  uint32_t stream_id_ = 0;
  std::deque<ClientEvent> events_;
};

}  // namespace klieg::broadcaster

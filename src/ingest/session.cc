#include "ingest/session.h"

#include <algorithm>

#include "ingest/stream_address.h"

namespace klieg::ingest {
namespace {

using namespace wire::rtmp;  // NOLINT(google-build-using-namespace): this file speaks RTMP throughout
using wire::amf0::Value;

// What we announce, and what we go by until the encoder announces its own.
constexpr uint32_t acknowledgement_window = 2'500'000;
constexpr uint32_t chunk_size_sent = 4096;  // our longest message then leaves in one chunk
constexpr size_t encoder_name_max = 64;

// What the packager and the players can take. Multitrack is not among it, nor are nanoseconds worth a word.
const Capabilities& our_capabilities() {
  static const Capabilities capabilities = [] {
    constexpr uint32_t info = fourcc_can_forward;
    Capabilities c;
    c.fourccs = {"avc1", "hvc1", "av01", "vp09", "mp4a", "Opus", ".mp3"};
    c.video = {{"avc1", info}, {"hvc1", info}, {"av01", info}, {"vp09", info}};
    c.audio = {{"mp4a", info}, {"Opus", info}, {".mp3", info}};
    c.extended = capability_reconnect | capability_mod_ex | capability_timestamp_nano_offset;
    return c;
  }();
  return capabilities;
}

std::string printable(std::string_view text) {
  std::string safe(text.substr(0, encoder_name_max));
  std::ranges::replace_if(safe, [](char c) { return c < ' ' || c > '~'; }, '?');
  return safe;
}

}  // namespace

std::string_view name_of(SessionState state) {
  switch (state) {
    case SessionState::handshaking:
      return "handshaking";
    case SessionState::connecting:
      return "connecting";
    case SessionState::connected:
      return "connected";
    case SessionState::claiming:
      return "claiming";
    case SessionState::publishing:
      return "publishing";
    case SessionState::watching:
      return "watching";
    case SessionState::closing:
      return "closing";
    case SessionState::closed:
      return "closed";
  }
  return "unknown";
}

std::string_view name_of(SessionEnd end) {
  switch (end) {
    case SessionEnd::left:
      return "left";
    case SessionEnd::refused:
      return "refused";
    case SessionEnd::not_rtmp:
      return "not_rtmp";
    case SessionEnd::encryption_asked:
      return "encryption_asked";
    case SessionEnd::malformed:
      return "malformed";
    case SessionEnd::too_slow:
      return "too_slow";
    case SessionEnd::silent:
      return "silent";
    case SessionEnd::not_reading:
      return "not_reading";
    case SessionEnd::stopped:
      return "stopped";
  }
  return "unknown";
}

Session::Session(const SessionLimits& limits, uint64_t seed, LoopTime now, WallTime wall)
    : limits_(limits),
      deadline_(now + limits.publish_within),
      loop_to_wall_(wall.time_since_epoch() - now.time_since_epoch()),
      last_bytes_at_(now),
      ping_at_(now + limits.ping_after),
      handshake_(seed),
      reader_(limits.buffered_max_unknown),
      window_(acknowledgement_window) {}

void Session::receive(ByteView bytes, LoopTime now) {
  if (state_ == SessionState::closed) return;
  last_bytes_at_ = now;
  ping_at_ = now + limits_.ping_after;
  bytes_received_ += bytes.size();
  if (awaits_answer()) {
    if (held_.size() + bytes.size() > limits_.buffered_max_unknown) {
      return end(SessionEnd::malformed, "sends on before its command is answered");
    }
    held_.insert(held_.end(), bytes.begin(), bytes.end());
    return;
  }
  read(bytes, now);
  acknowledge();
}

void Session::read(ByteView bytes, LoopTime now) {
  if (state_ == SessionState::handshaking) {
    ByteWriter answer;
    const HandshakeState handshake = handshake_.receive(bytes, answer);
    if (answer.size() > 0) output_.push_back(answer.take());
    switch (handshake) {
      case HandshakeState::waiting:
        return;
      case HandshakeState::not_rtmp:
        return end(SessionEnd::not_rtmp);
      case HandshakeState::not_supported:
        return end(SessionEnd::encryption_asked);
      case HandshakeState::done:
        state_ = SessionState::connecting;
        break;
    }
  }
  while (state_ != SessionState::closing && state_ != SessionState::closed) {
    if (awaits_answer()) {
      held_.assign(bytes.begin(), bytes.end());
      return;
    }
    Result<std::optional<Message>, ChunkError> message = reader_.read(bytes);
    if (!message) return end(SessionEnd::malformed, std::string(name_of(message.error())));
    if (!*message) return;
    obey(**message, now);
  }
}

void Session::obey(const Message& message, LoopTime now) {
  switch (message.type) {
    case MessageType::window_acknowledgement_size:
      if (const Result<uint32_t> size = parse_control_value(message); size && *size > 0) window_ = *size;
      break;
    case MessageType::user_control: {
      const Result<UserControlEvent> event = parse_user_control(message);
      if (event && event->event == UserControl::ping_request) {
        send(user_control(UserControl::ping_response, event->value), control_chunk_stream);
      }
      break;
    }
    case MessageType::amf0_command:
    case MessageType::amf3_command:
      obey_command(message, now);
      break;
    case MessageType::video:
      media(MediaMessage::Kind::video, message, message.payload);
      break;
    case MessageType::audio:
      media(MediaMessage::Kind::audio, message, message.payload);
      break;
    case MessageType::amf0_data:
    case MessageType::amf3_data:
      data(message);
      break;
    default:
      break;  // acknowledgements, bandwidths, shared objects: nothing depends on them
  }
}

void Session::obey_command(const Message& message, LoopTime now) {
  const Result<Command> command = parse_command(message);
  if (!command) return end(SessionEnd::malformed, command.error().message);
  const std::string& name = command->name;
  if (name == "connect") {
    if (state_ == SessionState::connecting) connect(*command, now);
    return;
  }
  if (state_ == SessionState::connecting) return;  // nothing else counts before connect
  const Command plain_result{"_result", command->transaction, wire::amf0::Null{}, {wire::amf0::Undefined{}}};
  if (name == "releaseStream" || name == "FCPublish") {
    send(plain_result, 0);
  } else if (name == "createStream") {
    const double stream_id = ++streams_created_;
    send(Command{"_result", command->transaction, wire::amf0::Null{}, {stream_id}}, 0);
  } else if (name == "publish") {
    publish(*command, message.stream_id, now);
  } else if (name == "FCUnpublish" || name == "closeStream") {
    unpublish(now);
  } else if (name == "deleteStream") {
    const double* stream_id = command->arguments.empty() ? nullptr : command->arguments.front().number();
    if (!stream_id || *stream_id == publish_stream_id_) unpublish(now);
  } else if (name == "play") {
    play(*command, message.stream_id);
  }
  // Anything else (_checkbw, getStreamLength, an answer to nothing) asks for nothing that matters to publishing.
}

void Session::connect(const Command& command, LoopTime now) {
  connect_ = parse_connect(command);
  encoder_ = printable(connect_.flash_version);
  state_ = SessionState::connected;
  send(window_acknowledgement_size(acknowledgement_window), control_chunk_stream);
  send(set_peer_bandwidth(acknowledgement_window, BandwidthLimit::dynamic), control_chunk_stream);
  send(set_chunk_size(chunk_size_sent), control_chunk_stream);
  writer_.set_chunk_size(chunk_size_sent);
  send(connect_result(connect_, command.transaction, our_capabilities(),
                      WallTime(now.time_since_epoch() + loop_to_wall_)),
       0);
}

void Session::publish(const Command& command, uint32_t stream_id, LoopTime now) {
  if (state_ == SessionState::publishing) {
    Refusal refusal{RefusalReason::already_live, "this connection is publishing already"};
    send(on_status(StatusLevel::error, status_code_of(refusal.reason), refusal.words), stream_id);
    events_.emplace_back(Refused{std::move(refusal)});
    return;
  }
  publish_stream_id_ = stream_id;
  StreamAddress address = read_stream_address(connect_.tc_url, connect_.app, command.text_argument(0));
  if (address.key.empty()) {
    return close_after_words(
        {RefusalReason::no_key, "no stream key: put it into the encoder's stream key box, or at the end of the URL"},
        now);
  }
  state_ = SessionState::claiming;
  events_.emplace_back(
      PublishAsked{std::move(address.app), std::move(address.key), encoder_, std::move(address.parameters)});
}

void Session::play(const Command& command, uint32_t stream_id) {
  if (state_ == SessionState::publishing) return;
  publish_stream_id_ = stream_id;
  play_name_ = command.text_argument(0);
  state_ = SessionState::watching;
  events_.emplace_back(PlayAsked{});
}

PlayRequest Session::hand_over() {
  KLIEG_ASSERT(state_ == SessionState::watching, "only who asked to play is handed over");
  state_ = SessionState::closed;
  return {std::move(connect_), std::move(play_name_), publish_stream_id_,
          std::move(reader_),  std::move(writer_),    std::exchange(held_, {})};
}

void Session::accept(LoopTime now) {
  KLIEG_ASSERT(state_ == SessionState::claiming, "only a publish that was asked for can be accepted");
  state_ = SessionState::publishing;
  last_bytes_at_ = now;
  ping_at_ = now + limits_.ping_after;
  reader_.set_buffered_max(limits_.buffered_max_publishing);
  send(user_control(UserControl::stream_begin, publish_stream_id_), control_chunk_stream);
  send(on_status(StatusLevel::status, "NetStream.Publish.Start", "on air"), publish_stream_id_);
  const std::vector<uint8_t> held = std::exchange(held_, {});
  read(held, now);
  acknowledge();
}

void Session::refuse(const Refusal& refusal, LoopTime now) {
  if (state_ == SessionState::closing || state_ == SessionState::closed) return;
  KLIEG_ASSERT(awaits_answer() || state_ == SessionState::publishing, "who asked for nothing is refused nothing");
  close_after_words(refusal, now);
}

void Session::close_after_words(Refusal refusal, LoopTime now) {
  const std::string_view code =
      state_ == SessionState::watching ? "NetStream.Play.Failed" : status_code_of(refusal.reason);
  send(on_status(StatusLevel::error, code, refusal.words), publish_stream_id_);
  state_ = SessionState::closing;
  deadline_ = now + limits_.words_linger;
  held_ = {};
  refusal_words_ = refusal.words;
  events_.emplace_back(Refused{std::move(refusal)});
}

void Session::unpublish(LoopTime now) {
  if (state_ != SessionState::publishing) return;
  send(on_status(StatusLevel::status, "NetStream.Unpublish.Success", "off air"), publish_stream_id_);
  state_ = SessionState::connected;
  deadline_ = now + limits_.publish_within;
  reader_.set_buffered_max(limits_.buffered_max_unknown);
  events_.emplace_back(Unpublished{});
}

bool Session::request_reconnect(std::string_view tc_url) {
  if (state_ != SessionState::publishing) return false;
  if ((connect_.capabilities.extended & capability_reconnect) == 0) return false;
  send(reconnect_request(tc_url, "please connect again"), 0);
  return true;
}

void Session::media(MediaMessage::Kind kind, const Message& message, Bytes body) {
  if (state_ != SessionState::publishing || body.empty()) return;
  events_.emplace_back(MediaMessage{kind, message.timestamp_ms, std::move(body)});
}

// "@setDataFrame" in front asks the server to keep what follows for later viewers; it is no part of the data.
void Session::data(const Message& message) {
  Bytes body = message.payload;
  if (message.type == MessageType::amf3_data && !body.empty() && body[0] == 0) body = body.slice(1);
  ByteView rest = body;
  const Result<Value> first = wire::amf0::read_value(rest);
  if (!first || !first->text() || *first->text() == "@clearDataFrame") return;
  if (*first->text() == "@setDataFrame") body = body.slice(body.size() - rest.size());
  media(MediaMessage::Kind::data, message, std::move(body));
}

// The sequence number counts all bytes received and wraps at 2^32 (RTMP 1.0, 5.4.3).
void Session::acknowledge() {
  if (state_ == SessionState::handshaking || state_ == SessionState::closed) return;
  if (bytes_received_ - bytes_acknowledged_ < window_) return;
  bytes_acknowledged_ = bytes_received_;
  send(acknowledgement(static_cast<uint32_t>(bytes_received_)), control_chunk_stream);
}

void Session::wake(LoopTime now) {
  switch (state_) {
    case SessionState::handshaking:
    case SessionState::connecting:
    case SessionState::connected:
    case SessionState::claiming:
    case SessionState::watching:
      if (now >= deadline_) end(SessionEnd::too_slow, "while " + std::string(name_of(state_)));
      break;
    case SessionState::publishing:
      if (now >= last_bytes_at_ + limits_.silence_max) {
        end(SessionEnd::silent);
      } else if (now >= ping_at_) {
        send(user_control(UserControl::ping_request, static_cast<uint32_t>(to_ms(now.time_since_epoch()))),
             control_chunk_stream);
        ping_at_ = now + limits_.ping_after;
      }
      break;
    case SessionState::closing:
      if (now >= deadline_) end(SessionEnd::refused, refusal_words_);
      break;
    case SessionState::closed:
      break;
  }
}

std::optional<LoopTime> Session::wake_at() const {
  switch (state_) {
    case SessionState::closed:
      return std::nullopt;
    case SessionState::publishing:
      return std::min(ping_at_, last_bytes_at_ + limits_.silence_max);
    default:
      return deadline_;
  }
}

void Session::end(SessionEnd why, std::string words) {
  if (state_ == SessionState::closed) return;
  if (state_ == SessionState::closing) {  // an encoder that closes once it has read the words was refused all the same
    why = SessionEnd::refused;
    words = refusal_words_;
  }
  state_ = SessionState::closed;
  held_ = {};
  events_.emplace_back(SessionEnded{why, std::move(words)});
}

std::optional<SessionEvent> Session::next_event() {
  if (events_.empty()) return std::nullopt;
  SessionEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

std::vector<Bytes> Session::take_output() { return std::exchange(output_, {}); }

void Session::send(const Message& message, uint32_t chunk_stream_id) {
  writer_.write(message, chunk_stream_id, output_);
}

void Session::send(const Command& command, uint32_t stream_id) {
  send(command_message(command, stream_id), stream_id == 0 ? command_chunk_stream : status_chunk_stream);
}

}  // namespace klieg::ingest

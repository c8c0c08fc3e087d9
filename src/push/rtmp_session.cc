#include "push/rtmp_session.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "push/rtmp_reading.h"
#include "wire/amf0.h"

namespace klieg::push {
namespace {

using namespace wire::rtmp;  // NOLINT(google-build-using-namespace): this file speaks RTMP throughout

constexpr size_t player_name_max = 64;

std::string printable(std::string_view text) {
  std::string safe(text.substr(0, player_name_max));
  std::ranges::replace_if(safe, [](char c) { return c < ' ' || c > '~'; }, '?');
  return safe;
}

}  // namespace

std::string_view name_of(RtmpEnd end) {
  switch (end) {
    case RtmpEnd::left:
      return "left";
    case RtmpEnd::finished:
      return "finished";
    case RtmpEnd::refused:
      return "refused";
    case RtmpEnd::malformed:
      return "malformed";
    case RtmpEnd::not_reading:
      return "not_reading";
    case RtmpEnd::stopped:
      return "stopped";
  }
  return "unknown";
}

PlayAddress read_play_address(std::string_view app, std::string_view name) {
  if (name.empty() || name.starts_with('?')) {  // rtmp://host/live/ada as one string
    const size_t slash = app.find('/');
    name = slash == app.npos ? std::string_view() : app.substr(slash + 1);
  }
  while (name.starts_with('/')) name.remove_prefix(1);
  const size_t question = std::min(name.find('?'), name.size());
  PlayAddress address{std::string(name.substr(0, question)), {}};
  std::string_view query = name.substr(std::min(question + 1, name.size()));
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    constexpr std::string_view rendition = "rendition=", token = "token=";
    if (query.starts_with(rendition)) address.rendition = query.substr(rendition.size(), end - rendition.size());
    if (query.starts_with(token)) address.token = query.substr(token.size(), end - token.size());
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return address;
}

RtmpSession::RtmpSession(PlayRequest request, const RtmpSessionLimits& limits, LoopTime now)
    : limits_(limits),
      deadline_(now + limits.answer_within),
      reader_(std::move(request.reader)),
      writer_(std::move(request.writer)),
      fourccs_(request.connect.capabilities.fourccs),
      player_(printable(request.connect.flash_version)),
      address_(read_play_address(request.connect.app, request.name)),
      stream_id_(request.stream_id) {
  for (const auto* known : {&request.connect.capabilities.video, &request.connect.capabilities.audio}) {
    for (const FourCc& fourcc : *known) fourccs_.push_back(fourcc.name);
  }
  reader_.set_buffered_max(limits_.commands_max);
  receive(request.unread);
}

bool RtmpSession::takes(std::string_view fourcc) const {
  return std::ranges::any_of(fourccs_, [&](const std::string& name) { return name == fourcc || name == "*"; });
}

void RtmpSession::receive(ByteView bytes) {
  while (state_ == RtmpState::asking || state_ == RtmpState::playing) {
    Result<std::optional<Message>, ChunkError> message = reader_.read(bytes);
    if (!message) return end(RtmpEnd::malformed, std::string(name_of(message.error())));
    if (!*message) return;
    obey(**message);
  }
}

void RtmpSession::obey(const Message& message) {
  if (message.type == MessageType::user_control) {
    const Result<UserControlEvent> event = parse_user_control(message);
    if (event && event->event == UserControl::ping_request) {
      send(user_control(UserControl::ping_response, event->value), control_chunk_stream);
    }
    return;
  }
  if (message.type != MessageType::amf0_command && message.type != MessageType::amf3_command) return;
  const Result<Command> command = parse_command(message);
  if (!command) return end(RtmpEnd::malformed, command.error().message);
  if (command->name == "closeStream" || command->name == "deleteStream") return end(RtmpEnd::left);
  if (command->name == "pause" || command->name == "seek") {
    say(StatusLevel::error, command->name == "pause" ? "NetStream.Pause.Failed" : "NetStream.Seek.Failed",
        "this is live: play it again to be where it is");
  } else if (command->name == "play" || command->name == "play2" || command->name == "publish") {
    say(StatusLevel::error, "NetStream.Failed", "this connection plays already; use another");
  }
  // Anything else (receiveAudio, FCSubscribe, getStreamLength) changes nothing of what is sent.
}

void RtmpSession::begin() {
  KLIEG_ASSERT(state_ == RtmpState::asking, "what was asked for begins once");
  state_ = RtmpState::playing;
  send(set_chunk_size(rtmp_play_chunk_size), control_chunk_stream);
  writer_.set_chunk_size(rtmp_play_chunk_size);
  send(user_control(UserControl::stream_begin, stream_id_), control_chunk_stream);
  say(StatusLevel::status, "NetStream.Play.Reset", "from here on");
  say(StatusLevel::status, "NetStream.Play.Start", "live");
}

void RtmpSession::refuse(std::string_view code, std::string_view words, LoopTime now) {
  if (state_ != RtmpState::asking && state_ != RtmpState::playing) return;
  say(StatusLevel::error, code, words);
  close_after_words(RtmpEnd::refused, words, now);
}

// Players act on one or another of these. No data message is among them (onPlayStatus, |RtmpSampleAccess): FFmpeg takes
// any for a track of text.
void RtmpSession::finish(LoopTime now) {
  if (state_ != RtmpState::playing) return;
  say(StatusLevel::status, "NetStream.Play.Complete", "the broadcast is over");
  say(StatusLevel::status, "NetStream.Play.UnpublishNotify", "the broadcast is over");
  say(StatusLevel::status, "NetStream.Play.Stop", "the broadcast is over");
  send(user_control(UserControl::stream_eof, stream_id_), control_chunk_stream);
  close_after_words(RtmpEnd::finished, "", now);
}

void RtmpSession::close_after_words(RtmpEnd why, std::string_view words, LoopTime now) {
  state_ = RtmpState::closing;
  end_ = why;
  words_ = words;
  deadline_ = now + limits_.words_linger;
}

void RtmpSession::wake(LoopTime now) {
  if (!wake_at() || now < deadline_) return;
  if (state_ == RtmpState::asking) {
    return refuse("NetStream.Play.Failed", "the broadcast could not be found in time; try again in a moment", now);
  }
  state_ = RtmpState::closed;
}

std::optional<LoopTime> RtmpSession::wake_at() const {
  if (state_ == RtmpState::asking || state_ == RtmpState::closing) return deadline_;
  return std::nullopt;
}

void RtmpSession::end(RtmpEnd why, std::string words) {
  if (state_ == RtmpState::closed) return;
  if (state_ != RtmpState::closing) {  // a player that closes once it has read the words ended by them all the same
    end_ = why;
    words_ = std::move(words);
  }
  state_ = RtmpState::closed;
}

void RtmpSession::say(StatusLevel level, std::string_view code, std::string_view words) {
  send(command_message(on_status(level, code, words), stream_id_), status_chunk_stream);
}

void RtmpSession::send(const Message& message, uint32_t chunk_stream_id) {
  writer_.write(message, chunk_stream_id, output_);
}

}  // namespace klieg::push

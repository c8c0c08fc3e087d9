#include "broadcaster/client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>

#include "base/logging.h"
#include "broadcaster/file_descriptor.h"
#include "broadcaster/stop_signals.h"
#include "net/connection.h"
#include "net/listener.h"
#include "net/loop.h"

namespace klieg::broadcaster {

namespace {

constexpr Duration connect_within = 10s;
constexpr Duration goodbye_within = 5s;    // what is queued has this long to leave
constexpr Duration signals_every = 100ms;  // a person does not notice the wait
// Half a minute of 2.5 Mbit/s: a slower uplink than the clip's bitrate makes us late, not large.
constexpr size_t unsent_max = 8 << 20;
// Clips are held whole: 2 GiB is two hours of 2.5 Mbit/s.
constexpr size_t input_size_max = size_t{2} << 30;
// A server that sends us on and on gets no more than this many attempts.
constexpr int reconnects_max = 10;

class Publisher final : public net::ConnectionHandler {
 public:
  Publisher(const Clip& clip, const PublishOptions& options)
      : clip_(clip),
        options_(options),
        url_(options.url),
        pace_timer_(loop_, [this] { pump(); }),
        deadline_timer_(loop_, [this] { on_deadline(); }),
        signal_timer_(loop_, [this] { watch_signals(); }) {}

  Result<void> run() {
    loop_.post([this] {
      watch_signals();
      connect();
    });
    loop_.run();
    connection_.reset();
    return outcome_;
  }

 private:
  void connect() {
    using net::TlsClient;
    const TlsClient tls = url_.security == Security::plain           ? TlsClient::none
                          : options_.trust == Trust::any_certificate ? TlsClient::accept_any_certificate
                                                                     : TlsClient::verify_peer;
    net::connect(loop_, {url_.host, url_.port}, tls, connect_within, [this](auto connection) {
      if (stopping_) return loop_.stop();
      if (!connection)
        return stop_with(fail(fmt::format("cannot reach {}: {}", url_.shown(), connection.error().message)));
      connection_ = std::move(*connection);
      session_.emplace(ClientSettings{.application = url_.application,
                                      .tc_url = url_.tc_url(),
                                      .stream_key = url_.stream_key,
                                      .dialect = options_.dialect,
                                      .handshake = options_.handshake},
                       static_cast<uint64_t>(loop_.wall_now().time_since_epoch().count()), loop_.now());
      connection_->start(*this);
      flush();
      if (const auto at = session_->wake_at()) deadline_timer_.arm(*at);
    });
  }

  void on_bytes(ByteView bytes) override {
    session_->receive(bytes, loop_.now());
    flush();
    react();
  }

  void on_drained() override {
    if (session_ && session_->state() == ClientState::on_air) pump();
  }

  void on_closed(net::Closed) override {
    connection_.reset();
    if (reconnecting_) {
      reconnecting_ = false;
      return connect();
    }
    if (stopping_) return loop_.stop();
    session_->end(ClientEnd::lost);
    react();
  }

  void on_deadline() {
    if (stopping_) return loop_.stop();
    if (reconnecting_) return connection_->abort();
    session_->wake(loop_.now());
    flush();
    react();
  }

  void react() {
    while (auto event = session_->next_event()) {
      if (std::holds_alternative<WentOnAir>(*event)) go_on_air();
      if (const auto* asked = std::get_if<ReconnectAsked>(&*event)) reconnect(*asked);
      if (const auto* ended = std::get_if<ClientEnded>(&*event)) on_ended(*ended);
    }
    if (const auto at = session_->wake_at(); at && !stopping_) deadline_timer_.arm(*at);
  }

  void go_on_air() {
    deadline_timer_.cancel();
    logging::info("publishing", {{"to", url_.shown()}});
    const auto& server = session_->server_clock();
    clock_correction_ = server ? correction_by(*server, loop_.now(), loop_.wall_now()) : Duration(0);
    if (clock_correction_ != Duration(0) && options_.stamp == CaptureStamp::at_sending) {
      logging::info("frames are stamped by the server's clock",
                    {{"ahead_ms", std::to_string(to_ms(clock_correction_))}});
    }
    // After a move to another server the clip begins again: that server has seen none of it.
    playback_.emplace(clip_, options_.pace, options_.repeat, loop_.now());
    pump();
  }

  void on_ended(const ClientEnded& ended) {
    if (ended.why == ClientEnd::finished) return;
    std::string words = fmt::format("{}: ", url_.shown());
    switch (ended.why) {
      case ClientEnd::refused:
        words += fmt::format("the server refused: {} ({})", ended.words.empty() ? "no reason given" : ended.words,
                             ended.code);
        break;
      case ClientEnd::lost:
        words += "the connection was lost";
        break;
      default:
        words += ended.words;
        break;
    }
    stop_with(fail(std::move(words)));
  }

  void pump() {
    if (stopping_ || reconnecting_ || !session_ || session_->state() != ClientState::on_air) return;
    while (connection_->unsent() < unsent_max) {
      const auto due = playback_->take(loop_.now());
      if (!due) break;
      if (auto sent = send(*due); !sent) return stop_with(std::move(sent));
    }
    flush();
    if (playback_->ended()) {
      logging::info("the clip has ended", {{"to", url_.shown()}});
      return stop_with({});
    }
    // Late and queue full: on_drained() goes on.
    if (connection_->unsent() < unsent_max) pace_timer_.arm(*playback_->wake_at());
  }

  Result<void> send(const Playback::Due& due) {
    using Type = wire::flv::Packet::Type;
    using wire::rtmp::MessageType;
    const wire::flv::Form form =
        options_.dialect == Dialect::legacy ? wire::flv::Form::legacy : wire::flv::Form::extended;
    ClipPacket packet = *due.packet;
    if (packet.kind == ClipPacket::Kind::data) {
      static const Bytes set_data_frame = Bytes::of_static(as_bytes({"\x02\x00\x0d@setDataFrame", 16}));
      session_->send(MessageType::amf0_data, due.timestamp_ms, Bytes::join(std::array{set_data_frame, packet.data}));
      return {};
    }
    if (packet.kind == ClipPacket::Kind::video && options_.stamp == CaptureStamp::at_sending) {
      if (packet.packet.type == Type::sequence_start) video_config_ = packet.packet.body;
      if (packet.packet.type == Type::coded_frames) {
        packet.packet.body = with_capture_stamp(packet.packet, video_config_, loop_.wall_now() + clock_correction_);
      }
    }
    auto body = message_body(packet, form, clip_.audio);
    if (!body) return std::unexpected(body.error());
    const auto type = packet.kind == ClipPacket::Kind::video ? MessageType::video : MessageType::audio;
    if (!body->empty()) session_->send(type, due.timestamp_ms, *std::move(body));
    return {};
  }

  void flush() {
    if (!connection_) return;
    const std::vector<Bytes> output = session_->take_output();
    if (!output.empty()) connection_->write(output);
  }

  void reconnect(const ReconnectAsked& asked) {
    if (stopping_ || reconnecting_) return;
    if (!asked.tc_url.empty()) {
      auto elsewhere = RtmpUrl::parse(asked.tc_url + "/" + url_.stream_key);
      if (!elsewhere) return logging::warning("asked to an address that is none", {{"address", asked.tc_url}});
      url_ = *std::move(elsewhere);
    }
    if (++reconnects_ > reconnects_max) return stop_with(fail("the server sends us from one address to the next"));
    logging::info("asked to connect elsewhere", {{"to", url_.shown()}, {"because", asked.words}});
    reconnecting_ = true;
    session_->finish();
    flush();
    connection_->close();
    deadline_timer_.arm(loop_.now() + goodbye_within);
  }

  // Whatever is queued leaves, then the loop stops.
  void stop_with(Result<void> outcome) {
    if (stopping_) return;
    stopping_ = true;
    outcome_ = std::move(outcome);
    if (!connection_) return loop_.stop();
    session_->finish();
    flush();
    connection_->close();
    deadline_timer_.arm(loop_.now() + goodbye_within);
  }

  void watch_signals() {
    if (signals_.arrived()) return connection_ || !session_ ? stop_with({}) : loop_.stop();
    signal_timer_.arm(loop_.now() + signals_every);
  }

  const Clip& clip_;
  const PublishOptions& options_;
  RtmpUrl url_;
  StopSignals signals_;
  net::Loop loop_;
  net::Timer pace_timer_, deadline_timer_, signal_timer_;
  std::unique_ptr<net::Connection> connection_;
  std::optional<ClientSession> session_;
  std::optional<Playback> playback_;
  Bytes video_config_;
  Duration clock_correction_{0};  // of capture stamps: the server's clock less ours
  bool stopping_ = false, reconnecting_ = false;
  int reconnects_ = 0;
  Result<void> outcome_;
};

}  // namespace

Result<Bytes> read_input(const std::string& path) {
  FileDescriptor file(path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return fail(fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  std::vector<uint8_t> content;
  while (true) {
    const size_t begin = content.size();
    if (begin >= input_size_max) return fail(fmt::format("{} is larger than 2 GiB, which is all that is held", path));
    content.resize(begin + (1 << 20));
    const ssize_t count = ::read(file.get(), content.data() + begin, content.size() - begin);
    content.resize(begin + static_cast<size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0 && errno != EINTR) return fail(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
    if (count == 0) return Bytes::take(std::move(content));
  }
}

Result<void> publish(const Clip& clip, const PublishOptions& options) { return Publisher(clip, options).run(); }

}  // namespace klieg::broadcaster

#include "push/server.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/logging.h"
#include "wire/live_path.h"

namespace klieg::push {

// One viewer: born by Server::take, lives on the server's loop, dies in on_closed.
class ServerViewer final : public net::ConnectionHandler,
                           public Sitter,
                           public std::enable_shared_from_this<ServerViewer> {
 public:
  ServerViewer(Server& server, wire::rtmp::PlayRequest request, std::unique_ptr<media::Pass> pass,
               std::unique_ptr<net::Connection> connection)
      : server_(server),
        pass_(std::move(pass)),
        connection_(std::move(connection)),
        stream_id_(request.stream_id),
        session_(std::move(request), server.limits_.session, server.loop_.now()),
        timer_(server.loop_, [this] { wake(); }) {}

  ~ServerViewer() override {
    seat_.reset();
    if (show_) show_->viewers.erase(this);
  }

  void start() {
    const auto self = shared_from_this();
    connection_->start(*this);
    if (pass_) pass_->when_over([this] { show_out(); });
    const PlayAddress& address = session_.address();
    if (address.channel.empty()) {
      session_.refuse("NetStream.Play.StreamNotFound", "which broadcast? play rtmp://HOST/live/NAME", now());
    } else if (!wire::is_channel_name(address.channel)) {
      session_.refuse("NetStream.Play.StreamNotFound",
                      "there is no such broadcast: a name has 1 to 64 letters, digits, '_' or '-'", now());
    } else if (stream_id_ != rtmp_play_stream) {
      session_.refuse("NetStream.Play.Failed", "one connection plays one stream: its first", now());
    } else if (const auto verdict = server_.admission_.ask(Standing::stranger, server_.fanout_.window_with_one_more(),
                                                           server_.fanout_.window_max(), place_);
               verdict != AdmissionVerdict::admitted) {
      session_.refuse("NetStream.Play.Failed", words_of(verdict), now());
    } else {
      show_ = server_.shows_.open(address.channel, address.rendition);
      show_->viewers.insert(this);
      look();
    }
    pump();
  }

  void on_show_changed() {
    look();
    pump();
  }

  void stop() {
    seat_.reset();
    session_.state() == RtmpState::playing ? session_.finish(now()) : session_.end(RtmpEnd::stopped);
    pump();
  }

  void on_bytes(ByteView bytes) override {
    if (closing_) return;
    session_.receive(bytes);
    pump();
  }

  void on_drained() override {
    answers_unsent_ = 0;
    if (seat_) seat_->on_drained();
  }

  void on_closed(net::Closed) override {
    const auto self = shared_from_this();
    closing_ = true;  // nothing is to be written any more
    session_.end(RtmpEnd::left);
    leave_seat();
    timer_.cancel();
    logging::debug("RTMP viewer gone", {{"channel", session_.address().channel},
                                        {"peer", connection_->peer()},
                                        {"player", session_.player()},
                                        {"outcome", name_of(session_.why())},
                                        {"words", session_.words()}});
    server_.metrics_
        .counter("klieg_push_rtmp_sessions_ended_total", "RTMP viewers that are gone, by outcome",
                 {{"outcome", std::string(name_of(session_.why()))}})
        .Increment();
    server_.remove(self);
  }

  void on_stalled() override {
    session_.end(RtmpEnd::not_reading);
    pump();
  }

  void on_reel_end() override {
    leave_seat();
    session_.finish(now());
    pump();
  }

 private:
  LoopTime now() const { return server_.loop_.now(); }

  // What the channel's state means for this viewer.
  void look() {
    const RtmpReading& reading = show_->reading;
    const RtmpState state = session_.state();
    if (state != RtmpState::asking && state != RtmpState::playing) return;
    if (reading.over() && state == RtmpState::asking) return refuse(*reading.over());
    if (reading.over()) {  // the fanout says when all is sent; not for ever
      last_words_by_ = now() + server_.limits_.last_words_within;
      return;
    }
    if (!reading.begun()) return;
    if (!pass_ && show_->channel().audience() == media::Audience::guests) return refuse(ChannelEnd::not_live);
    for (std::string_view fourcc : reading.fourccs_needed()) {
      if (session_.takes(fourcc)) continue;
      leave_seat();
      return session_.refuse(
          "NetStream.Play.Failed",
          fmt::format("this broadcast is {}, which needs a player of Enhanced RTMP; this one did not "
                      "say that it is one. HLS and DASH have it, too",
                      fourcc),
          now());
    }
    if (state == RtmpState::playing) return;
    session_.begin();
    send();
    if (!closing_) seat_ = std::make_unique<Seat>(server_.fanout_, reading.reel(), *connection_, *this);
  }

  void show_out() {
    const auto self = shared_from_this();
    leave_seat();
    session_.refuse("NetStream.Play.Failed", "this link was taken back, or is over", now());
    pump();
  }

  void refuse(ChannelEnd why) {
    const std::string& name = session_.address().channel;
    if (why == ChannelEnd::not_live || why == ChannelEnd::ended) {
      return session_.refuse("NetStream.Play.StreamNotFound", name + " is not live", now());
    }
    session_.refuse("NetStream.Play.Failed",
                    why == ChannelEnd::lost ? name + " cannot be reached now; try again in a moment"
                                            : name + " is in a form that cannot be played",
                    now());
  }

  void send() {
    const std::vector<Bytes> output = session_.take_output();
    if (closing_ || output.empty()) return;
    for (const Bytes& piece : output) answers_unsent_ += piece.size();
    connection_->write(output);
    if (connection_->unsent() == 0) answers_unsent_ = 0;
    if (answers_unsent_ > server_.limits_.answers_unsent_max) session_.end(RtmpEnd::not_reading);
  }

  // After anything that may have moved the session.
  void pump() {
    send();
    if (session_.state() == RtmpState::closing || session_.state() == RtmpState::closed) leave_seat();
    if (!closing_ && session_.state() == RtmpState::closed) {
      closing_ = true;
      closed_by_ = now() + server_.limits_.close_within;
      session_.why() == RtmpEnd::not_reading ? connection_->abort() : connection_->close();
    }
    arm();
  }

  void leave_seat() { seat_.reset(); }

  void arm() {
    std::optional<LoopTime> when = closing_ ? std::optional(closed_by_) : session_.wake_at();
    if (!closing_ && seat_ && last_words_by_) when = last_words_by_;
    if (when) timer_.arm(*when);
  }

  void wake() {
    if (closing_) return connection_->abort();
    if (seat_ && last_words_by_ && now() >= *last_words_by_) session_.end(RtmpEnd::not_reading);
    session_.wake(now());
    pump();
  }

  Server& server_;
  const std::unique_ptr<media::Pass> pass_;  // null: he is no guest
  std::unique_ptr<net::Connection> connection_;
  const uint32_t stream_id_;
  RtmpSession session_;
  net::Timer timer_;
  Admission::Place place_;
  std::shared_ptr<Show<RtmpReading, ServerViewer>> show_;
  std::unique_ptr<Seat> seat_;
  size_t answers_unsent_ = 0;
  bool closing_ = false;  // close() or abort() was called; only on_closed is to come
  LoopTime closed_by_;
  std::optional<LoopTime> last_words_by_;
};

Server::Server(net::Loop& loop, Channels& channels, Fanout& fanout, Admission& admission, Metrics& metrics,
               const ServerLimits& limits)
    : loop_(loop), shows_(loop, channels), fanout_(fanout), admission_(admission), metrics_(metrics), limits_(limits) {}

Server::~Server() = default;

void Server::take(wire::rtmp::PlayRequest request, std::unique_ptr<media::Pass> pass,
                  std::unique_ptr<net::Connection> connection) {
  if (stopping_) return;  // closed by its destruction
  const auto viewer = std::make_shared<ServerViewer>(*this, std::move(request), std::move(pass), std::move(connection));
  viewers_.insert(viewer);
  viewer->start();
}

void Server::stop(std::move_only_function<void()> done) {
  stopping_ = true;
  stopped_ = std::move(done);
  for (const auto& viewer : std::vector(viewers_.begin(), viewers_.end())) viewer->stop();
  if (viewers_.empty() && stopped_) loop_.post(std::exchange(stopped_, nullptr));
}

void Server::remove(const std::shared_ptr<ServerViewer>& viewer) {
  viewers_.erase(viewer);
  if (stopping_ && viewers_.empty() && stopped_) loop_.post(std::exchange(stopped_, nullptr));
}

}  // namespace klieg::push

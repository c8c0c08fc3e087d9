#include "push/server_websocket.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/logging.h"
#include "base/whole_number.h"
#include "wire/form.h"
#include "wire/live_path.h"
#include "wire/push_message.h"

namespace klieg::push {
namespace {

using http::WebSocketEnd;
using http::WebSocketState;
using wire::websocket::CloseCode;

constexpr std::string_view path_end = "/push";

constexpr uint64_t after_ms_max = uint64_t{1} << 40;  // 34 years

struct Wish {
  std::string rendition;
  std::optional<Duration> after;  // the decode time of the last that the viewer has
};

// "rendition=720p&after_ms=12345"; names of tracks need no escaping. Nothing: it is malformed.
std::optional<Wish> read_wish(std::string_view query) {
  Wish wish;
  bool well_formed = true;
  wire::each_parameter(query, [&](std::string_view parameter) {
    const std::string_view name = wire::parameter_name(parameter), value = wire::parameter_value(parameter);
    if (name == "rendition" && wish.rendition.empty()) wish.rendition = value;
    if (name != "after_ms") return;
    const auto after_ms = whole_number<uint64_t>(value);
    well_formed = well_formed && after_ms && *after_ms <= after_ms_max;
    if (well_formed) wish.after = std::chrono::milliseconds(*after_ms);
  });
  return well_formed ? std::optional(std::move(wish)) : std::nullopt;
}

http::Response refusal_of(ChannelEnd why) {
  switch (why) {
    case ChannelEnd::not_live:
    case ChannelEnd::ended:
      return http::Response::text(404, "not live");
    case ChannelEnd::lost:
      return http::Response::text(502, "it cannot be reached now; try again in a moment");
    case ChannelEnd::unreadable:
      return http::Response::text(502, "it is in a form that cannot be pushed");
  }
  return http::Response::text(502, "");
}

}  // namespace

// One viewer: born by serve(), lives on the server's loop, dies in on_closed, or when its request was refused.
class WebSocketViewer final : public net::ConnectionHandler,
                              public Sitter,
                              public std::enable_shared_from_this<WebSocketViewer> {
 public:
  WebSocketViewer(WebSocketServer& server, std::shared_ptr<Show<WebSocketReading, WebSocketViewer>> show,
                  std::optional<Duration> after, http::WebSocketOffer offer, http::Responder responder,
                  Admission::Place place, std::unique_ptr<media::Pass> pass)
      : server_(server),
        show_(std::move(show)),
        after_(after),
        offer_(std::move(offer)),
        responder_(std::move(responder)),
        place_(std::move(place)),
        pass_(std::move(pass)),
        session_(server.limits_.session, server.loop_.now()),
        timer_(server.loop_, [this] { wake(); }) {
    show_->viewers.insert(this);
  }
  ~WebSocketViewer() override {
    seat_.reset();
    show_->viewers.erase(this);
  }

  void start() {
    const auto self = shared_from_this();
    timer_.arm(now() + server_.limits_.answer_within);
    if (pass_) pass_->when_over([this] { show_out(); });
    on_show_changed();
  }

  // What the channel's state means for this viewer.
  void on_show_changed() {
    const WebSocketReading& reading = show_->reading;
    if (responder_ && reading.over()) return refuse(refusal_of(*reading.over()), name_of(*reading.over()));
    if (responder_ && reading.begun()) {
      const bool for_guests = show_->channel().audience() == media::Audience::guests;
      if (for_guests && !pass_) return refuse(refusal_of(ChannelEnd::not_live), "for_guests");
      return let_in();
    }
    if (seat_ && reading.over()) {  // the fanout says when all is sent; not for ever
      last_words_by_ = now() + server_.limits_.last_words_within;
      arm();
    }
  }

  void stop() {
    if (responder_) return refuse(http::Response::text(503, "the server is going; ask again"), "stopped");
    seat_.reset();
    session_.close(WebSocketEnd::stopped, CloseCode::going_away, "the server is going", now());
    pump();
  }

  void show_out() {
    const auto self = shared_from_this();
    if (responder_) return refuse(http::Response::text(403, "this link was taken back, or is over"), "shown_out");
    seat_.reset();
    session_.close(WebSocketEnd::shown_out, CloseCode::policy_violation, "this link was taken back, or is over", now());
    pump();
  }

  void on_bytes(ByteView bytes) override {
    if (closing_) return;
    session_.receive(bytes, now());  // what a viewer says is nothing in klieg.push.1
    pump();
  }

  void on_drained() override {
    answers_unsent_ = 0;
    if (seat_) seat_->on_drained();
  }

  void on_closed(net::Closed) override {
    const auto self = shared_from_this();
    closing_ = true;  // nothing is to be written any more
    session_.end(WebSocketEnd::left);
    seat_.reset();
    timer_.cancel();
    logging::debug(
        "WebSocket viewer gone",
        {{"channel", show_->channel().name()}, {"peer", connection_->peer()}, {"outcome", name_of(session_.why())}});
    server_.metrics_
        .counter("klieg_push_websocket_sessions_ended_total", "WebSocket viewers that are gone, by outcome",
                 {{"outcome", std::string(name_of(session_.why()))}})
        .Increment();
    server_.remove(self);
  }

  void on_stalled() override {
    session_.end(WebSocketEnd::not_reading);
    pump();
  }

  void on_reel_end() override {
    seat_.reset();
    session_.close(WebSocketEnd::finished, CloseCode::normal, "", now());
    pump();
  }

 private:
  LoopTime now() const { return server_.loop_.now(); }

  void refuse(http::Response response, std::string_view why) {
    const auto self = shared_from_this();
    timer_.cancel();
    std::exchange(responder_, std::nullopt)->respond(std::move(response));
    server_.count_refusal(why);
    server_.remove(self);
  }

  void let_in() {
    connection_ = std::exchange(responder_, std::nullopt)->upgrade(offer_);
    if (!connection_) {  // it left meanwhile, or was told why not
      timer_.cancel();
      return server_.remove(shared_from_this());
    }
    connection_->start(*this);
    session_ = http::WebSocketSession(server_.limits_.session, now());
    seat_ = std::make_unique<Seat>(server_.fanout_, show_->reading.reel(), *connection_, *this, after_);
    arm();
  }

  // After anything that may have moved the session.
  void pump() {
    const std::vector<Bytes> output = session_.take_output();
    if (!closing_ && !output.empty()) {
      for (const Bytes& piece : output) answers_unsent_ += piece.size();
      connection_->write(output);
      if (connection_->unsent() == 0) answers_unsent_ = 0;
      if (answers_unsent_ > server_.limits_.answers_unsent_max) session_.end(WebSocketEnd::not_reading);
    }
    if (session_.state() != WebSocketState::open) seat_.reset();
    if (!closing_ && session_.state() == WebSocketState::closed) {
      closing_ = true;
      closed_by_ = now() + server_.limits_.close_within;
      const bool reads = session_.why() != WebSocketEnd::not_reading && session_.why() != WebSocketEnd::silent;
      reads ? connection_->close() : connection_->abort();
    }
    arm();
  }

  void arm() {
    if (closing_) return timer_.arm(closed_by_);
    timer_.arm(seat_ && last_words_by_ ? std::min(*last_words_by_, session_.wake_at()) : session_.wake_at());
  }

  void wake() {
    if (responder_) return refuse(http::Response::text(504, "nobody could say anything of it in time"), "timed_out");
    if (closing_) return connection_->abort();
    if (seat_ && last_words_by_ && now() >= *last_words_by_) session_.end(WebSocketEnd::not_reading);
    session_.wake(now());
    pump();
  }

  WebSocketServer& server_;
  const std::shared_ptr<Show<WebSocketReading, WebSocketViewer>> show_;
  const std::optional<Duration> after_;
  const http::WebSocketOffer offer_;
  std::optional<http::Responder> responder_;     // while its request is held
  std::unique_ptr<net::Connection> connection_;  // after that
  const Admission::Place place_;
  const std::unique_ptr<media::Pass> pass_;  // null: he is no guest
  http::WebSocketSession session_;
  net::Timer timer_;
  std::unique_ptr<Seat> seat_;
  size_t answers_unsent_ = 0;
  bool closing_ = false;  // close() or abort() was called; only on_closed is to come
  LoopTime closed_by_;
  std::optional<LoopTime> last_words_by_;
};

struct WebSocketServer::Asked {
  std::string channel;
  Wish wish;
  http::WebSocketOffer offer;
  std::unique_ptr<media::Pass> pass;
  http::Responder responder;
};

WebSocketServer::WebSocketServer(net::Loop& loop, Channels& channels, Fanout& fanout, Admission& admission,
                                 Metrics& metrics, const WebSocketServerLimits& limits)
    : loop_(loop), shows_(loop, channels), fanout_(fanout), admission_(admission), metrics_(metrics), limits_(limits) {}

WebSocketServer::~WebSocketServer() = default;

bool WebSocketServer::is_its(std::string_view path) { return !wire::live_channel_of(path, path_end).empty(); }

void WebSocketServer::serve(const http::Request& request, std::unique_ptr<media::Pass> pass,
                            http::Responder responder) {
  auto offer = http::read_websocket_offer(request, wire::push_message::protocol);
  if (!offer) {
    count_refusal("malformed");
    return responder.respond(std::move(offer.error()));
  }
  auto wish = read_wish(request.query);
  if (!wish) {
    count_refusal("malformed");
    return responder.respond(http::Response::text(400, "after_ms is a whole number of milliseconds"));
  }
  std::string channel(wire::live_channel_of(request.path, path_end));
  Asked asked{channel, std::move(*wish), std::move(*offer), std::move(pass), std::move(responder)};
  if (!usher_ || !admission_.asks_for_standing()) return admit(std::move(asked), Standing::stranger);
  usher_->standing_of(request, channel, [this, asked = std::move(asked)](Standing standing) mutable {
    admit(std::move(asked), standing);
  });
}

void WebSocketServer::admit(Asked asked, Standing standing) {
  if (stopping_) return asked.responder.respond(http::Response::text(503, "the server is going; ask again"));
  Admission::Place place;
  const auto verdict = admission_.ask(standing, fanout_.window_with_one_more(), fanout_.window_max(), place);
  if (verdict != AdmissionVerdict::admitted) {
    count_refusal(name_of(verdict));
    return asked.responder.respond(http::Response::text(503, words_of(verdict)));
  }
  const auto viewer = std::make_shared<WebSocketViewer>(
      *this, shows_.open(asked.channel, asked.wish.rendition), asked.wish.after, std::move(asked.offer),
      std::move(asked.responder), std::move(place), std::move(asked.pass));
  viewers_.insert(viewer);
  viewer->start();
}

void WebSocketServer::stop(std::move_only_function<void()> done) {
  stopping_ = true;
  stopped_ = std::move(done);
  for (const auto& viewer : std::vector(viewers_.begin(), viewers_.end())) viewer->stop();
  if (viewers_.empty() && stopped_) loop_.post(std::exchange(stopped_, nullptr));
}

void WebSocketServer::remove(const std::shared_ptr<WebSocketViewer>& viewer) {
  viewers_.erase(viewer);
  if (stopping_ && viewers_.empty() && stopped_) loop_.post(std::exchange(stopped_, nullptr));
}

void WebSocketServer::count_refusal(std::string_view why) {
  metrics_
      .counter("klieg_push_websocket_refused_total", "requests for a WebSocket that were refused, by reason",
               {{"reason", std::string(why)}})
      .Increment();
}

}  // namespace klieg::push

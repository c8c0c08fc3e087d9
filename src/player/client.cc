#include "player/client.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <vector>

#include "base/metrics.h"
#include "net/loop.h"
#include "player/hls_viewer.h"
#include "wire/utc.h"

namespace klieg::player {
namespace {

// Four seconds of 16 Mbit/s, or a playlist of a day; more is not live.
constexpr size_t body_size_max = size_t{8} << 20;
constexpr Duration look_every = 100ms;
constexpr Duration say_every = 1s;
constexpr int clock_questions = 5;
constexpr std::string_view clock_path = "/time";
// Playlists round: the date to a millisecond, parts to 10 us. What is this near to the piece before continues it.
constexpr Duration seam_max = 10ms;

std::unique_ptr<Viewer> make_viewer(const ProbeOptions& options) {
  return std::make_unique<HlsViewer>(options.address.path, options.tier, options.poll_every);
}

// One request after the other: first the server's clock, the best of five (Cristian 1989), then what the viewer wants.
class Watcher final : public http::ExchangeHandler {
 public:
  Watcher(const ProbeOptions& options, const std::function<void(const ProbeReport&)>& each_second)
      : options_(options),
        each_second_(each_second),
        viewer_(make_viewer(options)),
        playout_(options.policy),
        client_(http::Client::make(loop_, options.address.peer, http::ClientLimits{}, metrics_)),
        ask_timer_(loop_, [this] { ask_for(wanted_); }),
        look_timer_(loop_, [this] { look(); }) {}

  Result<void> run() {
    loop_.post([this] {
      began_ = said_ = loop_.now();
      look();
      ask_for(std::string(clock_path));
    });
    loop_.run();
    exchange_.reset();
    return outcome_;
  }

  ProbeReport report() {
    breakdown_.set_buffer(playout_.account().buffering_delay());
    return {breakdown_, playout_.account(), clocks_};
  }

 private:
  void ask_for(const std::string& target) {
    http::Ask ask;
    ask.target = target;
    answered_ = {.asked = loop_.now(), .first_byte = {}, .last_byte = {}, .status = 0, .body = {}};
    pieces_.clear();
    body_size_ = 0;
    exchange_ = client_->ask(std::move(ask), *this);
  }

  void on_head(const http::ResponseHead& head) override {
    answered_.status = head.status;
    answered_.first_byte = loop_.now();
  }

  void on_body(Bytes piece) override {
    body_size_ += piece.size();
    if (body_size_ > body_size_max) return stop_with(fail("an answer is larger than anything live"));
    pieces_.push_back(std::move(piece));
  }

  void on_end(http::ExchangeEnd why) override {
    if (why != http::ExchangeEnd::complete) answered_.status = 0;
    answered_.last_byte = loop_.now();
    if (answered_.status == 0) answered_.first_byte = answered_.last_byte;
    answered_.body = Bytes::join(pieces_);
    if (asked_clock_ < clock_questions) return take_clock(why);
    auto received = viewer_->take(answered_);
    if (!received) return stop_with(std::unexpected(received.error()));
    if (*received) take(**received);
    ask_next();
  }

  void take_clock(http::ExchangeEnd why) {
    if (why == http::ExchangeEnd::unreachable) {
      return stop_with(fail(fmt::format("{} cannot be reached", options_.address.peer.authority)));
    }
    const Duration round_trip = answered_.first_byte - answered_.asked;
    const std::string_view text = answered_.body.text();
    const auto told = answered_.status == 200 ? wire::read_utc(text.substr(0, text.find('\n'))) : std::nullopt;
    if (asked_clock_ == 0 || round_trip < clocks_.round_trip) {
      clocks_.round_trip = round_trip;
      // A server that tells no time is taken to have ours.
      const WallTime then = told ? *told + round_trip / 2 : loop_.wall_now() - (loop_.now() - answered_.first_byte);
      clocks_.loop_to_server_wall = then.time_since_epoch() - answered_.first_byte.time_since_epoch();
    }
    if (++asked_clock_ < clock_questions) return ask_for(std::string(clock_path));
    ask_next();
  }

  void ask_next() {
    auto wanted = viewer_->next(loop_.now());
    if (!wanted) return stop_with({});
    wanted_ = std::move(wanted->target);
    ask_timer_.arm(wanted->at);
  }

  void take(const Received& received) {
    breakdown_.add(received, clocks_);
    MediaTime from(received.begins.time_since_epoch());
    const MediaTime to = from + received.duration;
    if (end_ && std::chrono::abs(from - *end_) <= seam_max) from = *end_;
    playout_.arrived({from, to}, loop_.now());
    end_ = to;
  }

  void look() {
    const LoopTime now = loop_.now();
    playout_.advance(now);
    if (options_.duration > 0s && now >= began_ + options_.duration) return stop_with({});
    if (now >= said_ + say_every) {
      said_ = now;
      each_second_(report());
    }
    look_timer_.arm(now + look_every);
  }

  void stop_with(Result<void> outcome) {
    outcome_ = std::move(outcome);
    if (outcome_ && breakdown_.pieces() == 0) outcome_ = fail("nothing came: is it live?");
    ask_timer_.cancel();
    look_timer_.cancel();
    exchange_.reset();
    loop_.stop();
  }

  const ProbeOptions& options_;
  const std::function<void(const ProbeReport&)>& each_second_;
  net::Loop loop_;
  Metrics metrics_;
  std::unique_ptr<Viewer> viewer_;
  Playout playout_;
  Breakdown breakdown_;
  ClockRelation clocks_;
  int asked_clock_ = 0;
  std::unique_ptr<http::Client> client_;
  std::unique_ptr<http::Exchange> exchange_;
  Answered answered_;
  std::vector<Bytes> pieces_;
  size_t body_size_ = 0;
  std::string wanted_;
  std::optional<MediaTime> end_;  // of what arrived
  LoopTime began_;
  LoopTime said_;
  Result<void> outcome_;
  net::Timer ask_timer_;
  net::Timer look_timer_;
};

}  // namespace

Result<Address> parse_address(std::string_view url) {
  const auto wrong = [&](std::string_view what) {
    return fail(fmt::format("'{}' {}; an address is http://HOST[:PORT]/PATH or https://", url, what));
  };
  Address address;
  std::string_view rest = url;
  uint16_t port = 80;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
    address.peer.tls = net::TlsClient::verify_peer;
    port = 443;
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return wrong("has no http:// or https://");
  }
  const size_t slash = rest.find('/');
  if (slash == rest.npos) return wrong("names no playlist");
  address.path = rest.substr(slash);
  rest = rest.substr(0, slash);
  if (rest.empty()) return wrong("names no host");
  if (rest.find_first_of("?#@") != rest.npos) return wrong("has something before its path that is no host");
  for (const char c : address.path) {
    if (c <= ' ' || c == '#' || c == 127) return wrong("has characters that must be percent-encoded");
  }
  const size_t bracket = rest.find(']');
  const bool has_port = rest.find(':', bracket == rest.npos ? 0 : bracket) != rest.npos;
  auto endpoint = net::Endpoint::parse(has_port ? std::string(rest) : fmt::format("{}:{}", rest, port));
  if (!endpoint) return std::unexpected(endpoint.error());
  if (endpoint->host.empty()) return wrong("names no host");
  address.peer.authority = rest;
  address.peer.endpoint = std::move(*endpoint);
  return address;
}

Result<void> probe(const ProbeOptions& options, const std::function<void(const ProbeReport&)>& each_second,
                   const std::function<void(const ProbeReport&)>& finally) {
  Watcher watcher(options, each_second);
  auto outcome = watcher.run();
  if (outcome) finally(watcher.report());
  return outcome;
}

}  // namespace klieg::player

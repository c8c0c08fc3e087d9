// Viewers of one broadcast for `bench cost`: each asks for what a player of its tier asks for, when that asks for it.
//
//   dash      a finished segment of each track every second, the manifest as often as it says
//   hls       the media playlist of each track every second, or as often as is said, and its newest finished segment
//   ll-dash   the segment that is being made, from before its birth to its end; the manifest
//   ll-hls    the next version of each playlist (a delta update), over and over, and each new part
//   push      once, over a WebSocket, and is pushed to
//   rtmp      once, over RTMP, and is pushed to
//
// A viewer in clear text has the connections that a browser would open, over TLS it has one of HTTP/2. Who is pushed to
// reads every message.
//
// Prints `steady` when all viewers have been at it for a while, measures for --seconds, and prints what came as one
// line of JSON. Its own lateness is among it: a load tool that cannot keep pace measures itself.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "http/client.h"
#include "net/listener.h"
#include "net/loop.h"
#include "player/rtmp_viewer.h"
#include "player/websocket_viewer.h"

namespace klieg::bench {

enum class Tier : uint8_t { dash, hls, ll_dash, ll_hls, push, rtmp };

struct Arguments {
  std::string address, channel = "cam";  // of rtmp: the address of that door
  Tier tier = Tier::dash;
  bool tls = false;
  int viewers = 1000;
  double settle_s = 4, seconds = 10;
  double poll_s = 1;  // of hls
};

struct Figures {
  bool on = false;
  uint64_t requests = 0, body_bytes = 0, failed = 0;
  std::string first_failure;
  double late_s_max = 0;  // of a timer: how busy this program was

  void note_failure(std::string what) {
    if (failed++ == 0) first_failure = std::move(what);
  }
};

constexpr Duration pulse_period = 50ms;

// One answer, and what is done with it.
class Get final : http::ExchangeHandler {
 public:
  using Done = std::move_only_function<void(std::string body)>;
  enum class Body : uint8_t { kept, counted };

  Get(http::Client& client, std::string path, Body body, Figures& figures, Done done)
      : body_(body), figures_(figures), path_(std::move(path)), done_(std::move(done)) {
    http::Ask ask;
    ask.target = path_;
    exchange_ = client.ask(std::move(ask), *this);
  }

 private:
  void on_head(const http::ResponseHead& head) override { status_ = head.status; }
  void on_body(Bytes piece) override {
    if (figures_.on) figures_.body_bytes += piece.size();
    if (body_ == Body::kept) text_ += piece.text();
  }
  void on_end(http::ExchangeEnd why) override {
    if (figures_.on) ++figures_.requests;
    const bool came = why == http::ExchangeEnd::complete && status_ == 200;
    if (!came) figures_.note_failure(fmt::format("{}: status {}, end {}", path_, status_, static_cast<int>(why)));
    auto done = std::move(done_);
    auto text = std::move(text_);
    if (came) done(std::move(text));  // it may be the last we do
  }

  const Body body_;
  Figures& figures_;
  const std::string path_;
  Done done_;
  uint16_t status_ = 0;
  std::string text_;
  std::unique_ptr<http::Exchange> exchange_;
};

// What a media playlist says: the segment that is being made, its parts, and the newest part's name.
struct State {
  uint64_t msn = 0;
  uint64_t parts = 0;
  std::string newest;
};

uint64_t number_after(std::string_view text, std::string_view mark) {
  uint64_t number = 0;
  if (const size_t at = text.find(mark); at != text.npos) {
    std::from_chars(text.data() + at + mark.size(), text.data() + text.size(), number);
  }
  return number;
}

State state_of(std::string_view text) {
  State state;
  state.msn = number_after(text, "#EXT-X-MEDIA-SEQUENCE:") + number_after(text, "SKIPPED-SEGMENTS=");
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    if (line.starts_with("#EXTINF:")) {
      ++state.msn;
      state.parts = 0;
    } else if (line.starts_with("#EXT-X-PART:")) {
      ++state.parts;
      const size_t uri = line.find("URI=\"") + 5;
      state.newest = line.substr(uri, line.find('"', uri) - uri);
    }
  }
  return state;
}

// Somebody who watches.
class Viewer {
 public:
  virtual ~Viewer() = default;
};

class World {
 public:
  explicit World(Arguments given);
  ~World();

  int run();

  net::Loop loop;
  Metrics metrics;
  const Arguments arguments;
  Figures figures;
  std::string folder;  // of the broadcast: "/live/cam/x7f.1/"
  Duration manifest_period{2s};
  const Duration poll_period;

 private:
  std::unique_ptr<Viewer> make_viewer(Duration phase);
  void begin_viewers();
  void finish();
  void note_lateness();

  net::Timer end_;
  net::Timer pulse_;
  LoopTime pulse_due_;
  std::unique_ptr<http::Client> client_;
  std::unique_ptr<Get> first_;
  std::vector<std::unique_ptr<Viewer>> viewers_;
  bool measured_ = false;
};

std::unique_ptr<http::Client> make_client(World& world) {
  http::Peer peer;
  peer.endpoint = *net::Endpoint::parse(world.arguments.address);
  peer.authority = world.arguments.address;
  if (world.arguments.tls) peer.tls = net::TlsClient::accept_any_certificate;
  peer.protocol = world.arguments.tls ? http::Protocol::http2 : http::Protocol::http1;
  http::ClientLimits limits;
  limits.connections_max = 6;
  return http::Client::make(world.loop, peer, limits, world.metrics);
}

// What one viewer asks for one track.
class Track {
 public:
  Track(World& world, http::Client& client, std::string name, Duration phase)
      : world_(world), client_(client), name_(std::move(name)), timer_(world.loop, [this] { on_time(); }) {
    due_ = world.loop.now() + phase;
    timer_.arm(due_);
  }

 private:
  std::string playlist(std::string_view query = "") const {
    return fmt::format("{}{}.m3u8{}", world_.folder, name_, query);
  }
  std::string segment(uint64_t msn) const { return fmt::format("{}{}-{}.m4s", world_.folder, name_, msn); }

  void get(std::string path, Get::Body body, Get::Done done) {
    over_.clear();
    const uint64_t number = ++asked_;
    running_[number] = std::make_unique<Get>(client_, std::move(path), body, world_.figures,
                                             [this, number, done = std::move(done)](std::string text) mutable {
                                               over_.push_back(running_.extract(number));
                                               done(std::move(text));
                                             });
  }

  void on_time() {
    if (!begun_) {
      begun_ = true;
      return get(playlist(), Get::Body::kept, [this](const std::string& text) { begin(state_of(text)); });
    }
    due_ += world_.poll_period;
    timer_.arm(due_);
    if (world_.arguments.tier == Tier::dash) {
      get(segment(next_++), Get::Body::counted, [](std::string) {});
    } else {
      get(playlist(), Get::Body::kept, [this](const std::string& text) {
        const uint64_t finished = state_of(text).msn - 1;
        if (finished < next_) return;
        next_ = finished + 1;
        get(segment(finished), Get::Body::counted, [](std::string) {});
      });
    }
  }

  void begin(const State& state) {
    switch (world_.arguments.tier) {
      case Tier::dash:
      case Tier::hls:
        next_ = state.msn - 1;
        due_ = world_.loop.now() + world_.poll_period;
        timer_.arm(due_);
        return;
      case Tier::ll_dash:
        next_ = state.msn;
        return follow_segments();
      case Tier::ll_hls:
        return follow_playlist(state);
      case Tier::push:
      case Tier::rtmp:
        return;  // have no tracks to ask for
    }
  }

  void follow_segments() {
    get(segment(next_++), Get::Body::counted, [this](std::string) { follow_segments(); });
  }

  void follow_playlist(const State& state) {
    const std::string query = fmt::format("?_HLS_msn={}&_HLS_part={}&_HLS_skip=YES", state.msn, state.parts);
    get(playlist(query), Get::Body::kept, [this](const std::string& text) {
      const State now = state_of(text);
      if (!now.newest.empty()) get(world_.folder + now.newest, Get::Body::counted, [](std::string) {});
      follow_playlist(now);
    });
  }

  World& world_;
  http::Client& client_;
  const std::string name_;
  net::Timer timer_;
  LoopTime due_;
  bool begun_ = false;
  uint64_t next_ = 0;
  uint64_t asked_ = 0;
  std::map<uint64_t, std::unique_ptr<Get>> running_;  // a few
  std::vector<decltype(running_)::node_type> over_;   // one of them may be on the stack
};

class AskingViewer final : public Viewer {
 public:
  AskingViewer(World& world, Duration phase)
      : world_(world),
        client_(make_client(world)),
        video_(world, *client_, "video", phase),
        audio_(world, *client_, "audio", phase),
        manifest_(world.loop, [this] { ask_manifest(); }) {
    if (world.arguments.tier == Tier::dash || world.arguments.tier == Tier::ll_dash) {
      manifest_.arm(world.loop.now() + phase);
    }
  }

 private:
  void ask_manifest() {
    manifest_.arm(world_.loop.now() + world_.manifest_period);
    get_ = std::make_unique<Get>(*client_, "/live/" + world_.arguments.channel + "/manifest.mpd", Get::Body::counted,
                                 world_.figures, [](std::string) {});
  }

  World& world_;
  std::unique_ptr<http::Client> client_;
  Track video_, audio_;
  net::Timer manifest_;
  std::unique_ptr<Get> get_;
};

class PushedViewer final : public Viewer, net::ConnectionHandler {
 public:
  PushedViewer(World& world, Duration phase, std::unique_ptr<player::PushViewer> viewer)
      : world_(world), viewer_(std::move(viewer)), timer_(world.loop, [this] { connect(); }) {
    timer_.arm(world.loop.now() + phase);
  }

 private:
  void connect() {
    const auto tls = world_.arguments.tls ? net::TlsClient::accept_any_certificate : net::TlsClient::none;
    net::connect(world_.loop, *net::Endpoint::parse(world_.arguments.address), tls, 10s, [this](auto connection) {
      if (!connection) return world_.figures.note_failure(connection.error().message);
      connection_ = std::move(*connection);
      connection_->start(*this);
      connection_->write(viewer_->take_output());
    });
  }

  void on_bytes(ByteView bytes) override {
    if (world_.figures.on) world_.figures.body_bytes += bytes.size();
    viewer_->receive(bytes, world_.loop.now());
    viewer_->take_pushed();
    if (const auto output = viewer_->take_output(); !output.empty()) connection_->write(output);
    if (const auto& end = viewer_->end()) {
      world_.figures.note_failure(*end ? "the broadcast is over" : end->error().message);
      connection_->abort();
    }
  }
  void on_closed(net::Closed) override {
    connection_.reset();
    world_.figures.note_failure("the connection was closed");
  }

  World& world_;
  std::unique_ptr<player::PushViewer> viewer_;
  net::Timer timer_;
  std::unique_ptr<net::Connection> connection_;
};

Duration seconds(double count) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(count)); }

World::World(Arguments given)
    : arguments(std::move(given)),
      poll_period(seconds(arguments.poll_s)),
      end_(loop, [this] { finish(); }),
      pulse_(loop, [this] { note_lateness(); }) {}
World::~World() = default;

int World::run() {
  loop.post([this] { note_lateness(); });
  if (arguments.tier == Tier::push || arguments.tier == Tier::rtmp) {
    loop.post([this] { begin_viewers(); });
    loop.run();
    return figures.first_failure.empty() && measured_ ? 0 : 1;
  }
  client_ = make_client(*this);
  first_ = std::make_unique<Get>(*client_, "/live/" + arguments.channel + "/index.m3u8", Get::Body::kept, figures,
                                 [this](const std::string& text) {
                                   const size_t end = text.find("/video.m3u8");
                                   const size_t begin = text.rfind('\n', end) + 1;
                                   folder =
                                       fmt::format("/live/{}/{}/", arguments.channel, text.substr(begin, end - begin));
                                   loop.post([this] { begin_viewers(); });
                                 });
  end_.arm(loop.now() + 10s);
  loop.run();
  return figures.first_failure.empty() && measured_ ? 0 : 1;
}

std::unique_ptr<Viewer> World::make_viewer(Duration phase) {
  const auto seed = static_cast<uint64_t>(viewers_.size());
  if (arguments.tier == Tier::push) {
    const std::string path = "/live/" + arguments.channel + "/push";
    return std::make_unique<PushedViewer>(*this, phase,
                                          std::make_unique<player::WebSocketViewer>(arguments.address, path, seed));
  }
  if (arguments.tier == Tier::rtmp) {
    player::RtmpAddress address{
        .application = "live", .name = arguments.channel, .tc_url = "rtmp://" + arguments.address + "/live"};
    return std::make_unique<PushedViewer>(*this, phase, std::make_unique<player::RtmpViewer>(std::move(address), seed));
  }
  return std::make_unique<AskingViewer>(*this, phase);
}

void World::note_lateness() {
  const LoopTime now = loop.now();
  if (pulse_due_ != LoopTime()) figures.late_s_max = std::max(figures.late_s_max, to_seconds(now - pulse_due_));
  pulse_due_ = now + pulse_period;
  pulse_.arm(pulse_due_);
}

void World::begin_viewers() {
  // Spread, as viewers' clocks are.
  for (int i = 0; i < arguments.viewers; ++i) {
    viewers_.push_back(make_viewer(poll_period * i / arguments.viewers));
  }
  end_.arm(loop.now() + seconds(arguments.settle_s));
}

void World::finish() {
  if (viewers_.empty() || figures.on) {
    measured_ = figures.on;
    figures.on = false;
    const nlohmann::json said{{"requests", figures.requests},
                              {"body_bytes", figures.body_bytes},
                              {"failed", figures.failed},
                              {"first_failure", figures.first_failure},
                              {"late_s_max", figures.late_s_max}};
    std::puts(said.dump().c_str());
    return loop.stop();
  }
  figures.on = true;
  figures.late_s_max = 0;
  std::puts("steady");
  std::fflush(stdout);
  end_.arm(loop.now() + seconds(arguments.seconds));
}

}  // namespace klieg::bench

int main(int count, char** given) {
  using namespace klieg::bench;
  Arguments arguments;
  CLI::App app("viewers of one broadcast, as a tier's player asks");
  app.add_option("address", arguments.address)->required();
  const std::map<std::string, Tier> tiers{{"dash", Tier::dash},     {"hls", Tier::hls},   {"ll-dash", Tier::ll_dash},
                                          {"ll-hls", Tier::ll_hls}, {"push", Tier::push}, {"rtmp", Tier::rtmp}};
  app.add_option("tier", arguments.tier)->required()->transform(CLI::CheckedTransformer(tiers));
  app.add_option("--channel", arguments.channel);
  app.add_option("--viewers", arguments.viewers);
  app.add_option("--settle", arguments.settle_s);
  app.add_option("--seconds", arguments.seconds);
  app.add_option("--poll", arguments.poll_s, "hls: seconds from poll to poll");
  app.add_flag("--tls", arguments.tls);
  CLI11_PARSE(app, count, given);
  return World(std::move(arguments)).run();
}

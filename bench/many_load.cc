// Load for `bench many`: one process that publishes one recording as many broadcasts, and watches them.
//
// Each broadcast is an RTMP connection of its own, sending sound and pictures as separate messages at their own times,
// the way an encoder does, each starting at its own moment of the clip's first seconds. Broadcast i has i % 3 viewers.
// A viewer is a keep-alive HTTP/1.1 connection that once a second fetches the newest media playlist of each track and,
// where it names a new segment, the newest segment.
//
// Prints `steady` when all broadcasts are on air, runs until standard input ends, then prints its figures as one line
// of JSON. Its own lateness is among them: a load tool that cannot keep pace measures itself.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broadcaster/client.h"
#include "broadcaster/client_session.h"
#include "broadcaster/clip.h"
#include "broadcaster/playback.h"
#include "net/connection.h"
#include "net/listener.h"
#include "net/loop.h"

namespace klieg::bench {

using namespace broadcaster;

struct Arguments {
  std::string flv, rtmp, application = "live", http;
  // The number of the broadcast stands for {}.
  std::string key_pattern = "key-{}", playlist_pattern = "/live/b{}/index.m3u8";
  int broadcasts = 50;
  int viewers_max = 2;
  double stagger_s = 5;
};

struct Figures {
  int on_air = 0, ended = 0;
  std::string first_end;  // the words of the first broadcast that ended before its time
  uint64_t messages = 0, bytes = 0;
  std::vector<uint32_t> late_ms = std::vector<uint32_t>(1001);  // how many messages left this late; the last: or later
  size_t unsent_max = 0;
  int viewers = 0, viewers_lost = 0;
  uint64_t playlists = 0, segments = 0, segment_bytes = 0, not_found = 0, ticks_without_segment = 0;
};

std::string numbered(std::string pattern, int number) {
  const size_t at = pattern.find("{}");
  return at == std::string::npos ? pattern : pattern.replace(at, 2, std::to_string(number));
}

// A message as every broadcast sends it: made once, shared.
struct Prepared {
  wire::rtmp::MessageType type;
  Bytes body;
};

std::vector<Prepared> prepare(const Clip& clip) {
  std::vector<Prepared> all;
  for (const ClipPacket& packet : clip.packets) {
    using wire::rtmp::MessageType;
    const bool is_data = packet.kind == ClipPacket::Kind::data;
    const MessageType type = packet.kind == ClipPacket::Kind::video ? MessageType::video : MessageType::audio;
    all.push_back(
        {is_data ? MessageType::amf0_data : type, message_body(packet, wire::flv::Form::legacy, clip.audio).value()});
  }
  return all;
}

class Publisher final : public net::ConnectionHandler {
 public:
  Publisher(net::Loop& loop, const Clip& clip, const std::vector<Prepared>& prepared, const Arguments& arguments,
            int number, Figures& figures)
      : loop_(loop),
        clip_(clip),
        prepared_(prepared),
        arguments_(arguments),
        number_(number),
        figures_(figures),
        timer_(loop, [this] { pump(); }) {}

  void begin(const net::Endpoint& to) {
    net::connect(loop_, to, net::TlsClient::none, 10s, [this](auto connection) {
      if (!connection) return note_end(connection.error().message);
      connection_ = std::move(*connection);
      session_.emplace(ClientSettings{.application = arguments_.application,
                                      .tc_url = "rtmp://" + arguments_.rtmp + "/" + arguments_.application,
                                      .stream_key = numbered(arguments_.key_pattern, number_),
                                      .dialect = Dialect::legacy},
                       static_cast<uint64_t>(number_), loop_.now());
      connection_->start(*this);
      flush();
    });
  }

 private:
  void on_bytes(ByteView bytes) override {
    session_->receive(bytes, loop_.now());
    flush();
    while (auto event = session_->next_event()) {
      if (const auto* ended = std::get_if<ClientEnded>(&*event))
        note_end(fmt::format("{} {}", ended->code, ended->words));
      if (!std::holds_alternative<WentOnAir>(*event)) continue;
      ++figures_.on_air;
      playback_.emplace(clip_, Pace::realtime, Repeat::for_ever, loop_.now());
      pump();
    }
  }

  void on_closed(net::Closed) override {
    connection_.reset();
    timer_.cancel();
    note_end("connection closed");
  }

  void pump() {
    if (!connection_ || session_->state() != ClientState::on_air) return;
    const LoopTime now = loop_.now();
    while (*playback_->wake_at() <= now) {
      const auto late_ms = static_cast<size_t>(to_ms(now - *playback_->wake_at()));
      ++figures_.late_ms[std::min(late_ms, figures_.late_ms.size() - 1)];
      const auto due = playback_->take(now);
      const Prepared& message = prepared_[static_cast<size_t>(due->packet - clip_.packets.data())];
      session_->send(message.type, due->timestamp_ms, message.body);
      ++figures_.messages;
      figures_.bytes += message.body.size();
      flush();
    }
    figures_.unsent_max = std::max(figures_.unsent_max, connection_->unsent());
    timer_.arm(*playback_->wake_at());
  }

  void flush() {
    const std::vector<Bytes> output = session_->take_output();
    if (!output.empty() && connection_) connection_->write(output);
  }

  void note_end(std::string words) {
    if (ended_) return;
    ended_ = true;
    ++figures_.ended;
    if (figures_.first_end.empty()) figures_.first_end = std::move(words);
  }

  net::Loop& loop_;
  const Clip& clip_;
  const std::vector<Prepared>& prepared_;
  const Arguments& arguments_;
  int number_;
  Figures& figures_;
  net::Timer timer_;
  std::unique_ptr<net::Connection> connection_;
  std::optional<ClientSession> session_;
  std::optional<Playback> playback_;
  bool ended_ = false;
};

// What a viewer needs of HTTP/1.1: whole responses with a Content-Length, one after another.
class ResponseReader {
 public:
  // Calls done(status, body) for each whole response. False: what came is not such a response.
  template <class Done>
  bool read(ByteView bytes, Done done) {
    buffer_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    while (true) {
      const size_t end = buffer_.find("\r\n\r\n");
      if (end == std::string::npos) return buffer_.size() < 16'384;
      std::string head = buffer_.substr(0, end + 2);
      std::ranges::transform(head, head.begin(), [](unsigned char c) { return std::tolower(c); });
      size_t length = 0;
      const size_t field = head.find("\r\ncontent-length:");
      if (field == std::string::npos) return false;
      const char* digits = head.data() + head.find_first_not_of(' ', field + 17);
      if (std::from_chars(digits, head.data() + head.size(), length).ec != std::errc()) return false;
      if (buffer_.size() - end - 4 < length) return true;
      const int status = std::atoi(head.c_str() + std::min(head.size(), head.find(' ')));
      const std::string body = buffer_.substr(end + 4, length);
      buffer_.erase(0, end + 4 + length);
      done(status, body);
    }
  }

 private:
  std::string buffer_;
};

class Viewer final : public net::ConnectionHandler {
 public:
  Viewer(net::Loop& loop, std::string entry, Figures& figures)
      : loop_(loop), entry_(std::move(entry)), figures_(figures), timer_(loop, [this] { tick(); }) {}

  void begin(const net::Endpoint& to) {
    net::connect(loop_, to, net::TlsClient::none, 10s, [this](auto connection) {
      if (!connection) return note_lost();
      ++figures_.viewers;
      connection_ = std::move(*connection);
      connection_->start(*this);
      next_tick_ = loop_.now();
      tick();
    });
  }

 private:
  enum class Kind : uint8_t { entry, playlist, segment };
  struct Track {
    std::string playlist;
    std::string newest;  // segment already fetched
  };
  struct Fetch {
    Kind kind;
    size_t track;
    std::string path;
  };

  void tick() {
    next_tick_ += 1s;
    timer_.arm(next_tick_);
    if (!connection_ || !fetches_.empty()) return;  // still busy with the last second's
    if (tracks_.empty()) return fetch({Kind::entry, 0, entry_});
    for (size_t i = 0; i < tracks_.size(); ++i) fetch({Kind::playlist, i, tracks_[i].playlist});
  }

  // One request at a time is under way; the others wait their turn.
  void fetch(Fetch what) {
    fetches_.push_back(std::move(what));
    if (fetches_.size() == 1) ask();
  }
  void ask() {
    connection_->write(Bytes::take(fmt::format("GET {} HTTP/1.1\r\nHost: bench\r\n\r\n", fetches_.front().path)));
  }

  void on_bytes(ByteView bytes) override {
    const bool ok = reader_.read(bytes, [this](int status, const std::string& body) {
      if (fetches_.empty()) return;
      const Fetch done = fetches_.front();
      fetches_.pop_front();
      on_response(done, status, body);
      if (!fetches_.empty()) ask();
    });
    if (!ok) connection_->abort();
  }

  void on_response(const Fetch& done, int status, const std::string& body) {
    if (status != 200) {
      ++figures_.not_found;
      return;
    }
    if (done.kind == Kind::segment) {
      ++figures_.segments;
      figures_.segment_bytes += body.size();
      return;
    }
    ++figures_.playlists;
    if (done.kind == Kind::entry && body.find("#EXT-X-STREAM-INF") != std::string::npos) return read_multivariant(body);
    if (done.kind == Kind::entry) tracks_.push_back({entry_, ""});
    read_playlist(done.kind == Kind::entry ? 0 : done.track, body);
  }

  void read_multivariant(const std::string& body) {
    std::string previous;
    bool has_variant = false, has_audio = false;
    for_each_line(body, [&](std::string_view line) {
      const size_t uri = line.find("URI=\"");
      if (line.starts_with("#EXT-X-MEDIA:") && uri != std::string_view::npos && !has_audio) {
        const std::string_view rest = line.substr(uri + 5);
        tracks_.push_back({resolve(entry_, rest.substr(0, rest.find('"'))), ""});
        has_audio = true;
      } else if (!line.starts_with('#') && previous.starts_with("#EXT-X-STREAM-INF") && !has_variant) {
        tracks_.push_back({resolve(entry_, line), ""});
        has_variant = true;
      }
      previous = line;
    });
  }

  void read_playlist(size_t track, const std::string& body) {
    std::string newest;
    for_each_line(body, [&](std::string_view line) {
      if (!line.empty() && !line.starts_with('#')) newest = line;
    });
    if (newest.empty() || newest == tracks_[track].newest) {
      ++figures_.ticks_without_segment;
      return;
    }
    tracks_[track].newest = newest;
    fetches_.push_back({Kind::segment, track, resolve(tracks_[track].playlist, newest)});
  }

  template <class Use>
  static void for_each_line(std::string_view text, Use use) {
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      if (line.ends_with('\r')) line.remove_suffix(1);
      use(line);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  static std::string resolve(const std::string& base, std::string_view reference) {
    if (reference.starts_with('/')) return std::string(reference);
    return base.substr(0, base.rfind('/') + 1) + std::string(reference);
  }

  void on_closed(net::Closed) override {
    connection_.reset();
    timer_.cancel();
    note_lost();
  }
  void note_lost() { ++figures_.viewers_lost; }

  net::Loop& loop_;
  std::string entry_;
  Figures& figures_;
  net::Timer timer_;
  LoopTime next_tick_{};
  std::unique_ptr<net::Connection> connection_;
  ResponseReader reader_;
  std::deque<Fetch> fetches_;
  std::vector<Track> tracks_;
};

class Load {
 public:
  Load(const Clip& clip, const Arguments& arguments)
      : clip_(clip), prepared_(prepare(clip)), arguments_(arguments), timer_(loop_, [this] { tick(); }) {}

  int run() {
    const auto rtmp = net::Endpoint::parse(arguments_.rtmp), http = net::Endpoint::parse(arguments_.http);
    if (!rtmp || !http) return 2;
    loop_.post([this] {
      start_ = loop_.now();
      tick();
    });
    rtmp_ = *rtmp;
    http_ = *http;
    loop_.run();
    report();
    return 0;
  }

 private:
  void tick() {
    const Duration since = loop_.now() - start_;
    const auto stagger = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(arguments_.stagger_s));
    while (begun_ < arguments_.broadcasts && since >= stagger * begun_ / arguments_.broadcasts) {
      publishers_.push_back(std::make_unique<Publisher>(loop_, clip_, prepared_, arguments_, begun_, figures_));
      publishers_.back()->begin(rtmp_);
      ++begun_;
    }
    // Viewers come when there is something to see: a playlist has its first segment within three seconds.
    const Duration since_watchable = since - 4s;
    while (watched_ < begun_ && since_watchable >= stagger * watched_ / arguments_.broadcasts) {
      const int viewers = watched_ % (arguments_.viewers_max + 1);
      for (int i = 0; i < viewers; ++i) {
        viewers_.push_back(std::make_unique<Viewer>(loop_, numbered(arguments_.playlist_pattern, watched_), figures_));
        viewers_.back()->begin(http_);
      }
      ++watched_;
    }
    if (!steady_ && watched_ == arguments_.broadcasts && figures_.on_air + figures_.ended >= arguments_.broadcasts) {
      steady_ = true;
      std::ranges::fill(figures_.late_ms, 0);  // the rush at the start is not the pace
      fmt::print("steady\n");
      std::fflush(stdout);
    }
    pollfd input{STDIN_FILENO, POLLIN, 0};
    char ignored[256];
    if (::poll(&input, 1, 0) > 0 && ::read(STDIN_FILENO, ignored, sizeof ignored) <= 0) return loop_.stop();
    timer_.arm(loop_.now() + 5ms);
  }

  uint32_t late_ms_at(double share) const {
    uint64_t all = 0, seen = 0;
    for (const uint32_t count : figures_.late_ms) all += count;
    for (size_t ms = 0; ms < figures_.late_ms.size(); ++ms) {
      seen += figures_.late_ms[ms];
      if (static_cast<double>(seen) >= share * static_cast<double>(all)) return static_cast<uint32_t>(ms);
    }
    return 0;
  }

  void report() const {
    const Figures& f = figures_;
    std::string words = f.first_end;
    std::ranges::replace_if(words, [](char c) { return c == '"' || c == '\\' || c < ' '; }, ' ');
    fmt::print(
        "{{\"on_air\":{},\"ended\":{},\"first_end\":\"{}\",\"messages\":{},\"bytes\":{},\"late_p50_ms\":{},"
        "\"late_p99_ms\":{},\"unsent_max\":{},\"viewers\":{},\"viewers_lost\":{},\"playlists\":{},\"segments\":{},"
        "\"segment_bytes\":{},\"not_found\":{},\"ticks_without_segment\":{}}}\n",
        f.on_air, f.ended, words, f.messages, f.bytes, late_ms_at(0.5), late_ms_at(0.99), f.unsent_max, f.viewers,
        f.viewers_lost, f.playlists, f.segments, f.segment_bytes, f.not_found, f.ticks_without_segment);
    std::fflush(stdout);
  }

  net::Loop loop_;
  const Clip& clip_;
  std::vector<Prepared> prepared_;
  const Arguments& arguments_;
  net::Endpoint rtmp_, http_;
  LoopTime start_{};
  int begun_ = 0, watched_ = 0;
  bool steady_ = false;
  Figures figures_;
  net::Timer timer_;
  std::vector<std::unique_ptr<Publisher>> publishers_;
  std::vector<std::unique_ptr<Viewer>> viewers_;
};

int run(const Arguments& arguments) {
  const auto file = read_input(arguments.flv);
  if (!file) return fmt::print(stderr, "{}\n", file.error().message), 1;
  const auto clip = read_clip(*file);
  if (!clip) return fmt::print(stderr, "{}: {}\n", arguments.flv, clip.error().message), 1;
  return Load(*clip, arguments).run();
}

}  // namespace klieg::bench

int main(int argc, char** argv) {
  CLI::App app("Publishes one recording as many broadcasts, and watches them");
  klieg::bench::Arguments arguments;
  app.add_option("--flv", arguments.flv, "the recording")->required();
  app.add_option("--rtmp", arguments.rtmp, "HOST:PORT")->required();
  app.add_option("--http", arguments.http, "HOST:PORT")->required();
  app.add_option("--app", arguments.application, "RTMP application");
  app.add_option("--key", arguments.key_pattern, "stream key; {} is the number of the broadcast");
  app.add_option("--playlist", arguments.playlist_pattern, "path of its playlist; {} is the number of the broadcast");
  app.add_option("--broadcasts", arguments.broadcasts)->check(CLI::Range(1, 10'000));
  app.add_option("--viewers-max", arguments.viewers_max, "broadcast i has i % (this + 1)")->check(CLI::Range(0, 100));
  app.add_option("--stagger-s", arguments.stagger_s, "seconds over which the broadcasts begin");
  CLI11_PARSE(app, argc, argv);
  return klieg::bench::run(arguments);
}

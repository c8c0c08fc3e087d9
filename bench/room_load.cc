// The viewers of a room for `bench room`: as many WebSockets as are wanted, all of them read whole.
//
//   bench_room_load KIND PORT VIEWERS SCRIPT HEARTS_PER_S SETTLE_SECONDS SECONDS
//
//   klieg         they are in /live/cam/room, and comment and tap hearts there
//   nchan         they publish to and subscribe one channel at /room; a comment is the object that klieg would make of
//   it nchan-window  the same, but viewer 0 publishes what all said in 100 ms as one message: an application before
//   nchan bare          they read bytes, for bench_fanout_bare
//
// SCRIPT has a comment a line, "MICROSECONDS VIEWER TEXT": when it is said after all are there, by whom, and what, as
// it stands between the quotes of JSON. Comment n is sent as "#n TEXT", by which every viewer knows it again: each
// keeps a bit for each comment. Hearts come one a message, from one viewer after another.
//
// A delay is from just before the send to the kernel's stamp on the packet at the receiver, so that a busy load is not
// measured along. How late the load itself says what is due is among the figures.
//
// Prints "steady" when all have come and the settling is over, "measured" after the measured time, and, as soon as
// what was said has come, or has not for 3 s, one line of JSON.
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "loopback.h"
#include "wire/websocket.h"

namespace {

using namespace klieg;
namespace websocket = wire::websocket;

enum class Kind : uint8_t { klieg, nchan, nchan_window, bare };

constexpr int64_t us_per_s = 1'000'000;
constexpr int64_t window_us = 100'000;      // of nchan_window
constexpr int64_t grace_us = 3 * us_per_s;  // for what was said last
constexpr size_t connecting_max = 200;      // less than any listener's backlog
constexpr size_t buffer_size = 1 << 20;

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "%s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

// CLOCK_REALTIME, as the kernel's stamps are.
int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

struct Line {
  int64_t due_us = 0;
  uint32_t viewer = 0;
  std::string text;
  int64_t sent_us = 0;
};

std::vector<Line> read_script(const char* path) {
  std::ifstream file(path);
  std::vector<Line> lines;
  for (Line line; file >> line.due_us >> line.viewer && std::getline(file.ignore(1), line.text);) lines.push_back(line);
  return lines;
}

// Counts by tenths of a millisecond.
class Delays {
 public:
  void add(int64_t us) { ++counts_[std::clamp<int64_t>(us / 100, 0, static_cast<int64_t>(counts_.size()) - 1)]; }
  double quantile_ms(double q) const {
    uint64_t all = 0;
    for (const uint64_t count : counts_) all += count;
    uint64_t before = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      before += counts_[i];
      if (all > 0 && static_cast<double>(before) >= q * static_cast<double>(all)) return static_cast<double>(i) / 10;
    }
    return 0;
  }

 private:
  std::vector<uint64_t> counts_ = std::vector<uint64_t>(600'000);  // a minute
};

struct Viewer {
  int socket = -1;
  bool open = false;           // the handshake is over
  std::string unread;          // a message that is not whole
  std::vector<bool> comments;  // that came
};

// A message, and what is in it.
struct Parsed {
  std::string message;
  std::vector<uint32_t> comments;
  uint64_t hearts = 0;
};

struct Figures {
  uint64_t delivered = 0, twice = 0, bytes = 0, messages = 0, hearts_sent = 0, hearts_heard = 0;
  std::map<std::string, uint64_t> refused;  // by why
  int64_t late_us_max = 0;
};

class Load {
 public:
  Load(Kind kind, uint16_t port, size_t viewers, std::vector<Line> script, double hearts_per_s)
      : kind_(kind), port_(port), viewers_(viewers), script_(std::move(script)), hearts_per_s_(hearts_per_s) {
    for (Viewer& viewer : viewers_) viewer.comments.resize(script_.size());
  }

  void connect_all() {
    for (uint32_t number = 0; number < viewers_.size(); ++number) {
      connect(number);
      while (number + 1 - open_ >= connecting_max) turn(100);
    }
    while (open_ < viewers_.size()) turn(100);
  }
  // Says what the script says from here on, and hears.
  void begin() { begun_us_ = now_us(); }
  void run(double seconds) {
    for (const int64_t end = now_us() + static_cast<int64_t>(seconds * us_per_s); now_us() < end;) turn(1);
  }
  void measure(double seconds) {
    measuring_ = true;
    first_measured_ = next_;
    figures_ = {};
    run(seconds);
    measuring_ = false;
    last_measured_ = next_;
    bytes_ = figures_.bytes;
  }
  void wait_for_the_last() {
    script_.resize(next_);
    hearts_per_s_ = 0;
    for (const int64_t end = now_us() + grace_us; now_us() < end && !all_came();) turn(10);
  }

  nlohmann::json figures(double seconds) const {
    uint64_t missing = 0;
    for (const Viewer& viewer : viewers_) {
      for (size_t i = first_measured_; i < last_measured_; ++i) missing += viewer.comments[i] ? 0 : 1;
    }
    return {{"seconds", seconds},
            {"comments", last_measured_ - first_measured_},
            {"delivered", figures_.delivered},
            {"missing", kind_ == Kind::bare ? 0 : missing},
            {"twice", figures_.twice},
            {"refused", figures_.refused},
            {"bytes", bytes_},
            {"messages", figures_.messages},
            {"hearts_sent", figures_.hearts_sent},
            {"hearts_heard", figures_.hearts_heard},
            {"p50_ms", delays_.quantile_ms(0.5)},
            {"p99_ms", delays_.quantile_ms(0.99)},
            {"max_ms", delays_.quantile_ms(1)},
            {"late_ms_max", static_cast<double>(figures_.late_us_max) / 1000}};
  }

 private:
  void connect(uint32_t number) {
    Viewer& viewer = viewers_[number];
    viewer.socket = bench::connected_to(port_);
    bench::stamp_arrivals(viewer.socket);
    epoll_event event{.events = EPOLLIN, .data = {.u32 = number}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, viewer.socket, &event);
    if (kind_ == Kind::bare) {
      viewer.open = true;
      ++open_;
      return;
    }
    const bool klieg = kind_ == Kind::klieg;
    const std::string host = "127.0.0.1:" + std::to_string(port_);
    send(viewer, "GET " + std::string(klieg ? "/live/cam/room" : "/room") + " HTTP/1.1\r\nHost: " + host +
                     "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" +
                     (klieg ? "Sec-WebSocket-Protocol: klieg.room.1\r\n" : "") + "\r\n");
  }

  void turn(int wait_ms) {
    const int ready = ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), wait_ms);
    for (int i = 0; i < ready; ++i) {
      if (i % 16 == 0) say_due();
      read(events_[static_cast<size_t>(i)].data.u32);
    }
    say_due();
  }

  // --- what they say ---

  static void send(Viewer& viewer, std::string_view bytes) {
    if (::send(viewer.socket, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size())) {
      give_up("send");
    }
  }
  void say(Viewer& viewer, websocket::Opcode opcode, std::string_view text) {
    std::vector<Bytes> frame;
    websocket::append_masked_frame(opcode, ByteView(reinterpret_cast<const uint8_t*>(text.data()), text.size()),
                                   0x5A17C3E9, frame);
    send(viewer, Bytes::join(frame).text());
  }
  void say_due() {
    if (begun_us_ == 0) return;
    const int64_t elapsed_us = now_us() - begun_us_;
    for (; next_ < script_.size() && script_[next_].due_us <= elapsed_us; ++next_) {
      figures_.late_us_max = std::max(figures_.late_us_max, elapsed_us - script_[next_].due_us);
      say_comment(next_, elapsed_us);
    }
    if (kind_ == Kind::nchan_window && elapsed_us >= window_us_ + window_us) {
      window_us_ = elapsed_us;
      if (!gathered_.empty()) say(viewers_[0], websocket::Opcode::text, "[" + std::exchange(gathered_, {}) + "]");
    }
    const auto hearts_due = static_cast<uint64_t>(hearts_per_s_ * static_cast<double>(elapsed_us) / us_per_s);
    for (; kind_ == Kind::klieg && hearts_ < hearts_due; ++hearts_, ++figures_.hearts_sent) {
      say(viewers_[hearts_ % viewers_.size()], websocket::Opcode::text,
          R"({"type":"hearts","count":1,"at":)" + std::to_string(elapsed_us / 1000) + "}");
    }
  }
  void say_comment(size_t number, int64_t elapsed_us) {
    Line& line = script_[number];
    Viewer& viewer = viewers_[line.viewer % viewers_.size()];
    const std::string text = "\"text\":\"#" + std::to_string(number) + " " + line.text + "\"}";
    const std::string at = ",\"at\":" + std::to_string(elapsed_us / 1000) + ",";
    line.sent_us = now_us();
    if (kind_ == Kind::klieg) {
      return say(viewer, websocket::Opcode::text, R"({"type":"comment","ref":)" + std::to_string(number) + at + text);
    }
    const std::string made = R"({"type":"comment","id":)" + std::to_string(number + 1) +
                             R"(,"by":{"account":9007199254740993,"name":"guest 1234","standing":"stranger"})" + at +
                             "\"said\":" + std::to_string(line.sent_us / 1000) + "," + text;
    if (kind_ == Kind::nchan) return say(viewer, websocket::Opcode::text, "[" + made + "]");
    gathered_ += (gathered_.empty() ? "" : ",") + made;
  }

  // --- what they hear ---

  void read(uint32_t number) {
    Viewer& viewer = viewers_[number];
    const auto [size, arrived_ns] = bench::receive(viewer.socket, buffer_);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) give_up("the server closed a viewer's connection");
    if (measuring_) figures_.bytes += static_cast<uint64_t>(size);
    if (kind_ == Kind::bare) return;
    const int64_t stamp_us = arrived_ns / 1000;
    const std::string_view came(buffer_.data(), static_cast<size_t>(size));
    if (viewer.unread.empty()) {
      viewer.unread = came.substr(hear(number, came, stamp_us));
    } else {
      viewer.unread += came;
      viewer.unread.erase(0, hear(number, viewer.unread, stamp_us));
    }
    // Thousands of viewers who each keep what a message once needed are too much memory.
    if (viewer.unread.empty()) viewer.unread = std::string();
  }

  // Returns how much of it was whole messages.
  size_t hear(uint32_t number, std::string_view bytes, int64_t stamp_us) {
    Viewer& viewer = viewers_[number];
    size_t done = 0;
    if (!viewer.open) {
      const size_t end = bytes.find("\r\n\r\n");
      if (end == bytes.npos) return 0;
      if (!bytes.starts_with("HTTP/1.1 101")) give_up("refused: " + std::string(bytes.substr(0, bytes.find('\r'))));
      viewer.open = true;
      ++open_;
      done = end + 4;
    }
    // RFC 6455 section 5.2: what comes from a server is not masked; that it is not fragmented is looked at.
    for (;;) {
      const std::string_view rest = bytes.substr(done);
      if (rest.size() < 2) return done;
      const auto byte = [&](size_t i) { return static_cast<uint8_t>(rest[i]); };
      size_t head = 2, length = byte(1);
      if (length >= 126) {
        const size_t more = length == 126 ? 2 : 8;
        if (rest.size() < head + more) return done;
        length = 0;
        for (size_t i = 0; i < more; ++i) length = length << 8 | byte(2 + i);
        head += more;
      }
      if (rest.size() < head + length) return done;
      done += head + length;
      const std::string_view payload = rest.substr(head, length);
      if (byte(0) == 0x89) {
        say(viewer, websocket::Opcode::pong, payload);
      } else if (byte(0) == 0x81) {
        hear_message(number, payload, stamp_us);
      } else if (byte(0) != 0x8A) {
        give_up("a frame of kind " + std::to_string(byte(0)) + ": " + std::string(payload.substr(0, 100)));
      }
    }
  }

  void hear_message(uint32_t number, std::string_view message, int64_t stamp_us) {
    if (measuring_) ++figures_.messages;
    if (message.starts_with(R"([{"type":"refused")")) note_refusals(message);
    const Parsed& parsed = parse(message);
    for (const uint32_t comment : parsed.comments) {
      if (comment >= next_) give_up("a comment that nobody said");
      std::vector<bool>::reference came = viewers_[number].comments[comment];
      const bool counts = comment >= first_measured_ && (measuring_ || comment < last_measured_);
      if (came && counts) ++figures_.twice;
      if (!came && counts) {
        ++figures_.delivered;
        delays_.add(stamp_us - script_[comment].sent_us);
      }
      came = true;
    }
    if (number == 0 && measuring_) figures_.hearts_heard += parsed.hearts;
  }
  // Most are what others heard just now. All their bytes are compared, so nothing is taken on trust.
  const Parsed& parse(std::string_view message) {
    constexpr std::string_view type = R"({"type":"comment","id":)", text = R"("text":"#)";
    const auto known = std::ranges::find(parsed_, message, &Parsed::message);
    if (known != parsed_.end()) return *known;
    Parsed& parsed = parsed_[parsed_next_++ % parsed_.size()];
    parsed = {.message = std::string(message), .comments = {}, .hearts = 0};
    for (size_t at = 0; (at = message.find(type, at)) != message.npos;) {
      at = message.find(text, at);
      if (at == message.npos) give_up("a comment without its number");
      at += text.size();
      uint32_t comment = 0;
      for (; at < message.size() && message[at] >= '0' && message[at] <= '9'; ++at) {
        comment = comment * 10 + static_cast<uint32_t>(message[at] - '0');
      }
      parsed.comments.push_back(comment);
    }
    if (kind_ != Kind::klieg || !message.contains(R"("type":"hearts")")) return parsed;
    for (const auto& event : nlohmann::json::parse(message)) {
      if (event["type"] != "hearts") continue;
      for (const auto& pair : event["hearts"]) parsed.hearts += pair[1].get<uint64_t>();
    }
    return parsed;
  }
  void note_refusals(std::string_view message) {
    for (const auto& event : nlohmann::json::parse(message)) {
      if (event["type"] == "refused") ++figures_.refused[event["why"].get<std::string>()];
    }
  }
  bool all_came() const { return figures_.delivered >= (last_measured_ - first_measured_) * viewers_.size(); }

  const Kind kind_;
  const uint16_t port_;
  const int epoll_ = ::epoll_create1(0);
  std::vector<Viewer> viewers_;
  std::vector<Line> script_;
  double hearts_per_s_;
  size_t open_ = 0;
  int64_t begun_us_ = 0, window_us_ = 0;
  size_t next_ = 0;  // of the script
  uint64_t hearts_ = 0;
  std::string gathered_;
  bool measuring_ = false;
  size_t first_measured_ = SIZE_MAX, last_measured_ = 0;
  uint64_t bytes_ = 0;
  Figures figures_;
  Delays delays_;
  std::array<Parsed, 16> parsed_;  // the messages that were new last: what a second of a room's turns is made of
  size_t parsed_next_ = 0;
  std::array<epoll_event, 256> events_;
  std::vector<char> buffer_ = std::vector<char>(buffer_size);
};

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 8) {
    std::fputs("usage: bench_room_load KIND PORT VIEWERS SCRIPT HEARTS_PER_S SETTLE_SECONDS SECONDS\n", stderr);
    return 2;
  }
  const std::map<std::string, Kind> kinds{
      {"klieg", Kind::klieg}, {"nchan", Kind::nchan}, {"nchan-window", Kind::nchan_window}, {"bare", Kind::bare}};
  const auto kind = kinds.find(arguments[1]);
  if (kind == kinds.end()) give_up("what kind?");
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const double settle_s = std::atof(arguments[6]), seconds = std::atof(arguments[7]);

  Load load(kind->second, static_cast<uint16_t>(std::atoi(arguments[2])), static_cast<size_t>(std::atoi(arguments[3])),
            read_script(arguments[4]), std::atof(arguments[5]));
  load.connect_all();
  load.begin();
  load.run(settle_s);
  std::puts("steady");
  std::fflush(stdout);
  const double before_s = cpu_seconds();
  load.measure(seconds);
  std::puts("measured");
  std::fflush(stdout);
  const double spent_s = cpu_seconds() - before_s;
  if (kind->second != Kind::bare) load.wait_for_the_last();
  nlohmann::json figures = load.figures(seconds);
  figures["load_core"] = spent_s / seconds;
  std::puts(figures.dump().c_str());
  return 0;
}

// Loads a server with one publisher and many players, by RTMP or WebSocket, and says how late frames come.
//
//   bench_fanout_load PORT FLV KEY NAME PLAYERS SETTLE_SECONDS SECONDS DRAIN_MS [HTTP_PORT]
//
// With HTTP_PORT players come to /live/NAME/push there; the publisher is one of RTMP all the same.
//
// The publisher sends the recording over and over in real time. Into each frame it puts an SEI of its own with the
// moment of sending (CLOCK_REALTIME). Twenty players, spread among the others, read every message and compare; the
// others take what came every DRAIN_MS and throw it away in the kernel. When a frame came is the kernel's stamp:
// whoever empties thousands of sockets looks at the twenty half a millisecond late. Prints "steady" when all play and
// have settled; after the measured time one line of JSON: delays in ms, frames that the twenty should have seen and did
// not, bytes.
//
// KEY "-": players of nothing but bytes, for bench_fanout_bare.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "loopback.h"
#include "wire/flv.h"
#include "wire/flv_file.h"
#include "wire/rtmp_chunk.h"
#include "wire/rtmp_handshake.h"
#include "wire/rtmp_message.h"
#include "wire/websocket.h"

namespace {

using namespace klieg;
using namespace klieg::wire;
using Steady = std::chrono::steady_clock;

constexpr size_t watched_players = 20;
constexpr std::string_view mark = "klieg-fan-out-16";  // the uuid of our SEI

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

int64_t now_ns() { return std::chrono::system_clock::now().time_since_epoch() / std::chrono::nanoseconds(1); }

// An SEI with the mark and a time in 16 bytes of four bits each, so that no emulation prevention is needed (14496-10
// D.1.7).
Bytes stamped(const Bytes& frame, int64_t at_ns) {
  ByteWriter out;
  out.u32(1 + 2 + 16 + 16 + 1);
  out.u8(6);
  out.u8(5);
  out.u8(32);
  out.text(mark);
  for (int shift = 60; shift >= 0; shift -= 4) out.u8(static_cast<uint8_t>(0x80 | (at_ns >> shift & 0xF)));
  out.u8(0x80);
  out.bytes(frame);
  return out.take();
}
// Of the pictures in it: one of a message of RTMP, all of a chunk of CMAF.
std::vector<int64_t> stamps_of(const Bytes& body) {
  std::vector<int64_t> stamps;
  const std::string_view text = body.text();
  for (size_t at = text.find(mark); at != text.npos && at + 32 <= text.size(); at = text.find(mark, at + 32)) {
    int64_t ns = 0;
    for (size_t i = 0; i < 16; ++i) ns = ns << 4 | (body[at + 16 + i] & 0xF);
    stamps.push_back(ns);
  }
  return stamps;
}

class Peer {
 public:
  explicit Peer(uint16_t port) : socket_(bench::connected_to(port)) {
    const timeval patience{.tv_sec = 10, .tv_usec = 0};  // a server that answers nobody is given up
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }

  void introduce(const std::string& last_command, const std::string& name) {
    rtmp::HandshakeClient handshake(rtmp::HandshakeForm::simple, 1);
    ByteWriter hello;
    handshake.begin(hello);
    send(hello.take());
    while (handshake.state() == rtmp::HandshakeState::waiting) {
      const Bytes came = receive();
      ByteView bytes = came;
      ByteWriter answer;
      handshake.receive(bytes, answer);
      if (answer.size() > 0) send(answer.take());
      if (!bytes.empty()) hear(Bytes::copy_of(bytes));
    }
    say(command_message(rtmp::connect_command({"live", "rtmp://127.0.0.1/live", "bench", 0, {}}, 1), 0));
    say(rtmp::command_message({"createStream", 2, amf0::Null{}, {}}, 0));
    while (answers_ < 2) hear(receive());
    say(rtmp::command_message({last_command, 3, amf0::Null{}, {name, "live"}}, 1));
  }
  // In place of introduce(). What came behind the head stays for read_frames().
  void ask_for_push(const std::string& name) {
    send(Bytes::take("GET /live/" + name +
                     "/push HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                     "Sec-WebSocket-Protocol: klieg.push.1\r\n\r\n"));
    std::string head;
    while (!head.contains("\r\n\r\n")) head += receive().text();
    if (!head.starts_with("HTTP/1.1 101")) give_up("no WebSocket was given");
    behind_head_ = head.substr(head.find("\r\n\r\n") + 4);
  }
  // What the server's pings ask for, and before they do.
  void say_that_we_live() {
    static const Bytes pong = [] {
      std::vector<Bytes> pieces;
      websocket::append_masked_frame(websocket::Opcode::pong, {}, 0, pieces);
      return Bytes::join(pieces);
    }();
    ::send(socket_, pong.data(), pong.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  template <class See>
  void read_frames(std::string_view came, See see) {
    std::vector<websocket::Event> events;
    const std::string all = std::exchange(behind_head_, "") + std::string(came);
    if (!frames_.feed(as_bytes(all), events)) give_up("what the server sends are no frames");
    for (const websocket::Event& event : events) {
      if (const auto* message = std::get_if<websocket::Message>(&event)) see(message->content);
    }
  }
  void say(const rtmp::Message& message) {
    std::vector<Bytes> pieces;
    writer_.write(message, 3 + static_cast<uint32_t>(message.type) % 8, pieces);
    send(Bytes::join(pieces));
  }
  void send(const Bytes& content) {
    for (ByteView rest = content; !rest.empty();) {
      const ssize_t sent = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent <= 0) give_up("send");
      rest = rest.subspan(static_cast<size_t>(sent));
    }
  }
  Bytes receive() {
    std::string buffer(65536, 0);
    const ssize_t size = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (size <= 0) give_up("the server closed a connection");
    buffer.resize(static_cast<size_t>(size));
    return Bytes::take(std::move(buffer));
  }
  // What came, message by message.
  template <class See>
  void read(const Bytes& came, See see) {
    for (ByteView rest = came; !rest.empty();) {
      auto message = reader_.read(rest);
      if (!message) give_up("what the server sends is no chunk stream");
      if (!*message) return;
      see(**message);
    }
  }
  void hear(const Bytes& came) {
    read(came, [this](const rtmp::Message& message) {
      if (message.type != rtmp::MessageType::amf0_command) return;
      const auto command = parse_command(message);
      if (command && command->name == "_result") ++answers_;
    });
  }
  int socket() const { return socket_; }

 private:
  int socket_;
  int answers_ = 0;
  rtmp::ChunkReader reader_{16 << 20};
  rtmp::ChunkWriter writer_;
  std::string behind_head_;
  websocket::Reader frames_{16 << 20, websocket::From::server};
};

// Sends the recording in real time: call send_due() often.
class Publisher {
 public:
  Publisher(uint16_t port, const Bytes& recording, const std::string& key) : peer_(port) {
    peer_.introduce("publish", key);
    auto file = flv::FileReader::open(recording);
    if (!file) give_up("the recording is no FLV");
    while (auto tag = file->next()) tags_.push_back(*tag);
    begun_ = Steady::now();
  }
  void send_due() {
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - begun_).count();
    for (; shift_ms_ + tags_[next_].timestamp_ms <= elapsed; advance()) send(tags_[next_]);
    // Acknowledgements and answers are for nobody.
    std::array<char, 4096> sink;
    while (::recv(peer_.socket(), sink.data(), sink.size(), MSG_DONTWAIT) > 0) {
    }
  }
  uint64_t frames() const { return frames_; }

 private:
  void advance() {
    if (++next_ < tags_.size()) return;
    shift_ms_ += tags_.back().timestamp_ms + 33;
    next_ = 0;
    repeating_ = true;
  }
  void send(const flv::Tag& tag) {
    Bytes body = tag.body;
    auto type = tag.kind == flv::Tag::Kind::audio ? rtmp::MessageType::audio : rtmp::MessageType::video;
    if (tag.kind == flv::Tag::Kind::script) return;
    if (tag.kind == flv::Tag::Kind::video) {
      auto packet = flv::read_video(body);
      if (!packet || (repeating_ && packet->type != flv::Packet::Type::coded_frames)) return;
      if (packet->type == flv::Packet::Type::coded_frames) {
        ++frames_;
        packet->body = stamped(packet->body, now_ns());
        body = flv::write(*packet, flv::Form::legacy);
      }
    } else if (repeating_ && body.size() > 1 && body[1] == 0) {
      return;
    }
    peer_.say({type, 1, static_cast<uint32_t>(shift_ms_ + tag.timestamp_ms), std::move(body)});
  }

  Peer peer_;
  std::vector<flv::Tag> tags_;
  Steady::time_point begun_;
  size_t next_ = 0;
  int64_t shift_ms_ = 0;
  bool repeating_ = false;
  uint64_t frames_ = 0;
};

struct Watched {
  Peer* peer = nullptr;
  uint64_t frames = 0;
};

double quantile(const std::vector<double>& sorted, double q) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<size_t>(q * static_cast<double>(sorted.size())))];
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 9 && count != 10) {
    std::fputs("usage: bench_fanout_load PORT FLV KEY NAME PLAYERS SETTLE_SECONDS SECONDS DRAIN_MS [HTTP_PORT]\n",
               stderr);
    return 2;
  }
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const auto port = static_cast<uint16_t>(std::atoi(arguments[1]));
  const std::string key = arguments[3], name = arguments[4];
  const auto players_wanted = static_cast<size_t>(std::atoi(arguments[5]));
  const std::chrono::duration<double> settle(std::atof(arguments[6])), measured(std::atof(arguments[7]));
  const std::chrono::milliseconds drain(std::atoi(arguments[8]));
  const bool bare = key == "-", by_websocket = count == 10;
  const auto players_port = by_websocket ? static_cast<uint16_t>(std::atoi(arguments[9])) : port;
  std::ifstream file(arguments[2], std::ios::binary);
  const Bytes recording = Bytes::take(std::string(std::istreambuf_iterator<char>(file), {}));

  std::unique_ptr<Publisher> publisher;
  const auto publish_for = [&](std::chrono::duration<double> time) {
    for (const auto end = Steady::now() + time; publisher && Steady::now() < end; ::usleep(1000)) publisher->send_due();
  };
  if (!bare) publisher = std::make_unique<Publisher>(port, recording, key);
  publish_for(std::chrono::seconds(4));

  const int watch_set = ::epoll_create1(0), others_set = ::epoll_create1(0);
  std::vector<std::unique_ptr<Peer>> players;
  std::vector<Watched> watched;
  std::vector<double> delays_ms;
  uint64_t bytes = 0;
  bool measuring = false;
  std::array<epoll_event, 512> events;
  std::vector<char> came(65'536);
  // What came for those who read everything, within `wait_ms`.
  const auto watch = [&](int wait_ms) {
    const int ready = ::epoll_wait(watch_set, events.data(), events.size(), wait_ms);
    for (int i = 0; i < ready; ++i) {
      Watched& one = watched[events[static_cast<size_t>(i)].data.u32];
      const auto [size, arrived_ns] = bench::receive(one.peer->socket(), came);
      if (size < 0 && errno == EAGAIN) continue;
      if (size <= 0) give_up("the server closed a connection");
      const int64_t came_ns = arrived_ns;
      const auto see = [&](const Bytes& body) {
        for (const int64_t stamp : stamps_of(body)) {
          if (!measuring) continue;
          ++one.frames;
          delays_ms.push_back(static_cast<double>(came_ns - stamp) / 1e6);
        }
      };
      const std::string_view text(came.data(), static_cast<size_t>(size));
      if (by_websocket) {
        one.peer->read_frames(text, see);
      } else {
        one.peer->read(Bytes::copy_of(text), [&](const rtmp::Message& message) {
          if (message.type == rtmp::MessageType::video) see(message.payload);
        });
      }
    }
  };
  // Thousands take as long as the delays that are measured: the twenty are looked after meanwhile.
  auto drained = Steady::now();
  const auto drain_others = [&] {
    if (Steady::now() - drained < drain) return;
    drained = Steady::now();
    for (int ready; (ready = ::epoll_wait(others_set, events.data(), events.size(), 0)) > 0;) {
      for (int i = 0; i < ready; ++i) {
        const ssize_t size = ::recv(events[static_cast<size_t>(i)].data.fd, nullptr, 1 << 20, MSG_TRUNC | MSG_DONTWAIT);
        if (size == 0) give_up("the server closed a player's connection");
        bytes += measuring && size > 0 ? static_cast<uint64_t>(size) : 0;
      }
      if (publisher) publisher->send_due();
      watch(0);
      if (ready < static_cast<int>(events.size())) break;
    }
  };
  // One after the other, each every ten seconds.
  size_t alive = 0;
  auto said_at = Steady::now();
  const auto live = [&] {
    const std::chrono::duration<double> since = Steady::now() - said_at;
    const auto due = static_cast<size_t>(since.count() / 10 * static_cast<double>(players.size()));
    if (!by_websocket || due == 0) return;
    said_at = Steady::now();
    for (size_t i = 0; i < due; ++i) players[alive++ % players.size()]->say_that_we_live();
  };
  const auto turn = [&] {
    if (publisher) publisher->send_due();
    watch(1);
    drain_others();
    live();
  };
  const size_t every = std::max<size_t>(1, players_wanted / watched_players);
  for (size_t i = 0; i < players_wanted; ++i) {
    players.push_back(std::make_unique<Peer>(players_port));
    Peer& peer = *players.back();
    if (by_websocket) {
      peer.ask_for_push(name);
    } else if (!bare) {
      peer.introduce("play", name);
    }
    ::fcntl(peer.socket(), F_SETFL, O_NONBLOCK);
    const bool watches = !bare && i % every == 0 && watched.size() < watched_players;
    epoll_event event{.events = EPOLLIN, .data = {}};
    if (watches) {
      event.data.u32 = static_cast<uint32_t>(watched.size());
      watched.push_back({&peer});
      bench::stamp_arrivals(peer.socket());
    } else {
      event.data.fd = peer.socket();
    }
    ::epoll_ctl(watches ? watch_set : others_set, EPOLL_CTL_ADD, peer.socket(), &event);
    if (i % 8 == 0) turn();
  }
  const auto run_for = [&](std::chrono::duration<double> time) {
    for (const auto end = Steady::now() + time; Steady::now() < end;) turn();
  };
  run_for(settle);
  std::puts("steady");
  std::fflush(stdout);
  measuring = true;
  const uint64_t frames_before = publisher ? publisher->frames() : 0;
  const auto began = Steady::now();
  run_for(measured);
  const double seconds = std::chrono::duration<double>(Steady::now() - began).count();
  const uint64_t frames = publisher ? publisher->frames() - frames_before : 0;
  uint64_t missed = 0;
  // Two may be on their way at either end.
  for (const Watched& one : watched) missed += one.frames + 8 < frames ? frames - one.frames : 0;
  std::ranges::sort(delays_ms);
  std::printf(
      "{\"players\": %zu, \"seconds\": %.3f, \"frames\": %llu, \"missed\": %llu, \"bytes\": %llu, "
      "\"p50\": %.2f, \"p99\": %.2f, \"max\": %.2f}\n",
      players.size(), seconds, static_cast<unsigned long long>(frames), static_cast<unsigned long long>(missed),
      static_cast<unsigned long long>(bytes), quantile(delays_ms, 0.5), quantile(delays_ms, 0.99),
      delays_ms.empty() ? 0 : delays_ms.back());
  std::fflush(stdout);
  std::_Exit(0);  // thousands of sockets close faster so
}

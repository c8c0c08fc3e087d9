// For tests: a whole world on loopback, and both ends of its road: an encoder and a viewer on blocking sockets.
//
// Nothing here sleeps: whoever waits reads a socket, at most `patience`, or asks for a status that is held.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/logging.h"
#include "cli/world.h"
#include "ingest/test_encoder.h"
#include "wire/flv.h"
#include "wire/hex_test.h"

namespace klieg::cli {

constexpr auto patience = std::chrono::seconds(10);  // of one read, under a sanitizer on a busy machine

// The end of `before` in `text`, up to `until`; empty when it is not there.
inline std::string between(std::string_view text, std::string_view before, std::string_view until) {
  const size_t found = text.find(before);
  if (found == text.npos) return "";
  const std::string_view rest = text.substr(found + before.size());
  return std::string(rest.substr(0, rest.find(until)));
}

class Socket {
 public:
  enum class Room : uint8_t { usual, little };  // for what is received and not read

  explicit Socket(uint16_t port, Room room = Room::usual) : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval wait{.tv_sec = patience.count(), .tv_usec = 0};
    const int little = 4096;
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    if (room == Room::little) ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    const sockaddr_in to = loopback(port);
    connected_ = ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  Socket(Socket&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), connected_(std::exchange(other.connected_, false)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() { close(); }
  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

  static sockaddr_in loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  bool connected() const { return connected_; }

  // False: the other side is gone, or takes nothing.
  bool send(const Bytes& content) {
    ByteView bytes = content;
    while (!bytes.empty()) {
      const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes = bytes.subspan(static_cast<size_t>(sent));
    }
    return true;
  }
  bool send(std::string_view text) { return send(Bytes::copy_of(text)); }

  // What came next; empty: the other side is gone, or nothing came in time.
  std::string receive() {
    std::string bytes(65536, 0);
    const ssize_t received = ::recv(descriptor_, bytes.data(), bytes.size(), 0);
    bytes.resize(received > 0 ? static_cast<size_t>(received) : 0);
    return bytes;
  }
  std::string receive_all() {
    std::string all;
    for (std::string some = receive(); !some.empty(); some = receive()) all += some;
    close();
    return all;
  }

 private:
  int descriptor_;
  bool connected_ = false;
};

struct HttpAnswer {
  int status = 0;  // 0: none came
  std::string head;
  std::string body;
};

// A viewer's question on a connection of its own. HTTP/1.0: the answer ends with the connection, however long it is.
class HttpQuestion {
 public:
  HttpQuestion(uint16_t port, const std::string& path, Socket::Room room = Socket::Room::usual) : socket_(port, room) {
    socket_.send("GET " + path + " HTTP/1.0\r\nHost: test\r\n\r\n");
  }
  HttpAnswer answer() {
    const std::string all = socket_.receive_all();
    HttpAnswer answer;
    const size_t end = all.find("\r\n\r\n");
    if (end == all.npos) return answer;
    answer.head = all.substr(0, end);
    answer.body = all.substr(end + 4);
    std::from_chars(all.data() + 9, all.data() + std::min<size_t>(12, all.size()), answer.status);
    return answer;
  }

 private:
  Socket socket_;
};

// An encoder that publishes a made-up broadcast: H.264 at 25 frames a second with a key frame each second, and AAC.
class TestPublisher {
 public:
  TestPublisher(uint16_t port, const std::string& key) : socket_(port) {
    flush();
    // Commands follow the whole handshake.
    Bytes answer;
    while (answer.empty() && hear()) answer = encoder_.take();
    socket_.send(answer);
    encoder_.connect();
    encoder_.publish(key);
    flush();
    hear_status();
  }

  // Reads up to the next onStatus, or the end of the connection, and gives the last: "status NetStream.Publish.Start:".
  std::string hear_status() {
    const size_t before = statuses();
    while (statuses() == before && hear()) {
    }
    return encoder_.status();
  }
  std::string status() const { return encoder_.status(); }
  bool on_air() const { return status().starts_with("status NetStream.Publish.Start"); }

  // The next `count` seconds of the broadcast, all at once. False: the server is gone.
  bool send_seconds(int count, size_t key_frame_size = 200) {
    using wire::flv::Packet;
    if (!configured_) {
      configured_ = true;
      tag(wire::rtmp::MessageType::video,
          {.type = Packet::Type::sequence_start,
           .codec = media::Codec::avc,
           .body = wire::from_hex("01640015ffe1001a67640015acd941b1fe4f0110000003001000000303c0f162d960010004"
                                  "68ef8fcbfdf8f800")});
      tag(wire::rtmp::MessageType::audio,
          {.type = Packet::Type::sequence_start, .codec = media::Codec::aac, .body = wire::from_hex("1190")});
    }
    for (const uint32_t end_ms = now_ms_ + static_cast<uint32_t>(count) * 1000; now_ms_ < end_ms; now_ms_ += 40) {
      const bool key = now_ms_ % 1000 == 0;
      tag(wire::rtmp::MessageType::video, {.type = Packet::Type::coded_frames,
                                           .codec = media::Codec::avc,
                                           .key_frame = key,
                                           .body = key ? picture(0x65, key_frame_size) : picture(0x41, 50)});
      // Two of 20 ms, nearly: 1024 samples at 48 kHz. A frame left out now and then would be heard; here nobody
      // listens.
      for (uint32_t ms : {now_ms_, now_ms_ + 20}) {
        send({wire::rtmp::MessageType::audio, 1, ms, wire::from_hex("af01 21004990")});
      }
    }
    return flush();
  }
  void send(const wire::rtmp::Message& message) { encoder_.send(message); }
  bool send_video(std::string_view hex) {
    send({wire::rtmp::MessageType::video, 1, now_ms_, wire::from_hex(std::string(hex))});
    return flush();
  }
  bool flush() { return socket_.send(encoder_.take()); }

 private:
  bool hear() {
    const std::string bytes = socket_.receive();
    encoder_.hear({Bytes::copy_of(bytes)});
    return !bytes.empty();
  }
  size_t statuses() const {
    return static_cast<size_t>(std::ranges::count(encoder_.commands_heard(), "onStatus", &wire::rtmp::Command::name));
  }
  void tag(wire::rtmp::MessageType type, const wire::flv::Packet& packet) {
    send({type, 1, now_ms_, wire::flv::write(packet, wire::flv::Form::legacy)});
  }
  // One NAL unit of `size` bytes behind its length.
  static Bytes picture(uint8_t nal_header, size_t size) {
    std::vector<uint8_t> bytes(4 + size, 0x88);
    for (size_t i = 0; i < 4; ++i) bytes[i] = static_cast<uint8_t>(size >> (24 - 8 * i));
    bytes[4] = nal_header;
    return Bytes::take(std::move(bytes));
  }

  Socket socket_;
  ingest::TestEncoder encoder_;
  bool configured_ = false;
  uint32_t now_ms_ = 0;
};

// What a test may want otherwise than it is.
inline Config test_config(uint32_t loops) {
  Config config;
  config.ladder_rungs = {};
  config.loops = loops;
  config.data = testing::TempDir() + "klieg-world-" + std::to_string(getpid());
  config.http = config.rtmp = config.admin = "127.0.0.1:0";
  config.password_cost = studio::no_cost;
  config.rejoin_window_s = 60;  // a test that waits for its end says so
  config.channels = {{"anna", "secret-of-anna"}, {"bob", "secret-of-bob"}};
  return config;
}

struct ChannelStatus {
  std::string state;
  std::string broadcast;  // ID.EPOCH
  std::string version;
};

class TestWorld {
 public:
  explicit TestWorld(Config settings) : config(std::move(settings)) {
    logging::configure(logging::Level::error, logging::Format::text);
    world = std::make_unique<World>(config);
    const Result<std::string> started = world->start();
    EXPECT_TRUE(started) << started.error().message;
    ready_line = started.value_or("");
    http = port_of("http");
    rtmp = port_of("rtmp");
    admin = port_of("admin");
  }

  HttpAnswer get(const std::string& path) const { return HttpQuestion(http, path).answer(); }
  TestPublisher publish(const std::string& key = "secret-of-anna") const { return TestPublisher(rtmp, key); }

  ChannelStatus status(const std::string& after = "", const std::string& channel = "anna") const {
    const std::string text = get("/live/" + channel + "/status.json" + after).body;
    return {between(text, "\"state\":\"", "\""), between(text, "\"broadcast\":\"", "\""),
            between(text, "\"version\":", ",")};
  }
  // Follows the channel's changes until it is in `state`.
  ChannelStatus await(const std::string& state, const std::string& channel = "anna") const {
    ChannelStatus status = this->status("", channel);
    for (int changes = 0; status.state != state && changes < 10; ++changes) {
      status = this->status("?after=" + status.version, channel);
    }
    EXPECT_EQ(status.state, state);
    return status;
  }

  // Until `count` requests wait for their answers.
  void await_requests(int count) const {
    const std::string figure =
        "\nhttp_server_active_requests " + std::to_string(count + 1) + "\n";  // and the asking one
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (HttpQuestion(admin, "/metrics").answer().body.find(figure) == std::string::npos) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << figure;
    }
  }

  Config config;  // outlives the world
  std::unique_ptr<World> world;
  std::string ready_line;
  uint16_t http = 0, rtmp = 0, admin = 0;

 private:
  uint16_t port_of(const std::string& door) const {
    const std::string text = between(ready_line, " " + door + "=127.0.0.1:", " ");
    uint16_t port = 0;
    std::from_chars(text.data(), text.data() + text.size(), port);
    return port;
  }
};

}  // namespace klieg::cli

// On loopback, with a server of ours on another thread.
#include "player/client.h"

#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "http/server.h"
#include "net/listener.h"
#include "wire/utc.h"

namespace klieg::player {
namespace {

TEST(Address, is_a_host_and_a_path) {
  const auto address = parse_address("http://example.org:8080/live/cam/index.m3u8?token=1");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->peer.endpoint.port, 8080);
  EXPECT_EQ(address->peer.authority, "example.org:8080");
  EXPECT_EQ(address->path, "/live/cam/index.m3u8?token=1");
  EXPECT_EQ(parse_address("https://example.org/x")->peer.endpoint.port, 443);
  for (const char* wrong : {"", "example.org/x", "http://example.org", "http:///x", "http://a/ b", "http://u@h/x"}) {
    EXPECT_FALSE(parse_address(wrong)) << wrong;
  }
}

TEST(Address, of_rtmp_names_an_application_and_a_stream) {
  const auto address = parse_address("rtmp://example.org/live/cam?rendition=720p");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->scheme, Scheme::rtmp);
  EXPECT_EQ(address->peer.endpoint.port, 1935);
  EXPECT_EQ(parse_address("rtmps://example.org/live/cam")->peer.endpoint.port, 443);
  EXPECT_FALSE(parse_address("rtmp://example.org/live"));
}

TEST(Address, of_what_is_pushed_has_a_manifest) {
  const auto manifest = [](const char* url) {
    const Address address = manifest_of(*parse_address(url));
    return address.peer.authority + address.path;
  };
  EXPECT_EQ(manifest("http://h:81/live/cam/push?rendition=720p"), "h:81/live/cam/manifest.mpd");
  EXPECT_EQ(manifest("rtmp://h/live/cam?rendition=720p"), "h:8080/live/cam/manifest.mpd");
  EXPECT_EQ(manifest("rtmps://h/live/cam"), "h:443/live/cam/manifest.mpd");
}

// A broadcast that is over: two segments and an end. Of an edge: what time it is, it would have to ask its home.
class Over final : public http::Handler {
 public:
  static constexpr Duration home_is_away = 100ms;

  explicit Over(net::Loop& loop) : loop_(loop), home_(loop, [this] { tell_time(); }) {}

  void serve(const http::Request& request, http::Responder responder) override {
    http::Response response;
    if (request.path == "/time") {
      asks_time_ = std::move(responder);
      return home_.arm(loop_.now() + home_is_away);
    }
    if (request.path == "/cam.m3u8") {
      response.body = Bytes::copy_of(
          "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-PROGRAM-DATE-TIME:" + wire::utc_text(read_wall_clock() - 2s) +
          "\n#EXTINF:1,\na\n#EXTINF:1,\nb\n#EXT-X-ENDLIST\n");
    } else {
      response.status = request.path == "/b" ? 200 : 404;
      response.body = Bytes::copy_of("segment");
    }
    responder.respond(std::move(response));
  }

 private:
  void tell_time() {
    http::Response response;
    response.body = Bytes::copy_of(wire::utc_text(read_wall_clock()));
    std::exchange(asks_time_, std::nullopt)->respond(std::move(response));
  }

  net::Loop& loop_;
  net::Timer home_;
  std::optional<http::Responder> asks_time_;
};

class Serving {
 public:
  Serving() {
    std::promise<net::Endpoint> opened;
    thread_ = std::thread([this, &opened] {
      Metrics metrics;
      Over handler(loop_);
      const auto server = http::Server::make(loop_, handler, http::Limits{}, metrics);
      auto listener = net::Listener::listen(loop_, {"127.0.0.1", 0}, nullptr, {},
                                            [&](auto connection) { server->accept(std::move(connection)); });
      opened.set_value((*listener)->local());
      loop_.run();
    });
    endpoint = opened.get_future().get();
  }
  ~Serving() {
    loop_.stop();
    thread_.join();
  }
  net::Endpoint endpoint;

 private:
  net::Loop loop_;
  std::thread thread_;
};

TEST(Probe, watches_the_newest_segment_and_says_what_it_found) {
  Serving serving;
  const auto address = parse_address("http://" + serving.endpoint.text() + "/cam.m3u8");
  ASSERT_TRUE(address);
  size_t pieces = 0;
  Duration chunking{0}, round_trip{0};
  const auto outcome = probe(
      {.address = *address, .tier = Tier::hls}, [](const ProbeReport&) {},
      [&](const ProbeReport& report) {
        pieces = report.breakdown.pieces();
        chunking = report.breakdown.mean(Hop::chunking).value_or(Duration(0));
        round_trip = report.clocks.round_trip;
      });
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(pieces, 1u);
  EXPECT_EQ(chunking, 1s);
  EXPECT_GT(round_trip, 0s);
  EXPECT_LT(round_trip, Over::home_is_away);  // of who sends, not of who tells the time
}

TEST(Probe, says_when_nobody_is_there) {
  net::Endpoint gone;
  {
    gone = Serving().endpoint;
  }
  const auto address = parse_address("http://" + gone.text() + "/cam.m3u8");
  const auto nothing = [](const ProbeReport&) {};
  const auto outcome = probe({.address = *address}, nothing, nothing);
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(outcome.error().message.contains("cannot be reached")) << outcome.error().message;
}

}  // namespace
}  // namespace klieg::player

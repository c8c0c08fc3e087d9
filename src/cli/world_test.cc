#include "cli/world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <set>

#include "cli/test_world.h"

namespace klieg::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// The kernel spreads connections over the loops by their ports: that all of these are on one of two loops happens once
// in 2^23 runs.
constexpr int everywhere = 24;

// Everything that a media playlist names, by the address under which a viewer asks for it.
std::set<std::string> names_in(const std::string& playlist, const std::string& base) {
  std::set<std::string> names;
  for (size_t at = 0; at < playlist.size();) {
    const size_t end = std::min(playlist.find('\n', at), playlist.size());
    const std::string line = playlist.substr(at, end - at);
    at = end + 1;
    if (line.starts_with("#EXT-X-PRELOAD-HINT") || line.starts_with("#EXT-X-RENDITION-REPORT")) continue;
    const std::string name = line.starts_with("#") ? between(line, "URI=\"", "\"") : line;
    if (!name.empty()) names.insert(base + name);
  }
  return names;
}

class WorldOfLoops : public testing::TestWithParam<uint32_t> {
 protected:
  Config config() const { return test_config(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(Loops, WorldOfLoops, testing::Values(1u, 2u), testing::PrintToStringParamName());

TEST_P(WorldOfLoops, the_ready_line_has_the_real_ports) {
  const TestWorld at(config());
  EXPECT_THAT(at.ready_line,
              testing::MatchesRegex("ready http=127[.]0[.]0[.]1:[1-9][0-9]* "
                                    "rtmp=127[.]0[.]0[.]1:[1-9][0-9]* admin=127[.]0[.]0[.]1:[1-9][0-9]*"));
  for (uint16_t port : {at.http, at.rtmp, at.admin}) EXPECT_TRUE(Socket(port).connected()) << port;
}

TEST_P(WorldOfLoops, the_operators_port_tells_readiness_and_figures) {
  TestWorld at(config());
  const auto ask = [&](const std::string& path) { return HttpQuestion(at.admin, path).answer(); };
  EXPECT_EQ(ask("/livez").status, 200);
  EXPECT_EQ(ask("/readyz").status, 200);
  TestPublisher encoder = at.publish();
  EXPECT_THAT(ask("/metrics").body, HasSubstr("\nklieg_broadcasts 0")) << "a publisher without media is none";
  encoder.send_seconds(3);
  at.await("live");
  const std::string figures = ask("/metrics").body;
  EXPECT_THAT(figures, HasSubstr("\nklieg_broadcasts 1"));
  EXPECT_THAT(figures, HasSubstr("\nklieg_ingest_publishers 1"));
  EXPECT_THAT(figures, Not(HasSubstr("anna"))) << "no figures per broadcast";
  EXPECT_EQ(at.world->drain(5s), Drained::completely);
  EXPECT_EQ(ask("/readyz").status, 503);
  EXPECT_EQ(ask("/livez").status, 200);
}

TEST_P(WorldOfLoops, a_broadcast_is_watched_from_every_loop_with_equal_bytes_for_equal_names) {
  const TestWorld at(config());
  TestPublisher encoder = at.publish();
  ASSERT_TRUE(encoder.on_air()) << encoder.status();
  encoder.send_seconds(4);
  const std::string base = "/live/anna/" + at.await("live").broadcast + "/";
  std::set<std::string> names;
  for (const char* track : {"video.m3u8", "audio.m3u8"}) {
    const HttpAnswer playlist = at.get(base + track + "?_HLS_msn=2");  // held until segment 2 is whole
    ASSERT_EQ(playlist.status, 200) << track;
    names.merge(names_in(playlist.body, base));
  }
  EXPECT_GE(names.size(), 2u * (1 + 3));  // a header and three segments of each track
  for (const std::string& name : names) {
    const HttpAnswer first = at.get(name);
    ASSERT_EQ(first.status, 200) << name;
    ASSERT_FALSE(first.body.empty()) << name;
    for (int i = 1; i < everywhere; ++i) ASSERT_EQ(at.get(name).body, first.body) << name;
  }
}

TEST_P(WorldOfLoops, a_viewer_who_came_before_the_broadcast_hears_of_it_on_every_loop) {
  const TestWorld at(config());
  const std::string offline = at.status().version;
  std::vector<HttpQuestion> held;
  for (int i = 0; i < everywhere; ++i) held.emplace_back(at.http, "/live/anna/status.json?after=" + offline);
  TestPublisher encoder = at.publish();
  encoder.send_seconds(3);
  for (HttpQuestion& question : held) EXPECT_THAT(question.answer().body, HasSubstr("\"state\":\"live\""));
}

TEST_P(WorldOfLoops, a_second_publisher_with_the_right_key_is_refused_and_the_first_goes_on) {
  const TestWorld at(config());
  TestPublisher first = at.publish();
  first.send_seconds(3);
  const std::string broadcast = at.await("live").broadcast;
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(at.publish().status(), "error NetStream.Publish.BadName: already live: another encoder uses this key");
  }
  EXPECT_TRUE(first.send_seconds(2));
  EXPECT_EQ(at.get("/live/anna/" + broadcast + "/video.m3u8?_HLS_msn=3").status, 200);
  EXPECT_EQ(at.status().state, "live");
}

TEST_P(WorldOfLoops, a_takeover_tells_the_first_publisher_and_continues_the_broadcast) {
  Config settings = config();
  settings.takeover = ingest::Takeover::allowed;
  const TestWorld at(settings);
  std::optional<TestPublisher> publisher(at.publish());
  publisher->send_seconds(3);
  const std::string broadcast = at.await("live").broadcast;
  for (int i = 0; i < 6; ++i) {
    TestPublisher next = at.publish();
    EXPECT_TRUE(next.on_air()) << next.status();
    EXPECT_EQ(publisher->hear_status(), "error NetStream.Publish.Rejected: another encoder publishes anna now");
    publisher.reset();
    next.send_seconds(2);
    publisher.emplace(std::move(next));
    const ChannelStatus status = at.await("live");
    EXPECT_EQ(status.broadcast, broadcast);
  }
}

TEST_P(WorldOfLoops, a_wrong_key_is_refused) {
  const TestWorld at(config());
  EXPECT_EQ(at.publish("guess").status(), "error NetStream.Publish.Denied: wrong key");
  EXPECT_EQ(at.status().state, "offline");
}

TEST_P(WorldOfLoops, a_publisher_that_returns_within_the_window_continues_its_broadcast) {
  const TestWorld at(config());
  std::string broadcast;
  for (int visit = 0; visit < 6; ++visit) {  // mostly from another loop than that of the broadcast
    TestPublisher encoder = at.publish();
    ASSERT_TRUE(encoder.on_air()) << encoder.status();
    encoder.send_seconds(3);
    const ChannelStatus live = at.await("live");
    if (visit == 0) broadcast = live.broadcast;
    EXPECT_EQ(live.broadcast, broadcast);
    {
      TestPublisher dropped = std::move(encoder);
    }
    EXPECT_EQ(at.await("paused").broadcast, broadcast);
  }
  const HttpAnswer playlist = at.get("/live/anna/" + broadcast + "/video.m3u8");
  EXPECT_THAT(playlist.body, HasSubstr("#EXT-X-DISCONTINUITY\n"));
  EXPECT_THAT(playlist.body, Not(HasSubstr("#EXT-X-ENDLIST")));
}

TEST_P(WorldOfLoops, a_publisher_that_stays_away_ends_its_broadcast_on_every_loop) {
  Config settings = config();
  settings.rejoin_window_s = 1;
  const TestWorld at(settings);
  at.publish().send_seconds(3);
  const std::string broadcast = at.await("ended").broadcast;
  for (int i = 0; i < everywhere; ++i) {
    EXPECT_THAT(at.get("/live/anna/" + broadcast + "/video.m3u8").body, HasSubstr("#EXT-X-ENDLIST"));
    EXPECT_THAT(at.get("/live/anna/" + broadcast + "/audio.m3u8").body, HasSubstr("#EXT-X-ENDLIST"));
  }
  TestPublisher next = at.publish();
  next.send_seconds(3);
  const std::string second = at.await("live").broadcast;
  EXPECT_NE(second, broadcast) << "a new broadcast has new names";
}

TEST_P(WorldOfLoops, a_publisher_that_sends_nothing_and_leaves_does_not_disturb_the_next) {
  Config settings = config();
  settings.rejoin_window_s = 1;
  const TestWorld at(settings);
  const auto silent_visit = [&] { return at.publish().on_air(); };
  const auto figures = [&] { return HttpQuestion(at.admin, "/metrics").answer().body; };
  std::string before;
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(silent_visit());
    {
      TestPublisher next = at.publish();
      EXPECT_TRUE(next.send_seconds(3)) << "at once";
      at.await("live");  // before the end is looked for: the one before has ended too
    }
    const ChannelStatus ended = at.await("ended");
    EXPECT_NE(ended.broadcast, before);
    EXPECT_TRUE(silent_visit()) << "while the ended one can still be watched";
    while (figures().find("\nklieg_broadcasts 0") == std::string::npos) at.get("/time");  // until its window is over
    EXPECT_EQ(at.status().broadcast, ended.broadcast);
    before = ended.broadcast;
  }
}

TEST_P(WorldOfLoops, an_encoder_is_told_in_words_what_of_its_media_is_not_accepted) {
  const TestWorld at(config());
  for (int i = 0; i < 4; ++i) {
    TestPublisher multitrack = at.publish("secret-of-anna");
    multitrack.send_video("96 01 61766331 00 000000");  // Enhanced RTMP: PacketType 6, one track, avc1
    EXPECT_EQ(multitrack.hear_status(),
              "error NetStream.Publish.Rejected: more than one video track is not accepted: turn multitrack video off");
    TestPublisher vp6 = at.publish("secret-of-bob");
    vp6.send_video("14 00");
    EXPECT_EQ(vp6.hear_status(),
              "error NetStream.Publish.Rejected: video codec VP6 is not accepted: send H.264, HEVC, AV1 or VP9");
  }
}

TEST_P(WorldOfLoops, a_drain_ends_broadcasts_and_lets_viewers_finish_although_a_publisher_is_stuck) {
  TestWorld at(config());
  TestPublisher stuck = at.publish();  // hears nothing and stays
  stuck.send_seconds(3);
  const std::string base = "/live/anna/" + at.await("live").broadcast + "/";
  std::vector<HttpQuestion> playlists, pages;
  for (int i = 0; i < everywhere; ++i) {
    playlists.emplace_back(at.http, base + "video.m3u8?_HLS_msn=3");
    pages.emplace_back(at.http, "/live/bob/status.json?after=" + at.status("", "bob").version);
  }
  at.await_requests(2 * everywhere);
  auto drained = std::async(std::launch::async, [&] { return at.world->drain(5s); });
  for (HttpQuestion& held : playlists) EXPECT_THAT(held.answer().body, HasSubstr("#EXT-X-ENDLIST"));
  for (HttpQuestion& held : pages) EXPECT_EQ(held.answer().status, 200);
  EXPECT_EQ(drained.get(), Drained::completely);
  EXPECT_FALSE(Socket(at.http).connected());
}

TEST_P(WorldOfLoops, a_drain_does_not_wait_for_a_viewer_who_takes_nothing) {
  TestWorld at(config());
  TestPublisher encoder = at.publish();
  encoder.send_seconds(3, 8 << 20);  // more than the kernel keeps for a connection
  const std::string base = "/live/anna/" + at.await("live").broadcast + "/";
  ASSERT_EQ(at.get(base + "video.m3u8?_HLS_msn=1").status, 200);
  const HttpQuestion stuck(at.http, base + "video-0.m4s", Socket::Room::little);
  HttpQuestion held(at.http, base + "video.m3u8?_HLS_msn=3");
  at.await_requests(2);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(at.world->drain(5s), Drained::out_of_time);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 6s);
  EXPECT_THAT(held.answer().body, HasSubstr("#EXT-X-ENDLIST"));
}

TEST_P(WorldOfLoops, dies_in_the_middle_of_everything) {
  for (int moment = 0; moment < 6; ++moment) {
    TestWorld at(config());
    TestPublisher anna = at.publish("secret-of-anna");
    TestPublisher bob = at.publish("secret-of-bob");
    anna.send_seconds(3);
    const std::string base = "/live/anna/" + at.await("live").broadcast + "/";
    std::vector<HttpQuestion> questions;
    for (int i = 0; i < everywhere; ++i) {
      questions.emplace_back(at.http, base + "video.m3u8?_HLS_msn=9");
      questions.emplace_back(at.http, base + "video-2.m4s");  // growing
      questions.emplace_back(at.http, "/live/bob/status.json?after=0");
    }
    const Socket idle(at.http);
    if (moment % 2 == 1) at.world->drain(Duration(0));
    anna.send_seconds(3);
    bob.send_seconds(moment);
    at.world.reset();
  }
}

TEST_P(WorldOfLoops, a_port_that_another_program_has_is_an_error_that_names_it) {
  for (const auto door : {&Config::http, &Config::rtmp, &Config::admin}) {
    const TestWorld other(config());
    Config settings = config();
    settings.data += "-of-the-second";
    settings.*door = "127.0.0.1:" + std::to_string(other.http);
    World world(settings);
    const Result<std::string> started = world.start();
    ASSERT_FALSE(started);
    EXPECT_THAT(started.error().message, HasSubstr("127.0.0.1:" + std::to_string(other.http)));
    EXPECT_THAT(started.error().message, HasSubstr("in use"));
  }
}

}  // namespace
}  // namespace klieg::cli

#include "origin/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "origin/made_up_broadcast.h"

namespace klieg::origin {
namespace {

using media::BroadcastState;
using testing::HasSubstr;

struct FixedClock final : Clock {
  LoopTime now() const override { return at; }
  WallTime wall_now() const override { return WallTime(1'700'000'000s + 250ms); }
  LoopTime at{};
};

// A viewer's end of exchanges: keeps what it was sent.
struct Viewer final : http::Responder::Target {
  void respond(uint64_t exchange, http::Response response) override { answers[exchange] = std::move(response); }
  std::map<uint64_t, http::Response> answers;
};

using Headers = std::vector<http::HeaderView>;

struct AnsweringTest : testing::Test {
  AnsweringTest() {
    origin.add_channel("cam");
    broadcast.write = [this](const media::Record& record) { origin.apply("cam", record, clock.at); };
    origin.begin("cam", broadcast.begun(), broadcast.wall_zero, clock.at);
    broadcast.start();
    broadcast.segments(2);
  }
  uint64_t send(std::string_view path, Headers headers = {}, http::Method method = http::Method::get,
                std::string_view query = "") {
    http::Request request;
    request.method = method;
    request.path = path;
    request.query = query;
    request.headers = std::move(headers);
    answering.serve(request, http::Responder(viewer, ++exchange));
    return exchange;
  }
  http::Response get(std::string_view path, Headers headers = {}) {
    const uint64_t sent = send(path, std::move(headers));
    EXPECT_TRUE(viewer->answers.contains(sent)) << path << " was not answered at once";
    return viewer->answers[sent];
  }
  static std::string header(const http::Response& response, std::string_view name) {
    if (response.headers) {
      for (const auto& [key, value] : response.headers->all()) {
        if (key == name) return value;
      }
    }
    for (const auto& [key, value] : response.own_headers.all()) {
      if (key == name) return value;
    }
    return "";
  }
  static http::LogRange range(const http::Response& response) { return std::get<http::LogRange>(response.body); }
  static std::string text(const http::Response& response) { return std::string(std::get<Bytes>(response.body).text()); }
  double counted(const std::string& outcome) {
    const std::string line = "klieg_origin_holds_total{outcome=\"" + outcome + "\"} ";
    const std::string all = metrics.text();
    const size_t at = all.find(line);
    return at == all.npos ? -1 : std::stod(all.substr(at + line.size()));
  }

  static constexpr std::string_view finished = "/live/cam/abc.1/video-1.m4s";  // 5,000 bytes
  static constexpr std::string_view growing = "/live/cam/abc.1/video-2.m4s";

  FixedClock clock;
  Metrics metrics;
  Origin origin{Settings{}, nullptr, nullptr};
  Answering answering{origin, clock, metrics};
  MadeUpBroadcast broadcast;
  std::shared_ptr<Viewer> viewer = std::make_shared<Viewer>();
  uint64_t exchange = 0;
};

TEST_F(AnsweringTest, media_is_immutable_tagged_from_birth_and_open_to_every_page) {
  broadcast.open();
  for (const std::string_view path : {finished, growing, std::string_view("/live/cam/abc.1/video-h0.mp4")}) {
    const http::Response response = get(path);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(header(response, "cache-control"), "public, max-age=31536000, immutable");
    EXPECT_EQ(header(response, "content-type"), "video/mp4");
    EXPECT_THAT(header(response, "etag"), HasSubstr("\"abc.1/video-"));
    EXPECT_EQ(header(response, "access-control-allow-origin"), "*");
    EXPECT_EQ(header(response, "vary"), "");
  }
  EXPECT_EQ(header(get("/live/cam/abc.1/audio-1.m4s"), "content-type"), "audio/mp4");
}

TEST_F(AnsweringTest, a_segment_says_which_header_it_needs) {
  EXPECT_EQ(header(get(finished), "cmaf-header"), "video-h0.mp4");
  EXPECT_EQ(header(get("/live/cam/abc.1/video-h0.mp4"), "cmaf-header"), "");
}

TEST_F(AnsweringTest, nodes_of_ours_are_told_what_to_subscribe_to_and_how_long_an_object_is_here) {
  for (const std::string_view path : {finished, std::string_view("/live/cam/abc.1/video-1.0.m4s"),
                                      std::string_view("/live/cam/abc.1/video-h0.mp4")}) {
    const http::Response response = get(path);
    EXPECT_EQ(header(response, "klieg-topic"), "/live/cam/abc.1/video");
    EXPECT_EQ(header(response, "klieg-cache-control"), "max-age=66");  // 60 s listed, six of one second for stragglers
  }
  EXPECT_EQ(header(get("/live/cam/abc.1/audio.m3u8"), "klieg-topic"), "/live/cam/abc.1/audio");
  EXPECT_EQ(header(get("/live/cam/abc.1/audio.m3u8"), "klieg-cache-control"), "");
  const http::Response stable = get("/live/cam/index.m3u8");
  EXPECT_EQ(header(stable, "klieg-topic"), "");
  EXPECT_EQ(header(stable, "klieg-cache-control"), "max-age=0");
  const http::Response beyond = get(finished, {{"range", "bytes=5000-"}});
  EXPECT_EQ(header(beyond, "klieg-cache-control"), "") << "a refusal is not kept as long as the object";
}

TEST_F(AnsweringTest, whatever_is_said_of_a_private_broadcast_is_marked_also_when_others_are_not) {
  broadcast.open();
  broadcast.add_part();
  const std::string_view stable = "/live/cam/index.m3u8", refused = "/live/cam/abc.1/video-77.m4s";
  for (const std::string_view path : {stable, finished, growing, refused}) {
    EXPECT_EQ(header(get(path), "klieg-private"), "") << path;
  }
  origin.add_channel("cam", Audience::guests);
  for (const std::string_view path : {stable, finished, growing, refused}) {
    EXPECT_EQ(header(get(path), "klieg-private"), "") << path << ": it began as what everybody may see";
  }
  MadeUpBroadcast next;
  next.write = broadcast.write;
  origin.begin("cam", next.begun("next"), next.wall_zero, clock.at);
  next.start();
  next.segments(2);
  next.open();
  next.add_part();
  origin.add_channel("cam", Audience::everybody);
  const std::string_view whole = "/live/cam/next.1/video-1.m4s";
  for (const std::string_view path :
       {stable, whole, std::string_view("/live/cam/next.1/video-2.m4s"), std::string_view("/live/cam/status.json")}) {
    EXPECT_EQ(header(get(path), "klieg-private"), "?1") << path;
  }
  EXPECT_EQ(header(get(finished), "klieg-private"), "");
  EXPECT_EQ(get(whole, {{"if-none-match", header(get(whole), "etag")}}).status, 304);
  EXPECT_EQ(header(get(whole, {{"if-none-match", header(get(whole), "etag")}}), "klieg-private"), "?1");
}

TEST_F(AnsweringTest, pictures_are_jpeg_and_the_poster_alone_is_stale_in_a_moment) {
  EXPECT_EQ(get("/live/cam/poster.jpg").status, 404);
  EXPECT_EQ(header(get("/live/cam/poster.jpg"), "klieg-cache-control"), "max-age=0") << "it may be there in a moment";
  broadcast.picture(media::PictureUse::poster, 1s, "poster");
  broadcast.picture(media::PictureUse::thumbnail, 1s, "thumbnail");
  const http::Response poster = get("/live/cam/poster.jpg");
  EXPECT_EQ(header(poster, "content-type"), "image/jpeg");
  EXPECT_EQ(header(poster, "cache-control"), "public, max-age=2");
  EXPECT_EQ(get("/live/cam/poster.jpg", {{"if-none-match", header(poster, "etag")}}).status, 304);
  const http::Response thumbnail = get("/live/cam/abc.1/thumb-1000.jpg");
  EXPECT_EQ(header(thumbnail, "content-type"), "image/jpeg");
  EXPECT_EQ(header(thumbnail, "cache-control"), "public, max-age=31536000, immutable");
  const http::Response storyboard = get("/live/cam/abc.1/storyboard.vtt");
  EXPECT_EQ(header(storyboard, "content-type"), "text/vtt; charset=utf-8");
  EXPECT_EQ(header(storyboard, "cache-control"), "no-cache");
}

TEST_F(AnsweringTest, every_hit_of_an_object_shares_its_headers_and_its_bytes) {
  const http::Response first = get(finished);
  const http::Response second = get(finished);
  EXPECT_EQ(first.headers, second.headers);
  EXPECT_EQ(range(first).log, range(second).log);
  EXPECT_EQ(range(first).end, 5000u);
}

TEST_F(AnsweringTest, a_growing_segment_is_sent_as_it_is_born_and_a_part_of_it_with_its_length) {
  broadcast.open();
  broadcast.add_part();
  broadcast.add_part();
  const http::Response segment = get(growing);
  EXPECT_TRUE(range(segment).log->growing());
  EXPECT_FALSE(range(segment).end);
  const http::Response part = get("/live/cam/abc.1/video-2.1.m4s");
  EXPECT_EQ(range(part).offset, 1000u);
  EXPECT_EQ(range(part).end, 2000u);
}

TEST_F(AnsweringTest, a_range_of_a_finished_segment_is_partial_content) {
  struct Case {
    const char* asked;
    uint64_t offset, end;
    const char* said;
  };
  for (const Case& c :
       {Case{"bytes=0-99", 0, 100, "bytes 0-99/5000"}, Case{"bytes=4000-", 4000, 5000, "bytes 4000-4999/5000"},
        Case{"bytes=4000-9007199254740991", 4000, 5000, "bytes 4000-4999/5000"},
        Case{"bytes=-10", 4990, 5000, "bytes 4990-4999/5000"}, Case{"bytes=-6000", 0, 5000, "bytes 0-4999/5000"}}) {
    const http::Response response = get(finished, {{"range", c.asked}});
    EXPECT_EQ(response.status, 206) << c.asked;
    EXPECT_EQ(range(response).offset, c.offset) << c.asked;
    EXPECT_EQ(range(response).end, c.end) << c.asked;
    EXPECT_EQ(header(response, "content-range"), c.said);
  }
  const http::Response beyond = get(finished, {{"range", "bytes=5000-"}});
  EXPECT_EQ(beyond.status, 416);
  EXPECT_EQ(header(beyond, "content-range"), "bytes */5000");
  EXPECT_EQ(header(beyond, "cache-control"), "no-store");
}

TEST_F(AnsweringTest, a_range_of_a_part_is_reckoned_from_the_part) {
  const http::Response response = get("/live/cam/abc.1/video-1.2.m4s", {{"range", "bytes=10-19"}});
  EXPECT_EQ(header(response, "content-range"), "bytes 10-19/1000");
  EXPECT_EQ(range(response).offset, 2010u);
  EXPECT_EQ(range(response).end, 2020u);
}

TEST_F(AnsweringTest, a_range_that_is_not_understood_gets_the_whole) {
  for (const char* asked : {"bytes=0-1,5-6", "bytes=9-1", "frames=0-1", "bytes=-", "bytes=a-b"}) {
    EXPECT_EQ(get(finished, {{"range", asked}}).status, 200) << asked;
  }
}

TEST_F(AnsweringTest, a_last_position_beyond_every_end_means_the_end) {
  const http::Response response = get(finished, {{"range", "bytes=1-99999999999999999999"}});
  EXPECT_EQ(response.status, 206);
  EXPECT_EQ(range(response).offset, 1u);
}

TEST_F(AnsweringTest, a_range_of_a_growing_segment_is_what_exists_unless_the_end_is_left_open) {
  broadcast.open();
  broadcast.add_part();
  const http::Response open_ended = get(growing, {{"range", "bytes=1000-9007199254740991"}});
  EXPECT_EQ(open_ended.status, 206);
  EXPECT_EQ(header(open_ended, "content-range"), "bytes 1000-9007199254740991/*");
  EXPECT_EQ(range(open_ended).offset, 1000u);
  EXPECT_FALSE(range(open_ended).end);
  const http::Response closed = get(growing, {{"range", "bytes=500-4999"}});
  EXPECT_EQ(header(closed, "content-range"), "bytes 500-999/*");
  EXPECT_EQ(range(closed).end, 1000u);
  EXPECT_EQ(header(get(growing, {{"range", "bytes=200-"}}), "content-range"), "bytes 200-999/*");
  EXPECT_EQ(get(growing, {{"range", "bytes=1000-"}}).status, 416);
  EXPECT_EQ(get(growing, {{"range", "bytes=1000-9007199254740991"}}).status, 206);
  EXPECT_EQ(get(growing, {{"range", "bytes=1001-9007199254740991"}}).status, 416);
  EXPECT_EQ(get(growing, {{"range", "bytes=-10"}}).status, 200);
}

TEST_F(AnsweringTest, if_range_with_another_tag_gets_the_whole) {
  EXPECT_EQ(get(finished, {{"range", "bytes=0-1"}, {"if-range", "\"abc.1/video-1.m4s\""}}).status, 206);
  EXPECT_EQ(get(finished, {{"range", "bytes=0-1"}, {"if-range", "\"abc.0/video-1.m4s\""}}).status, 200);
}

TEST_F(AnsweringTest, what_a_viewer_has_is_not_sent_again) {
  for (const char* tags : {"\"abc.1/video-1.m4s\"", "\"x\", W/\"abc.1/video-1.m4s\"", "*"}) {
    const http::Response response = get(finished, {{"if-none-match", tags}});
    EXPECT_EQ(response.status, 304) << tags;
    EXPECT_TRUE(std::holds_alternative<std::monostate>(response.body));
  }
  EXPECT_EQ(get(finished, {{"if-none-match", "\"abc.1/video-0.m4s\""}}).status, 200);
  const std::string tag = header(get("/live/cam/index.m3u8"), "etag");
  EXPECT_EQ(get("/live/cam/index.m3u8", {{"if-none-match", tag}}).status, 304);
}

TEST_F(AnsweringTest, playlists_are_compressed_for_those_who_take_it) {
  const std::string_view path = "/live/cam/abc.1/video.m3u8";
  const http::Response plain = get(path);
  EXPECT_EQ(header(plain, "content-encoding"), "");
  EXPECT_EQ(header(plain, "content-type"), "application/vnd.apple.mpegurl");
  const http::Response zipped = get(path, {{"accept-encoding", "br, gzip;q=0.8"}});
  EXPECT_EQ(header(zipped, "content-encoding"), "gzip");
  EXPECT_EQ(header(zipped, "vary"), "accept-encoding");
  EXPECT_NE(header(zipped, "etag"), header(plain, "etag"));
  EXPECT_LT(text(zipped).size(), text(plain).size());
  EXPECT_EQ(header(get(path, {{"accept-encoding", "gzip;q=0, deflate"}}), "content-encoding"), "");
}

TEST_F(AnsweringTest, only_the_answer_to_a_blocking_reload_may_be_cached_for_long) {
  EXPECT_EQ(header(get("/live/cam/index.m3u8"), "cache-control"), "no-cache");
  EXPECT_EQ(header(get("/live/cam/abc.1/video.m3u8"), "cache-control"), "no-cache");  // half of one second
  const uint64_t blocking = send("/live/cam/abc.1/video.m3u8", {}, http::Method::get, "_HLS_msn=1");
  EXPECT_EQ(header(viewer->answers[blocking], "cache-control"), "public, max-age=6");
  EXPECT_EQ(header(get("/live/cam/status.json"), "cache-control"), "no-store");
}

TEST_F(AnsweringTest, a_thousand_held_viewers_are_sent_the_same_bytes_at_once) {
  for (int i = 0; i < 1000; ++i) {
    send("/live/cam/abc.1/video.m3u8", {{"accept-encoding", "gzip"}}, http::Method::get, "_HLS_msn=2&_HLS_part=0");
  }
  EXPECT_TRUE(viewer->answers.empty());
  broadcast.open();
  broadcast.add_part();
  ASSERT_EQ(viewer->answers.size(), 1000u);
  const uint8_t* bytes = std::get<Bytes>(viewer->answers[1].body).data();
  for (const auto& [number, response] : viewer->answers) EXPECT_EQ(std::get<Bytes>(response.body).data(), bytes);
  EXPECT_EQ(counted("served"), 1000);
}

TEST_F(AnsweringTest, a_held_viewer_who_leaves_is_counted_and_forgotten) {
  send(growing);
  viewer.reset();
  broadcast.open();
  EXPECT_EQ(counted("viewer_gone"), 1);
  EXPECT_EQ(origin.held(), 0u);
}

TEST_F(AnsweringTest, what_is_not_born_in_time_is_refused_with_when_to_come_back) {
  const uint64_t sent = send(growing);
  origin.expire(clock.at + 3s);
  const http::Response& response = viewer->answers[sent];
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(header(response, "retry-after"), "1");
  EXPECT_EQ(header(response, "cache-control"), "no-store");
  EXPECT_EQ(header(response, "access-control-allow-origin"), "*");  // so that a page may read why
  EXPECT_EQ(counted("overdue"), 1);
}

TEST_F(AnsweringTest, waiting_for_a_second_thing_does_not_begin_the_patience_anew) {
  send("/live/cam/abc.1/video.m3u8", {}, http::Method::get, "_HLS_msn=2&_HLS_part=3");
  broadcast.open();
  broadcast.add_part();
  clock.at += 2s;
  broadcast.close();  // of one part: what was asked for is now the first part of segment 3
  EXPECT_EQ(origin.held(), 1u);
  EXPECT_EQ(origin.next_deadline(), LoopTime(3s));
}

TEST_F(AnsweringTest, what_an_ended_broadcast_will_never_have_is_refused_to_those_who_waited) {
  const uint64_t sent = send(growing);
  broadcast.state(BroadcastState::ended);
  EXPECT_EQ(viewer->answers[sent].status, 404);
  EXPECT_EQ(counted("refused"), 1);
}

TEST_F(AnsweringTest, the_time_is_served_for_players_to_set_their_clock_by) {
  const http::Response response = get("/time");
  EXPECT_EQ(text(response), "2023-11-14T22:13:20.250Z");
  EXPECT_EQ(header(response, "cache-control"), "no-store");
  EXPECT_EQ(header(response, "access-control-allow-origin"), "*");
}

TEST_F(AnsweringTest, a_page_may_ask_first_and_nobody_may_write) {
  const uint64_t asked = send(finished, {}, http::Method::options);
  EXPECT_EQ(viewer->answers[asked].status, 204);
  EXPECT_THAT(header(viewer->answers[asked], "access-control-allow-headers"), HasSubstr("range"));
  const uint64_t posted = send(finished, {}, http::Method::post);
  EXPECT_EQ(viewer->answers[posted].status, 405);
  EXPECT_EQ(header(viewer->answers[posted], "allow"), "GET, HEAD, OPTIONS");
  const uint64_t head = send(finished, {}, http::Method::head);
  EXPECT_EQ(range(viewer->answers[head]).end, 5000u);  // the server uses only its length
  const uint64_t part = send(finished, {{"range", "bytes=0-99"}}, http::Method::head);
  EXPECT_EQ(viewer->answers[part].status, 200) << "RFC 9110 section 14.2: ranges are of GET alone";
}

struct FirstWord final : media::PushSink {
  explicit FirstWord(net::Loop& owner) : loop(owner) {}
  void on_push(media::PushRecord record) override {
    if (told++ == 0) first = std::move(record);
    loop.stop();
  }
  void on_topic_end(media::TopicEnd) override {}
  net::Loop& loop;
  media::PushRecord first;
  size_t told = 0;
};

TEST(OriginServer, tells_who_subscribed_in_a_turn_of_its_loop) {
  net::Loop loop;
  Metrics metrics;
  Origin origin{Settings{}, nullptr, nullptr};
  Server server(loop, origin, metrics);
  origin.add_channel("cam");
  MadeUpBroadcast broadcast;
  broadcast.write = [&](const media::Record& record) { origin.apply("cam", record, loop.now()); };
  origin.begin("cam", broadcast.begun(), broadcast.wall_zero, loop.now());
  broadcast.start();
  FirstWord sink(loop);
  const auto subscription = server.topics().subscribe("/live/cam/abc.1/video", sink);
  EXPECT_EQ(sink.told, 0u);
  loop.run();
  EXPECT_EQ(std::get<media::ObjectBegun>(sink.first).name, "/live/cam/abc.1/video-h0.mp4");
}

}  // namespace
}  // namespace klieg::origin

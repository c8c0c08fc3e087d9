#include "push/server.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "push/made_up_source.h"
#include "wire/rtmp_message.h"

namespace klieg::push {
namespace {

using namespace wire::rtmp;  // NOLINT(google-build-using-namespace): this file speaks RTMP throughout

// What a player hears on its connection.
struct Line {
  net::ConnectionHandler* handler = nullptr;
  ChunkReader reader{16 << 20};
  std::string statuses;  // "Play.Reset Play.Start"
  std::string words;     // of the last
  size_t videos = 0, audios = 0;
  bool closed = false, destroyed = false;
};

class FakeConnection final : public net::Connection {
 public:
  explicit FakeConnection(Line& line) : line_(line) {}
  ~FakeConnection() override { line_.destroyed = true; }
  void start(net::ConnectionHandler& handler) override { line_.handler = &handler; }
  void write(std::span<const Bytes> pieces) override {
    const Bytes all = Bytes::join(pieces);
    for (ByteView rest = all; auto message = line_.reader.read(rest).value();) {
      if (message->type == MessageType::video) ++line_.videos;
      if (message->type == MessageType::audio) ++line_.audios;
      if (message->type != MessageType::amf0_command) continue;
      const Command status = parse_command(*message).value();
      const std::string code(status.arguments.at(0).text_at("code"));
      line_.statuses += (line_.statuses.empty() ? "" : " ") + code.substr(sizeof "NetStream");
      line_.words = status.arguments.at(0).text_at("description");
    }
  }
  size_t unsent() const override { return 0; }
  void limit_unsent_in_kernel(uint32_t) override {}
  void keep(std::shared_ptr<void> token) override { kept_ = std::move(token); }
  void pause_reading() override {}
  void resume_reading() override {}
  void close() override { line_.closed = true; }
  void abort() override { line_.closed = true; }
  const std::string& peer() const override { return empty_; }
  const std::string& application_protocol() const override { return empty_; }
  bool encrypted() const override { return false; }

 private:
  Line& line_;
  const std::string empty_;
  std::shared_ptr<void> kept_;
};

struct Hall {
  explicit Hall(media::Codec codec = media::Codec::avc) : broadcast(source, codec) {}
  ~Hall() {
    for (Line& line : lines) {
      if (!line.destroyed) line.handler->on_closed(net::Closed::by_peer);
    }
  }

  Line& come(const std::string& name, Capabilities capabilities = {}, uint32_t stream_id = 1,
             std::unique_ptr<media::Pass> pass = nullptr) {
    Line& line = lines.emplace_back();
    PlayRequest request;
    request.connect.app = "live";
    request.connect.capabilities = std::move(capabilities);
    request.name = name;
    request.stream_id = stream_id;
    server.take(std::move(request), std::move(pass), std::make_unique<FakeConnection>(line));
    turns();
    return line;
  }
  void tick(uint64_t count = 1) {
    for (; count > 0; --count) {
      broadcast.tick();
      turns();
    }
  }
  void turns() {
    for (int i = 0; i < 20; ++i) {
      source.run();
      loop.post([this] { loop.stop(); });
      loop.run();
    }
  }

  net::Loop loop;
  Metrics metrics;
  MadeUpSource source;
  MadeUpBroadcast broadcast;
  Channels channels{source};
  Fanout fanout{loop, metrics, nullptr, {.window_max = 0s}};
  std::deque<Line> lines;
  Admission admission{{.viewers_max = 3, .rule = AdmissionRule::first}};
  Server server{loop, channels, fanout, admission, metrics};
};

TEST(PushServer, a_viewer_is_let_in_when_the_broadcast_is_read_and_sees_it_to_its_end) {
  Hall hall;
  hall.tick(2);
  Line& viewer = hall.come("ada");
  EXPECT_EQ(viewer.statuses, "Play.Reset Play.Start");
  EXPECT_EQ(viewer.videos, 1u + 2) << "a sequence header, and from the key frame on";
  hall.tick(3);
  EXPECT_EQ(viewer.videos, 1u + 5);
  EXPECT_EQ(viewer.audios, 1u + 5);
  hall.broadcast.end();
  hall.turns();
  EXPECT_EQ(viewer.statuses, "Play.Reset Play.Start Play.Complete Play.UnpublishNotify Play.Stop");
  viewer.handler->on_closed(net::Closed::by_peer);
  EXPECT_TRUE(viewer.destroyed);
  EXPECT_EQ(hall.server.viewer_count(), 0u);
  EXPECT_EQ(hall.fanout.seats(), 0u);
}

TEST(PushServer, what_cannot_be_played_is_refused_with_words) {
  Hall hall;
  hall.source.refuse("/live/bob/index.m3u8", 404);
  Line& nobody = hall.come("bob");
  EXPECT_EQ(nobody.statuses, "Play.StreamNotFound");
  EXPECT_EQ(nobody.words, "bob is not live");
  EXPECT_EQ(hall.come("").statuses, "Play.StreamNotFound");
  const size_t asked = hall.source.asked.size();
  for (const char* no_name : {"a b", "a\r\nHost: b", "../ada", "ada/x", "\xc3\xa4"}) {
    EXPECT_EQ(hall.come(no_name).statuses, "Play.StreamNotFound") << no_name;
  }
  EXPECT_EQ(hall.source.asked.size(), asked) << "nobody is asked for what cannot be";
  EXPECT_EQ(hall.come("ada", {}, 2).statuses, "Play.Failed");
}

struct GuestsPass final : media::Pass {
  explicit GuestsPass(std::move_only_function<void()>& how_over) : end(how_over) {}
  bool over() const override { return false; }
  void when_over(std::move_only_function<void()> call) override { end = std::move(call); }
  std::move_only_function<void()>& end;
};

TEST(PushServer, what_is_private_is_not_live_to_who_has_no_pass_and_shows_a_guest_out_when_his_is_over) {
  Hall hall;
  hall.tick(2);
  hall.source.mark_private("/live/ada/index.m3u8");
  EXPECT_EQ(hall.come("ada").statuses, "Play.StreamNotFound");
  std::move_only_function<void()> end;
  Line& guest = hall.come("ada", {}, 1, std::make_unique<GuestsPass>(end));
  ASSERT_EQ(guest.statuses, "Play.Reset Play.Start");
  end();
  hall.turns();
  EXPECT_EQ(guest.statuses, "Play.Reset Play.Start Play.Failed");
  EXPECT_EQ(hall.fanout.seats(), 0u);
}

TEST(PushServer, one_viewer_too_many_is_sent_elsewhere_and_who_leaves_makes_room) {
  Hall hall;
  hall.tick();
  Line& first = hall.come("ada");
  hall.come("ada");
  hall.come("ada");
  Line& fourth = hall.come("ada");
  EXPECT_EQ(fourth.statuses, "Play.Failed");
  EXPECT_NE(fourth.words.find("HLS"), std::string::npos) << fourth.words;
  first.handler->on_closed(net::Closed::by_peer);
  EXPECT_EQ(hall.come("ada").statuses, "Play.Reset Play.Start");
}

TEST(PushServer, what_needs_enhanced_rtmp_goes_to_players_who_said_that_they_take_it) {
  Hall hall(media::Codec::hevc);
  hall.tick();
  Line& old_player = hall.come("ada");
  EXPECT_EQ(old_player.statuses, "Play.Failed");
  EXPECT_NE(old_player.words.find("hvc1"), std::string::npos) << old_player.words;
  Capabilities enhanced;
  enhanced.fourccs = {"hvc1"};
  EXPECT_EQ(hall.come("ada", enhanced).statuses, "Play.Reset Play.Start");
}

TEST(PushServer, a_codec_that_a_player_does_not_take_ends_its_play_in_the_middle_of_the_broadcast) {
  Hall hall;
  hall.tick();
  Line& viewer = hall.come("ada");
  hall.tick(4);
  hall.broadcast.video.codec = media::Codec::hevc;
  hall.broadcast.header_version = 1;
  hall.broadcast.write_headers();
  hall.tick();
  EXPECT_EQ(viewer.statuses, "Play.Reset Play.Start Play.Failed");
  EXPECT_EQ(hall.fanout.seats(), 0u);
}

TEST(PushServer, whoever_looks_at_a_broadcast_shares_one_channel_and_the_last_to_leave_closes_it) {
  Hall hall;
  hall.tick();
  hall.come("ada");
  const size_t asked = hall.source.asked.size();
  hall.come("ada");
  EXPECT_EQ(hall.source.asked.size(), asked);
  for (Line& line : hall.lines) line.handler->on_closed(net::Closed::reset);
  hall.tick(6);
  EXPECT_EQ(hall.source.asked.size(), asked) << "nobody reads on";
  EXPECT_EQ(hall.come("ada").statuses, "Play.Reset Play.Start");
}

TEST(PushServer, stopping_tells_the_viewers_and_is_done_when_they_are_gone) {
  Hall hall;
  hall.tick();
  Line& viewer = hall.come("ada");
  bool stopped = false;
  hall.server.stop([&] { stopped = true; });
  hall.turns();
  EXPECT_TRUE(viewer.statuses.ends_with("Play.Stop")) << viewer.statuses;
  EXPECT_FALSE(stopped);
  viewer.handler->on_closed(net::Closed::by_peer);
  hall.turns();
  EXPECT_TRUE(stopped);
}

}  // namespace
}  // namespace klieg::push

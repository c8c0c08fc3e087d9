#include "push/channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "push/channels.h"
#include "push/made_up_source.h"
#include "push/rtmp_reading.h"

namespace klieg::push {
namespace {

struct Room {
  MadeUpSource source;
  MadeUpBroadcast broadcast{source};
  std::shared_ptr<Channel> channel;
  Diary diary;

  void open(const std::string& rendition = "") {
    channel = Channel::open(source, "ada", rendition);
    channel->join(diary);
    source.run();
  }
};

TEST(Channel, begins_with_the_segment_that_is_open_and_reads_one_after_another) {
  Room room;
  room.broadcast.ticks(7);
  room.open();
  EXPECT_EQ(room.diary.take(), "Hvideo Haudio V5! V6 A5 A6");
  room.broadcast.ticks(4);
  EXPECT_EQ(room.diary.take(), "V7 A7 V8 A8 V9 A9 V10! A10");
}

TEST(Channel, asks_once_for_each_segment_and_header) {
  Room room;
  room.open();
  room.broadcast.ticks(11);
  std::vector<std::string> asked = room.source.asked;
  std::ranges::sort(asked);
  EXPECT_EQ(std::ranges::adjacent_find(asked), asked.end());
  EXPECT_EQ(asked.size(), 2u + 2 + 2 * 3);
}

TEST(Channel, takes_the_rendition_that_came_unless_another_is_wished) {
  Room room;
  room.open();
  EXPECT_THAT(room.source.asked, testing::Contains("/live/ada/x.1/video.m3u8"));
  Room other;
  other.open("360p");
  EXPECT_THAT(other.source.asked, testing::Contains("/live/ada/x.1/360p.m3u8"));
}

TEST(Channel, tells_who_joins_later_everything_since_the_latest_key_frame) {
  Room room;
  room.open();
  room.broadcast.ticks(13);
  Diary late;
  room.channel->join(late);
  EXPECT_EQ(late.take(), "Hvideo Haudio V10! A10 V11 A11 V12 A12");
  room.channel->leave(late);
  room.broadcast.tick();
  EXPECT_EQ(late.take(), "");
}

TEST(Channel, tells_new_headers_before_the_first_chunk_that_needs_them) {
  Room room;
  room.open();
  room.broadcast.ticks(5);
  room.diary.take();
  room.broadcast.header_version = 1;
  room.broadcast.video.video.width = 1280;
  room.broadcast.write_headers();
  room.broadcast.ticks(2);
  EXPECT_EQ(room.diary.take(), "Hvideo Haudio V5! A5 V6 A6");
}

TEST(Channel, goes_on_behind_a_gap) {
  Room room;
  room.open();
  room.broadcast.ticks(5);
  room.diary.take();
  room.source.refuse(room.broadcast.segment_name("video", 1), 404);
  room.source.put(
      "/live/ada/x.1/video.m3u8",
      Bytes::copy_of(
          "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.2,\nvideo-0.m4s\n#EXT-X-GAP\n#EXTINF:0.2,\nvideo-1.m4s\n"));
  room.source.run();
  room.broadcast.frame = 10;
  room.broadcast.tick();
  EXPECT_EQ(room.diary.take(), "V10!");  // its sound still waits for segment 1
}

TEST(Channel, gives_up_the_rest_of_a_segment_that_breaks_off) {
  Room room;
  room.open();
  room.broadcast.ticks(2);
  room.broadcast.log("video")->end(LogEnd::aborted);
  room.broadcast.log("audio")->end(LogEnd::aborted);
  room.broadcast.frame = 5;
  room.source.run();
  room.source.pass(300ms);
  room.broadcast.tick();
  EXPECT_EQ(room.diary.take(), "Hvideo Haudio V0! A0 V1 A1 V5! A5");
}

TEST(Channel, waits_for_a_broadcast_that_is_held_up_and_hears_its_end) {
  Room room;
  room.open();
  room.broadcast.ticks(5);
  room.diary.take();
  for (const char* track : {"video", "audio"}) room.source.refuse(room.broadcast.segment_name(track, 1), 503);
  room.source.run();
  room.source.pass(5s);
  EXPECT_EQ(room.diary.take(), "");
  room.broadcast.tick();
  room.source.pass(300ms);
  EXPECT_EQ(room.diary.take(), "V5! A5");
  room.broadcast.end();
  EXPECT_EQ(room.diary.take(), "over ended");
  EXPECT_TRUE(room.channel->over());
}

TEST(Channel, says_why_there_is_nothing) {
  Room room;
  room.source.refuse("/live/ada/index.m3u8", 404);
  room.open();
  EXPECT_EQ(room.diary.take(), "over not_live");

  Room unreachable;
  unreachable.source.refuse("/live/ada/index.m3u8", 502);
  unreachable.open();
  EXPECT_EQ(unreachable.diary.take(), "");
  unreachable.source.pass(15s);
  EXPECT_EQ(unreachable.diary.take(), "over lost");

  Room nonsense;
  nonsense.source.put("/live/ada/x.1/video-h0.mp4", Bytes::copy_of("nonsense"));
  nonsense.open();
  nonsense.broadcast.tick();
  EXPECT_EQ(nonsense.diary.take(), "over unreadable");
}

TEST(Channel, is_lost_when_nothing_comes_for_too_long) {
  Room room;
  room.open();
  room.broadcast.ticks(5);
  room.diary.take();
  for (const char* track : {"video", "audio"}) room.source.refuse(room.broadcast.segment_name(track, 1), 502);
  room.source.run();
  room.source.pass(60s);
  EXPECT_EQ(room.diary.take(), "over lost");
}

TEST(Channel, begins_without_a_track_that_does_not_come) {
  Room room;
  room.source.refuse("/live/ada/x.1/audio-h0.mp4", 503);
  room.open();
  room.broadcast.ticks(50);
  EXPECT_EQ(room.diary.take(), "");
  room.broadcast.ticks(2);
  EXPECT_TRUE(room.diary.take().starts_with("Hvideo V0! V1 V2"));
  room.broadcast.tick();
  EXPECT_EQ(room.diary.take(), "V52") << "it is awaited once";
}

TEST(Channel, tells_of_sound_that_joins_late_from_a_segment_on) {
  Room room;
  room.broadcast.lists_sound = false;
  room.broadcast.write_playlists();
  room.open();
  room.broadcast.ticks(7);
  EXPECT_EQ(room.diary.take(), "Hvideo V0! V1 V2 V3 V4 V5! V6");
  room.broadcast.lists_sound = true;
  room.broadcast.write_playlists();
  room.broadcast.ticks(2);
  room.source.pass(5s);
  EXPECT_EQ(room.diary.take(), "V7 V8");
  room.broadcast.ticks(3);
  EXPECT_EQ(room.diary.take(), "V9 Hvideo Haudio V10! A10 V11 A11");
}

TEST(Channel, is_not_disturbed_by_what_it_sees_when_it_looks_again) {
  Room room;
  room.open();
  room.broadcast.ticks(2);
  for (const char* seen : {"nonsense", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9\ny.2/video.m3u8\n"}) {
    room.source.put("/live/ada/index.m3u8", Bytes::copy_of(seen));
    room.source.pass(5s);
  }
  room.source.refuse("/live/ada/index.m3u8", 502);
  room.source.pass(5s);
  room.broadcast.ticks(2);
  EXPECT_EQ(room.diary.take(), "Hvideo Haudio V0! A0 V1 A1 V2 A2 V3 A3");
}

TEST(Channel, goes_on_without_a_track_that_ends_before_the_other_is_known) {
  Room room;
  room.source.refuse("/live/ada/x.1/audio-h0.mp4", 503);
  room.open();
  room.broadcast.ticks(5);
  room.source.refuse(room.broadcast.segment_name("video", 1), 404);
  room.source.put("/live/ada/x.1/video.m3u8",
                  Bytes::copy_of("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.2,\nvideo-0.m4s\n#EXT-X-ENDLIST\n"));
  room.source.run();
  RtmpReading rtmp([] {});
  room.channel->join(rtmp);
  room.broadcast.write_headers();
  room.source.pass(1s);
  EXPECT_EQ(room.diary.take(), "Haudio A0! A1! A2! A3! A4!");
  EXPECT_EQ(rtmp.reel()->latest_mark()->decode_time, 160ms);
  room.channel->leave(rtmp);
}

TEST(Channel, reads_chunks_that_come_in_any_pieces) {
  for (size_t piece : {1u, 7u, 100u, 1500u}) {
    MadeUpSource source, whole;
    MadeUpBroadcast broadcast(whole);
    broadcast.ticks(4);
    MadeUpBroadcast same(source);
    const auto log = std::make_shared<Log>();
    source.put("/live/ada/x.1/video-0.m4s", log, "video-h0.mp4");
    source.put("/live/ada/x.1/audio-0.m4s", broadcast.log("audio"), "audio-h0.mp4");
    Diary diary;
    const auto channel = Channel::open(source, "ada", "");
    channel->join(diary);
    source.run();
    const Bytes content = broadcast.log("video")->read(0, broadcast.log("video")->size());
    for (size_t at = 0; at < content.size(); at += piece)
      log->append(content.slice(at, std::min(piece, content.size() - at)));
    source.run();
    EXPECT_EQ(diary.take(), "Hvideo Haudio A0 A1 A2 A3 V0! V1 V2 V3") << piece;
  }
}

TEST(Channel, may_be_let_go_at_any_time) {
  for (int turns = 0; turns < 12; ++turns) {
    Room room;
    room.open();
    room.broadcast.ticks(static_cast<uint64_t>(turns));
    room.channel->leave(room.diary);
    room.channel.reset();
    room.broadcast.ticks(3);
    room.source.pass(10s);
  }
}

TEST(Channels, share_a_channel_while_somebody_has_it_and_the_broadcast_lasts) {
  MadeUpSource source;
  MadeUpBroadcast broadcast(source);
  Channels channels(source);
  auto first = channels.open("ada", "");
  EXPECT_EQ(channels.open("ada", ""), first);
  EXPECT_NE(channels.open("ada", "360p"), first);
  source.run();
  broadcast.tick();
  broadcast.end();
  ASSERT_TRUE(first->over());
  EXPECT_NE(channels.open("ada", ""), first);
}

TEST(Channels, share_one_among_all_who_wish_for_what_there_is_not) {
  MadeUpSource source;
  MadeUpBroadcast broadcast(source);
  Channels channels(source);
  const auto came = channels.open("ada", "");
  source.run();
  const auto small = channels.open("ada", "360p");
  EXPECT_NE(small, came);
  for (const char* wish : {"", "video", "720p", "nonsense"}) EXPECT_EQ(channels.open("ada", wish), came) << wish;
  EXPECT_EQ(channels.open("ada", "360p"), small);
}

TEST(Channels, give_nobody_a_rung_that_is_read_on_but_listed_no_more) {
  MadeUpSource source;
  MadeUpBroadcast broadcast(source);
  Channels channels(source);
  const auto small = channels.open("ada", "360p");
  source.put("/live/ada/x.1/360p.m3u8", Bytes::copy_of("#EXTM3U\n#EXT-X-TARGETDURATION:1\n"));
  source.run();
  source.put("/live/ada/index.m3u8", Bytes::copy_of("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9\nx.1/video.m3u8\n"));
  source.pass(5s);
  const auto came = channels.open("ada", "360p");
  EXPECT_NE(came, small);
  EXPECT_EQ(came, channels.open("ada", ""));
}

TEST(Channels, are_few_even_while_nobody_knows_what_there_is) {
  MadeUpSource source;
  Channels channels(source);
  std::set<std::shared_ptr<Channel>> opened;
  for (int i = 0; i < 200; ++i) opened.insert(channels.open("ada", std::to_string(i)));
  EXPECT_EQ(opened.size(), Channels::renditions_max);
}

}  // namespace
}  // namespace klieg::push

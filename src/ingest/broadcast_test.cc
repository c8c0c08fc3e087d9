#include "ingest/broadcast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "wire/amf0.h"
#include "wire/flv_file.h"
#include "wire/hex_test.h"
#include "wire/nal.h"
#include "wire/sei.h"
#include "wire/test_material.h"

namespace klieg::ingest {
namespace {

using media::Codec;
using media::Discontinuity;
using media::TrackKind;
using std::string;
using wire::from_hex;
using wire::flv::Packet;

// Writes down what it is told, a line for each call.
class Recorder final : public media::SampleSink {
 public:
  void on_promised(TrackKind kind) override { lines.push_back("promised " + string(media::name_of(kind))); }
  void on_track(const media::Track& track) override { lines.push_back("track " + track.codecs); }
  void on_sample(TrackKind kind, media::Sample sample, WallTime) override {
    lines.push_back(string(media::name_of(kind)) + (sample.sync == media::Sync::yes ? " sync " : " ") +
                    std::to_string(to_ms(sample.decode_time.time_since_epoch())));
    samples.push_back(std::move(sample));
  }
  void on_discontinuity(Discontinuity why, MediaTime at) override {
    static constexpr const char* names[] = {"publisher_returned", "timestamp_jump", "format_changed"};
    lines.push_back(string(names[static_cast<size_t>(why)]) + " " + std::to_string(to_ms(at.time_since_epoch())));
  }
  void on_data(Bytes amf, MediaTime at) override {
    lines.push_back("data " + std::to_string(amf.size()) + " at " + std::to_string(to_ms(at.time_since_epoch())));
  }
  void on_paused() override { lines.push_back("paused"); }
  void on_resumed() override { lines.push_back("resumed"); }
  void on_ended() override { lines.push_back("ended"); }

  std::vector<string> take() { return std::exchange(lines, {}); }

  std::vector<string> lines;
  std::vector<media::Sample> samples;
};

using Lines = std::vector<string>;

const Bytes avc_426 =
    from_hex("01640015ffe1001a67640015acd941b1fe4f0110000003001000000303c0f162d960010004 68ef8fcbfdf8f800");
const Bytes avc_640 =
    from_hex("014d401effe1001b674d401eecc0501ed350101064000003000400000300f23c58b66801000568e97b2c80");
const Bytes aac_48000 = from_hex("1190");
const Bytes key = from_hex("00000002 6588");
const Bytes inter = from_hex("00000002 4188");

class BroadcastTest : public testing::Test {
 protected:
  BroadcastTest() { broadcast.publisher_began(now, wall()); }

  WallTime wall() const { return WallTime(Duration(1'795'000'000s)) + (now - LoopTime(1000s)); }
  void wait(Duration duration) { now += duration; }

  std::optional<Refusal> send(MediaMessage::Kind kind, uint32_t timestamp_ms, Bytes body) {
    return broadcast.on_message({.kind = kind, .timestamp_ms = timestamp_ms, .body = std::move(body)}, now, wall());
  }
  std::optional<Refusal> video(uint32_t timestamp_ms, const Bytes& frame, Duration composition_offset = Duration(0)) {
    return send(MediaMessage::Kind::video, timestamp_ms,
                wire::flv::write({.type = Packet::Type::coded_frames,
                                  .codec = Codec::avc,
                                  .key_frame = frame == key,
                                  .composition_offset = composition_offset,
                                  .body = frame},
                                 wire::flv::Form::legacy));
  }
  std::optional<Refusal> audio(uint32_t timestamp_ms) {
    return send(MediaMessage::Kind::audio, timestamp_ms, from_hex("af01 21004990"));
  }
  std::optional<Refusal> video_config(const Bytes& config) {
    return send(MediaMessage::Kind::video, 0,
                wire::flv::write({.type = Packet::Type::sequence_start, .codec = Codec::avc, .body = config},
                                 wire::flv::Form::legacy));
  }
  std::optional<Refusal> audio_config(const Bytes& config = aac_48000) {
    return send(MediaMessage::Kind::audio, 0,
                wire::flv::write({.type = Packet::Type::sequence_start, .codec = Codec::aac, .body = config},
                                 wire::flv::Form::legacy));
  }
  std::optional<Refusal> metadata(std::vector<wire::amf0::Property> properties) {
    ByteWriter out;
    wire::amf0::write_value(out, "onMetaData");
    wire::amf0::write_value(out, wire::amf0::EcmaArray{std::move(properties)});
    return send(MediaMessage::Kind::data, 0, out.take());
  }
  void go_live() {
    video_config(avc_426);
    audio_config();
    video(0, key);
    sink.take();
  }

  Recorder sink;
  Broadcast broadcast{{}, sink};
  LoopTime now{1000s};
};

TEST_F(BroadcastTest, begins_with_the_first_key_frame_and_the_audio_of_that_time) {
  video_config(avc_426);
  audio_config();
  audio(4971);
  video(4980, inter);
  audio(4992);
  audio(5014);  // ahead of the video that belongs to it
  video(5000, key, 66ms);
  audio(5035);
  video(5033, inter);
  EXPECT_EQ(sink.lines, (Lines{"track avc1.640015", "track mp4a.40.2", "video sync 0", "audio sync 14", "audio sync 35",
                               "video 33"}));
  EXPECT_EQ(sink.samples[0].composition_offset, 66ms);
  EXPECT_EQ(broadcast.counts().early_audio, 2u);
  EXPECT_EQ(broadcast.counts().undecodable, 1u);
  EXPECT_EQ(broadcast.state(), Broadcast::State::live);
}

TEST_F(BroadcastTest, with_audio_alone_begins_when_no_video_was_announced_for_a_second) {
  audio_config();
  for (uint32_t i = 0; i < 48; ++i) audio(700 + i * 21);
  EXPECT_EQ(sink.take(), Lines{});
  audio(1700);
  ASSERT_GE(sink.lines.size(), 3u);
  EXPECT_EQ(sink.lines[0], "track mp4a.40.2");
  EXPECT_EQ(sink.lines[1], "audio sync 0") << "from the first frame that was heard";
  EXPECT_EQ(broadcast.counts().early_audio, 0u);
}

TEST_F(BroadcastTest, with_audio_alone_begins_in_time_also_when_its_stamps_are_set_back) {
  audio_config();
  audio(3'600'000);
  for (uint32_t i = 0; i < 60; ++i) {
    wait(21ms);
    audio(i * 21);
  }
  ASSERT_GE(sink.lines.size(), 2u);
  EXPECT_EQ(sink.lines[0], "track mp4a.40.2");
}

TEST_F(BroadcastTest, lets_video_join_later) {
  audio_config();
  for (uint32_t i = 0; i <= 50; ++i) audio(i * 21), wait(21ms);
  sink.take();
  video_config(avc_426);
  video(1071, key);
  EXPECT_EQ(sink.lines, (Lines{"track avc1.640015", "video sync 1071"}));
}

TEST_F(BroadcastTest, drops_waiting_audio_when_the_next_is_coded_otherwise) {
  video_config(avc_426);
  audio_config();
  audio(0);
  audio_config(from_hex("1210"));  // 44,100 Hz
  video(0, key);
  EXPECT_EQ(sink.take(), (Lines{"track avc1.640015", "track mp4a.40.2", "video sync 0"}));
  EXPECT_EQ(broadcast.counts().early_audio, 1u);
}

TEST_F(BroadcastTest, a_broken_frame_of_another_codec_changes_nothing) {
  video_config(avc_426);
  audio_config();
  audio(0);
  send(MediaMessage::Kind::audio, 0, from_hex("2f ffffffff"));  // MP3, it says
  video(0, key);
  EXPECT_EQ(sink.take(), (Lines{"track avc1.640015", "track mp4a.40.2", "video sync 0", "audio sync 0"}));
}

TEST_F(BroadcastTest, lets_audio_join_later) {
  video_config(avc_426);
  video(0, key);
  sink.take();
  audio_config();
  audio(20);
  EXPECT_EQ(sink.lines, (Lines{"track mp4a.40.2", "audio sync 20"}));
}

TEST_F(BroadcastTest, tells_of_audio_that_metadata_promises_before_its_configuration_comes) {
  metadata({{"videocodecid", 7.0}, {"audiocodecid", 10.0}});
  video_config(avc_426);
  video(0, key);
  EXPECT_EQ(sink.lines[0], "promised audio");
  EXPECT_EQ(sink.lines[1], "track avc1.640015");
}

TEST_F(BroadcastTest, tells_of_no_promise_where_the_configuration_has_come_or_metadata_denies_the_track) {
  metadata({{"audiocodecid", "mp4a"}});
  audio_config();
  video_config(avc_426);
  video(0, key);
  metadata({{"hasAudio", wire::amf0::Value::boolean(false)}, {"audiocodecid", 10.0}});
  metadata({{"audiocodecid", 0.0}});
  EXPECT_THAT(sink.lines, testing::Not(testing::Contains("promised audio")));
}

TEST_F(BroadcastTest, waits_for_video_that_metadata_promises_as_for_video_that_was_announced) {
  metadata({{"videocodecid", "avc1"}});
  audio_config();
  for (uint32_t i = 0; i < 100; ++i) audio(i * 21), wait(21ms);
  EXPECT_EQ(sink.lines, Lines{});
  video_config(avc_426);
  video(2100, key);
  EXPECT_EQ(sink.lines[0], "track avc1.640015");
}

TEST_F(BroadcastTest, that_announced_video_waits_longer_for_its_key_frame) {
  video_config(avc_426);
  audio_config();
  for (uint32_t i = 0; i < 570; ++i) audio(i * 21);
  EXPECT_EQ(sink.lines, Lines{});
  for (uint32_t i = 570; i < 580; ++i) audio(i * 21);
  EXPECT_EQ(broadcast.state(), Broadcast::State::live) << "but not for ever";
}

TEST_F(BroadcastTest, takes_no_notice_of_a_repeated_configuration) {
  go_live();
  video_config(avc_426);
  audio_config();
  video(33, inter);
  EXPECT_EQ(sink.lines, Lines{"video 33"});
}

TEST_F(BroadcastTest, changes_format_at_the_next_key_frame) {
  go_live();
  video_config(avc_640);
  video(33, inter);
  video(66, key);
  video(100, inter);
  EXPECT_EQ(sink.lines, (Lines{"format_changed 66", "track avc1.4d401e", "video sync 66", "video 100"}));
  EXPECT_EQ(broadcast.counts().undecodable, 1u);
}

TEST_F(BroadcastTest, notices_a_format_that_changes_in_band) {
  go_live();
  video(33, from_hex("0000001b674d401eecc0501ed350101064000003000400000300f23c58b668"
                     "0000000568e97b2c80 00000002 6588"));
  EXPECT_EQ(sink.lines, (Lines{"format_changed 33", "track avc1.4d401e", "video sync 33"}));
}

TEST_F(BroadcastTest, changes_codec_in_the_middle) {
  go_live();
  send(MediaMessage::Kind::video, 20, from_hex("90 76703039"));
  send(MediaMessage::Kind::video, 33, from_hex("91 76703039 82498342001a900ef60038241c184200"));
  EXPECT_EQ(sink.lines, (Lines{"format_changed 33", "track vp09.00.21.08", "video sync 33"}));
}

TEST_F(BroadcastTest, drops_broken_frames_and_counts_them) {
  go_live();
  video(33, from_hex("000000ff 4188"));
  video(66, inter);
  EXPECT_EQ(sink.lines, Lines{"video 66"});
  EXPECT_EQ(broadcast.counts().malformed, 1u);
}

TEST_F(BroadcastTest, refuses_an_encoder_that_sends_nothing_else) {
  std::optional<Refusal> refusal;
  int messages = 0;
  while (!refusal && messages < 1000) {
    refusal = send(MediaMessage::Kind::video, 0, from_hex("17"));
    ++messages;
  }
  ASSERT_TRUE(refusal);
  EXPECT_EQ(messages, Broadcast::unusable_max);
  EXPECT_EQ(sink.lines, Lines{});
}

TEST_F(BroadcastTest, refuses_video_that_never_has_a_key_frame) {
  video_config(avc_426);
  for (uint32_t ms = 0; ms < 11'000; ms += 40, wait(40ms)) ASSERT_FALSE(video(ms, inter)) << ms;
  const auto refusal = video(11'000, inter);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->words, "no key frame in 11 s of video: set the encoder's key-frame interval to 1 or 2 seconds");
}

TEST_F(BroadcastTest, does_not_refuse_a_sound_broadcast_for_video_that_joins_without_a_key_frame) {
  audio_config();
  for (uint32_t i = 0; i <= 50; ++i) audio(i * 21), wait(21ms);
  video_config(avc_426);
  for (uint32_t ms = 1100; ms < 15'000; ms += 40, wait(40ms)) ASSERT_FALSE(video(ms, inter)) << ms;
}

TEST_F(BroadcastTest, refuses_start_codes_at_once_and_says_what_to_send_instead) {
  const Bytes sps_pps = from_hex("00000001 67640015acd941b1fe4f 00000001 68ef8fcb");
  const auto as_config = video_config(sps_pps);
  ASSERT_TRUE(as_config);
  EXPECT_EQ(as_config->words,
            "avc comes as an Annex B byte stream (start codes): send avcC as the decoder configuration and NAL units "
            "behind their lengths");
  EXPECT_EQ(video(0, from_hex("000001 6588")), as_config);  // without any configuration
  ASSERT_FALSE(video_config(avc_426));
  EXPECT_EQ(video(0, from_hex("00000001 6588 00000001 6588")), as_config);
}

TEST_F(BroadcastTest, refuses_an_encoder_that_never_says_how_its_frames_are_coded) {
  std::optional<Refusal> refusal;
  for (int i = 0; i < Broadcast::unusable_max && !refusal; ++i) refusal = video(0, key);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->words,
            "nothing in the last 100 messages can be decoded: avc frames without a decoder configuration");
}

TEST_F(BroadcastTest, keeps_little_before_the_first_key_frame) {
  video_config(avc_426);
  audio_config();
  std::vector<uint8_t> huge(700 << 10);
  huge[0] = 0xaf;
  huge[1] = 1;
  const Bytes body = Bytes::take(huge);
  for (uint32_t i = 0; i < 10; ++i) send(MediaMessage::Kind::audio, i, body);
  EXPECT_EQ(broadcast.counts().early_audio, 9u) << "two do not fit into a mebibyte";
  send(MediaMessage::Kind::data, 0, body);
  for (uint32_t i = 0; i < 10; ++i) send(MediaMessage::Kind::data, i, Bytes::copy_of("12"));
  video(0, key);
  EXPECT_EQ(std::ranges::count(sink.lines, "data 2 at 0"), static_cast<std::ptrdiff_t>(Broadcast::data_kept_max));
  EXPECT_EQ(sink.lines.size(), 4 + Broadcast::data_kept_max);
}

TEST_F(BroadcastTest, refuses_codecs_with_words) {
  EXPECT_EQ(send(MediaMessage::Kind::video, 0, from_hex("14 00"))->words,
            "video codec VP6 is not accepted: send H.264, HEVC, AV1 or VP9");
  EXPECT_EQ(audio_config(from_hex("f83e 0000 0000"))->reason, RefusalReason::media_not_accepted);
}

TEST(BroadcastSettings, say_which_codecs_are_accepted) {
  Recorder sink;
  Broadcast broadcast({.accepted = {Codec::avc, Codec::aac}}, sink);
  broadcast.publisher_began({}, {});
  const auto refusal =
      broadcast.on_message({.kind = MediaMessage::Kind::video, .body = from_hex("90 76703039")}, {}, {});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->words, "video codec vp9 is not accepted here: send one of avc");
}

TEST_F(BroadcastTest, pauses_and_goes_on_when_its_publisher_returns) {
  go_live();
  wait(33ms);
  video(33, inter);
  broadcast.publisher_gone(now);
  EXPECT_EQ(broadcast.wake_at(), now + 15s);
  wait(10s);
  broadcast.on_wake(now);
  broadcast.publisher_began(now, wall());
  EXPECT_EQ(broadcast.wake_at(), std::nullopt);
  video_config(avc_426);
  audio_config();
  video(70'000, inter);
  EXPECT_EQ(sink.take(), (Lines{"video 33", "paused"})) << "still paused: nothing can be shown yet";
  video(70'033, key);
  audio(70'040);
  EXPECT_EQ(sink.lines, (Lines{"resumed", "publisher_returned 10033", "video sync 10033", "audio sync 10040"}));
}

TEST_F(BroadcastTest, keeps_sound_and_picture_together_when_its_publisher_returns_with_a_burst) {
  go_live();
  audio(10);
  wait(33ms);
  video(33, inter);
  broadcast.publisher_gone(now);
  wait(100ms);
  broadcast.publisher_began(now, wall());
  video_config(avc_426);
  audio_config();
  for (uint32_t i = 0; i < 40; ++i) audio(i * 21);
  sink.take();
  video(840, key);
  audio(847);
  wait(33ms);
  video(873, inter);
  EXPECT_EQ(sink.lines, (Lines{"resumed", "publisher_returned 133", "video sync 133", "audio sync 140", "video 166"}));
  EXPECT_EQ(broadcast.counts().early_audio, 40u);
}

TEST_F(BroadcastTest, may_return_in_another_format) {
  go_live();
  broadcast.publisher_gone(now);
  wait(1s);
  broadcast.publisher_began(now, wall());
  video_config(avc_640);
  video(0, key);
  EXPECT_EQ(sink.lines,
            (Lines{"paused", "resumed", "publisher_returned 1000", "track avc1.4d401e", "video sync 1000"}));
}

TEST_F(BroadcastTest, ends_when_nobody_returns) {
  go_live();
  broadcast.publisher_gone(now);
  wait(15s);
  broadcast.on_wake(now);
  broadcast.end();
  EXPECT_EQ(sink.lines, (Lines{"paused", "ended"}));
}

TEST_F(BroadcastTest, that_never_began_ends_without_a_pause) {
  broadcast.publisher_gone(now);
  wait(15s);
  broadcast.on_wake(now);
  EXPECT_EQ(sink.lines, Lines{"ended"});
}

TEST_F(BroadcastTest, hears_nothing_from_a_publisher_that_is_gone) {
  go_live();
  broadcast.publisher_gone(now);
  sink.take();
  video(33, inter);
  EXPECT_EQ(sink.lines, Lines{});
}

TEST_F(BroadcastTest, passes_data_on_and_keeps_what_came_before_the_first_sample) {
  send(MediaMessage::Kind::data, 0, Bytes::copy_of("12345"));
  video_config(avc_426);
  video(0, key);
  video(33, inter);
  send(MediaMessage::Kind::data, 40, Bytes::copy_of("123"));
  EXPECT_EQ(sink.lines, (Lines{"track avc1.640015", "video sync 0", "data 5 at 0", "video 33", "data 3 at 33"}));
}

TEST_F(BroadcastTest, takes_capture_times_from_sei) {
  go_live();
  ByteWriter frame;
  wire::write_nal_unit(frame, wire::write_capture_stamp(wall() - 300ms, wire::SeiOf::avc), 4);
  wire::write_nal_unit(frame, from_hex("4188"), 4);
  video(33, frame.take());
  EXPECT_EQ(sink.samples.back().captured, wall() - 300ms);
}

TEST_F(BroadcastTest, takes_capture_times_from_a_data_message_for_all_samples_after_it) {
  const double unix_ms = static_cast<double>(to_ms(wall().time_since_epoch())) - 400;
  ByteWriter amf;
  wire::amf0::write_value(amf, "onKliegTime");
  wire::amf0::write_value(amf, unix_ms);
  send(MediaMessage::Kind::data, 10, amf.take());
  go_live();
  EXPECT_EQ(sink.samples.back().captured, wall() - 410ms) << "stamped 10 ms before the message";
  wait(30ms);
  video(43, inter);
  EXPECT_EQ(sink.samples.back().captured, wall() - 30ms - 400ms + 33ms);
  wait(11s);
  video(11'043, inter);
  EXPECT_EQ(sink.samples.back().captured, std::nullopt) << "too old";
}

TEST_F(BroadcastTest, ignores_a_capture_time_beyond_what_a_clock_can_say) {
  for (double unix_ms : {9.3e12, 9.99e12}) {  // the years 2264 and 2286; nanoseconds in 64 bits end in 2262
    ByteWriter amf;
    wire::amf0::write_value(amf, "onKliegTime");
    wire::amf0::write_value(amf, unix_ms);
    send(MediaMessage::Kind::data, 0, amf.take());
  }
  go_live();
  EXPECT_EQ(sink.samples.back().captured, std::nullopt);
  EXPECT_EQ(broadcast.counts().stamps_ignored, 0u) << "it is no time at all";
}

TEST_F(BroadcastTest, ignores_capture_times_that_its_clock_contradicts) {
  go_live();
  for (Duration error : {Duration(-61s), Duration(1s)}) {
    ByteWriter frame;
    wire::write_nal_unit(frame, wire::write_capture_stamp(wall() + error, wire::SeiOf::avc), 4);
    wire::write_nal_unit(frame, from_hex("4188"), 4);
    video(33, frame.take());
    EXPECT_EQ(sink.samples.back().captured, std::nullopt);
  }
  EXPECT_EQ(broadcast.counts().stamps_ignored, 2u);
}

TEST_F(BroadcastTest, an_extended_stream_of_opus_and_hevc_passes) {
  const string config =
      "01016000000090000000 00003cf000fcfdf8f800000f03 2000010018 40010c01ffff01600000030090000003000003003c959409"
      "2100010029 42010101600000030090000003000003003ca00d880f1c9e595952930bc39a02000007d20000ea6010"
      "2200010006 4401c073c189";
  send(MediaMessage::Kind::audio, 0, from_hex("90 4f707573 4f7075734865616401023801 80bb0000 0000 00"));
  send(MediaMessage::Kind::video, 0, from_hex("90 68766331" + config));
  send(MediaMessage::Kind::video, 100, from_hex("91 68766331 000042 00000003 260188"));
  send(MediaMessage::Kind::audio, 100, from_hex("91 4f707573 fc00"));
  send(MediaMessage::Kind::audio, 120, from_hex("91 4f707573 fc00"));
  send(MediaMessage::Kind::video, 133, from_hex("a7 02 051615 03 68766331 00000003 020188"));
  EXPECT_EQ(sink.lines, (Lines{"track hvc1.1.6.L60.90", "track opus", "video sync 0", "audio sync 0", "audio sync 20",
                               "video 33"}));
  EXPECT_EQ(sink.samples.back().decode_time.time_since_epoch(), 33'333'333ns);
}

struct Clip {
  const char* path;
  const char* video;
  const char* audio;  // nullptr: its AAC configuration is empty, so its audio cannot be decoded
};

class RealClip : public testing::TestWithParam<Clip> {};

TEST_P(RealClip, passes_whole_and_in_order) {
  const Clip& clip = GetParam();
  const std::vector<uint8_t> content = wire::test_material(clip.path);
  KLIEG_SKIP_WITHOUT(content);
  auto file = wire::flv::FileReader::open(Bytes::take(content));
  ASSERT_TRUE(file);
  Recorder sink;
  Broadcast broadcast({}, sink);
  broadcast.publisher_began({}, {});
  uint64_t frames = 0;
  while (auto tag = file->next()) {
    const LoopTime now{std::chrono::milliseconds(tag->timestamp_ms)};
    const auto kind = tag->kind == wire::flv::Tag::Kind::video   ? MediaMessage::Kind::video
                      : tag->kind == wire::flv::Tag::Kind::audio ? MediaMessage::Kind::audio
                                                                 : MediaMessage::Kind::data;
    if (kind != MediaMessage::Kind::data && tag->body.size() > 5 && tag->body[1] == 1) ++frames;
    const auto refusal = broadcast.on_message({kind, tag->timestamp_ms, tag->body}, now, {});
    ASSERT_FALSE(refusal) << refusal->words;
  }
  EXPECT_EQ(std::ranges::count(sink.lines, string("track ") + clip.video), 1);
  if (clip.audio) EXPECT_EQ(std::ranges::count(sink.lines, string("track ") + clip.audio), 1);
  EXPECT_EQ(broadcast.counts().discontinuities, 0u);
  EXPECT_EQ(broadcast.counts().malformed, 0u);
  EXPECT_EQ(broadcast.counts().samples + broadcast.counts().early_audio + broadcast.counts().undecodable, frames);
  if (clip.audio) EXPECT_EQ(broadcast.counts().undecodable, 0u);
  EXPECT_LE(broadcast.counts().early_audio, 5u);
}

INSTANTIATE_TEST_SUITE_P(Flv, RealClip,
                         testing::Values(Clip{"video/srs/bbb.flv", "avc1.42c01e", "mp4a.40.2"},
                                         Clip{"video/androidx-media/media/flv/sample.flv", "avc1.640034", "mp4a.40.2"},
                                         Clip{"video/videojs-http-streaming/utils/bipbop0.flv", "avc1.42e00b",
                                              nullptr}));

}  // namespace
}  // namespace klieg::ingest

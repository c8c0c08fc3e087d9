#include "broadcaster/clip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "broadcaster/playback.h"
#include "wire/flv_file.h"
#include "wire/hex_test.h"
#include "wire/sei.h"

namespace klieg::broadcaster {
namespace {

namespace flv = wire::flv;
using Type = flv::Packet::Type;

// Only what the sequence header's reader looks at matters here.
const Bytes avc_config = wire::from_hex("01640028ff e100 04 67640028 01 00 02 68ee");

flv::Tag video_tag(uint32_t ms, Type type, Bytes body, bool key = true) {
  return {flv::Tag::Kind::video, ms,
          flv::write({.type = type, .codec = media::Codec::avc, .key_frame = key, .body = std::move(body)},
                     flv::Form::legacy)};
}

Bytes flv_of(const std::vector<flv::Tag>& tags) {
  std::vector<Bytes> pieces{flv::write_file_header()};
  for (const flv::Tag& tag : tags) pieces.push_back(flv::write_tag(tag));
  return Bytes::join(pieces);
}

Clip two_frames() {
  const Bytes frame = wire::from_hex("00000002 6588");
  return read_clip(
             flv_of({video_tag(1000, Type::sequence_start, avc_config), video_tag(1000, Type::coded_frames, frame),
                     video_tag(1040, Type::coded_frames, frame, false)}))
      .value();
}

TEST(clip, an_flv_begins_at_zero_and_lasts_a_frame_beyond_its_last) {
  const Clip clip = two_frames();
  ASSERT_EQ(clip.packets.size(), 3u);
  EXPECT_EQ(clip.packets[0].packet.type, Type::sequence_start);
  EXPECT_EQ(clip.packets[1].timestamp_ms, 0u);
  EXPECT_EQ(clip.packets[2].timestamp_ms, 40u);
  EXPECT_FALSE(clip.packets[2].packet.key_frame);
  EXPECT_EQ(clip.duration_ms, 80u);
}

TEST(clip, what_is_neither_flv_nor_mp4_or_is_empty_is_refused) {
  EXPECT_FALSE(read_clip(Bytes()));
  EXPECT_FALSE(read_clip(Bytes::copy_of("RIFFxxxxAVI ")));
  EXPECT_FALSE(read_clip(flv::write_file_header()));
  EXPECT_FALSE(read_clip(flv_of({video_tag(0, Type::sequence_start, avc_config)}))) << "no frame in it";
}

TEST(clip, a_packet_is_written_in_the_form_asked_for) {
  const Clip clip = two_frames();
  EXPECT_EQ((*message_body(clip.packets[1], flv::Form::legacy, {}))[0], 0x17);
  EXPECT_EQ((*message_body(clip.packets[1], flv::Form::extended, {}))[0] & 0x80, 0x80);
  ClipPacket av1 = clip.packets[1];
  av1.packet.codec = media::Codec::av1;
  EXPECT_TRUE(message_body(av1, flv::Form::extended, {}));
  EXPECT_FALSE(message_body(av1, flv::Form::legacy, {}));
}

TEST(clip, a_capture_stamp_stands_before_the_first_slice_and_can_be_read_again) {
  constexpr WallTime captured{1'795'170'123'456'789'012ns};
  flv::Packet frame{.type = Type::coded_frames,
                    .codec = media::Codec::avc,
                    .body = wire::from_hex("00000002 0910 00000002 6588 00000002 4199")};
  const Bytes stamped = with_capture_stamp(frame, avc_config, captured);
  ByteReader reader(stamped);
  EXPECT_EQ(reader.u32(), 2u);
  EXPECT_EQ(reader.u16(), 0x0910) << "the access unit delimiter stays first";
  const auto sei = reader.bytes(reader.u32());
  EXPECT_EQ(wire::read_capture_stamp(sei, wire::SeiOf::avc), captured);
  EXPECT_EQ(reader.remaining(), 12u) << "both slices follow";

  frame.codec = media::Codec::vp9;
  EXPECT_EQ(with_capture_stamp(frame, avc_config, captured), frame.body) << "VP9 has no SEI";
  frame.codec = media::Codec::avc;
  frame.body = wire::from_hex("00ffffff 09");
  EXPECT_EQ(with_capture_stamp(frame, avc_config, captured), frame.body) << "broken: left as it is";
}

TEST(playback, in_real_time_a_packet_is_due_when_its_time_has_passed) {
  const Clip clip = two_frames();
  const LoopTime start{5s};
  Playback playback(clip, Pace::realtime, Repeat::never, start);
  EXPECT_TRUE(playback.take(start));
  EXPECT_TRUE(playback.take(start));
  EXPECT_EQ(playback.wake_at(), start + 40ms);
  EXPECT_FALSE(playback.take(start + 39ms));
  EXPECT_EQ(playback.take(start + 40ms)->timestamp_ms, 40u);
  EXPECT_TRUE(playback.ended());
  EXPECT_FALSE(playback.wake_at());
}

TEST(playback, at_once_everything_is_due) {
  const Clip clip = two_frames();
  Playback playback(clip, Pace::at_once, Repeat::never, LoopTime{});
  int count = 0;
  while (playback.take(LoopTime{})) ++count;
  EXPECT_EQ(count, 3);
}

TEST(playback, a_repeated_clip_goes_on_without_a_step_back_or_a_drift) {
  const Clip clip = two_frames();
  Playback playback(clip, Pace::realtime, Repeat::for_ever, LoopTime{});
  std::vector<uint32_t> times;
  for (int i = 0; i < 7; ++i) times.push_back(playback.take(LoopTime{1s})->timestamp_ms);
  EXPECT_THAT(times, testing::ElementsAre(0, 0, 40, 80, 80, 120, 160));
  EXPECT_EQ(playback.wake_at(), LoopTime{160ms});
}

// Real clips of others: whatever of them can be published comes out in order, with each configuration first.
TEST(clip, real_recordings_are_taken_apart) {
  const char* from_environment = std::getenv("KLIEG_SHARED_DATA");
  const std::filesystem::path root = from_environment != nullptr ? from_environment : "../shared/data";
  if (!std::filesystem::is_directory(root / "video")) GTEST_SKIP() << "no real material at " << root;
  int taken = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "video")) {
    const auto extension = entry.path().extension();
    if (!entry.is_regular_file() || entry.file_size() > 64 << 20) continue;
    if (extension != ".mp4" && extension != ".flv" && extension != ".m4s") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::vector<uint8_t> content{std::istreambuf_iterator<char>(file), {}};
    const auto clip = read_clip(Bytes::copy_of(content));
    if (!clip) continue;  // malformed on purpose, or of a codec that RTMP does not carry
    ++taken;
    EXPECT_TRUE(std::ranges::is_sorted(clip->packets, {}, &ClipPacket::timestamp_ms)) << entry.path();
    bool video_begun = false;
    for (const ClipPacket& packet : clip->packets) {
      if (packet.kind != ClipPacket::Kind::video) continue;
      if (packet.packet.type == Type::sequence_start) video_begun = true;
      if (packet.packet.type == Type::coded_frames) EXPECT_TRUE(video_begun) << entry.path();
      EXPECT_TRUE(message_body(packet, flv::Form::extended, clip->audio)) << entry.path();
    }
  }
  EXPECT_GT(taken, 10);
}

}  // namespace
}  // namespace klieg::broadcaster

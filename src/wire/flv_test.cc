#include "wire/flv.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "wire/flv_file.h"
#include "wire/hex_test.h"

namespace klieg::wire::flv {
namespace {

using media::Codec;
using Type = Packet::Type;

struct Case {
  const char* name;
  const char* body;  // of the message, as gortmplib's tests have it (pkg/message/reader_test.go)
  Form form;
  Packet packet;
};

Packet packet_of(Type type, Codec codec, std::string_view body) {
  return {.type = type, .codec = codec, .key_frame = true, .body = from_hex(body)};
}
Packet with_offset(Packet packet, Duration offset) {
  packet.composition_offset = offset;
  return packet;
}
Packet inter(Packet packet) {
  packet.key_frame = false;
  return packet;
}

std::vector<Case> cases() {
  return {
      {"legacy MP3", "2f 01020304", Form::legacy, packet_of(Type::coded_frames, Codec::mp3, "01020304")},
      {"legacy AAC", "af 01 5ac07740", Form::legacy, packet_of(Type::coded_frames, Codec::aac, "5ac07740")},
      {"legacy AAC configuration", "af 00 1210", Form::legacy, packet_of(Type::sequence_start, Codec::aac, "1210")},
      {"legacy AAC configuration, empty", "af 00", Form::legacy, packet_of(Type::sequence_start, Codec::aac, "")},
      {"Opus start", "90 4f707573 4f7075734865616401023801c05d000000000000", Form::extended,
       packet_of(Type::sequence_start, Codec::opus, "4f7075734865616401023801c05d000000000000")},
      {"AAC start", "90 6d703461 1190", Form::extended, packet_of(Type::sequence_start, Codec::aac, "1190")},
      {"Opus end", "92 4f707573", Form::extended, packet_of(Type::sequence_end, Codec::opus, "")},
      {"Opus frame", "91 4f707573 010203", Form::extended, packet_of(Type::coded_frames, Codec::opus, "010203")},
      {"legacy H.264", "17 01 00000a 010203", Form::legacy,
       with_offset(packet_of(Type::coded_frames, Codec::avc, "010203"), 10ms)},
      {"legacy H.264, negative composition offset", "17 01 ffffde 010203", Form::legacy,
       with_offset(packet_of(Type::coded_frames, Codec::avc, "010203"), -34ms)},
      {"legacy H.264 configuration", "17 00 000000 014d401e", Form::legacy,
       packet_of(Type::sequence_start, Codec::avc, "014d401e")},
      {"legacy HEVC configuration", "1c 00 000000 01014000", Form::legacy,
       packet_of(Type::sequence_start, Codec::hevc, "01014000")},
      {"legacy H.264 end", "27 02 000000", Form::legacy, inter(packet_of(Type::sequence_end, Codec::avc, ""))},
      {"HEVC frames with offset", "91 68766331 00001e 010203", Form::extended,
       with_offset(packet_of(Type::coded_frames, Codec::hevc, "010203"), 30ms)},
      {"H.264 frames with a negative offset", "91 61766331 ffffde 010203", Form::extended,
       with_offset(packet_of(Type::coded_frames, Codec::avc, "010203"), -34ms)},
      {"HEVC frames without offset", "93 68766331 010203", Form::extended,
       packet_of(Type::coded_frames, Codec::hevc, "010203")},
      {"H.264 inter frames without offset", "a3 61766331 010203", Form::extended,
       inter(packet_of(Type::coded_frames, Codec::avc, "010203"))},
      {"AV1 start", "90 61763031 81080c000a0b00000042abbfc3700be001", Form::extended,
       packet_of(Type::sequence_start, Codec::av1, "81080c000a0b00000042abbfc3700be001")},
      {"VP9 start", "90 76703039 0100000000288202020200 00", Form::extended,
       packet_of(Type::sequence_start, Codec::vp9, "010000000028820202020000")},
      {"AV1 frames have no composition offset", "91 61763031 010203", Form::extended,
       packet_of(Type::coded_frames, Codec::av1, "010203")},
  };
}

bool is_video(const Case& c) { return media::kind_of(c.packet.codec) == media::TrackKind::video; }

Result<Packet, Fault> read(const Case& c) {
  return is_video(c) ? read_video(from_hex(c.body)) : read_audio(from_hex(c.body));
}

TEST(Flv, reads_what_others_wrote) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const auto packet = read(c);
    ASSERT_TRUE(packet) << packet.error().message;
    EXPECT_EQ(*packet, c.packet);
  }
}

TEST(Flv, writes_what_others_wrote) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(write(c.packet, c.form, {.sample_rate = 44100, .channels = 2}), from_hex(c.body));
  }
}

// The frame type of a sequence start or an end carries no meaning; gortmplib writes zero there.
TEST(Flv, an_extended_tag_without_frame_type_is_read) {
  const auto start = read_video(from_hex("80 61763031 81080c00"));
  ASSERT_TRUE(start);
  EXPECT_EQ(start->type, Type::sequence_start);
  EXPECT_EQ(start->body, from_hex("81080c00"));
  const auto end = read_video(from_hex("82 61763031"));
  ASSERT_TRUE(end);
  EXPECT_EQ(end->type, Type::sequence_end);
}

TEST(Flv, metadata_is_handed_on_as_it_came) {
  const std::string amf = "02 0009 636f6c6f72496e666f 03 000b 636f6c6f72436f6e666967 03 000009 000009";
  const auto packet = read_video(from_hex("84 68766331" + amf));
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->type, Type::metadata);
  EXPECT_EQ(packet->body, from_hex(amf));
}

TEST(Flv, a_nanosecond_offset_refines_the_timestamp) {
  // ModEx (7), three bytes of data, TimestampOffsetNano (0) and then the real packet type.
  const auto video = read_video(from_hex("97 02 07a120 01 68766331 000021 aabb"));
  ASSERT_TRUE(video);
  EXPECT_EQ(video->fine_offset, 500'000ns);
  EXPECT_EQ(video->composition_offset, 33ms);
  EXPECT_EQ(video->body, from_hex("aabb"));
  const auto audio = read_audio(from_hex("97 02 0003e8 01 4f707573 fc"));
  ASSERT_TRUE(audio);
  EXPECT_EQ(audio->fine_offset, 1us);
  EXPECT_EQ(audio->codec, Codec::opus);
}

TEST(Flv, unknown_extensions_of_any_size_are_stepped_over) {
  std::string large = "97 ff 0100";  // 16-bit size: 257 bytes
  for (int i = 0; i < 257; ++i) large += "00";
  const auto packet = read_video(from_hex(large + "f7 00 ee 13 68766331 cc"));
  ASSERT_TRUE(packet) << packet.error().message;
  EXPECT_EQ(packet->type, Type::coded_frames);
  EXPECT_EQ(packet->body, from_hex("cc"));
  EXPECT_EQ(packet->fine_offset, 0ns);
  EXPECT_EQ(read_video(from_hex("97 ff ffff 00")).error().kind, Fault::Kind::malformed);
}

TEST(Flv, what_is_not_accepted_is_refused_with_words) {
  const auto refusal = [](const Result<Packet, Fault>& packet) {
    EXPECT_FALSE(packet);
    if (packet) return std::string();
    EXPECT_EQ(packet.error().kind, Fault::Kind::not_accepted);
    return packet.error().message;
  };
  EXPECT_EQ(refusal(read_video(from_hex("14 00"))), "video codec VP6 is not accepted: send H.264, HEVC, AV1 or VP9");
  EXPECT_EQ(refusal(read_video(from_hex("12 00"))),
            "video codec H.263 (Sorenson) is not accepted: send H.264, HEVC, AV1 or VP9");
  EXPECT_EQ(refusal(read_video(from_hex("1d 00"))), "video codec 13 is not accepted: send H.264, HEVC, AV1 or VP9");
  EXPECT_EQ(refusal(read_video(from_hex("90 76703038 00"))),
            "video codec vp08 is not accepted: send H.264, HEVC, AV1 or VP9");
  EXPECT_EQ(refusal(read_video(from_hex("90 00ff0001 00"))),
            "video codec 0x00ff0001 is not accepted: send H.264, HEVC, AV1 or VP9");
  EXPECT_EQ(refusal(read_audio(from_hex("b2 00"))), "audio codec Speex is not accepted: send AAC, Opus or MP3");
  EXPECT_EQ(refusal(read_audio(from_hex("90 61632d33"))), "audio codec ac-3 is not accepted: send AAC, Opus or MP3");
  EXPECT_EQ(refusal(read_video(from_hex("86 00 76703039 01 0100000000288202020200 00"))),
            "more than one video track is not accepted: turn multitrack video off");
  EXPECT_EQ(refusal(read_audio(from_hex("95 00 61632d33 01"))),
            "more than one audio track is not accepted: turn multitrack audio off");
  EXPECT_FALSE(refusal(read_video(from_hex("95 61763031 00"))).empty());
}

TEST(Flv, commands_and_channel_layouts_mean_nothing_to_us) {
  EXPECT_EQ(read_video(from_hex("57 00"))->type, Type::ignored);
  EXPECT_EQ(read_video(from_hex("d0 00"))->type, Type::ignored);
  EXPECT_EQ(read_audio(from_hex("94 4f707573 010200000003"))->type, Type::ignored);
}

TEST(Flv, a_message_cut_in_its_header_is_malformed) {
  for (const Case& c : cases()) {
    const Bytes whole = from_hex(c.body);
    const size_t header = whole.size() - c.packet.body.size();
    for (size_t size = 0; size < header; ++size) {
      const Bytes cut = whole.slice(0, size);
      const auto packet = is_video(c) ? read_video(cut) : read_audio(cut);
      ASSERT_FALSE(packet) << c.name << " cut at " << size;
      EXPECT_EQ(packet.error().kind, Fault::Kind::malformed);
    }
  }
}

RC_GTEST_PROP(Flv, extended_packets_are_read_as_they_were_written, (std::vector<uint8_t> content)) {
  Packet packet;
  packet.codec =
      *rc::gen::element(Codec::avc, Codec::hevc, Codec::av1, Codec::vp9, Codec::aac, Codec::opus, Codec::mp3);
  const bool video = media::kind_of(packet.codec) == media::TrackKind::video;
  packet.type = *rc::gen::element(Type::sequence_start, Type::coded_frames, Type::sequence_end);
  packet.key_frame = !video || packet.type == Type::sequence_start || *rc::gen::arbitrary<bool>();
  packet.fine_offset = Duration(*rc::gen::inRange(0, 1'000'000));
  if (packet.type == Type::coded_frames && (packet.codec == Codec::avc || packet.codec == Codec::hevc))
    packet.composition_offset = std::chrono::milliseconds(*rc::gen::inRange(-0x800000, 0x800000));
  packet.body = Bytes::take(content);
  const Bytes body = write(packet, Form::extended);
  const auto read = video ? read_video(body) : read_audio(body);
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == packet);
}

RC_GTEST_PROP(Flv, a_file_is_read_as_it_was_written, ()) {
  std::vector<Tag> tags;
  std::vector<Bytes> pieces = {write_file_header()};
  const int count = *rc::gen::inRange(0, 6);
  for (int i = 0; i < count; ++i) {
    tags.push_back({.kind = *rc::gen::element(Tag::Kind::audio, Tag::Kind::video, Tag::Kind::script),
                    .timestamp_ms = *rc::gen::arbitrary<uint32_t>(),
                    .body = Bytes::take(*rc::gen::arbitrary<std::vector<uint8_t>>())});
    pieces.push_back(write_tag(tags.back()));
  }
  auto file = FileReader::open(Bytes::join(pieces));
  RC_ASSERT(file.has_value());
  for (const Tag& tag : tags) RC_ASSERT(file->next() == tag);
  RC_ASSERT(!file->next());
}

}  // namespace
}  // namespace klieg::wire::flv

#include "push/rtmp_reading.h"

#include <gtest/gtest.h>

#include "push/made_up_source.h"
#include "wire/flv.h"
#include "wire/rtmp_chunk.h"
#include "wire/rtmp_message.h"

namespace klieg::push {
namespace {

using wire::rtmp::Message;
using wire::rtmp::MessageType;

struct Room {
  explicit Room(media::Codec codec = media::Codec::avc) : broadcast(source, codec) {
    channel = Channel::open(source, "ada", "");
    channel->join(reading);
    source.run();
  }
  ~Room() { channel->leave(reading); }

  // What a player makes of all there is, or of the reel from `offset` on, after `before`.
  std::vector<Message> messages() const {
    return messages(reading.reel()->log().first(), reading.reel()->latest_mark()->preamble);
  }
  std::vector<Message> messages(uint64_t offset, const Bytes& before = {}) const {
    wire::rtmp::ChunkReader reader(16 << 20);
    std::vector<Bytes> pieces;
    wire::rtmp::ChunkWriter().write(wire::rtmp::set_chunk_size(rtmp_play_chunk_size), 2, pieces);
    pieces.push_back(before);
    const Log& log = reading.reel()->log();
    pieces.push_back(log.read(offset, log.size() - offset));
    const Bytes all = Bytes::join(pieces);
    std::vector<Message> messages;
    for (ByteView rest = all; auto message = reader.read(rest).value();) messages.push_back(std::move(*message));
    return messages;
  }

  MadeUpSource source;
  MadeUpBroadcast broadcast;
  int changes = 0;
  RtmpReading reading{[this] { ++changes; }};
  std::shared_ptr<Channel> channel;
};

// "data@0 H H V0! A0 V40 A40": sequence headers, then frames with their times in milliseconds.
std::string story(const std::vector<Message>& messages) {
  std::string text;
  for (const Message& message : messages) {
    if (!text.empty()) text += ' ';
    if (message.type == MessageType::amf0_data) {
      text += message.timestamp_ms == 0 ? "data" : "data of a later time";
      continue;
    }
    const bool video = message.type == MessageType::video;
    const auto packet = video ? wire::flv::read_video(message.payload) : wire::flv::read_audio(message.payload);
    if (!packet) return text + "malformed: " + packet.error().message;
    text += video ? 'V' : 'A';
    text += packet->type == wire::flv::Packet::Type::sequence_start ? "H" : std::to_string(message.timestamp_ms);
    if (video && packet->key_frame && packet->type == wire::flv::Packet::Type::coded_frames) text += '!';
  }
  return text;
}

TEST(RtmpReading, a_player_reads_headers_and_then_every_frame_with_its_time) {
  Room room;
  room.broadcast.ticks(7);
  EXPECT_EQ(story(room.messages()), "data VH AH V0! A0 V40 A40 V80 A80 V120 A120 V160 A160 V200! A200 V240 A240");
  EXPECT_EQ(room.changes, 1);
  EXPECT_TRUE(room.reading.begun());
}

TEST(RtmpReading, frames_are_the_bytes_that_came) {
  Room room;
  room.broadcast.frame_size = 200'000;  // more than a chunk
  room.broadcast.ticks(2);
  const std::vector<Message> messages = room.messages();
  const auto frame = wire::flv::read_video(messages.at(5).payload);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->body, Bytes::take(std::string(200'000, 'b')));
  const auto config = wire::flv::read_video(messages.at(1).payload);
  EXPECT_EQ(config->body, room.broadcast.video.decoder_config);
}

TEST(RtmpReading, a_newcomer_gets_the_headers_and_begins_with_a_key_frame) {
  Room room;
  room.broadcast.ticks(7);
  const Mark* mark = room.reading.reel()->latest_mark();
  ASSERT_TRUE(mark);
  EXPECT_EQ(story(room.messages(mark->offset, mark->preamble)), "data VH AH V200! A200 V240 A240");
}

TEST(RtmpReading, who_reads_on_meets_new_headers_on_the_way) {
  Room room;
  room.broadcast.ticks(5);
  room.broadcast.header_version = 1;
  room.broadcast.video.decoder_config = Bytes::copy_of("\x01\x4d\x40\x1f other");
  room.broadcast.write_headers();
  const uint64_t before = room.reading.reel()->log().size();
  room.broadcast.ticks(2);
  EXPECT_TRUE(story(room.messages(before)).starts_with("data VH AH V200! A200")) << story(room.messages(before));
  EXPECT_EQ(story(room.messages(room.reading.reel()->latest_mark()->offset)), "V200! A200 V240 A240");
}

TEST(RtmpReading, what_flv_has_no_number_for_is_written_as_enhanced_rtmp_and_said_to_be_needed) {
  Room legacy;
  legacy.broadcast.tick();
  EXPECT_TRUE(legacy.reading.fourccs_needed().empty());
  Room hevc(media::Codec::hevc);
  hevc.broadcast.ticks(2);
  EXPECT_EQ(hevc.reading.fourccs_needed(), std::vector<std::string_view>{"hvc1"});
  EXPECT_EQ(story(hevc.messages()), "data VH AH V0! A0 V40 A40");
  EXPECT_EQ(hevc.messages().at(1).payload.text().substr(1, 4), "hvc1");
}

TEST(RtmpReading, the_end_ends_the_reel) {
  Room room;
  room.broadcast.ticks(3);
  room.broadcast.end();
  EXPECT_FALSE(room.reading.reel()->log().growing());
  EXPECT_EQ(room.reading.over(), ChannelEnd::ended);
  EXPECT_EQ(room.changes, 2);
}

}  // namespace
}  // namespace klieg::push

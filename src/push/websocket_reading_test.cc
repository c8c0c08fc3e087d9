#include "push/websocket_reading.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "push/made_up_source.h"
#include "wire/mp4_reader.h"
#include "wire/push_message.h"

namespace klieg::push {
namespace {

using wire::push_message::flag_discontinuity;
using wire::push_message::flag_initialization;
using wire::push_message::flag_key;

struct Room {
  Room() {
    channel = Channel::open(source, "ada", "");
    channel->join(reading);
    source.run();
  }
  ~Room() { channel->leave(reading); }

  Bytes since(uint64_t offset) const {
    const Log& log = reading.reel()->log();
    return log.read(offset, log.size() - offset);
  }
  // What who begins at the first mark that is kept is sent.
  Bytes all() const {
    const Reel& reel = *reading.reel();
    return Bytes::join(std::vector{reel.latest_mark()->preamble, since(reel.log().first())});
  }

  MadeUpSource source;
  MadeUpBroadcast broadcast{source};
  int changes = 0;
  WebSocketReading reading{[this] { ++changes; }};
  std::shared_ptr<Channel> channel;
};

// What a page makes of it: "tracks H1 H2 1!0 2 1 2", binary frames by track, "!": key, "~": discontinuity.
std::string story(const Bytes& bytes) {
  std::string told;
  ByteReader reader(bytes);
  while (reader.remaining() > 0) {
    const uint8_t first = reader.u8();
    uint64_t size = reader.u8();
    if (size == 126) size = reader.u16();
    if (size == 127) size = reader.u64();
    const ByteView payload = reader.bytes(size);
    if (!reader.ok()) return told + " broken off";
    if (!told.empty()) told += ' ';
    if (first == 0x81) {
      told += nlohmann::json::parse(payload.begin(), payload.end()).at("type");
      continue;
    }
    ByteReader message(payload);
    const uint8_t track = message.u8(), flags = message.u8();
    const bool right = first == 0x82 && message.u16() == 0 && message.u32() == message.remaining();
    if (!right) return told + " malformed";
    if (flags & flag_initialization) told += 'H';
    told += std::to_string(track);
    if (flags & flag_key) told += '!';
    if (flags & flag_discontinuity) told += '~';
  }
  return told;
}

TEST(WebSocketReading, a_page_reads_tracks_and_headers_and_then_every_chunk) {
  Room room;
  room.broadcast.ticks(7);
  EXPECT_EQ(story(room.all()), "tracks H1 H2 1! 2 1 2 1 2 1 2 1 2 1! 2 1 2");
  EXPECT_EQ(room.changes, 1);
}

TEST(WebSocketReading, a_newcomer_begins_with_the_latest_key_frame_behind_the_headers) {
  Room room;
  room.broadcast.ticks(7);
  const Mark* mark = room.reading.reel()->latest_mark();
  ASSERT_TRUE(mark);
  EXPECT_EQ(story(mark->preamble), "tracks H1 H2");
  EXPECT_EQ(story(room.since(mark->offset)), "1! 2 1 2");
}

TEST(WebSocketReading, every_piece_is_whole_messages) {
  Room room;
  room.broadcast.ticks(7);
  std::vector<Bytes> pieces;
  const Log& log = room.reading.reel()->log();
  log.gather(log.first(), UINT64_MAX, pieces);
  EXPECT_EQ(pieces.size(), 14u);
  for (const Bytes& piece : pieces) EXPECT_EQ(story(piece).find("broken"), std::string::npos);
}

TEST(WebSocketReading, chunks_are_the_bytes_that_came) {
  Room room;
  room.broadcast.ticks(1);
  const Bytes segment = room.broadcast.log("video")->read(0, room.broadcast.log("video")->size());
  EXPECT_NE(room.all().text().find(segment.text()), std::string_view::npos);
}

TEST(WebSocketReading, the_tracks_say_what_a_source_buffer_wants_to_know) {
  Room room;
  room.broadcast.ticks(1);
  const std::string_view preamble = room.reading.reel()->latest_mark()->preamble.text();
  const size_t begin = preamble.find('{');
  const auto said = nlohmann::json::parse(preamble.substr(begin, preamble.find("tracks\"}") + 8 - begin));
  const auto& audio = said.at("tracks").at(1);
  EXPECT_EQ(audio.at("id"), 2);
  EXPECT_EQ(audio.at("kind"), "audio");
  EXPECT_EQ(audio.at("mime"), "audio/mp4; codecs=\"mp4a.40.2\"");
  EXPECT_EQ(audio.at("timescale"), 48'000);
}

TEST(WebSocketReading, another_header_is_said_in_the_log_itself) {
  Room room;
  room.broadcast.ticks(5);
  const uint64_t before = room.reading.reel()->log().size();
  room.broadcast.video.decoder_config = Bytes::copy_of("\x01\x64\x10\x20 another config");
  ++room.broadcast.header_version;
  room.broadcast.write_headers();
  room.broadcast.ticks(2);
  const std::string said = story(room.since(before));
  EXPECT_EQ(said.find("tracks"), 0u);
  EXPECT_NE(said.find("1!~"), std::string::npos) << said;
}

TEST(WebSocketReading, the_end_is_said) {
  Room room;
  room.broadcast.ticks(5);
  const uint64_t before = room.reading.reel()->log().size();
  room.broadcast.end();
  EXPECT_EQ(story(room.since(before)), "over");
  EXPECT_EQ(room.reading.over(), ChannelEnd::ended);
  EXPECT_FALSE(room.reading.reel()->log().growing());
}

}  // namespace
}  // namespace klieg::push

#include "wire/rtmp_chunk.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "wire/rtmp_message.h"
#include "wire/test_material.h"

namespace klieg::wire::rtmp {
namespace {

constexpr size_t plenty = 16 << 20;

Bytes filled(size_t size, uint8_t first = 0) {
  std::vector<uint8_t> content(size);
  for (size_t i = 0; i < size; ++i) content[i] = static_cast<uint8_t>(first + i);
  return Bytes::take(std::move(content));
}

struct Heard {
  std::vector<Message> messages;
  std::optional<ChunkError> error;
};

Heard hear(ChunkReader& reader, ByteView content, size_t piece = SIZE_MAX) {
  Heard heard;
  while (!content.empty()) {
    ByteView bytes = content.first(std::min(piece, content.size()));
    content = content.subspan(bytes.size());
    for (;;) {
      auto message = reader.read(bytes);
      if (!message) {
        heard.error = message.error();
        return heard;
      }
      if (!*message) break;
      heard.messages.push_back(std::move(**message));
    }
    EXPECT_TRUE(bytes.empty());
  }
  return heard;
}

Heard hear(std::vector<uint8_t> content) {
  ChunkReader reader(plenty);
  return hear(reader, content);
}

std::vector<uint8_t> operator+(std::vector<uint8_t> a, const std::vector<uint8_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
std::vector<uint8_t> operator+(std::vector<uint8_t> a, const Bytes& b) {
  a.insert(a.end(), b.view().begin(), b.view().end());
  return a;
}

std::vector<uint8_t> golden(const std::string& name) {
  return test_material("suites/rtmp-go-golden/tests/golden/" + name + ".bin");
}

// --- round trips -----------------------------------------------------------------------------------------------------

struct Said {
  Message message;
  uint32_t chunk_stream_id;
};

rc::Gen<Said> any_said() {
  return rc::gen::apply(
      [](MessageType type, uint32_t stream_id, uint32_t timestamp_ms, size_t size, uint8_t first, uint32_t id) {
        return Said{{type, stream_id, timestamp_ms, filled(size, first)}, id};
      },
      rc::gen::element(MessageType::audio, MessageType::video, MessageType::amf0_data, MessageType::amf0_command),
      rc::gen::element(0u, 1u, 0x01020304u),
      rc::gen::oneOf(rc::gen::inRange(0u, 100u), rc::gen::inRange(0xFFFFF0u, 0x1000010u),
                     rc::gen::arbitrary<uint32_t>()),
      rc::gen::oneOf(rc::gen::inRange<size_t>(0, 5), rc::gen::inRange<size_t>(0, 3000)), rc::gen::arbitrary<uint8_t>(),
      rc::gen::element(2u, 3u, 6u, 63u, 64u, 319u, 320u, 65'599u));
}

RC_GTEST_PROP(RtmpChunk, what_is_written_is_read_back_whatever_the_chunk_size_and_the_pieces, ()) {
  const auto said = *rc::gen::container<std::vector<Said>>(any_said());
  ChunkWriter writer;
  std::vector<Bytes> pieces;
  std::vector<Message> expected;
  for (const Said& one : said) {
    if (*rc::gen::weightedElement<bool>({{1, true}, {3, false}})) {
      const uint32_t chunk_size = *rc::gen::oneOf(rc::gen::inRange(1u, 20u), rc::gen::inRange(100u, 5000u));
      writer.write(set_chunk_size(chunk_size), control_chunk_stream, pieces);
      writer.set_chunk_size(chunk_size);
    }
    writer.write(one.message, one.chunk_stream_id, pieces);
    expected.push_back(one.message);
  }
  ChunkReader reader(plenty);
  const Heard heard = hear(reader, Bytes::join(pieces), *rc::gen::inRange<size_t>(1, 200));
  RC_ASSERT(!heard.error);
  RC_ASSERT(heard.messages == expected);
  RC_ASSERT(reader.buffered() == 0u);
}

RC_GTEST_PROP(RtmpChunk, interleaved_messages_are_told_apart, ()) {
  // Two writers, one per chunk stream; their chunks (header and content piece) are shuffled together.
  const auto size_a = *rc::gen::inRange<size_t>(0, 2000);
  const auto size_b = *rc::gen::inRange<size_t>(0, 2000);
  const Message a{MessageType::video, 1, 10, filled(size_a, 1)};
  const Message b{MessageType::audio, 1, 12, filled(size_b, 2)};
  ChunkWriter writer;
  std::vector<Bytes> pieces_a, pieces_b;
  writer.write(a, 6, pieces_a);
  writer.write(b, 4, pieces_b);
  std::vector<uint8_t> content;
  size_t at_a = 0, at_b = 0;
  while (at_a < pieces_a.size() || at_b < pieces_b.size()) {
    const bool take_a = at_b >= pieces_b.size() || (at_a < pieces_a.size() && *rc::gen::arbitrary<bool>());
    auto& pieces = take_a ? pieces_a : pieces_b;
    size_t& at = take_a ? at_a : at_b;
    for (size_t end = std::min(at + 2, pieces.size()); at < end; ++at) content = content + pieces[at];
  }
  ChunkReader reader(plenty);
  const Heard heard = hear(reader, content, *rc::gen::inRange<size_t>(1, 100));
  RC_ASSERT(heard.messages.size() == 2u);
  RC_ASSERT((heard.messages == std::vector{a, b} || heard.messages == std::vector{b, a}));
}

TEST(RtmpChunk, the_payload_is_shared_and_not_copied_into_the_chunks) {
  const Message message{MessageType::video, 1, 0, filled(300)};
  ChunkWriter writer;
  std::vector<Bytes> pieces;
  writer.write(message, 6, pieces);
  ASSERT_EQ(pieces.size(), 6u);
  EXPECT_EQ(pieces[1].data(), message.payload.data());
  EXPECT_EQ(pieces[3].data(), message.payload.data() + 128);
  EXPECT_EQ(pieces[5].size(), 300u - 256);
}

// --- bytes made by others --------------------------------------------------------------------------------------------

TEST(RtmpChunk, chunks_made_by_others_are_read) {
  const auto fmt0 = golden("chunk_fmt0_audio");
  KLIEG_SKIP_WITHOUT(fmt0);
  EXPECT_EQ(hear(fmt0).messages, (std::vector{Message{MessageType::audio, 1, 1000, filled(64)}}));
  EXPECT_EQ(hear(golden("chunk_fmt1_video")).messages,
            (std::vector{Message{MessageType::video, 0, 40, filled(80, 0xA0)}}));
  EXPECT_EQ(hear(golden("chunk_extended_timestamp")).messages,
            (std::vector{Message{MessageType::audio, 1, 0x01312D00, filled(64, 0x80)}}));
  const Heard interleaved = hear(golden("chunk_interleaved"));
  ASSERT_EQ(interleaved.messages.size(), 2u);
  EXPECT_EQ(interleaved.messages[0].type, MessageType::audio);
  EXPECT_EQ(interleaved.messages[1].type, MessageType::video);
  EXPECT_EQ(interleaved.messages[0].payload.size(), 256u);
  EXPECT_EQ(interleaved.messages[1].timestamp_ms, 2000u);

  // These two continue what their author's test had said before.
  EXPECT_EQ(
      hear(std::vector<uint8_t>{0x04, 0, 3, 0xE8, 0, 0, 64, 8, 1, 0, 0, 0} + filled(64) + golden("chunk_fmt2_delta"))
          .messages.back(),
      (Message{MessageType::audio, 1, 1033, filled(64, 0x40)}));
  EXPECT_EQ(hear(std::vector<uint8_t>{0x06, 0, 0, 0, 0, 1, 0, 9, 1, 0, 0, 0} + filled(128, 0x40) +
                 golden("chunk_fmt3_continuation"))
                .messages.back()
                .payload,
            filled(256, 0x40));
}

TEST(RtmpChunk, captured_connections_are_read_to_their_last_byte) {
  for (const std::string name :
       {"fq/format/rtmp/testdata/client_stream", "fq/format/rtmp/testdata/ffmpeg_client_stream",
        "fq/format/rtmp/testdata/server_stream", "fq/format/rtmp/testdata/ffmpeg_server_stream",
        "rtmp-client-captures/ffmpeg-5.1-copy.c2s"}) {
    const auto content = test_material("suites/" + name);
    KLIEG_SKIP_WITHOUT(content);
    const ByteView chunks = ByteView(content).subspan(1 + 2 * 1536);
    std::vector<Message> whole;
    for (const size_t piece : {SIZE_MAX, size_t{1}, size_t{1460}}) {
      ChunkReader reader(plenty);
      const Heard heard = hear(reader, chunks, piece);
      EXPECT_EQ(heard.error, std::nullopt) << name;
      if (whole.empty()) whole = heard.messages;
      EXPECT_EQ(heard.messages, whole) << name;
      EXPECT_GE(heard.messages.size(), 5u) << name;
      for (const Message& message : heard.messages) {
        const bool command = message.type == MessageType::amf0_command;
        EXPECT_TRUE(!command || parse_command(message).has_value()) << name;
      }
    }
  }
}

// --- times -----------------------------------------------------------------------------------------------------------

const std::vector<uint8_t> long_time_header = {0x04, 0xFF, 0xFF, 0xFF, 0, 0, 200, 9, 1, 0, 0, 0, 1, 0, 0, 0};

TEST(RtmpChunk, an_extended_time_is_repeated_before_each_continuation) {
  const auto content = long_time_header + filled(128) + std::vector<uint8_t>{0xC4, 1, 0, 0, 0} + filled(72, 128);
  for (size_t piece = 1; piece < 9; ++piece) {
    ChunkReader reader(plenty);
    EXPECT_EQ(hear(reader, content, piece).messages,
              (std::vector{Message{MessageType::video, 1, 0x1000000, filled(200)}}));
  }
}

TEST(RtmpChunk, encoders_that_do_not_repeat_it_are_understood_too) {
  const auto one = long_time_header + filled(128) + std::vector<uint8_t>{0xC4} + filled(72, 128);
  const auto content = one + one;
  for (size_t piece = 1; piece < 9; ++piece) {
    ChunkReader reader(plenty);
    EXPECT_EQ(hear(reader, content, piece).messages,
              (std::vector(2, Message{MessageType::video, 1, 0x1000000, filled(200)})));
  }
}

TEST(RtmpChunk, a_last_chunk_shorter_than_the_time_it_does_not_repeat_is_read_with_what_follows) {
  auto header = long_time_header;
  header[6] = 130;
  const auto content = header + filled(128) + std::vector<uint8_t>{0xC4, 128, 129} +
                       std::vector<uint8_t>{0x03, 0, 0, 7, 0, 0, 1, 8, 1, 0, 0, 0, 42};
  for (size_t piece = 1; piece < 9; ++piece) {
    ChunkReader reader(plenty);
    EXPECT_EQ(hear(reader, content, piece).messages,
              (std::vector{Message{MessageType::video, 1, 0x1000000, filled(130)},
                           Message{MessageType::audio, 1, 7, filled(1, 42)}}));
  }
}

TEST(RtmpChunk, a_new_message_without_a_header_adds_the_last_time_field_again) {
  const auto content = std::vector<uint8_t>{0x04, 0, 0, 10, 0, 0, 1, 8, 1, 0, 0, 0, 42} +
                       std::vector<uint8_t>{0xC4, 43} + std::vector<uint8_t>{0x84, 0, 0, 5, 44} +
                       std::vector<uint8_t>{0xC4, 45};
  std::vector<uint32_t> times;
  for (const Message& message : hear(content).messages) times.push_back(message.timestamp_ms);
  EXPECT_EQ(times, (std::vector<uint32_t>{10, 20, 25, 30}));
}

TEST(RtmpChunk, times_wrap_at_thirty_two_bits) {
  const auto content = std::vector<uint8_t>{0x04, 0xFF, 0xFF, 0xFF, 0,    0,  1,    8, 1, 0, 0,
                                            0,    0xFF, 0xFF, 0xFF, 0xFE, 42, 0x84, 0, 0, 5, 43};
  EXPECT_EQ(hear(content).messages.back().timestamp_ms, 3u);
}

// --- control ---------------------------------------------------------------------------------------------------------

TEST(RtmpChunk, an_aborted_message_is_forgotten) {
  const auto content = std::vector<uint8_t>{0x04, 0, 0, 10, 0, 0, 200, 8, 1, 0, 0, 0} + filled(128) +
                       std::vector<uint8_t>{0x02, 0, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0, 0, 0, 0, 4} +
                       std::vector<uint8_t>{0x04, 0, 0, 20, 0, 0, 1, 8, 1, 0, 0, 0, 42};
  ChunkReader reader(plenty);
  const Heard heard = hear(reader, content);
  EXPECT_EQ(heard.messages, (std::vector{Message{MessageType::audio, 1, 20, filled(1, 42)}}));
  EXPECT_EQ(reader.buffered(), 0u);
}

TEST(RtmpChunk, an_aggregate_comes_out_as_its_messages_with_their_times_moved) {
  const std::vector<uint8_t> tags = {8, 0, 0, 1, 0, 0, 100, 0, 0, 0, 0, 1, 0, 0, 0, 12,  //
                                     9, 0, 0, 2, 0, 0, 120, 0, 0, 0, 0, 2, 3, 0, 0, 0,  13};
  const auto content =
      std::vector<uint8_t>{0x04, 0, 3, 0xE8, 0, 0, static_cast<uint8_t>(tags.size()), 22, 1, 0, 0, 0} + tags;
  for (const size_t piece : {size_t{1}, SIZE_MAX}) {
    ChunkReader reader(plenty);
    EXPECT_EQ(hear(reader, content, piece).messages, (std::vector{Message{MessageType::audio, 1, 1000, filled(1, 1)},
                                                                  Message{MessageType::video, 1, 1020, filled(2, 2)}}));
  }
}

TEST(RtmpChunk, a_message_of_an_aggregate_keeps_nothing_but_itself) {
  const std::vector<uint8_t> tags = {8, 0, 0, 1, 0, 0, 100, 0, 0, 0, 0, 1, 0, 0, 0, 12,  //
                                     9, 0, 0, 1, 0, 0, 120, 0, 0, 0, 0, 2, 0, 0, 0, 12};
  const auto messages =
      hear(std::vector<uint8_t>{0x04, 0, 3, 0xE8, 0, 0, static_cast<uint8_t>(tags.size()), 22, 1, 0, 0, 0} + tags)
          .messages;
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_NE(messages[0].payload.data() + 16, messages[1].payload.data()) << "both lie in the aggregate's storage";
}

// --- what is refused -------------------------------------------------------------------------------------------------

TEST(RtmpChunk, a_message_longer_than_the_limit_is_refused_at_its_header) {
  ChunkReader reader(1000);
  EXPECT_EQ(hear(reader, std::vector<uint8_t>{0x04, 0, 0, 0, 0, 3, 0xE9, 9, 1, 0, 0, 0}).error,
            ChunkError::message_too_large);
}

TEST(RtmpChunk, many_unfinished_messages_share_one_limit) {
  ChunkReader reader(1000);
  std::vector<uint8_t> content;
  for (uint8_t id = 3; id < 30; ++id) {
    content = content + std::vector<uint8_t>{id, 0, 0, 0, 0, 1, 0xF4, 9, 1, 0, 0, 0} + filled(128);
  }
  EXPECT_EQ(hear(reader, content).error, ChunkError::message_too_large);
  EXPECT_LE(reader.buffered(), 1000u);
}

TEST(RtmpChunk, more_than_sixty_four_chunk_streams_are_refused) {
  std::vector<uint8_t> content;
  for (int i = 0; i < 65; ++i) {
    content = content + std::vector<uint8_t>{0, static_cast<uint8_t>(i), 0, 0, 0, 0, 0, 0, 9, 1, 0, 0, 0};
  }
  EXPECT_EQ(hear(content).error, ChunkError::too_many_chunk_streams);
}

TEST(RtmpChunk, headers_that_lean_on_what_was_never_said_are_refused) {
  EXPECT_EQ(hear({0xC4, 1, 2, 3}).error, ChunkError::header_missing);
  EXPECT_EQ(hear({0x84, 0, 0, 1, 2}).error, ChunkError::header_missing);
}

TEST(RtmpChunk, a_full_header_inside_a_message_is_refused) {
  const std::vector<uint8_t> begun = {0x04, 0, 0, 10, 0, 0, 200, 8, 1, 0, 0, 0};
  EXPECT_EQ(hear(begun + filled(128) + begun).error, ChunkError::header_inside_message);
}

TEST(RtmpChunk, chunk_sizes_of_zero_and_of_more_than_thirty_one_bits_are_refused) {
  const std::vector<uint8_t> header = {0x02, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0};
  EXPECT_EQ(hear(header + std::vector<uint8_t>{0, 0, 0, 0}).error, ChunkError::bad_control_message);
  EXPECT_EQ(hear(header + std::vector<uint8_t>{0x80, 0, 0, 1}).error, ChunkError::bad_control_message);
  EXPECT_EQ(hear({0x02, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 7}).error, ChunkError::bad_control_message);
}

TEST(RtmpChunk, an_aggregate_that_lies_about_its_tags_is_refused) {
  EXPECT_EQ(hear({0x04, 0, 0, 0, 0, 0, 12, 22, 1, 0, 0, 0, 8, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 1}).error,
            ChunkError::bad_aggregate);
}

RC_GTEST_PROP(RtmpChunk, garbage_is_read_or_refused_within_the_limit, ()) {
  ChunkReader reader(5000);
  const auto garbage = *rc::gen::resize(2000, rc::gen::container<std::vector<uint8_t>>(rc::gen::arbitrary<uint8_t>()));
  hear(reader, garbage, *rc::gen::inRange<size_t>(1, 100));
  RC_ASSERT(reader.buffered() <= 5000u);
}

}  // namespace
}  // namespace klieg::wire::rtmp

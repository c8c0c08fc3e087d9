#include "wire/push_message.h"

#include <gtest/gtest.h>

#include <array>

namespace klieg::wire::push_message {
namespace {

TEST(PushMessage, words_are_read_as_they_were_written) {
  const Tracks tracks{{{1, media::TrackKind::video, "720p", "video/mp4; codecs=\"avc1.64001f\"", 90'000},
                       {2, media::TrackKind::audio, "audio", "audio/mp4; codecs=\"mp4a.40.2\"", 48'000}}};
  EXPECT_EQ(*read_words(write(tracks)), Words(tracks));
  EXPECT_EQ(*read_words(write(Over{"ended"})), Words(Over{"ended"}));
}

TEST(PushMessage, words_of_a_later_version_are_passed_over) {
  EXPECT_EQ(*read_words(R"({"type":"hearts","count":7})"), Words(Later{}));
  EXPECT_EQ(*read_words("{}"), Words(Later{}));
}

TEST(PushMessage, a_chunk_is_read_as_it_was_written_and_shares_its_bytes) {
  const Bytes message = Bytes::join(std::array{chunk_head(2, flag_key, 5), Bytes::copy_of("media")});
  const auto chunk = read_chunk(message);
  ASSERT_TRUE(chunk);
  EXPECT_EQ(*chunk, (Chunk{2, flag_key, Bytes::copy_of("media")}));
  EXPECT_EQ(chunk->content.data(), message.data() + 8);
}

TEST(PushMessage, what_is_none_is_refused) {
  for (const char* wrong : {"", "[]", "{", "\"tracks\"", R"({"type":"tracks"})", R"({"type":"tracks","tracks":[1]})",
                            R"({"type":"tracks","tracks":[{"id":256,"timescale":1}]})",
                            R"({"type":"tracks","tracks":[{"id":1,"timescale":-1}]})"}) {
    EXPECT_FALSE(read_words(wrong)) << wrong;
  }
  EXPECT_FALSE(read_chunk(Bytes::copy_of("1234567")));
  EXPECT_FALSE(read_chunk(Bytes::join(std::array{chunk_head(1, 0, 5), Bytes::copy_of("medi")})));
}

}  // namespace
}  // namespace klieg::wire::push_message

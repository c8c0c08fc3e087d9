#include "player/chunk_times.h"

#include <gtest/gtest.h>

#include <array>

#include "player/made_up_track.h"

namespace klieg::player {
namespace {

constexpr LoopTime start(100s);

TEST(ChunkTimes, are_those_of_the_chunks_samples) {
  auto times = ChunkTimes::of(video_header());
  ASSERT_TRUE(times) << times.error().message;
  const auto time = times->read(video_chunk(60, WallTime(7s)));
  ASSERT_TRUE(time);
  EXPECT_EQ(time->from, MediaTime(2s));
  EXPECT_EQ(time->duration, from_ticks(1, 30));
  EXPECT_EQ(time->captured, WallTime(7s));
}

TEST(ChunkTimes, lie_one_behind_the_other_where_pictures_are_decoded_in_another_order) {
  auto times = ChunkTimes::of(video_header());
  EXPECT_EQ(times->read(video_chunk(30, {}, 2))->from, MediaTime(1s + from_ticks(2, 30)));
  EXPECT_EQ(times->read(video_chunk(31, {}, 5))->from, MediaTime(from_ticks(33, 30)));
  EXPECT_EQ(times->read(video_chunk(32, {}, 0))->from, MediaTime(from_ticks(34, 30)));
}

TEST(ChunkTimes, of_what_is_no_chunk_are_none) {
  EXPECT_FALSE(ChunkTimes::of(Bytes::copy_of("not a header")));
  auto times = ChunkTimes::of(video_header());
  EXPECT_FALSE(times->read(Bytes::copy_of("not a chunk")));
  EXPECT_FALSE(times->read(video_header()));
}

TEST(ChunkCutter, gives_chunks_as_they_become_whole_with_the_instants_of_their_first_and_last_byte) {
  const Bytes one = video_chunk(0), two = video_chunk(1);
  const Bytes sent = Bytes::join(std::array{one, two});
  ChunkCutter cutter;
  ASSERT_TRUE(cutter.feed(sent.view().first(20), start)->empty());
  const auto first = cutter.feed(sent.view().subspan(20, one.size()), start + 5ms);
  ASSERT_EQ(first->size(), 1u);
  EXPECT_EQ(first->front().content, one);
  EXPECT_EQ(first->front().first_byte, start);
  EXPECT_EQ(first->front().last_byte, start + 5ms);
  const auto second = cutter.feed(sent.view().subspan(20 + one.size()), start + 9ms);
  ASSERT_EQ(second->size(), 1u);
  EXPECT_EQ(second->front().content, two);
  EXPECT_EQ(second->front().first_byte, start + 5ms);
}

TEST(ChunkCutter, refuses_what_is_not_made_of_boxes) {
  EXPECT_FALSE(ChunkCutter().feed(as_bytes("<!DOCTYPE html>"), start));
  EXPECT_FALSE(ChunkCutter().feed(as_bytes({"\0\0\0\7mdat", 8}), start));
  EXPECT_TRUE(ChunkCutter().feed(as_bytes("<html>"), start)->empty()) << "too little to tell";
}

}  // namespace
}  // namespace klieg::player

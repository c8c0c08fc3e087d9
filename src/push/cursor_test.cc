#include "push/cursor.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <string>

namespace klieg::push {
namespace {

// A key frame each second and four frames a second: "K0abc", "K1abc"...
struct Show {
  explicit Show(const ReelLimits& limits = {}) : reel(limits) {}
  void frame() {
    const Duration at = 250ms * frames;
    const bool key = frames % 4 == 0;
    const std::string text =
        key ? "K" + std::to_string(frames / 4) : std::string(1, static_cast<char>('a' + frames % 4 - 1));
    key ? reel.append_marked(Bytes::copy_of(text), at, Bytes::copy_of("[h]")) : reel.append(Bytes::copy_of(text), at);
    ++frames;
  }
  void seconds(int count) {
    for (int i = 0; i < 4 * count; ++i) frame();
  }
  Reel reel;
  int frames = 0;
};

std::string next(Cursor& cursor, const Reel& reel) {
  Batch batch;
  cursor.next(reel, batch);
  return std::string(Bytes::join(batch.pieces()).text());
}

TEST(Cursor, a_newcomer_begins_at_the_latest_key_frame_and_catches_up) {
  Show show;
  show.seconds(3);
  show.frame();
  show.frame();
  Cursor cursor;
  ASSERT_TRUE(cursor.due(show.reel));
  EXPECT_EQ(next(cursor, show.reel), "[h]K3a");
  EXPECT_FALSE(cursor.due(show.reel));
  show.frame();
  EXPECT_EQ(next(cursor, show.reel), "b");
}

TEST(Cursor, waits_where_there_is_no_key_frame_yet) {
  Reel reel;
  reel.append(Bytes::copy_of("x"), 0s);
  Cursor cursor;
  EXPECT_FALSE(cursor.due(reel));
  EXPECT_EQ(next(cursor, reel), "");
  reel.append_marked(Bytes::copy_of("K"), 1s, Bytes::copy_of("[h]"));
  EXPECT_EQ(next(cursor, reel), "[h]K");
}

TEST(Cursor, a_slow_viewer_gets_what_gathered_in_one_go) {
  Show show;
  show.frame();
  Cursor cursor;
  next(cursor, show.reel);
  show.seconds(2);
  EXPECT_EQ(next(cursor, show.reel), "abcK1abcK2");
  EXPECT_EQ(cursor.skips(), 0u);
}

TEST(Cursor, one_that_is_too_far_behind_is_skipped_to_the_latest_key_frame) {
  Show show;
  show.frame();
  Cursor cursor;
  next(cursor, show.reel);
  show.seconds(10);
  EXPECT_EQ(next(cursor, show.reel), "[h]K10");
  EXPECT_EQ(cursor.skips(), 1u);
  show.frame();
  EXPECT_EQ(next(cursor, show.reel), "a");
}

TEST(Cursor, no_more_is_on_its_way_than_pieces_max) {
  Show show;
  show.reel.append_marked(Bytes::copy_of("K"), 0s, Bytes::copy_of("[h]"));
  for (size_t i = 0; i < 3 * Cursor::pieces_max; ++i) show.reel.append(Bytes::copy_of("."), 0s);
  Cursor cursor;
  Batch batch;
  cursor.next(show.reel, batch);
  EXPECT_EQ(batch.pieces().size(), Cursor::pieces_max + 1);
  EXPECT_TRUE(cursor.due(show.reel));
}

TEST(Cursor, who_was_sent_the_rest_elsewhere_goes_on_behind_it) {
  Show show;
  show.seconds(3);
  show.frame();
  show.frame();
  show.frame();
  Cursor cursor(3s);  // has K3
  EXPECT_EQ(next(cursor, show.reel), "[h]ab");
  Cursor farther_back(2500ms);  // has K2ab
  EXPECT_EQ(next(farther_back, show.reel), "[h]cK3ab");
}

TEST(Cursor, who_is_ahead_of_a_node_waits_for_what_he_lacks) {
  Show show;
  show.frame();
  show.frame();
  Cursor cursor(500ms);  // has K0ab
  EXPECT_FALSE(cursor.due(show.reel));
  show.frame();
  EXPECT_FALSE(cursor.due(show.reel));
  EXPECT_EQ(next(cursor, show.reel), "");
  show.frame();
  EXPECT_EQ(next(cursor, show.reel), "[h]c");
  EXPECT_EQ(cursor.skips(), 0u);
}

TEST(Cursor, begins_at_the_latest_key_frame_where_something_is_missing_in_between) {
  Show show;
  show.seconds(20);
  show.frame();
  Cursor too_far_back(10s);
  EXPECT_EQ(next(too_far_back, show.reel), "[h]K20");
  Cursor of_another_broadcast(3600s);
  EXPECT_EQ(next(of_another_broadcast, show.reel), "[h]K20");
}

TEST(Cursor, begins_at_the_latest_key_frame_where_a_decoder_must_know_something_else) {
  Show show;
  show.seconds(1);
  show.reel.append_words(Bytes::copy_of("[H]"));
  show.frame();
  show.frame();
  Cursor cursor(750ms);  // has K0abc
  EXPECT_EQ(next(cursor, show.reel), "[h]K1a");
  Cursor behind_the_words(1s);
  EXPECT_EQ(next(behind_the_words, show.reel), "[h]a");
}

TEST(Reel, keeps_the_latest_gop_and_lag_max_before_it) {
  Show show({.lag_max = 3s});
  show.seconds(100);
  EXPECT_EQ(show.reel.log().size() - show.reel.log().first(), 4u * (3 + 3)) << "K96 to K99, with 'K99' of 3 bytes";
}

TEST(Reel, a_gop_that_alone_is_too_much_is_forgotten_and_nobody_begins_in_it) {
  Reel reel({.bytes_max = 100});
  reel.append_marked(Bytes::copy_of(std::string(50, 'K')), 0s, Bytes::copy_of("[h]"));
  EXPECT_TRUE(reel.latest_mark());
  for (int i = 0; i < 100; ++i) reel.append(Bytes::copy_of(std::string(10, '.')), 0s);
  EXPECT_FALSE(reel.latest_mark());
  EXPECT_LE(reel.log().size() - reel.log().first(), 110u);
}

// Whatever a viewer's pace: what it gets are whole pieces in their order, it leaves out only what lies before a mark,
// and the preamble stands before each place where it begins.
RC_GTEST_PROP(Cursor, gives_whole_pieces_in_order_and_begins_only_at_marks, ()) {
  const ReelLimits limits{.lag_max = std::chrono::milliseconds(*rc::gen::inRange(0, 4000)),
                          .bytes_max = *rc::gen::inRange<uint64_t>(100, 2000)};
  Reel reel(limits);
  Cursor cursor;
  int last = -1;
  uint64_t skips = 0;
  for (int i = 0; i < 300; ++i) {
    ByteWriter piece;
    piece.u32(static_cast<uint32_t>(i));
    piece.zeros(*rc::gen::inRange<size_t>(0, 30));
    const bool marked = *rc::gen::inRange(0, 10) == 0;
    ByteWriter preamble;
    preamble.u32(0xFFFFFFFF);
    marked ? reel.append_marked(piece.take(), 40ms * i, preamble.take()) : reel.append(piece.take(), 40ms * i);
    if (*rc::gen::inRange(0, 8) != 0) continue;
    Batch batch;
    const bool due = cursor.due(reel);
    cursor.next(reel, batch);
    RC_ASSERT(due == !batch.pieces().empty());
    bool begins = false;
    for (const Bytes& got : batch.pieces()) {
      ByteReader in(got);
      const uint32_t number = in.u32();
      if (number == 0xFFFFFFFF) {
        begins = true;
        continue;
      }
      RC_ASSERT(begins || static_cast<int>(number) == last + 1);
      RC_ASSERT(static_cast<int>(number) > last);
      last = static_cast<int>(number);
      begins = false;
    }
    RC_ASSERT(cursor.skips() >= skips);
    skips = cursor.skips();
  }
}

// Two reels and viewers at all places of them, some of whom are skipped; between turns both grow.
RC_GTEST_PROP(Batch, passed_on_gives_each_viewer_what_he_would_get_alone, ()) {
  const ReelLimits limits{.lag_max = 1s};
  std::array<Show, 2> shows{Show(limits), Show(limits)};
  std::array<Cursor, 6> together, alone;
  for (int turn = 0; turn < 40; ++turn) {
    Batch batch;
    for (Show& show : shows) {
      for (int i = *rc::gen::inRange(0, 4); i > 0; --i) show.frame();
    }
    for (int visit = 0; visit < 12; ++visit) {
      const size_t who = *rc::gen::inRange<size_t>(0, together.size());
      const Reel& reel = shows[who % 2].reel;
      together[who].next(reel, batch);
      Batch own;
      alone[who].next(reel, own);
      RC_ASSERT(Bytes::join(batch.pieces()).text() == Bytes::join(own.pieces()).text());
      RC_ASSERT(batch.size() == Bytes::join(own.pieces()).size());
      RC_ASSERT(together[who].skips() == alone[who].skips());
    }
  }
}

}  // namespace
}  // namespace klieg::push

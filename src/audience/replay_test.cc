#include "audience/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "base/random.h"

namespace klieg::audience {
namespace {

using media::RoomEvent;
using testing::ElementsAre;
using testing::IsEmpty;

media::CommentMade comment(media::CommentId id, MediaTime at) {
  return {{id, {media::AccountId{id}, "n", {}}, "text " + std::to_string(id), at, WallTime()}};
}

TEST(Replay, shows_a_comment_with_the_picture_that_its_author_saw) {
  Replay replay;
  replay.add(comment(1, MediaTime(20s)));
  replay.add(comment(2, MediaTime(9s)));  // of somebody eleven seconds behind
  EXPECT_THAT(replay.between(MediaTime(), MediaTime(10s)), ElementsAre(RoomEvent(comment(2, MediaTime(9s)))));
  EXPECT_THAT(replay.between(MediaTime(20s), MediaTime(21s)), ElementsAre(RoomEvent(comment(1, MediaTime(20s)))));
}

TEST(Replay, what_was_deleted_or_held_is_not_there) {
  Replay replay;
  replay.add(comment(1, MediaTime(1s)));
  replay.add(media::CommentHeld{comment(2, MediaTime(1s)).comment});
  replay.add(media::CommentHeld{comment(3, MediaTime(1s)).comment});
  replay.add(comment(3, MediaTime(1s)));
  replay.add(media::CommentGone{1});
  EXPECT_THAT(replay.between(MediaTime(), MediaTime(10s)), ElementsAre(RoomEvent(comment(3, MediaTime(1s)))));
}

TEST(Replay, polls_open_where_they_did_and_have_their_result_where_they_closed) {
  Replay replay;
  media::Poll poll{1, "?", {"a", "b"}, MediaTime(10s), MediaTime(70s)};
  replay.add(media::PollOpened{poll});
  replay.add(media::PollCounted{1, {1, 0}, media::Counting::running});
  replay.add(media::PollClosed{1, MediaTime(30s)});
  const media::PollCounted result{1, {5, 3}, media::Counting::final};
  replay.add(result);
  poll.closes = MediaTime(30s);
  EXPECT_THAT(replay.between(MediaTime(), MediaTime(100s)),
              ElementsAre(RoomEvent(media::PollOpened{poll}), RoomEvent(result)));
  EXPECT_THAT(replay.between(MediaTime(31s), MediaTime(100s)), IsEmpty());
}

// However a player cuts the broadcast into spans, it shows everything once, in one order.
RC_GTEST_PROP(Replay, is_the_same_however_it_is_played, (uint64_t seed)) {
  Random random(seed);
  Replay replay;
  uint64_t hearts = 0;
  size_t comments = 0;
  for (media::CommentId id = 1; id <= 200; ++id) {
    replay.add(comment(id, MediaTime(std::chrono::milliseconds(random.below(60'000)))));
    ++comments;
    if (random.below(10) == 0) {
      replay.add(media::CommentGone{id});
      --comments;
    }
    replay.add(media::HeartsCounted{{{static_cast<media::HeartBucket>(random.below(600)), 2}}});
    hearts += 2;
  }
  const std::vector<RoomEvent> whole = replay.between(MediaTime(), MediaTime(61s));
  std::vector<RoomEvent> pieces;
  for (MediaTime at; at < MediaTime(61s);) {
    const MediaTime next = at + std::chrono::milliseconds(1 + random.below(3'000));
    const auto more = replay.between(at, std::min(next, MediaTime(61s)));
    pieces.insert(pieces.end(), more.begin(), more.end());
    at = next;
  }
  RC_ASSERT(pieces == whole);
  for (const RoomEvent& event : whole) {
    if (const auto* counted = std::get_if<media::HeartsCounted>(&event)) hearts -= counted->hearts.at(0).count;
    comments -= std::holds_alternative<media::CommentMade>(event) ? 1 : 0;
  }
  RC_ASSERT(hearts == 0u);
  RC_ASSERT(comments == 0u);
}

}  // namespace
}  // namespace klieg::audience

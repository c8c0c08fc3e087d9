#include "audience/outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/room_record.h"

namespace klieg::audience {
namespace {

using media::AccountId;
using media::Refusal;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr LoopTime start = LoopTime(1000s);
const media::Person ada{AccountId{1}, "Ada", {}};

media::BatchAnswer answer_to(const media::Batch& batch, std::vector<media::RecordAnswer> answers = {}) {
  return {batch.key, std::move(answers)};
}

TEST(Outbox, says_nothing_without_a_way_and_everybody_first) {
  Outbox outbox("a", 7);
  outbox.say_presence(media::PersonCame{ada});  // is in the census
  outbox.say(media::CommentOffered{ada, "hello", {}}, 1);
  EXPECT_THAT(outbox.to_send(start), IsEmpty());
  outbox.connected({{ada}, 3});
  const auto batches = outbox.to_send(start);
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_EQ(batches[0].key, (media::BatchKey{"a", 7, 1}));
  EXPECT_THAT(batches[0].records, ElementsAre(media::RoomRecord(media::Census{{ada}, 3}),
                                              media::RoomRecord(media::CommentOffered{ada, "hello", {}})));
  EXPECT_THAT(outbox.to_send(start), IsEmpty()) << "each comes out once";
}

TEST(Outbox, gathers_hearts_and_votes_until_the_next_batch) {
  Outbox outbox("a", 1);
  outbox.connected({});
  outbox.to_send(start);
  outbox.say_hearts(600, 2);
  outbox.say_hearts(600, 1);
  outbox.say_vote(1, 0, AccountId{5}, 10);
  outbox.say_vote(1, 0, AccountId{6}, 11);
  EXPECT_THAT(outbox.to_send(start + 100ms), IsEmpty());
  const auto batches = outbox.to_send(start + Outbox::batch_every);
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_THAT(batches[0].records, ElementsAre(media::RoomRecord(media::VotesGiven{1, 0, {AccountId{5}, AccountId{6}}}),
                                              media::RoomRecord(media::HeartsGiven{{{600, 3}}})));
}

TEST(Outbox, a_comment_takes_the_next_batch_with_it_sooner) {
  Outbox outbox("a", 1);
  outbox.connected({});
  outbox.to_send(start);
  outbox.say_hearts(600, 2);
  outbox.say(media::CommentOffered{ada, "hello", {}}, 1);
  EXPECT_EQ(outbox.wake_at(), start + Outbox::word_within);
  EXPECT_THAT(outbox.to_send(start + Outbox::word_within - 1ms), IsEmpty());
  const auto batches = outbox.to_send(start + Outbox::word_within);
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_EQ(batches[0].records.size(), 2u);
  outbox.say_hearts(601, 1);
  EXPECT_THAT(outbox.to_send(start + Outbox::batch_every), IsEmpty()) << "batch_every after the batch before";
  EXPECT_EQ(outbox.to_send(start + Outbox::word_within + Outbox::batch_every).size(), 1u);
}

TEST(Outbox, tells_each_voter_what_became_of_his_vote) {
  Outbox outbox("a", 1);
  outbox.connected({});
  for (uint64_t voter = 5; voter < 8; ++voter) outbox.say_vote(1, 0, AccountId{voter}, voter);
  const media::Batch batch = outbox.to_send(start).at(0);
  EXPECT_THAT(outbox.answered(answer_to(batch, {{1, media::VotesTaken{{AccountId{6}}, {AccountId{7}}}}})),
              ElementsAre(Outbox::Answered{5, media::CommandDone{}}, Outbox::Answered{6, Refusal::voted},
                          Outbox::Answered{7, Refusal::banned}));
  outbox.say_vote(2, 0, AccountId{5}, 9);
  const media::Batch late = outbox.to_send(start + 1s).at(0);
  EXPECT_THAT(outbox.answered(answer_to(late, {{0, Refusal::too_late}})),
              ElementsAre(Outbox::Answered{9, Refusal::too_late}));
}

TEST(Outbox, what_was_on_a_way_that_broke_is_sent_again_as_it_was) {
  Outbox outbox("a", 1);
  outbox.connected({});
  outbox.say(media::CommentOffered{ada, "hello", {}}, 1);
  const auto first = outbox.to_send(start);
  outbox.disconnected();
  outbox.say(media::CommentOffered{ada, "again", {}}, 2);
  EXPECT_THAT(outbox.to_send(start + 1s), IsEmpty());
  outbox.connected({});
  const auto second = outbox.to_send(start + 2s);
  ASSERT_EQ(second.size(), 2u);
  EXPECT_EQ(second[0], first[0]);
  EXPECT_EQ(second[1].key.sequence, 2u);
  EXPECT_THAT(outbox.answered(answer_to(second[1])), IsEmpty()) << "not before the first";
  EXPECT_EQ(outbox.on_way(), 2u);
}

TEST(Outbox, has_so_many_batches_on_their_way_and_keeps_the_rest) {
  Outbox outbox("a", 1);
  outbox.connected({});
  LoopTime now = start;
  std::vector<media::Batch> sent;
  for (size_t i = 0; i < 20; ++i, now += 1s) {
    outbox.say(media::CommentOffered{ada, "hello", {}}, i + 1);
    for (media::Batch& batch : outbox.to_send(now)) sent.push_back(std::move(batch));
  }
  EXPECT_EQ(sent.size(), Outbox::on_way_max);
  outbox.answered(answer_to(sent[0]));
  EXPECT_EQ(outbox.to_send(now).at(0).records.size(), 20 - Outbox::on_way_max);
}

TEST(Outbox, a_crowd_is_told_in_batches_that_are_records) {
  Outbox outbox("a", 1);
  media::Census census;
  for (uint64_t i = 1; i <= 30'000; ++i) census.people.push_back({AccountId{i}, "name " + std::to_string(i), {}});
  outbox.connected(census);
  size_t people = 0;
  LoopTime now = start;
  for (int round = 0; round < 40; ++round, now += Outbox::batch_every) {
    for (const media::Batch& batch : outbox.to_send(now)) {
      EXPECT_LE(wire::room::record_of(batch).size(), wire::room::record_size_max);
      for (const media::RoomRecord& record : batch.records) {
        if (const auto* all = std::get_if<media::Census>(&record)) people += all->people.size();
        people += std::holds_alternative<media::PersonCame>(record);
      }
      outbox.answered(answer_to(batch));
    }
  }
  EXPECT_EQ(people, census.people.size());
}

TEST(Outbox, the_hearts_of_a_long_outage_leave_in_batches_that_are_records) {
  Outbox outbox("a", 1);
  for (media::HeartBucket bucket = 0; bucket < 200'000; ++bucket) outbox.say_hearts(bucket, 1);
  outbox.connected({});
  uint64_t hearts = 0;
  LoopTime now = start;
  for (int round = 0; round < 10; ++round, now += Outbox::batch_every) {
    for (const media::Batch& batch : outbox.to_send(now)) {
      EXPECT_LE(wire::room::record_of(batch).size(), wire::room::record_size_max);
      for (const media::RoomRecord& record : batch.records) {
        if (const auto* given = std::get_if<media::HeartsGiven>(&record)) hearts += given->hearts.size();
      }
      outbox.answered(answer_to(batch));
    }
  }
  EXPECT_EQ(hearts, 200'000u);
}

TEST(Outbox, that_has_nothing_to_say_says_so_now_and_then) {
  Outbox outbox("a", 1);
  outbox.connected({});
  outbox.answered(answer_to(outbox.to_send(start).at(0)));
  EXPECT_THAT(outbox.to_send(start + Outbox::silent_max - 1ms), IsEmpty());
  EXPECT_EQ(outbox.to_send(start + Outbox::silent_max + Outbox::batch_every).size(), 1u);
}

TEST(Outbox, more_coming_and_going_than_can_wait_is_told_anew) {
  Outbox outbox("a", 1);
  outbox.connected({});
  for (size_t i = 0; i <= Outbox::presence_max; ++i) outbox.say_presence(media::PersonLeft{AccountId{i}});
  EXPECT_TRUE(outbox.wants_census());
}

}  // namespace
}  // namespace klieg::audience

#include "audience/resumption.h"

#include <gtest/gtest.h>

#include "audience/made_up_journal.h"
#include "audience/room.h"

namespace klieg::audience {
namespace {

using media::AccountId;

const media::Person ada{AccountId{1}, "Ada", media::Standing::broadcaster};
const media::Person ben{AccountId{2}, "Ben", media::Standing::stranger};

// A room that is killed a minute into its broadcast, and goes on ten seconds later in another process.
struct Resumption : testing::Test {
  Resumption() { before.stamp(MediaTime(60s), now); }

  media::BatchAnswer say(Room& room, uint64_t sequence, media::RoomRecord record) {
    EXPECT_EQ(room.take({{"edge/0", 7, sequence}, {std::move(record)}}, now), Taken::taken);
    room.safe_up_to(journal.entries.size());
    return room.take_answers().at(0);
  }
  Room& kill_and_go_on() {
    std::vector<JournalEntry> entries;
    for (const JournalEntry& entry : journal.entries) {
      entries.push_back(read_entry(entry.number, content_of(entry)).value());
      EXPECT_EQ(entries.back(), entry);
    }
    now.loop += 10s;
    now.wall += 10s;
    after.emplace(RoomSettings(), journal);
    for (const JournalEntry& entry : entries) after->restore(resumed(entry, now.wall), now);
    after->stamp(MediaTime(), now);
    return *after;
  }
  template <class Kind>
  static std::vector<Kind> all_of(const std::vector<media::RoomEvent>& events) {
    std::vector<Kind> all;
    for (const media::RoomEvent& event : events) {
      if (const auto* one = std::get_if<Kind>(&event)) all.push_back(*one);
    }
    return all;
  }

  Now now{LoopTime(1000s), WallTime(1'700'000'000s)};
  MadeUpJournal journal;
  Room before{{}, journal};
  std::optional<Room> after;
};

TEST_F(Resumption, a_page_sees_what_it_saw_with_the_first_picture) {
  say(before, 1, media::CommentOffered{ben, "hello", MediaTime(59s)});
  say(before, 2, media::CommandGiven{ada, {}, media::PinComment{1}});
  say(before, 3, media::CommandGiven{ada, {}, media::SetRules{{.slow = 5s}}});
  const auto events = kill_and_go_on().take_events();
  const auto comments = all_of<media::CommentMade>(events);
  ASSERT_EQ(comments.size(), 1u);
  EXPECT_EQ(comments[0].comment.text, "hello");
  EXPECT_EQ(comments[0].comment.at, MediaTime());
  EXPECT_EQ(all_of<media::CommentPinned>(events).at(0).comment.id, 1u);
  EXPECT_EQ(all_of<media::RulesChanged>(events).at(0).rules.slow, 5s);
}

TEST_F(Resumption, what_a_node_says_again_is_counted_once_and_numbers_go_on) {
  const auto first = say(before, 1, media::CommentOffered{ben, "hello", MediaTime(59s)});
  say(before, 2, media::HeartsGiven{{{590, 3}, {591, 4}}});
  Room& room = kill_and_go_on();
  EXPECT_EQ(room.hearts().total(), 7u);
  EXPECT_EQ(room.take({{"edge/0", 7, 1}, {media::CommentOffered{ben, "hello", MediaTime(59s)}}}, now), Taken::again);
  EXPECT_EQ(room.take_answers().at(0), first);
  EXPECT_EQ(room.take({{"edge/0", 7, 2}, {media::HeartsGiven{{{590, 3}, {591, 4}}}}}, now), Taken::again);
  EXPECT_EQ(room.hearts().total(), 7u);
  EXPECT_EQ(room.take_answers().size(), 1u);
  const auto next = say(room, 3, media::CommentOffered{ada, "I am back", MediaTime(61s)});
  EXPECT_EQ(std::get<media::CommentTaken>(next.answers.at(0).outcome).id, 2u);
}

TEST_F(Resumption, a_poll_goes_on_for_what_is_left_of_it_and_no_vote_counts_twice) {
  say(before, 1, media::CommandGiven{ada, {}, media::OpenPoll{"Tea?", {"yes", "no"}, 30s}});
  say(before, 2, media::VotesGiven{1, 0, {AccountId{2}, AccountId{3}}});
  Room& room = kill_and_go_on();
  const auto poll = all_of<media::PollOpened>(room.take_events()).at(0).poll;
  EXPECT_EQ(poll.opens, MediaTime());
  EXPECT_EQ(poll.closes, MediaTime(20s));
  const auto answer = say(room, 3, media::VotesGiven{1, 1, {AccountId{3}, AccountId{4}}});
  EXPECT_EQ(std::get<media::VotesTaken>(answer.answers.at(0).outcome).voted_before, std::vector{AccountId{3}});
  room.wake(now);
  EXPECT_EQ(all_of<media::PollCounted>(room.take_events()).at(0).votes, (std::vector<uint64_t>{2, 1}));
}

TEST_F(Resumption, a_poll_whose_time_is_up_still_takes_the_votes_that_were_on_their_way) {
  say(before, 1, media::CommandGiven{ada, {}, media::OpenPoll{"Tea?", {"yes", "no"}, 10s}});
  now.loop += 5s;
  now.wall += 5s;
  Room& room = kill_and_go_on();
  room.wake(now);
  const auto answer = say(room, 2, media::VotesGiven{1, 0, {AccountId{2}}});
  EXPECT_TRUE(std::holds_alternative<media::VotesTaken>(answer.answers.at(0).outcome));
}

TEST_F(Resumption, who_was_barred_is_and_who_may_again_may) {
  say(before, 1, media::CommandGiven{ada, {}, media::Bar{AccountId{2}, Duration::max()}});
  say(before, 2, media::CommandGiven{ada, {}, media::Bar{AccountId{3}, Duration::max()}});
  say(before, 3, media::CommandGiven{ada, {}, media::Unbar{AccountId{3}}});
  Room& room = kill_and_go_on();
  const auto barred = say(room, 4, media::CommentOffered{ben, "hello", {}});
  EXPECT_EQ(barred.answers.at(0).outcome, media::RecordOutcome(media::Refusal::banned));
  const media::Person cyd{AccountId{3}, "Cyd", media::Standing::stranger};
  const auto free = say(room, 5, media::CommentOffered{cyd, "hello", {}});
  EXPECT_TRUE(std::holds_alternative<media::CommentTaken>(free.answers.at(0).outcome));
}

TEST_F(Resumption, who_is_barred_elsewhere_is_barred_here_and_what_is_not_safe_yet_stands) {
  say(before, 1, media::CommandGiven{ada, {}, media::Bar{AccountId{2}, Duration::max()}});
  Room& room = kill_and_go_on();
  EXPECT_EQ(room.take({{"edge/0", 7, 2}, {media::CommandGiven{ada, {}, media::Bar{AccountId{4}, 60s}}}}, now),
            Taken::taken);
  room.set_people({{AccountId{3}, WallTime::max()}}, {}, now);
  room.safe_up_to(journal.entries.size());
  room.take_answers();
  uint64_t sequence = 3;
  const auto may = [&](uint64_t account) {
    const media::Person person{AccountId{account}, "Someone", media::Standing::stranger};
    const auto answer = say(room, sequence++, media::CommentOffered{person, "hello", {}});
    return std::holds_alternative<media::CommentTaken>(answer.answers.at(0).outcome);
  };
  EXPECT_TRUE(may(2)) << "it was lifted elsewhere";
  EXPECT_FALSE(may(3));
  EXPECT_FALSE(may(4));
}

}  // namespace
}  // namespace klieg::audience

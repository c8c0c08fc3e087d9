#include "audience/room.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>

#include "audience/made_up_journal.h"
#include "audience/outbox.h"
#include "audience/room_state.h"
#include "base/random.h"

namespace klieg::audience {
namespace {

using media::AccountId;
using media::Refusal;
using media::RoomEvent;
using media::Standing;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr MediaTime newest = MediaTime(600s);
const media::Person ada{AccountId{1}, "Ada", Standing::stranger};
const media::Person ben{AccountId{2}, "Ben", Standing::follower};
const media::Person cyd{AccountId{3}, "Cyd", Standing::moderator};

struct RoomTest : testing::Test {
  RoomTest() { room.stamp(newest, now()); }

  Now now() const { return {clock, WallTime(1'764'000'000s) + (clock - LoopTime(1000s))}; }

  Taken say(const media::RoomRecord& record) { return room.take({{"a", 1, ++sequence}, {record}}, now()); }
  void make_safe() {
    journal.safe = journal.entries.size();
    room.safe_up_to(journal.safe);
  }
  // What it came to, once it is safe.
  media::RecordOutcome outcome_of(const media::RoomRecord& record) {
    say(record);
    make_safe();
    const auto answers = room.take_answers();
    EXPECT_EQ(answers.back().key.sequence, sequence);
    return answers.back().answers.at(0).outcome;
  }
  media::RecordOutcome comment(const media::Person& author, const std::string& text) {
    clock += 1s;
    return outcome_of(media::CommentOffered{author, text, newest - 5s});
  }
  media::RecordOutcome command(const media::Person& by, media::Command command) {
    return outcome_of(media::CommandGiven{by, newest, std::move(command)});
  }
  template <class Event>
  std::vector<Event> told() {
    std::vector<Event> all;
    for (const RoomEvent& event : room.take_events()) {
      if (const auto* one = std::get_if<Event>(&event)) all.push_back(*one);
    }
    return all;
  }

  LoopTime clock = LoopTime(1000s);
  MadeUpJournal journal;
  Room room{{}, journal};
  uint64_t sequence = 0;
};

TEST_F(RoomTest, a_comment_is_told_and_answered_once_it_is_safe) {
  say(media::CommentOffered{ada, " hello\u202E ", newest - 5s});
  EXPECT_THAT(told<media::CommentMade>(), IsEmpty());
  EXPECT_THAT(room.take_answers(), IsEmpty());
  make_safe();
  const auto made = told<media::CommentMade>();
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(made[0].comment, (media::Comment{1, ada, "hello", newest - 5s, now().wall}));
  EXPECT_THAT(room.take_answers(),
              ElementsAre(media::BatchAnswer{{"a", 1, 1}, {{0, media::CommentTaken{1, "hello", {}}}}}));
}

TEST_F(RoomTest, each_refusal_is_an_outcome_that_needs_no_journal) {
  EXPECT_EQ(comment({}, "hello"), media::RecordOutcome(Refusal::nameless));
  EXPECT_EQ(comment(ada, " \u200B "), media::RecordOutcome(Refusal::empty));
  EXPECT_EQ(comment(ada, std::string(201, 'a')), media::RecordOutcome(Refusal::too_long));
  EXPECT_EQ(comment(ada, "\xff"), media::RecordOutcome(Refusal::not_text));
  EXPECT_EQ(command(ben, media::DeleteComment{1}), media::RecordOutcome(Refusal::no_standing));
  EXPECT_EQ(command(cyd, media::DeleteComment{1}), media::RecordOutcome(Refusal::unknown));
  EXPECT_EQ(outcome_of(media::VotesGiven{1, 0, {AccountId{1}}}), media::RecordOutcome(Refusal::unknown));
  EXPECT_THAT(journal.entries, IsEmpty());
}

TEST_F(RoomTest, a_batch_without_anything_to_keep_is_answered_behind_those_before_it) {
  say(media::CommentOffered{ada, "hello", newest});
  say(media::AnonymousCounted{5});
  EXPECT_THAT(room.take_answers(), IsEmpty());
  make_safe();
  EXPECT_EQ(room.take_answers().size(), 2u);
}

TEST_F(RoomTest, the_same_batch_again_changes_nothing_and_is_answered_again) {
  const media::Batch batch{{"a", 1, 1}, {media::CommentOffered{ada, "hello", newest}, media::HeartsGiven{{{6000, 3}}}}};
  EXPECT_EQ(room.take(batch, now()), Taken::taken);
  EXPECT_EQ(room.take(batch, now()), Taken::again);
  make_safe();
  const auto first = room.take_answers();
  EXPECT_EQ(first.size(), 1u);
  EXPECT_EQ(room.take(batch, now()), Taken::again);
  EXPECT_EQ(room.take_answers(), first);
  EXPECT_EQ(room.hearts().total(), 3u);
  EXPECT_EQ(room.take({{"a", 0, 9}, {}}, now()), Taken::outdated);
  EXPECT_EQ(room.take({{"a", 2, 1}, {media::HeartsGiven{{{6000, 4}}}}}, now()), Taken::taken) << "another run";
  EXPECT_EQ(room.hearts().total(), 7u);
}

TEST_F(RoomTest, hearts_are_gathered_and_told_as_numbers) {
  say(media::HeartsGiven{{{5990, 3}, {5991, 1}}});
  room.take({{"b", 1, 1}, {media::HeartsGiven{{{5990, 2}, {0, 1}, {9'000'000, 1}}}}}, now());
  make_safe();
  room.wake(now());
  const auto hearts = told<media::HeartsCounted>();
  ASSERT_EQ(hearts.size(), 1u);
  // What is not born yet is taken for what is; what was long on its way stays where it belongs.
  EXPECT_THAT(hearts[0].hearts, ElementsAre(media::HeartCount{0, 1}, media::HeartCount{5990, 5},
                                            media::HeartCount{5991, 1}, media::HeartCount{6005, 1}));
}

TEST_F(RoomTest, what_moderators_do_takes_hold_and_is_audited_among_them) {
  comment(ada, "one");
  comment(ada, "two");
  EXPECT_EQ(command(cyd, media::PinComment{2}), media::RecordOutcome(media::CommandDone{}));
  EXPECT_EQ(command(cyd, media::DeleteComment{1}), media::RecordOutcome(media::CommandDone{}));
  EXPECT_EQ(command(cyd, media::Bar{ada.account, 60s}), media::RecordOutcome(media::CommandDone{}));
  EXPECT_EQ(comment(ada, "three"), media::RecordOutcome(Refusal::timed_out));
  EXPECT_EQ(command(cyd, media::Unbar{ada.account}), media::RecordOutcome(media::CommandDone{}));
  EXPECT_TRUE(std::holds_alternative<media::CommentTaken>(comment(ada, "four")));
  const auto desk = room.take_desk_events();
  EXPECT_EQ(std::ranges::count_if(desk, [](const RoomEvent& e) { return std::holds_alternative<media::Audited>(e); }),
            4);
  for (const RoomEvent& event : room.take_events()) EXPECT_EQ(reader_of(event), EventReader::everybody);
}

TEST_F(RoomTest, nobody_bars_his_like) {
  const media::Person dan{AccountId{4}, "Dan", Standing::moderator};
  say(media::Census{{ada, cyd, dan}, 0});
  EXPECT_EQ(command(cyd, media::Bar{dan.account, 60s}), media::RecordOutcome(Refusal::no_standing));
  EXPECT_EQ(command({AccountId{9}, "Eve", Standing::broadcaster}, media::Bar{dan.account, Duration::max()}),
            media::RecordOutcome(media::CommandDone{}));
}

TEST_F(RoomTest, who_keeps_order_no_more_is_a_stranger_whatever_his_node_says) {
  const media::Person dan{AccountId{4}, "Dan", Standing::moderator};
  const media::Person eve{AccountId{5}, "Eve", Standing::broadcaster};
  say(media::PersonCame{cyd});
  say(media::PersonCame{dan});
  room.set_people({}, {cyd.account, dan.account}, now());
  EXPECT_EQ(command(cyd, media::PinComment{0}), media::RecordOutcome(media::CommandDone()));
  EXPECT_EQ(command(cyd, media::Bar{dan.account, 60s}), media::RecordOutcome(Refusal::no_standing));

  room.set_people({}, {cyd.account}, now());
  EXPECT_EQ(command(dan, media::PinComment{0}), media::RecordOutcome(Refusal::no_standing));
  comment(dan, "I was one");
  EXPECT_EQ(told<media::CommentMade>().back().comment.author.standing, Standing::stranger);
  EXPECT_EQ(command(cyd, media::Bar{dan.account, 60s}), media::RecordOutcome(media::CommandDone()));
  EXPECT_EQ(comment(dan, "and now?"), media::RecordOutcome(Refusal::timed_out));

  // A ban ends it at once, and also what was read before it was safe.
  say(media::CommandGiven{eve, newest, media::Bar{cyd.account, Duration::max()}});
  room.set_people({}, {cyd.account}, now());
  EXPECT_EQ(command(cyd, media::PinComment{0}), media::RecordOutcome(Refusal::no_standing));
  EXPECT_EQ(comment(cyd, "hello?"), media::RecordOutcome(Refusal::banned));
}

TEST_F(RoomTest, what_is_held_is_for_moderators_until_it_is_released) {
  command(cyd, media::SetRules{{.review = media::Review::everything}});
  EXPECT_EQ(comment(ada, "please"), media::RecordOutcome(media::CommentTaken{1, "please", media::Visibility::held}));
  EXPECT_THAT(told<media::CommentMade>(), IsEmpty());
  EXPECT_EQ(room.desk_state().size(), 1u);
  EXPECT_EQ(command(cyd, media::ReleaseComment{1}), media::RecordOutcome(media::CommandDone{}));
  EXPECT_EQ(told<media::CommentMade>().size(), 1u);
  EXPECT_THAT(room.desk_state(), IsEmpty());
  EXPECT_EQ(command(cyd, media::ReleaseComment{1}), media::RecordOutcome(Refusal::unknown));
}

TEST_F(RoomTest, the_first_so_many_may_comment_where_the_rules_say_so) {
  say(media::Census{{ada}, 0});
  say(media::PersonCame{ben});
  command(cyd, media::SetRules{{.who = media::WhoMayComment::first, .first = 1}});
  EXPECT_TRUE(std::holds_alternative<media::CommentTaken>(comment(ada, "hello")));
  EXPECT_EQ(comment(ben, "hello"), media::RecordOutcome(Refusal::not_first));
}

TEST_F(RoomTest, a_poll_is_counted_over_nodes_and_who_is_barred_has_no_vote) {
  command(cyd, media::OpenPoll{"which?", {" a ", "b"}, 60s});
  EXPECT_EQ(told<media::PollOpened>().at(0).poll.options, (std::vector<std::string>{"a", "b"}));
  command(cyd, media::Bar{AccountId{7}, Duration::max()});
  EXPECT_EQ(outcome_of(media::VotesGiven{1, 0, {AccountId{5}, AccountId{6}, AccountId{7}}}),
            media::RecordOutcome(media::VotesTaken{{}, {AccountId{7}}}));
  EXPECT_EQ(outcome_of(media::VotesGiven{1, 1, {AccountId{5}, AccountId{8}}}),
            media::RecordOutcome(media::VotesTaken{{AccountId{5}}, {}}));
  room.wake(now());
  EXPECT_EQ(told<media::PollCounted>().at(0).votes, (std::vector<uint64_t>{2, 1}));
}

TEST_F(RoomTest, a_room_that_ends_waits_for_its_polls_and_for_what_is_not_safe) {
  command(cyd, media::OpenPoll{"which?", {"a", "b"}, 60s});
  clock += 5s;
  room.end(now());
  EXPECT_EQ(comment(ada, "late"), media::RecordOutcome(Refusal::not_now));
  room.wake(now());
  clock += Polls::wait_after_close;
  say(media::VotesGiven{1, 0, {AccountId{5}}});  // in its last moment
  room.wake(now());
  EXPECT_FALSE(room.over());
  make_safe();
  room.wake(now());
  make_safe();
  room.wake(now());
  EXPECT_TRUE(room.over());
  const auto events = room.take_events();
  EXPECT_EQ(events.back(), RoomEvent(media::RoomEnded{}));
  EXPECT_THAT(events, testing::Contains(RoomEvent(media::PollCounted{1, {1, 0}, media::Counting::final})));
}

TEST_F(RoomTest, takes_no_more_than_can_wait_and_then_in_order) {
  media::Batch batch{{"a", 1, 0}, {}};
  std::string families;
  for (size_t i = 0; i < comment_graphemes_max; ++i) families += "👩‍👩‍👧‍👦";
  for (uint64_t author = 10; author < 60; ++author) {
    batch.records.emplace_back(media::CommentOffered{{AccountId{author}, "n", {}}, families, newest});
  }
  Taken taken = Taken::taken;
  while (taken == Taken::taken) {
    ++batch.key.sequence;
    clock += 1s;
    taken = room.take(batch, now());
    ASSERT_LT(batch.key.sequence, 5'000u);
  }
  EXPECT_EQ(taken, Taken::busy);
  const uint64_t owed = batch.key.sequence;
  make_safe();
  EXPECT_EQ(room.take({{"a", 1, owed + 1}, {}}, now()), Taken::busy) << "not before the one that is owed";
  EXPECT_EQ(room.take({{"a", 1, owed}, {}}, now()), Taken::taken);
  EXPECT_EQ(room.take({{"a", 1, owed + 1}, {}}, now()), Taken::taken);
}

TEST_F(RoomTest, a_log_begins_with_the_rules_and_that_of_a_restored_home_with_how_things_were) {
  EXPECT_EQ(told<media::RulesChanged>().size(), 1u);
  comment(ada, "one");
  comment(ben, "two");
  command(cyd, media::PinComment{1});
  command(cyd, media::DeleteComment{2});
  command(cyd, media::OpenPoll{"which?", {"a", "b"}, 60s});
  const media::RoomRules followers{.who = media::WhoMayComment::followers};
  command(cyd, media::SetRules{followers});
  Room next({}, journal);
  for (const JournalEntry& entry : std::vector(journal.entries)) next.restore(entry, now());
  next.stamp(newest, now());
  RoomState state;
  for (const RoomEvent& event : next.take_events()) state.apply(event);
  RoomState before;
  before.apply(media::EdgeStamped{newest, now().wall});
  for (const RoomEvent& event : room.take_events()) before.apply(event);
  EXPECT_EQ(state.events(), before.events());
  EXPECT_THAT(state.events(), testing::Contains(RoomEvent(media::RulesChanged{followers})));
  EXPECT_TRUE(state.poll(1));
}

TEST_F(RoomTest, a_home_that_was_restored_answers_what_came_to_nothing_before) {
  say(media::CommentOffered{{}, "nameless", newest});
  say(media::CommentOffered{ada, "hello", newest});
  make_safe();
  Room next({}, journal);
  next.restore(journal.entries.at(0), now());
  EXPECT_EQ(next.take({{"a", 1, 1}, {media::CommentOffered{{}, "nameless", newest}}}, now()), Taken::again);
  EXPECT_THAT(next.take_answers(), ElementsAre(media::BatchAnswer{{"a", 1, 1}, {{0, Refusal::busy}}}));
}

// --- whatever breaks, once ---

// Two nodes with viewers who comment, heart and vote; ways that break with batches and answers on them, a home that is
// killed and comes again from its journal. What was acknowledged is there once, hearts that were given are counted
// once.
RC_GTEST_PROP(Room, loses_and_doubles_nothing_whatever_breaks, (uint64_t seed)) {
  Random random(seed);
  MadeUpJournal journal;
  LoopTime clock = LoopTime(1000s);
  const auto now = [&] { return Now{clock, WallTime(1'764'000'000s) + (clock - LoopTime(1000s))}; };
  auto room = std::make_unique<Room>(RoomSettings{}, journal);
  room->stamp(newest, now());
  std::array<Outbox, 2> nodes{Outbox("a", 1), Outbox("b", 1)};
  std::map<AnswerToken, std::string> asked;  // comments, by token
  std::map<AnswerToken, media::CommentId> acknowledged;
  uint64_t hearts = 0;
  AnswerToken token = 0;
  bool poll_open = false;
  std::array<uint64_t, 2> votes_acknowledged{};
  std::map<AnswerToken, uint8_t> votes_asked;
  uint64_t next_voter = 100;

  const auto deliver = [&](size_t loss_percent) {
    for (const media::BatchAnswer& answer : room->take_answers()) {
      Outbox& node = nodes[answer.key.node == "a" ? 0 : 1];
      if (random.below(100) < loss_percent) {
        node.disconnected();
        continue;
      }
      for (const Outbox::Answered& one : node.answered(answer)) {
        if (const auto* taken = std::get_if<media::CommentTaken>(&one.outcome)) {
          RC_ASSERT(acknowledged.emplace(one.token, taken->id).second);
        }
        if (votes_asked.contains(one.token) && std::holds_alternative<media::CommandDone>(one.outcome)) {
          ++votes_acknowledged[votes_asked.at(one.token)];
        }
      }
    }
  };
  const auto round = [&](size_t loss_percent) {
    clock += 250ms;
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (random.below(100) < 50) nodes[i].connected({{ada}, 1});
      for (const media::Batch& batch : nodes[i].to_send(clock)) {
        if (random.below(100) < loss_percent) {
          nodes[i].disconnected();
          break;  // and what follows on this way
        }
        room->take(batch, now());
      }
    }
    if (random.below(2) == 0 || loss_percent == 0) {
      journal.safe = std::max(journal.safe, journal.entries.size() - random.below(journal.entries.size() + 1) % 3);
      if (loss_percent == 0) journal.safe = journal.entries.size();
      journal.safe = std::min(journal.safe, journal.entries.size());
      room->safe_up_to(journal.safe);
    }
    deliver(loss_percent);
    room->wake(now());
    room->take_events();
  };

  for (int step = 0; step < 60; ++step) {
    Outbox& node = nodes[random.below(2)];
    const uint64_t author = 10 + random.below(30);
    asked[++token] = "comment " + std::to_string(token);
    node.say(media::CommentOffered{{AccountId{author}, "n", {}}, asked[token], newest}, token);
    node.say_hearts(static_cast<media::HeartBucket>(5'900 + random.below(50)), 2);
    hearts += 2;
    if (!poll_open) node.say(media::CommandGiven{cyd, newest, media::OpenPoll{"?", {"a", "b"}, 3600s}}, ++token);
    poll_open = true;
    if (step > 20) {
      votes_asked[++token] = static_cast<uint8_t>(step % 2);
      node.say_vote(1, static_cast<uint8_t>(step % 2), AccountId{next_voter++}, token);
    }
    if (random.below(8) == 0) {  // killed
      journal.lose_what_is_not_safe();
      room = std::make_unique<Room>(RoomSettings{}, journal);
      const std::vector<JournalEntry> entries = journal.entries;
      for (const JournalEntry& entry : entries) room->restore(entry, now());
      room->stamp(newest, now());
      for (Outbox& one : nodes) one.disconnected();
    }
    round(20);
  }
  for (int step = 0; step < 60; ++step) round(0);

  // The conversation, as the journal has it.
  std::map<media::CommentId, std::string> said;
  uint64_t hearts_kept = 0;
  std::array<uint64_t, 2> votes{};
  for (const JournalEntry& entry : journal.entries) {
    for (const RoomEvent& event : entry.events) {
      if (const auto* made = std::get_if<media::CommentMade>(&event)) {
        RC_ASSERT(said.emplace(made->comment.id, made->comment.text).second);
      }
      if (const auto* counted = std::get_if<media::HeartsCounted>(&event)) {
        for (const media::HeartCount& heart : counted->hearts) hearts_kept += heart.count;
      }
      if (const auto* cast = std::get_if<media::VotesCast>(&event)) votes[cast->option] += cast->accounts.size();
    }
  }
  RC_ASSERT(hearts_kept == hearts);
  RC_ASSERT(room->hearts().total() == hearts);
  for (const auto& [asker, id] : acknowledged) RC_ASSERT(said.at(id) == asked.at(asker));
  std::map<std::string, int> times;
  for (const auto& [id, text] : said) RC_ASSERT(++times[text] == 1);
  RC_ASSERT(said.size() == acknowledged.size());
  RC_ASSERT(votes == votes_acknowledged);
  RC_ASSERT(nodes[0].on_way() + nodes[1].on_way() == 0u);
}

}  // namespace
}  // namespace klieg::audience

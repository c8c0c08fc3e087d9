#include "audience/server_home.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "audience/made_up_journal.h"
#include "wire/room_record.h"

namespace klieg::audience {
namespace {

// A loop with a node on it, as it hears the room.
struct Listener {
  void hear(const std::vector<Told>& told) {
    for (const Told& one : told) {
      if (std::holds_alternative<ObjectOpened>(one)) reader = {};
      if (const auto* more = std::get_if<ObjectContinued>(&one)) {
        ASSERT_TRUE(reader.feed(ByteView(more->content.data(), more->content.size()), events));
      }
      if (const auto* answer = std::get_if<media::BatchAnswer>(&one)) answers.push_back(*answer);
      const auto* desk = std::get_if<DeskHeard>(&one);
      const auto* order = desk ? std::get_if<media::OrderKept>(&desk->event) : nullptr;
      if (order) orders.push_back(order->moderators);
    }
  }
  std::vector<std::string> comments() const {
    std::vector<std::string> texts;
    for (const media::RoomEvent& event : events) {
      if (const auto* made = std::get_if<media::CommentMade>(&event)) texts.push_back(made->comment.text);
    }
    return texts;
  }

  wire::room::EventReader reader;
  std::vector<media::RoomEvent> events;
  std::vector<media::BatchAnswer> answers;
  std::vector<std::vector<media::AccountId>> orders;
};

struct AtHome {
  void join(const std::string& node, Listener& listener) {
    room.join(node, [&listener](const std::vector<Told>& told) { listener.hear(told); });
  }
  void say(const std::string& node, uint64_t sequence, const std::string& text) {
    const media::Person ada{media::AccountId{7}, "Ada", media::Standing::stranger};
    room.take({{{node, 1, sequence}, {media::CommentOffered{ada, text, MediaTime(500ms)}}}});
  }

  net::Loop loop;
  MadeUpJournal journal;
  HomeServer room{loop, "/live/ada/x7f.1/room", {}, journal};
};

TEST(RoomHomeServer, every_loop_hears_a_comment_once_it_is_safe_and_its_own_node_the_answer) {
  AtHome at;
  Listener here, there;
  at.join("n/0", here);
  at.join("n/1", there);
  at.room.stamp(MediaTime(1s));
  at.say("n/0", 1, "hello");
  EXPECT_TRUE(here.comments().empty()) << "it is not written down yet";
  EXPECT_TRUE(here.answers.empty());

  at.room.safe_up_to(at.journal.entries.size());
  EXPECT_EQ(here.comments(), std::vector<std::string>{"hello"});
  EXPECT_EQ(there.comments(), std::vector<std::string>{"hello"});
  EXPECT_EQ(here.answers.size(), 1u);
  EXPECT_TRUE(there.answers.empty());
}

TEST(RoomHomeServer, one_that_is_anothers_by_now_is_over_here_and_lost_to_those_far_away) {
  struct Far final : media::PushSink {
    void on_push(media::PushRecord) override {}
    void on_topic_end(media::TopicEnd why) override { end = why; }
    std::optional<media::TopicEnd> end;
  } far;
  Listener here, late;
  std::unique_ptr<media::Subscription> subscription;
  bool replied = false, waiting_replied = false;
  {
    AtHome at;
    at.join("n/0", here);
    subscription = at.room.log().subscribe("/live/ada/x7f.1/room", far);
    at.room.stamp(MediaTime(1s));
    at.say("n/0", 1, "hello");
    const media::Person bob{media::AccountId{8}, "Bob", media::Standing::stranger};
    at.room.take({{{"far/0", 1, 1}, {media::CommentOffered{bob, "hi", MediaTime(500ms)}}}},
                 [&](const std::vector<media::BatchAnswer>& answers) { waiting_replied = answers.empty(); });
    ASSERT_FALSE(waiting_replied) << "it is not safe yet";
    at.room.abandon();
    EXPECT_TRUE(waiting_replied) << "who waits would do so for ever";
    at.room.safe_up_to(at.journal.entries.size());
    at.room.take({}, [&](const std::vector<media::BatchAnswer>& answers) { replied = answers.empty(); });
    at.join("n/1", late);
  }
  EXPECT_TRUE(here.comments().empty());
  EXPECT_TRUE(here.answers.empty());
  for (const Listener* one : {&here, &late}) {
    ASSERT_FALSE(one->events.empty());
    EXPECT_TRUE(std::holds_alternative<media::RoomEnded>(one->events.back()));
  }
  EXPECT_TRUE(replied);
  EXPECT_EQ(far.end, media::TopicEnd::lost);
}

TEST(RoomHomeServer, every_loop_is_told_who_keeps_order_when_that_is_other_than_it_was) {
  using Accounts = std::vector<media::AccountId>;
  AtHome at;
  Listener here, late;
  at.join("n/0", here);
  EXPECT_TRUE(here.orders.empty()) << "it is not known";
  at.room.set_people({}, {media::AccountId{7}});
  at.room.set_people({}, {media::AccountId{7}});
  at.join("n/1", late);
  at.room.set_people({}, {});
  EXPECT_EQ(here.orders, (std::vector<Accounts>{{media::AccountId{7}}, {}}));
  EXPECT_EQ(late.orders, here.orders);
}

TEST(RoomHomeServer, a_batch_that_is_sent_again_is_said_once_and_answered_again) {
  AtHome at;
  Listener here;
  at.join("n/0", here);
  at.say("n/0", 1, "hello");
  at.room.safe_up_to(1);
  at.say("n/0", 1, "hello");
  EXPECT_EQ(here.comments().size(), 1u);
  EXPECT_EQ(here.answers.size(), 2u);
}

TEST(RoomHomeServer, who_joins_later_hears_what_was_said) {
  AtHome at;
  at.say("n/0", 1, "hello");
  at.room.safe_up_to(1);
  Listener late;
  at.join("n/1", late);
  EXPECT_EQ(late.comments(), std::vector<std::string>{"hello"});
}

media::Batch comment(uint64_t sequence, const std::string& text) {
  const media::Person ada{media::AccountId{7}, "Ada", media::Standing::stranger};
  return {{"far/0", 1, sequence}, {media::CommentOffered{ada, text, MediaTime(500ms)}}};
}

TEST(RoomHomeServer, a_node_far_away_is_answered_once_all_it_said_is_safe) {
  AtHome at;
  std::optional<std::vector<media::BatchAnswer>> answers;
  const auto reply = [&](std::vector<media::BatchAnswer> given) { answers = std::move(given); };
  at.room.take({comment(1, "hello"), comment(2, "there")}, reply);
  at.room.safe_up_to(1);
  EXPECT_FALSE(answers) << "the second is not";
  at.room.safe_up_to(2);
  ASSERT_TRUE(answers);
  EXPECT_EQ(answers->size(), 2u);

  // The same again, of whoever had no answer or has overheard it.
  answers.reset();
  at.room.take({comment(1, "hello"), comment(2, "there")}, reply);
  ASSERT_TRUE(answers);
  EXPECT_EQ(answers->size(), 2u);
  EXPECT_EQ(at.journal.entries.size(), 2u) << "nothing was said twice";
}

std::vector<std::string> held_in(const std::optional<Bytes>& answer, DeskPlace& heard) {
  std::vector<std::string> texts;
  if (!answer) return texts;
  const auto read = read_desk_answer(answer->view());
  EXPECT_TRUE(read);
  if (!read) return texts;
  heard = read->heard;
  for (const media::RoomEvent& event : read->events) {
    if (const auto* held = std::get_if<media::CommentHeld>(&event)) texts.push_back(held->comment.text);
  }
  return texts;
}

TEST(RoomHomeServer, a_node_far_away_hears_what_is_held_when_it_asks_and_nobody_by_the_log) {
  AtHome at;
  Listener viewers;
  at.join("n/0", viewers);
  const media::Person host{media::AccountId{1}, "Host", media::Standing::broadcaster};
  at.room.take(
      {{{"n/0", 1, 1}, {media::CommandGiven{host, {}, media::SetRules{{.review = media::Review::everything}}}}}});
  at.say("n/0", 2, "before");
  at.room.safe_up_to(2);

  std::optional<Bytes> answer;
  const auto reply = [&](Bytes given) { answer = std::move(given); };
  DeskPlace heard = 0;
  at.room.read_desk(heard, reply);
  EXPECT_EQ(held_in(answer, heard), std::vector<std::string>{"before"}) << "how things are, at once";
  answer.reset();
  at.room.read_desk(heard, reply);
  EXPECT_FALSE(answer);
  at.say("n/0", 3, "while");
  EXPECT_FALSE(answer) << "it is not safe yet";
  at.room.safe_up_to(3);
  EXPECT_EQ(held_in(answer, heard), std::vector<std::string>{"while"});
  answer.reset();
  at.room.read_desk(heard + 1, reply);
  EXPECT_EQ(held_in(answer, heard), (std::vector<std::string>{"before", "while"})) << "it was never as far";

  EXPECT_TRUE(viewers.comments().empty());
  answer.reset();
  at.room.read_desk(heard, reply);
  at.room.abandon();
  ASSERT_TRUE(answer);
  EXPECT_FALSE(read_desk_answer(answer->view())) << "the next home has it";
}

}  // namespace
}  // namespace klieg::audience

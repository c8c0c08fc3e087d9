#include "audience/room_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/room_record.h"

namespace klieg::audience {
namespace {

using media::RoomEvent;
using testing::ElementsAre;

constexpr LoopTime start = LoopTime(1000s);
const std::string topic = "/live/ada/x7f.1/room";

// What a node hears, as objects filled by records alone.
struct Node final : media::PushSink {
  void on_push(media::PushRecord record) override {
    if (const auto* begun = std::get_if<media::ObjectBegun>(&record)) names.push_back(begun->name);
    if (const auto* grew = std::get_if<media::ObjectGrew>(&record)) {
      ASSERT_EQ(grew->offset, bytes.at(names.size() - 1).size());
      bytes[names.size() - 1] += grew->content.text();
    }
    if (std::holds_alternative<media::ObjectEnded>(record)) ++ended;
    if (leaves_at_once) subscription.reset();
  }
  void on_topic_end(media::TopicEnd why) override { end = why; }

  std::vector<RoomEvent> events(size_t object) const {
    wire::room::EventReader reader;
    std::vector<RoomEvent> all;
    EXPECT_TRUE(reader.feed(as_bytes(bytes[object]), all));
    return all;
  }

  std::unique_ptr<media::Subscription> subscription;
  std::vector<std::string> names;
  std::vector<std::string> bytes = std::vector<std::string>(8);
  int ended = 0;
  std::optional<media::TopicEnd> end;
  bool leaves_at_once = false;
};

struct RoomLogTest : testing::Test {
  void say(const RoomEvent& event, LoopTime now = start) { log.append({&event, 1}, now); }

  RoomLog log{topic};
  Node node;
};

TEST_F(RoomLogTest, who_joins_reads_what_makes_him_whole_and_what_was_said_since) {
  say(media::CommentGone{1});
  node.subscription = log.subscribe(topic, node);
  EXPECT_TRUE(node.names.empty()) << "nothing is told from inside subscribe()";
  say(media::CommentGone{2});
  EXPECT_THAT(node.names, ElementsAre("/live/ada/x7f.1/room-0"));
  std::vector<RoomEvent> whole = RoomState().events();
  whole.emplace_back(media::CommentGone{1});
  whole.emplace_back(media::CommentGone{2});
  EXPECT_EQ(node.events(0), whole);
}

TEST_F(RoomLogTest, an_object_that_was_open_for_long_ends_and_the_next_begins_whole) {
  node.subscription = log.subscribe(topic, node);
  say(media::ViewersCounted{9});
  say(media::CommentGone{2}, start + RoomLog::object_open_max);
  EXPECT_THAT(node.names, ElementsAre("/live/ada/x7f.1/room-0", "/live/ada/x7f.1/room-1"));
  EXPECT_EQ(node.ended, 1);
  RoomState state;
  state.apply(media::ViewersCounted{9});
  std::vector<RoomEvent> whole = state.events();
  whole.emplace_back(media::CommentGone{2});
  EXPECT_EQ(node.events(1), whole);
}

TEST_F(RoomLogTest, objects_are_of_bounded_size_and_so_many_are_kept) {
  media::Comment comment;
  comment.text = std::string(5'000, 'x');
  for (int i = 0; i < 2'000; ++i) {
    say(media::CommentMade{comment});
    ASSERT_LE(log.find(log.open_name())->size(), RoomLog::object_size_max + 6'000);
  }
  EXPECT_FALSE(log.find(topic + "-0"));
  const auto before = log.find(topic + "-30");
  ASSERT_TRUE(before);
  EXPECT_EQ(before->state(), LogEnd::complete);
}

TEST_F(RoomLogTest, a_node_gets_the_very_bytes_that_who_asks_is_given) {
  node.subscription = log.subscribe(topic, node);
  for (media::CommentId id = 1; id < 9; ++id) say(media::CommentGone{id}, start + id * 10s);
  for (size_t i = 0; i < node.names.size(); ++i) {
    const auto object = log.find(node.names[i]);
    EXPECT_EQ(object->read(0, object->size()).text(), node.bytes[i]);
  }
}

TEST_F(RoomLogTest, ends_for_everybody_and_for_who_comes_later) {
  node.subscription = log.subscribe(topic, node);
  say(media::RoomEnded{});
  log.end();
  EXPECT_EQ(node.end, media::TopicEnd::finished);
  Node late, astray;
  late.subscription = log.subscribe(topic, late);
  astray.subscription = log.subscribe("/live/ada/x7f.1/video", astray);
  log.flush();
  EXPECT_EQ(late.end, media::TopicEnd::finished);
  EXPECT_EQ(astray.end, media::TopicEnd::unknown);
}

TEST_F(RoomLogTest, who_leaves_while_he_is_told_hears_nothing_more) {
  node.leaves_at_once = true;
  Node other;
  node.subscription = log.subscribe(topic, node);
  other.subscription = log.subscribe(topic, other);
  say(media::CommentGone{1});
  say(media::CommentGone{2});
  EXPECT_EQ(node.bytes[0], "");
  EXPECT_EQ(other.events(0).size(), RoomState().events().size() + 2);
}

TEST(RoomLog, that_is_gone_is_lost_and_its_subscriptions_may_outlive_it) {
  Node told, newcomer;
  {
    RoomLog log(topic);
    told.subscription = log.subscribe(topic, told);
    log.flush();
    newcomer.subscription = log.subscribe(topic, newcomer);
  }
  EXPECT_EQ(told.end, media::TopicEnd::lost);
  EXPECT_EQ(newcomer.end, media::TopicEnd::lost);
  told.subscription.reset();
  newcomer.subscription.reset();
}

TEST(RoomLog, what_moderators_say_is_not_for_everybody) {
  EXPECT_EQ(reader_of(media::CommentHeld{}), EventReader::moderators);
  EXPECT_EQ(reader_of(media::Audited{}), EventReader::moderators);
  EXPECT_EQ(reader_of(media::PersonBarred{}), EventReader::moderators);
  EXPECT_EQ(reader_of(media::VotesCast{}), EventReader::journal);
  EXPECT_EQ(reader_of(media::CommentMade{}), EventReader::everybody);
}

TEST(RoomLog, a_rooms_name_is_the_same_in_every_epoch) {
  EXPECT_EQ(name_of_room("/live/ada/x7f.1/room"), "/live/ada/x7f/room");
  EXPECT_EQ(name_of_room("/live/ada/x7f.12/room"), "/live/ada/x7f/room");
  EXPECT_EQ(name_of_room("/live/a.b/x7f/room"), "/live/a.b/x7f/room");
  EXPECT_EQ(name_of_room("room"), "room");
}

}  // namespace
}  // namespace klieg::audience

#include "edge/topic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "edge/made_up_upstream.h"
#include "edge/topic_test.h"

namespace klieg::edge {
namespace {

using media::TopicEnd;
using testing::ElementsAre;
using testing::IsEmpty;

struct Host final : TopicHost {
  std::shared_ptr<Object> pushed_object(const media::ObjectHead& head, const Topic&) override {
    auto object = std::make_shared<Object>();
    for (const auto& [name, value] : head) {
      if (name == "etag") object->facts.etag = value;
    }
    return object;
  }
  void on_pushed(const std::string& name, std::shared_ptr<const Object> object) override {
    pushed.push_back(name);
    objects[name] = std::move(object);
  }
  void on_pushed_whole(const std::string& name) override { whole.push_back(name); }
  void on_orphaned(const std::string& name, std::shared_ptr<const Object>, std::shared_ptr<Log> log) override {
    EXPECT_TRUE(log->growing());
    orphans.push_back(name);
  }
  void on_expected(const std::string& name) override { expected.insert(name); }
  void on_unexpected(const std::string& name) override { expected.erase(name); }
  void on_document(const std::string& name, Topic& topic) override {
    documents[name] = topic.document(name)->object->log->read(0, topic.document(name)->object->size()).text();
  }
  void on_document_lost(const std::string& name, const Topic&) override { documents.erase(name); }
  void on_topic_over(Topic&, TopicEnd why) override { over = why; }

  std::string text(const std::string& name) const {
    const Object& object = *objects.at(name);
    return std::string(object.log->read(object.offset, object.size()).text());
  }

  std::vector<std::string> pushed, whole, orphans;
  std::map<std::string, std::shared_ptr<const Object>> objects;
  std::set<std::string> expected;
  std::map<std::string, std::string> documents;
  std::optional<TopicEnd> over;
};

struct TopicTest : testing::Test {
  TopicTest() { topic->join(parent); }
  void say(media::PushRecord record) { parent.say(0, std::move(record)); }
  void end(TopicEnd why) { parent.end(0, why); }

  MadeUpTopics parent;
  Host host;
  std::shared_ptr<Topic> topic = std::make_shared<Topic>(host, "/t");
};

// --- Records become objects -----------------------------------------------------------------------------------------

TEST_F(TopicTest, records_become_objects_as_they_come) {
  EXPECT_EQ(parent.topic(0), "/t");
  EXPECT_FALSE(topic->live());
  say(begun(1, "/t-1"));
  EXPECT_TRUE(topic->live());
  say(grew(1, 0, "abc"));
  EXPECT_EQ(host.text("/t-1"), "abc");
  say(alias(1, "/t-1.0", 1, 2));
  EXPECT_EQ(host.text("/t-1.0"), "bc");
  say(begun(2, "/t-2"));
  say(grew(2, 0, "x"));
  say(grew(1, 3, "def"));
  say(ended(1));
  EXPECT_EQ(host.text("/t-1"), "abcdef");
  EXPECT_EQ(host.objects["/t-1"]->log->state(), LogEnd::complete);
  EXPECT_THAT(host.whole, ElementsAre("/t-1"));
  say(ended(2, LogEnd::aborted));
  EXPECT_TRUE(host.objects["/t-2"]->lost());
  EXPECT_THAT(host.orphans, IsEmpty());
}

TEST_F(TopicTest, a_parent_on_this_loop_lends_its_own_log_and_keeps_it) {
  const auto log = std::make_shared<Log>();
  say(media::ObjectBegun{1, "/t-1", pushed_head, log});
  log->append(Bytes::copy_of(std::string_view("abc")));
  say(grew(1, 0, "abc"));
  EXPECT_EQ(host.text("/t-1"), "abc");
  say(alias(1, "/t-1.0", 0, 3));
  end(TopicEnd::lost);
  EXPECT_THAT(host.orphans, IsEmpty());
  EXPECT_TRUE(log->growing());
}

TEST_F(TopicTest, what_is_said_twice_changes_nothing) {
  const media::PushRecord records[] = {begun(1, "/t-1"), grew(1, 0, "abc"), alias(1, "/t-1.0", 0, 3)};
  for (const auto& record : records) say(record);
  for (const auto& record : records) say(record);
  say(grew(1, 1, "bcde"));
  EXPECT_EQ(host.text("/t-1"), "abcde");
  EXPECT_THAT(host.pushed, ElementsAre("/t-1", "/t-1.0"));
  say(ended(1));
  say(ended(1));
  EXPECT_EQ(host.objects["/t-1"]->log->state(), LogEnd::complete);
}

TEST_F(TopicTest, an_object_with_a_hole_is_fetched_on_and_never_ends_cleanly_here) {
  say(begun(1, "/t-1"));
  say(grew(1, 0, "abc"));
  say(grew(1, 4, "efg"));
  EXPECT_THAT(host.orphans, ElementsAre("/t-1"));
  say(ended(1));
  EXPECT_EQ(host.objects["/t-1"]->log->state(), LogEnd::growing);
  EXPECT_EQ(host.text("/t-1"), "abc");
}

TEST_F(TopicTest, a_number_that_is_given_to_another_object_leaves_the_first_to_be_fetched) {
  say(begun(1, "/t-1"));
  say(begun(1, "/t-2"));
  say(grew(1, 0, "abc"));
  EXPECT_THAT(host.orphans, ElementsAre("/t-1"));
  EXPECT_EQ(host.text("/t-2"), "abc");
}

TEST_F(TopicTest, records_of_what_never_began_are_nothing) {
  say(grew(7, 0, "abc"));
  say(ended(7));
  say(alias(7, "/t-7.0", 0, 3));
  say(media::NameGone{"/t-8"});
  EXPECT_THAT(host.pushed, IsEmpty());
}

TEST_F(TopicTest, an_alias_of_bytes_that_are_not_here_is_asked_for) {
  say(media::NameExpected{"/t-1.0"});
  say(media::NameExpected{"/t-1.1"});
  say(begun(1, "/t-1"));
  say(grew(1, 0, "abc"));
  say(alias(1, "/t-1.0", 1, 3));
  say(alias(1, "/t-1.1", UINT64_MAX, 2));
  EXPECT_THAT(host.pushed, ElementsAre("/t-1"));
  EXPECT_THAT(host.expected, IsEmpty());
}

TEST_F(TopicTest, what_is_expected_is_born_or_gone_or_nobody_says_so_any_more) {
  for (const char* name : {"/t-1", "/t-1.0", "/t-2", "/t-3"}) say(media::NameExpected{name});
  say(begun(1, "/t-1"));
  say(grew(1, 0, "abc"));
  say(alias(1, "/t-1.0", 0, 3));
  EXPECT_EQ(host.expected.size(), 4u);  // whoever is told that it is born knows that it is no longer expected
  say(media::NameGone{"/t-2"});
  EXPECT_FALSE(host.expected.contains("/t-2"));
  EXPECT_TRUE(host.expected.contains("/t-3"));
  end(TopicEnd::lagged);
  EXPECT_FALSE(host.expected.contains("/t-3"));
}

TEST_F(TopicTest, there_is_a_limit_to_what_is_open_expected_and_pushed_as_a_document) {
  for (int i = 0; i < 100; ++i) {
    const std::string name = "/t-" + std::to_string(i);
    say(media::NameExpected{name});
    say(document(name + ".m3u8", 0, 0, "x"));
  }
  EXPECT_EQ(host.expected.size(), 64u);
  EXPECT_EQ(host.documents.size(), 8u);
  for (media::ObjectNumber i = 0; i < 100; ++i) say(begun(i, "/t-" + std::to_string(i)));
  EXPECT_EQ(host.pushed.size(), 16u);
  EXPECT_EQ(host.expected.size(), 16u);  // the others are asked for
}

TEST_F(TopicTest, a_document_never_goes_back) {
  say(document("/t.m3u8", 3, 2, "new"));
  say(document("/t.m3u8", 3, 1, "old"));
  EXPECT_EQ(host.documents["/t.m3u8"], "new");
  say(document("/t.m3u8", 3, 2, "the same version, said better"));
  EXPECT_EQ(host.documents["/t.m3u8"], "the same version, said better");
}

// --- What a document answers (6.2.5.2 of rfc8216bis) ----------------------------------------------------------------

TEST_F(TopicTest, a_document_answers_its_version_and_those_before) {
  say(document("/t.m3u8", 5, 2, "x"));
  const PushedDocument& open = *topic->document("/t.m3u8");
  EXPECT_TRUE(open.answers(4, std::nullopt));
  EXPECT_TRUE(open.answers(4, 99));
  EXPECT_TRUE(open.answers(5, 1));
  EXPECT_FALSE(open.answers(5, 2));
  EXPECT_FALSE(open.answers(5, std::nullopt));
  EXPECT_FALSE(open.answers(6, 0));
  EXPECT_TRUE(open.nearly_answers(5, 5));
  EXPECT_FALSE(open.nearly_answers(5, 6));
  EXPECT_TRUE(open.nearly_answers(6, 3));
  EXPECT_TRUE(open.nearly_answers(6, std::nullopt));
  EXPECT_FALSE(open.nearly_answers(6, 4));
  EXPECT_FALSE(open.nearly_answers(7, 0));
  say(media::DocumentChanged{"/t.m3u8", pushed_head, {5, 3, media::Segment::finished}, {}, {}});
  const PushedDocument& finished = *topic->document("/t.m3u8");
  EXPECT_TRUE(finished.answers(5, std::nullopt));
  say(document("/t.m3u8", 6, 0, "x", media::Finality::is_final));
  EXPECT_TRUE(topic->document("/t.m3u8")->answers(99, 99));
}

// --- Its end --------------------------------------------------------------------------------------------------------

TEST_F(TopicTest, however_it_ends_what_was_open_is_fetched_on) {
  for (const TopicEnd why :
       {TopicEnd::finished, TopicEnd::unknown, TopicEnd::refused, TopicEnd::lagged, TopicEnd::lost}) {
    MadeUpTopics way;
    Host told;
    Topic one(told, "/t");
    one.join(way);
    way.say(0, begun(1, "/t-1"));
    way.say(0, document("/t.m3u8", 1, 0, "as it was"));
    way.say(0, document("/last.m3u8", 1, 0, "for ever", media::Finality::is_final));
    way.end(0, why);
    EXPECT_TRUE(one.over());
    EXPECT_FALSE(one.live());
    EXPECT_EQ(told.over, why);
    EXPECT_THAT(told.orphans, ElementsAre("/t-1"));
    EXPECT_FALSE(told.documents.contains("/t.m3u8"));
    EXPECT_EQ(told.documents.contains("/last.m3u8"), why == TopicEnd::finished);
  }
}

TEST_F(TopicTest, whoever_leaves_hears_nothing_more) {
  say(begun(1, "/t-1"));
  topic->leave();
  EXPECT_TRUE(parent.over(0));
  EXPECT_EQ(host.over, TopicEnd::lost);
}

// --- Children -------------------------------------------------------------------------------------------------------

TEST_F(TopicTest, a_child_hears_what_was_before_it_and_then_what_happens) {
  Heard first;
  const auto first_subscription = topic->subscribe(first);
  EXPECT_TRUE(topic->has_children());
  say(begun(1, "/t-1"));
  say(grew(1, 0, "abc"));
  say(document("/t.m3u8", 1, 0, "playlist"));
  say(media::NameExpected{"/t-1.1"});
  say(alias(1, "/t-1.0", 0, 3));
  Heard second;
  const auto second_subscription = topic->subscribe(second);
  EXPECT_EQ(second.records, 0u);
  topic->tell_newcomers();
  EXPECT_EQ(second.objects, first.objects);
  say(grew(1, 3, "def"));
  Heard third;
  const auto third_subscription = topic->subscribe(third);
  say(ended(1));  // who is new is told before what is new
  for (const Heard* child : {&second, &third}) {
    EXPECT_EQ(child->objects, first.objects);
    EXPECT_EQ(child->documents, first.documents);
    EXPECT_EQ(child->expected, first.expected);
  }
  end(TopicEnd::lost);
  for (const Heard* child : {&first, &second, &third}) EXPECT_EQ(child->end, TopicEnd::lost);
  EXPECT_FALSE(topic->has_children());
}

TEST_F(TopicTest, a_child_that_comes_before_anything_was_heard_waits_and_hears_why_there_is_nothing) {
  Heard child;
  const auto subscription = topic->subscribe(child);
  topic->tell_newcomers();
  EXPECT_EQ(child.records, 0u);
  end(TopicEnd::unknown);
  EXPECT_EQ(child.end, TopicEnd::unknown);
}

TEST_F(TopicTest, a_child_that_comes_when_all_is_over_hears_what_is_left_and_the_end) {
  say(document("/t.m3u8", 1, 0, "for ever", media::Finality::is_final));
  end(TopicEnd::finished);
  Heard child;
  const auto subscription = topic->subscribe(child);
  topic->tell_newcomers();
  EXPECT_EQ(child.documents["/t.m3u8"], "for ever");
  EXPECT_EQ(child.end, TopicEnd::finished);
  EXPECT_FALSE(topic->has_children());
}

TEST_F(TopicTest, a_child_may_leave_while_it_is_told) {
  say(begun(1, "/t-1"));
  say(grew(1, 0, "abc"));
  for (size_t records = 1; records <= 4; ++records) {
    Heard leaver, stayer;
    auto leaving = topic->subscribe(leaver);
    const auto staying = topic->subscribe(stayer);
    leaver.on_record = [&] {
      if (leaver.records == records) leaving.reset();
    };
    topic->tell_newcomers();
    say(grew(1, 3 + (records - 1) * 2, "d"));
    say(grew(1, 4 + (records - 1) * 2, "e"));
    EXPECT_EQ(leaver.records, records);
    EXPECT_EQ(stayer.objects["/t-1"].content, host.text("/t-1"));
  }
  EXPECT_FALSE(topic->has_children());
}

TEST_F(TopicTest, a_child_may_make_another_leave_while_it_is_told) {
  say(begun(1, "/t-1"));
  Heard one, other;
  std::unique_ptr<media::Subscription> others;
  const auto subscription = topic->subscribe(one);
  others = topic->subscribe(other);
  one.on_record = [&] { others.reset(); };
  topic->tell_newcomers();
  EXPECT_EQ(one.records, 1u);
  EXPECT_EQ(other.records, 0u);
  say(grew(1, 0, "abc"));
  EXPECT_EQ(other.records, 0u);
}

TEST_F(TopicTest, a_child_may_make_another_leave_at_the_end) {
  say(begun(1, "/t-1"));
  Heard one, other;
  std::unique_ptr<media::Subscription> others;
  const auto subscription = topic->subscribe(one);
  others = topic->subscribe(other);
  topic->tell_newcomers();
  one.on_record = [&] { others.reset(); };
  end(TopicEnd::lost);
  EXPECT_EQ(one.end, TopicEnd::lost);
  EXPECT_FALSE(other.end);
}

TEST_F(TopicTest, a_child_may_bring_another_while_it_is_told) {
  say(begun(1, "/t-1"));
  Heard one, other;
  std::unique_ptr<media::Subscription> others;
  const auto subscription = topic->subscribe(one);
  one.on_record = [&] {
    if (!others) others = topic->subscribe(other);
  };
  topic->tell_newcomers();
  say(grew(1, 0, "abc"));
  topic->tell_newcomers();
  EXPECT_EQ(other.objects, one.objects);
}

TEST_F(TopicTest, children_outlive_their_topic) {
  Heard child;
  auto subscription = topic->subscribe(child);
  say(begun(1, "/t-1"));
  topic.reset();
  subscription.reset();
  EXPECT_EQ(child.records, 1u);
}

// What a parent may say of a few objects, one step after the other, whatever happens to the topic.
struct Story {
  media::PushRecord next() {
    switch (*rc::gen::inRange(0, 8)) {
      case 0:
        if (open.size() < 3) {
          open[++numbers] = 0;
          return begun(numbers, "/t-" + std::to_string(numbers));
        }
        break;
      case 1:
        if (!open.empty()) {
          const media::ObjectNumber number = any_open();
          open.erase(number);
          return ended(number, *rc::gen::element(LogEnd::complete, LogEnd::aborted));
        }
        break;
      case 2:
        ++version;
        return document("/t.m3u8", version, 0, std::to_string(version));
      case 3:
        return media::NameExpected{"/e-" + std::to_string(*rc::gen::inRange(0, 5))};
      case 4:
        return media::NameGone{"/e-" + std::to_string(*rc::gen::inRange(0, 5))};
      case 5:
        if (!open.empty()) {
          const media::ObjectNumber number = any_open();
          if (open[number] == 0) break;
          const auto offset = *rc::gen::inRange<uint64_t>(0, open[number]);
          return alias(number, "/a-" + std::to_string(++aliases), offset, open[number] - offset);
        }
        break;
      default:
        break;
    }
    if (open.empty()) return document("/u.m3u8", ++version, 0, "u");
    const media::ObjectNumber number = any_open();
    const std::string text(*rc::gen::inRange<size_t>(1, 5), static_cast<char>('a' + version++ % 26));
    const uint64_t offset = open[number];
    open[number] += text.size();
    return grew(number, offset, text);
  }
  media::ObjectNumber any_open() const {
    auto one = open.begin();
    std::advance(one, *rc::gen::inRange<size_t>(0, open.size()));
    return one->first;
  }
  std::map<media::ObjectNumber, uint64_t> open;
  media::ObjectNumber numbers = 0;
  int aliases = 0;
  uint64_t version = 0;
};

// Of what is open when it joins or begins after.
RC_GTEST_FIXTURE_PROP(TopicTest, a_child_that_joins_at_any_moment_knows_what_the_first_one_knows, ()) {
  Heard first;
  const auto subscription = topic->subscribe(first);
  Story story;
  struct Late {
    Heard heard;
    std::set<std::string> before;  // objects that had ended before
    std::unique_ptr<media::Subscription> subscription;
  };
  std::vector<std::unique_ptr<Late>> children;
  const int steps = *rc::gen::inRange(1, 80);
  for (int step = 0; step < steps; ++step) {
    if (*rc::gen::inRange(0, 4) == 0) {
      auto late = std::make_unique<Late>();
      for (const auto& [name, seen] : first.objects) {
        if (seen.end != LogEnd::growing) late->before.insert(name);
      }
      late->subscription = topic->subscribe(late->heard);
      if (*rc::gen::arbitrary<bool>()) topic->tell_newcomers();
      children.push_back(std::move(late));
    }
    if (!children.empty() && *rc::gen::inRange(0, 10) == 0) children.pop_back();
    say(story.next());
  }
  topic->tell_newcomers();
  for (const auto& late : children) {
    auto expected = first.objects;
    std::erase_if(expected, [&](const auto& one) { return late->before.contains(one.first); });
    RC_ASSERT(late->heard.objects == expected);
    RC_ASSERT(late->heard.documents == first.documents);
    RC_ASSERT(late->heard.expected == first.expected);
  }
  for (const auto& [name, seen] : first.objects) {
    RC_ASSERT(host.text(name) == seen.content);
    RC_ASSERT(host.objects[name]->log->state() == seen.end);
    for (const auto& [other, content] : seen.aliases) RC_ASSERT(host.text(other) == content);
  }
}

}  // namespace
}  // namespace klieg::edge

// What comes by push instead of being asked for, and what happens when it no longer does.
#include "edge/engine_test.h"
#include "edge/feed.h"
#include "edge/topic_test.h"
#include "wire/gzip.h"
#include "wire/push_record.h"

namespace klieg::edge {
namespace {

using media::TopicEnd;

const Fields of_topic{{"cache-control", "max-age=60, immutable"}, {"etag", "\"p\""}, {"klieg-topic", "/t"}};

struct EngineTopics : EngineTest {
  EngineTopics() { source = &topics; }
  // With its first viewer of an object of it a node subscribes to a topic.
  void watch(std::string_view path = "/t-0") {
    get(path);
    first.answer(first.asked() - 1, 200, of_topic, "old");
  }
  void say(media::PushRecord record) { topics.say(topics.asked() - 1, std::move(record)); }
  void lose(TopicEnd why = TopicEnd::lost) { topics.end(topics.asked() - 1, why); }
};

TEST_F(EngineTopics, with_its_first_viewer_a_topic_is_subscribed_to_and_once) {
  watch();
  watch("/t-1");
  ASSERT_EQ(topics.asked(), 1u);
  EXPECT_EQ(topics.topic(0), "/t");
  EXPECT_EQ(run().topics(), 1u);
}

TEST_F(EngineTopics, that_is_asked_for_now_and_then_is_not_subscribed_to) {
  settings.topic_fetches_min = 3;
  watch("/t-0");
  watch("/t-1");
  pass(1s);
  watch("/t-2");
  watch("/t-3");
  EXPECT_EQ(topics.asked(), 0u);
  get("/t-3");  // what is here costs nothing
  EXPECT_EQ(topics.asked(), 0u);
  watch("/t-4");
  EXPECT_EQ(topics.asked(), 1u);
}

TEST_F(EngineTopics, that_a_child_wants_is_subscribed_to_at_once) {
  settings.topic_fetches_min = 3;
  Heard child;
  const auto subscription = run().subscribe("/t", child);
  EXPECT_EQ(topics.asked(), 1u);
}

TEST_F(EngineTopics, where_nothing_is_pushed_a_topic_is_a_word) {
  source = nullptr;
  watch();
  EXPECT_EQ(run().topics(), 0u);
  EXPECT_FALSE(run().offers_topics());
}

TEST_F(EngineTopics, what_is_no_path_is_no_topic) {
  const std::string long_one = "/" + std::string(2'000, 't');
  for (const std::string& topic :
       {std::string("t"), std::string("/a b"), std::string("/a?b"), std::string("/\xFF"), long_one}) {
    get("/a");
    first.answer(first.asked() - 1, 200, {{"klieg-topic", topic}}, "x");
  }
  EXPECT_EQ(topics.asked(), 0u);
}

TEST_F(EngineTopics, what_is_pushed_is_here_before_anybody_asks_and_grows) {
  watch();
  say(begun(1, "/t-1"));
  say(grew(1, 0, "abc"));
  const Seen viewer = get("/t-1");
  EXPECT_EQ(viewer->how(), "hit");
  say(grew(1, 3, "def"));
  say(alias(1, "/t-1.0", 3, 3));
  EXPECT_EQ(get("/t-1.0")->text(), "def");
  say(ended(1));
  EXPECT_EQ(viewer->text(), "abcdef");
  EXPECT_EQ(viewer->body(), LogEnd::complete);
  EXPECT_EQ(first.asked(), 1u);
}

TEST_F(EngineTopics, a_name_that_is_expected_is_waited_for_and_comes) {
  watch();
  say(media::NameExpected{"/t-1"});
  const Seen one = get("/t-1");
  const Seen other = get("/t-1");
  EXPECT_EQ(one->how(), "waiting");
  say(begun(1, "/t-1"));
  EXPECT_EQ(one->how(), "pushed");
  EXPECT_EQ(other->how(), "pushed");
  EXPECT_EQ(first.asked(), 1u);
  EXPECT_EQ(run().flying(), 0u);
  pass(10s);
  EXPECT_EQ(first.asked(), 1u);
}

TEST_F(EngineTopics, a_name_that_is_expected_and_does_not_come_is_asked_for_in_time) {
  watch();
  say(media::NameExpected{"/t-1"});
  const Seen one = get("/t-1");
  const Seen other = get("/t-1");
  pass(settings.expect_max - 1ms);
  EXPECT_EQ(first.asked(), 1u);
  pass(1ms);
  EXPECT_EQ(first.asked(), 2u);
  const Seen late = get("/t-1");
  first.answer(1, 200, of_topic, "abc");
  EXPECT_EQ(one->how(), "miss");  // it did not come by push
  EXPECT_EQ(other->how(), "joined");
  EXPECT_EQ(late->how(), "joined");
}

TEST_F(EngineTopics, a_name_that_is_gone_is_asked_for_at_once) {
  watch();
  say(media::NameExpected{"/t-1"});
  const Seen viewer = get("/t-1");
  say(media::NameGone{"/t-1"});
  EXPECT_EQ(first.asked(), 2u);
  first.answer(1, 404, {}, "");
  EXPECT_EQ(viewer->status(), 404);
}

TEST_F(EngineTopics, when_the_topic_is_lost_what_was_waited_for_is_asked_for_at_once) {
  watch();
  say(media::NameExpected{"/t-1"});
  const Seen viewer = get("/t-1");
  lose();
  EXPECT_EQ(first.asked(), 2u);
  first.answer(1, 200, of_topic, "abc");
  EXPECT_EQ(viewer->how(), "miss");
}

TEST_F(EngineTopics, what_is_pushed_wins_over_a_pull_under_way) {
  watch();
  const Seen viewer = get("/t-1");
  EXPECT_EQ(first.running(), 1u);
  say(begun(1, "/t-1"));
  say(grew(1, 0, "abc"));
  EXPECT_EQ(viewer->how(), "pushed");
  EXPECT_EQ(viewer->text(), "abc");
  EXPECT_EQ(first.running(), 0u);
  EXPECT_EQ(run().flying(), 0u);
}

TEST_F(EngineTopics, what_is_pushed_takes_the_place_of_a_404) {
  watch();
  get("/t-1");
  first.answer(1, 404, {}, "");
  EXPECT_EQ(get("/t-1")->status(), 404);
  say(begun(1, "/t-1"));
  say(grew(1, 0, "abc"));
  EXPECT_EQ(get("/t-1")->text(), "abc");
}

TEST_F(EngineTopics, what_was_fetched_before_it_is_pushed_stays) {
  watch();
  const Seen viewer = get("/t-1");
  first.head(1, 200, of_topic, 6);
  first.body(1, "abc");
  say(begun(1, "/t-1"));
  first.body(1, "def");
  first.end(1);
  EXPECT_EQ(viewer->text(), "abcdef");
  EXPECT_EQ(get("/t-1")->body(), LogEnd::complete);
}

TEST_F(EngineTopics, an_object_that_was_being_born_is_taken_on_by_a_fetch) {
  watch();
  say(begun(1, "/t-1?q"));
  say(grew(1, 0, "abc"));
  const Seen viewer = get("/t-1?q");
  lose();
  ASSERT_EQ(first.asked(), 2u);
  EXPECT_EQ(first.request(1).target, "/t-1?q");
  EXPECT_EQ(first.field(1, "range"), "bytes=3-9007199254740991");
  EXPECT_EQ(first.field(1, "if-range"), "\"p\"");
  EXPECT_EQ(first.field(1, "cdn-loop"), "klieg");
  first.head(1, 206, {{"etag", "\"p\""}, {"content-range", "bytes 3-9007199254740991/*"}});
  first.body(1, "def");
  first.end(1);
  EXPECT_EQ(viewer->text(), "abcdef");
  EXPECT_EQ(viewer->body(), LogEnd::complete);
  EXPECT_EQ(run().ended(FlightEnding::resumed), 1u);
  EXPECT_EQ(get("/t-1?q")->how(), "hit");
}

TEST_F(EngineTopics, an_object_that_was_being_born_and_cannot_be_told_from_another_is_reset) {
  watch();
  topics.say(
      0, media::ObjectBegun{
             1, "/t-1", std::make_shared<const media::ObjectHead>(media::ObjectHead{{"cache-control", "max-age=60"}}),
             nullptr});
  say(grew(1, 0, "abc"));
  const Seen viewer = get("/t-1");
  lose();
  EXPECT_EQ(viewer->body(), LogEnd::aborted);
  EXPECT_EQ(run().flying(), 0u);
  EXPECT_EQ(get("/t-1")->how(), "waiting");
}

TEST_F(EngineTopics, what_is_pushed_and_aborted_is_shown_to_nobody_after_but_its_parts_are) {
  watch();
  say(begun(1, "/t-1"));
  say(grew(1, 0, "abc"));
  say(alias(1, "/t-1.0", 0, 3));
  const Seen viewer = get("/t-1");
  say(ended(1, LogEnd::aborted));
  EXPECT_EQ(viewer->body(), LogEnd::aborted);
  EXPECT_EQ(get("/t-1")->how(), "waiting");
  const Seen part = get("/t-1.0");
  EXPECT_EQ(part->text(), "abc");
  EXPECT_EQ(part->body(), LogEnd::complete);
}

TEST_F(EngineTopics, what_is_pushed_leaves_at_the_end_of_its_life) {
  watch();
  say(begun(1, "/t-1"));
  say(grew(1, 0, "abc"));
  say(ended(1));
  say(alias(1, "/t-1.0", 0, 3));
  EXPECT_GT(run().store().size(), 1u);
  pass(61s);
  EXPECT_EQ(run().store().size(), 0u);
}

// --- Playlists ------------------------------------------------------------------------------------------------------

TEST_F(EngineTopics, a_playlist_that_is_pushed_answers_at_once_and_changes) {
  watch();
  say(document("/t.m3u8", 1, 0, "one"));
  EXPECT_EQ(get("/t.m3u8")->text(), "one");
  say(document("/t.m3u8", 2, 0, "two"));
  const Seen viewer = get("/t.m3u8?CMCD=x");
  EXPECT_EQ(viewer->how(), "hit");
  EXPECT_EQ(viewer->text(), "two");
  EXPECT_EQ(first.asked(), 1u);
}

TEST_F(EngineTopics, a_manifest_that_several_topics_tell_is_never_an_older_one_and_goes_with_the_last_of_them) {
  watch();
  get("/u-0");
  first.answer(1, 200, {{"klieg-topic", "/u"}}, "x");
  topics.say(0, document("/m.mpd", 1, 0, "one"));
  topics.say(1, document("/m.mpd", 2, 0, "two"));
  EXPECT_EQ(get("/m.mpd")->text(), "two");
  topics.say(0, document("/m.mpd", 1, 0, "one, still"));
  EXPECT_EQ(get("/m.mpd")->text(), "two");
  topics.say(0, document("/m.mpd", 2, 0, "two"));
  topics.say(1, media::NameGone{"/m.mpd"});
  EXPECT_EQ(get("/m.mpd")->how(), "hit");
  EXPECT_EQ(first.asked(), 2u);
  topics.end(0, TopicEnd::finished);
  EXPECT_EQ(get("/m.mpd")->how(), "waiting") << "it was of the broadcast that is over";
}

TEST_F(EngineTopics, a_blocking_reload_is_answered_by_the_next_version_and_asks_nobody) {
  watch();
  say(document("/t.m3u8", 5, 1, "5.1"));
  EXPECT_EQ(get("/t.m3u8?_HLS_msn=5&_HLS_part=0")->text(), "5.1");  // older ones at once
  EXPECT_EQ(get("/t.m3u8?_HLS_msn=4")->how(), "hit");
  const Seen one = get("/t.m3u8?_HLS_msn=5&_HLS_part=1");
  const Seen same = get("/t.m3u8?_HLS_msn=5&_HLS_part=1");
  const Seen segment = get("/t.m3u8?_HLS_msn=5");
  const Seen next = get("/t.m3u8?_HLS_msn=6&_HLS_part=0");
  say(document("/t.m3u8", 5, 2, "5.2"));
  EXPECT_EQ(one->how(), "pushed");
  EXPECT_EQ(one->text(), "5.2");
  EXPECT_EQ(same->text(), "5.2");
  EXPECT_EQ(segment->how(), "waiting");
  say(document("/t.m3u8", 6, 1, "6.1"));  // a version may be left out
  EXPECT_EQ(segment->text(), "6.1");
  EXPECT_EQ(next->text(), "6.1");
  EXPECT_EQ(first.asked(), 1u);
  EXPECT_EQ(run().waiting(), 0u);
  EXPECT_EQ(run().flying(), 0u);
}

TEST_F(EngineTopics, a_blocking_reload_too_far_ahead_is_for_the_origin_to_refuse) {
  watch();
  say(document("/t.m3u8", 5, 1, "x"));
  const Seen viewer = get("/t.m3u8?_HLS_msn=9");
  ASSERT_EQ(first.asked(), 2u);
  EXPECT_EQ(first.request(1).target, "/t.m3u8?_HLS_msn=9");
  first.answer(1, 400, {}, "too far");
  EXPECT_EQ(viewer->status(), 400);
}

TEST_F(EngineTopics, a_blocking_reload_that_waits_too_long_is_asked_for) {
  watch();
  say(document("/t.m3u8", 5, 1, "5.1"));
  const Seen viewer = get("/t.m3u8?_HLS_msn=5&_HLS_part=1");
  pass(settings.expect_max);
  ASSERT_EQ(first.asked(), 2u);
  EXPECT_EQ(first.request(1).target, "/t.m3u8?_HLS_msn=5&_HLS_part=1");
  say(document("/t.m3u8", 5, 2, "5.2"));  // it is on its way already
  EXPECT_EQ(viewer->how(), "waiting");
  first.answer(1, 200, {{"cache-control", "max-age=1"}}, "5.2 pulled");
  EXPECT_EQ(viewer->how(), "miss");
}

TEST_F(EngineTopics, blocking_reloads_are_asked_for_when_the_topic_is_lost) {
  watch();
  say(document("/t.m3u8", 5, 1, "5.1"));
  const Seen viewer = get("/t.m3u8?_HLS_msn=5&_HLS_part=1");
  lose();
  ASSERT_EQ(first.asked(), 2u);
  first.answer(1, 200, {{"cache-control", "max-age=1"}}, "5.2");
  EXPECT_EQ(viewer->text(), "5.2");
  // Nobody would say that it changed.
  const Seen plain = get("/t.m3u8");
  EXPECT_EQ(plain->how(), "waiting");
}

TEST_F(EngineTopics, blocking_reloads_of_an_ended_broadcast_are_answered_by_its_last_playlist) {
  watch();
  say(document("/t.m3u8", 5, 1, "5.1"));
  const Seen viewer = get("/t.m3u8?_HLS_msn=5&_HLS_part=1");
  say(document("/t.m3u8", 5, 1, "the end", media::Finality::is_final));
  EXPECT_EQ(viewer->how(), "pushed");
  EXPECT_EQ(viewer->text(), "the end");
  lose(TopicEnd::finished);
  EXPECT_EQ(get("/t.m3u8")->text(), "the end");
  EXPECT_EQ(get("/t.m3u8?_HLS_msn=99")->text(), "the end");
  pass(10s);
  EXPECT_EQ(topics.asked(), 1u);  // nothing more will come of it
  pass(settings.topic_kept);
  EXPECT_EQ(run().topics(), 0u);
  EXPECT_EQ(get("/t.m3u8")->how(), "waiting");
}

TEST_F(EngineTopics, a_viewer_who_takes_no_gzip_is_sent_a_pushed_playlist_without) {
  watch();
  const auto zipped = std::make_shared<const media::ObjectHead>(media::ObjectHead{
      {"cache-control", "max-age=1"}, {"content-encoding", "gzip"}, {"vary", "accept-encoding"}, {"etag", "\"z\""}});
  const auto version = [&](uint64_t parts, std::string_view text) {
    return media::DocumentChanged{"/t.m3u8", zipped, {5, parts, media::Segment::open}, {}, wire::gzip(as_bytes(text))};
  };
  say(version(1, "first"));
  const Fields gzip{{"accept-encoding", "gzip"}};
  EXPECT_EQ(get("/t.m3u8", gzip)->text(), wire::gzip(as_bytes("first")).text());
  const Seen plain = get("/t.m3u8");
  EXPECT_EQ(plain->text(), "first");
  EXPECT_EQ(plain->field("etag"), "") << "it is of the compressed bytes";
  EXPECT_EQ(plain->field("content-encoding"), "");
  const Seen waits = get("/t.m3u8?_HLS_msn=5&_HLS_part=1");
  const Seen waits_for_gzip = get("/t.m3u8?_HLS_msn=5&_HLS_part=1", gzip);
  EXPECT_EQ(waits->how(), "waiting");
  say(version(2, "second"));
  EXPECT_EQ(waits->text(), "second");
  EXPECT_EQ(waits_for_gzip->text(), wire::gzip(as_bytes("second")).text());
  EXPECT_EQ(first.asked(), 1u) << "nothing went upward but what made the topic known";
}

TEST_F(EngineTopics, what_claims_to_be_gzip_and_is_not_is_for_the_parent_to_answer) {
  watch();
  const auto zipped = std::make_shared<const media::ObjectHead>(
      media::ObjectHead{{"cache-control", "max-age=1"}, {"content-encoding", "gzip"}, {"vary", "accept-encoding"}});
  say(media::DocumentChanged{
      "/t.m3u8", zipped, {5, 1, media::Segment::open}, {}, Bytes::copy_of(std::string_view("z"))});
  EXPECT_EQ(get("/t.m3u8")->how(), "waiting");
  EXPECT_EQ(first.asked(), 2u);
}

// A flight's place in memory may be another's when its playlist comes at last.
TEST_F(EngineTopics, who_no_longer_waits_for_a_playlist_is_not_taken_for_who_waits_for_something_else) {
  watch();
  say(document("/t.m3u8", 5, 1, "5.1"));
  std::vector<Seen> others;
  for (int i = 0; i < 8; ++i) {
    const Seen viewer = get("/t.m3u8?_HLS_msn=5&_HLS_part=1");
    pass(settings.expect_max);
    first.answer(first.asked() - 1, 404, {{"cache-control", "no-cache"}}, "");
    EXPECT_EQ(viewer->status(), 404);
    const std::string name = "/t-" + std::to_string(100 + i);
    say(media::NameExpected{name});
    others.push_back(get(name));
  }
  say(document("/t.m3u8", 6, 1, "6.1"));
  for (const Seen& other : others) EXPECT_NE(other->text(), "6.1");
}

// --- The life of a subscription -------------------------------------------------------------------------------------

TEST_F(EngineTopics, a_subscription_returns_with_growing_pauses_while_somebody_watches) {
  watch();
  std::vector<int64_t> pauses;
  for (int i = 0; i < 12; ++i) {
    const LoopTime lost = clock.now();
    const size_t asked = topics.asked();
    lose(TopicEnd::lost);
    EXPECT_EQ(topics.asked(), asked);
    while (topics.asked() == asked && clock.now() < lost + 60s) {
      pass(100ms);
      get("/t-0");  // it is being watched
    }
    pauses.push_back(to_ms(clock.now() - lost));
  }
  EXPECT_TRUE(std::ranges::is_sorted(pauses));
  EXPECT_LE(pauses.front(), 1100);
  EXPECT_GE(pauses.back(), 10'000);
  EXPECT_LE(pauses.back(), 11'100);
}

TEST_F(EngineTopics, a_subscription_that_was_heard_begins_to_count_its_failures_anew) {
  watch();
  for (int i = 0; i < 12; ++i) {
    say(document("/t.m3u8", 1, 0, "x"));
    lose();
    const size_t asked = topics.asked();
    for (int waits = 0; waits < 11; ++waits) {
      pass(100ms);
      get("/t-0");
    }
    EXPECT_EQ(topics.asked(), asked + 1) << i;
  }
}

TEST_F(EngineTopics, whoever_is_refused_or_unknown_does_not_insist) {
  for (const TopicEnd why : {TopicEnd::refused, TopicEnd::unknown}) {
    watch("/t-" + std::to_string(static_cast<int>(why)));
    const size_t asked = topics.asked();
    lose(why);
    pass(9s);
    EXPECT_EQ(topics.asked(), asked);
    pass(2s);
    EXPECT_EQ(topics.asked(), asked + 1);
  }
}

TEST_F(EngineTopics, some_time_after_the_last_viewer_a_topic_is_left) {
  watch();
  say(begun(1, "/t-1"));
  pass(20s);
  get("/t-1");  // a hit is a use
  pass(20s);
  EXPECT_EQ(topics.running(), 1u);
  pass(11s);
  EXPECT_EQ(topics.running(), 0u);
  EXPECT_EQ(run().topics(), 0u);
  EXPECT_EQ(first.asked(), 1u) << "the rest of what was being born is fetched for nobody";
  EXPECT_EQ(run().flying(), 0u);
  EXPECT_EQ(get("/t-1")->how(), "waiting") << "and what is not whole is not kept";
  EXPECT_EQ(first.asked(), 2u);
  pass(100s);
  EXPECT_EQ(topics.asked(), 1u);
  watch("/t-2");
  EXPECT_EQ(topics.asked(), 2u);
}

TEST_F(EngineTopics, a_playlist_that_is_read_keeps_its_topic) {
  watch();
  say(document("/t.m3u8", 1, 0, "x"));
  for (int i = 0; i < 20; ++i) {
    pass(5s);
    EXPECT_EQ(get("/t.m3u8")->how(), "hit");
  }
  EXPECT_EQ(topics.running(), 1u);
}

TEST_F(EngineTopics, there_is_a_limit_to_topics) {
  settings.topics_max = 2;
  for (int i = 0; i < 5; ++i) {
    get("/x" + std::to_string(i));
    first.answer(first.asked() - 1, 200, {{"klieg-topic", "/t" + std::to_string(i)}}, "x");
  }
  EXPECT_EQ(topics.asked(), 2u);
  Heard child;
  const auto subscription = run().subscribe("/t4", child);
  EXPECT_FALSE(child.end);
  turn();
  EXPECT_EQ(child.end, TopicEnd::refused);
  EXPECT_EQ(run().topics(), 2u);
}

// --- Children -------------------------------------------------------------------------------------------------------

TEST_F(EngineTopics, a_child_makes_a_node_subscribe_and_keeps_the_topic_alive) {
  Heard child;
  auto subscription = run().subscribe("/t", child);
  EXPECT_EQ(topics.asked(), 1u);
  turn();
  EXPECT_EQ(child.records, 0u);
  say(begun(1, "/t-1"));
  EXPECT_EQ(child.records, 1u);
  pass(100s);
  EXPECT_EQ(topics.running(), 1u);
  subscription.reset();
  pass(2s);
  EXPECT_EQ(topics.running(), 0u);
}

TEST_F(EngineTopics, a_second_child_hears_the_snapshot_in_the_next_turn) {
  watch();
  say(begun(1, "/t-1"));
  say(grew(1, 0, "abc"));
  Heard child;
  const auto subscription = run().subscribe("/t", child);
  EXPECT_EQ(child.records, 0u);
  EXPECT_LE(run().next_deadline(), clock.now());
  turn();
  EXPECT_EQ(child.objects["/t-1"].content, "abc");
}

TEST_F(EngineTopics, children_hear_that_the_topic_is_lost_and_may_come_again) {
  Heard child;
  auto subscription = run().subscribe("/t", child);
  Heard again;
  std::unique_ptr<media::Subscription> second_subscription;
  child.on_record = [&] {
    if (child.end) second_subscription = run().subscribe("/t", again);
  };
  say(begun(1, "/t-1"));
  lose();
  EXPECT_EQ(child.end, TopicEnd::lost);
  turn();
  EXPECT_TRUE(again.end || topics.running() == 1);
}

TEST_F(EngineTopics, a_child_of_a_finished_topic_hears_its_last_playlists) {
  watch();
  say(document("/t.m3u8", 1, 0, "the end", media::Finality::is_final));
  lose(TopicEnd::finished);
  Heard child;
  const auto subscription = run().subscribe("/t", child);
  turn();
  EXPECT_EQ(child.documents["/t.m3u8"], "the end");
  EXPECT_EQ(child.end, TopicEnd::finished);
  pass(settings.topic_kept + 2s);
  EXPECT_EQ(run().topics(), 0u);
}

// As server.cc does it: one feed for all, an opening for whoever comes when it has begun.
TEST_F(EngineTopics, a_child_on_the_network_knows_what_a_child_in_the_process_knows) {
  Heard here;
  const auto subscription = run().subscribe("/t", here);
  Feed feed(run(), "/t");
  turn();
  say(begun(1, "/t-1"));
  say(grew(1, 0, "abc"));
  say(alias(1, "/t-1.0", 0, 3));
  wire::push::Decoder decoder;
  std::vector<media::PushRecord> records;
  uint64_t offset = feed.log()->size();
  ASSERT_GT(offset, 0u);
  ASSERT_TRUE(decoder.feed(opening_of(run().snapshot("/t")), records));
  say(grew(1, 3, "def"));
  say(document("/t.m3u8", 1, 0, "x"));
  say(ended(1));
  ASSERT_TRUE(decoder.feed(feed.log()->read(offset, feed.log()->size() - offset), records));
  Heard there;
  for (auto& record : records) there.on_push(std::move(record));
  EXPECT_EQ(there.objects, here.objects);
  EXPECT_EQ(there.documents, here.documents);
  EXPECT_TRUE(run().snapshot("/nothing").empty());
}

}  // namespace
}  // namespace klieg::edge

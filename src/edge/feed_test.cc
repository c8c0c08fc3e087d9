#include "edge/feed.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "edge/made_up_upstream.h"
#include "edge/topic_test.h"
#include "wire/push_record.h"

namespace klieg::edge {
namespace {

using media::TopicEnd;

// A child on the network: its opening, then the log from where it stood.
struct Reader {
  Reader(const Feed& feed, const std::vector<media::PushRecord>& snapshot) : log(feed.log()), offset(log->size()) {
    take(opening_of(snapshot));
  }
  // As much as is sent at once. False: it has lagged.
  bool read(uint64_t limit = UINT64_MAX) {
    std::vector<Bytes> pieces;
    const uint64_t had = log->gather(offset, limit, pieces);
    if (had == 0 && offset < log->size()) return false;
    offset += had;
    for (const Bytes& piece : pieces) take(piece);
    return true;
  }
  void take(const Bytes& bytes) {
    std::vector<media::PushRecord> records;
    EXPECT_TRUE(decoder.feed(bytes, records));
    for (auto& record : records) heard.on_push(std::move(record));
  }
  std::shared_ptr<const Log> log;
  uint64_t offset;
  wire::push::Decoder decoder;
  Heard heard;
};

TEST(Feed, several_children_read_one_encoding_each_at_its_own_pace) {
  MadeUpTopics topics;
  Feed feed(topics, "/t");
  EXPECT_EQ(topics.topic(0), "/t");
  Reader quick(feed, {}), slow(feed, {});
  topics.say(0, begun(1, "/t-1"));
  topics.say(0, grew(1, 0, "abc"));
  quick.read();
  EXPECT_EQ(quick.heard.objects["/t-1"].content, "abc");
  topics.say(0, grew(1, 3, "def"));
  topics.say(0, ended(1));
  while (slow.offset < slow.log->size()) ASSERT_TRUE(slow.read(1));
  quick.read();
  EXPECT_EQ(quick.heard.objects, slow.heard.objects);
  EXPECT_EQ(quick.heard.objects["/t-1"].content, "abcdef");
}

TEST(Feed, ends_cleanly_only_when_all_was_said) {
  for (const TopicEnd why :
       {TopicEnd::finished, TopicEnd::unknown, TopicEnd::refused, TopicEnd::lagged, TopicEnd::lost}) {
    MadeUpTopics topics;
    Feed feed(topics, "/t");
    const auto& log = feed.log();
    topics.end(0, why);
    EXPECT_TRUE(feed.over());
    EXPECT_EQ(log->state(), why == TopicEnd::finished ? LogEnd::complete : LogEnd::aborted);
  }
}

TEST(Feed, resets_its_readers_when_it_is_taken_down) {
  MadeUpTopics topics;
  auto feed = std::make_unique<Feed>(topics, "/t");
  EXPECT_TRUE(feed->read_by_nobody());
  const std::shared_ptr<const Log> log = feed->log();
  EXPECT_FALSE(feed->read_by_nobody());
  feed.reset();
  EXPECT_EQ(log->state(), LogEnd::aborted);
  EXPECT_TRUE(topics.over(0));
}

TEST(Feed, a_child_that_lags_too_far_gets_nothing_more_and_the_others_do) {
  MadeUpTopics topics;
  Feed feed(topics, "/t");
  Reader quick(feed, {}), slow(feed, {});
  topics.say(0, begun(1, "/t-1"));
  const std::string chunk(1 << 16, 'x');
  uint64_t size = 0;
  while (size < 2 * Feed::behind_max) {
    topics.say(0, grew(1, size, chunk));
    size += chunk.size();
    ASSERT_TRUE(quick.read());
  }
  EXPECT_EQ(quick.heard.objects["/t-1"].content.size(), size);
  EXPECT_FALSE(slow.read());
  EXPECT_LE(feed.log()->size() - feed.log()->first(), Feed::behind_max + chunk.size());
}

TEST(Feed, an_opening_says_what_a_snapshot_holds) {
  const std::vector<media::PushRecord> snapshot{document("/t.m3u8", 1, 2, "playlist"), begun(3, "/t-3"),
                                                grew(3, 0, "abc"), alias(3, "/t-3.0", 0, 3),
                                                media::NameExpected{"/t-3.1"}};
  std::vector<media::PushRecord> records;
  wire::push::Decoder decoder;
  ASSERT_TRUE(decoder.feed(opening_of(snapshot), records));
  ASSERT_EQ(records.size(), snapshot.size());
  Heard heard;
  for (auto& record : records) heard.on_push(std::move(record));
  EXPECT_EQ(heard.objects["/t-3"].aliases["/t-3.0"], "abc");
  EXPECT_EQ(heard.documents["/t.m3u8"], "playlist");
  EXPECT_TRUE(heard.expected["/t-3.1"]);
}

}  // namespace
}  // namespace klieg::edge

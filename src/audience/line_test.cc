#include "audience/line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "audience/upward.h"
#include "wire/room_record.h"

namespace klieg::audience {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string topic = "/live/ada/x7f.1/room";

struct MadeUpHost final : LineHost {
  struct Handle final : media::Subscription {
    explicit Handle(MadeUpHost& owner) : host(owner) {}
    ~Handle() override { host.sink = nullptr; }
    MadeUpHost& host;
  };
  struct Request {
    std::string path;
    std::string query;
    Bytes body;
    std::move_only_function<void(std::optional<Bytes>)> then;
  };

  LoopTime now() const override { return clock; }
  std::unique_ptr<media::Subscription> subscribe(const std::string& name, media::PushSink& listener) override {
    subscribed = name;
    ++subscriptions;
    sink = &listener;
    return std::make_unique<Handle>(*this);
  }
  void look(std::move_only_function<void(Looked, const std::string&)> then) override { looking = std::move(then); }
  void see(Looked looked, const std::string& live = "") { std::exchange(looking, nullptr)(looked, live); }
  void post(std::string path, std::string query, Bytes body,
            std::move_only_function<void(std::optional<Bytes>)> then) override {
    requests.push_back({std::move(path), std::move(query), std::move(body), std::move(then)});
  }
  void tell(std::vector<Told> told) override {
    for (Told& one : told) {
      if (std::holds_alternative<ObjectOpened>(one)) heard += "|";
      if (const auto* more = std::get_if<ObjectContinued>(&one)) heard += more->content.text();
      if (std::holds_alternative<WayLost>(one)) heard += "<lost>";
      if (std::holds_alternative<WayFound>(one)) heard += "<found>";
      if (std::holds_alternative<RoomMoved>(one)) heard += "<moved>";
      if (std::holds_alternative<DeskHeard>(one)) heard += "<desk>";
      if (const auto* answer = std::get_if<media::BatchAnswer>(&one)) answered.push_back(answer->key.sequence);
    }
  }

  // What the log says: an object's beginning, from some byte on.
  void begin(const std::string& name, media::ObjectNumber number) const {
    sink->on_push(media::ObjectBegun{number, name, std::make_shared<const media::ObjectHead>(), nullptr});
  }
  void grow(media::ObjectNumber number, uint64_t offset, std::string_view content) const {
    sink->on_push(media::ObjectGrew{number, offset, Bytes::copy_of(content)});
  }
  std::vector<media::Batch> batches_of(const Request& request) const {
    std::vector<media::Batch> batches;
    wire::room::BatchReader reader;
    EXPECT_TRUE(reader.feed(request.body, batches));
    return batches;
  }
  // The parent answers the oldest request, but for the last so many of its batches.
  void answer(size_t left_out = 0) {
    Request request = std::move(requests.front());
    requests.erase(requests.begin());
    std::vector<Bytes> records;
    std::vector<media::Batch> batches = batches_of(request);
    batches.resize(batches.size() - left_out);
    for (const media::Batch& batch : batches)
      records.push_back(wire::room::record_of(media::BatchAnswer{batch.key, {}}));
    request.then(Bytes::join(records));
  }
  std::vector<uint64_t> sequences(size_t request) const {
    std::vector<uint64_t> all;
    for (const media::Batch& batch : batches_of(requests.at(request))) all.push_back(batch.key.sequence);
    return all;
  }

  LoopTime clock = LoopTime(1000s);
  media::PushSink* sink = nullptr;  // of the subscription there is
  int subscriptions = 0;
  std::move_only_function<void(Looked, const std::string&)> looking;
  std::string subscribed;
  std::vector<Request> requests;
  std::string heard;
  std::vector<uint64_t> answered;
};

std::vector<media::Batch> batches(uint64_t first, uint64_t last) {
  std::vector<media::Batch> all;
  for (uint64_t i = first; i <= last; ++i) all.push_back({{"n/0", 1, i}, {media::HeartsGiven{{{600, 1}}}}});
  return all;
}

struct RoomLine : testing::Test {
  void run(Duration duration) {
    for (const LoopTime until = host.clock + duration; host.clock < until;) {
      host.clock += Line::wake_every;
      line.wake();
    }
  }

  MadeUpHost host;
  Line line{host, topic};
};

TEST_F(RoomLine, tells_what_the_log_says_and_nothing_twice_when_it_is_subscribed_to_anew) {
  host.begin("room-0", 4);
  host.grow(4, 0, "abc");
  host.sink->on_topic_end(media::TopicEnd::lost);
  run(Line::wake_every);
  host.see(Looked::live, topic);
  EXPECT_EQ(host.subscriptions, 2);
  host.begin("room-0", 9);  // another parent counts otherwise
  host.grow(9, 0, "ab");
  host.grow(9, 2, "cde");
  host.begin("room-1", 10);
  host.grow(10, 0, "f");
  EXPECT_EQ(host.heard, "|abc<lost>de|f");
  run(Line::pause_max);
  EXPECT_EQ(host.heard, "|abc<lost>de|f<found>");
}

TEST_F(RoomLine, sends_one_request_at_a_time_and_what_came_meanwhile_with_the_next) {
  line.send(batches(1, 1));
  line.send(batches(2, 2));
  line.send(batches(3, 3));
  ASSERT_EQ(host.requests.size(), 1u);
  EXPECT_EQ(host.requests[0].path, upward_path_of(topic));
  EXPECT_TRUE(is_digest_of(host.requests[0].query, topic, host.requests[0].body));
  EXPECT_THAT(host.sequences(0), ElementsAre(1));
  host.answer();
  ASSERT_EQ(host.requests.size(), 1u);
  EXPECT_THAT(host.sequences(0), ElementsAre(2, 3));
  host.answer();
  EXPECT_THAT(host.requests, IsEmpty());
  EXPECT_THAT(host.answered, ElementsAre(1, 2, 3));
}

TEST_F(RoomLine, a_batch_that_was_not_taken_loses_the_way_until_all_is_sent_anew) {
  host.begin("room-0", 0);
  line.send(batches(1, 2));
  host.answer(1);
  EXPECT_THAT(host.answered, ElementsAre(1));
  EXPECT_EQ(host.heard, "|<lost>");
  line.send(batches(3, 3));  // not known to be lost yet: it will be sent again
  EXPECT_THAT(host.requests, IsEmpty());
  run(Line::pause_max);
  EXPECT_EQ(host.heard, "|<lost><found>");
  line.send(batches(2, 3));
  EXPECT_THAT(host.sequences(0), ElementsAre(2, 3));
}

TEST_F(RoomLine, an_answer_to_a_request_that_was_given_up_is_not_taken_for_the_next_ones) {
  host.begin("room-0", 0);
  line.send(batches(1, 1));
  host.sink->on_topic_end(media::TopicEnd::lost);
  run(Line::wake_every);
  host.see(Looked::live, topic);
  host.begin("room-0", 0);
  run(Line::pause_max);
  line.send(batches(1, 2));
  ASSERT_EQ(host.requests.size(), 2u);
  host.answer();  // the first, late
  line.send(batches(3, 3));
  EXPECT_EQ(host.requests.size(), 1u) << "the second is under way still";
  host.answer();
  EXPECT_THAT(host.answered, ElementsAre(1, 2));
}

TEST_F(RoomLine, goes_on_looking_while_nobody_knows_and_is_over_when_another_broadcast_is_live) {
  host.begin("room-0", 0);
  host.sink->on_topic_end(media::TopicEnd::unreachable);
  int looks = 0;
  const LoopTime lost = host.clock;
  while (host.clock < lost + 60s) {
    run(Line::wake_every);
    if (!host.looking) continue;
    ++looks;
    host.see(Looked::unknown);
  }
  EXPECT_GE(looks, 15) << "every pause_max at least";
  EXPECT_LE(looks, 20) << "and no herd";
  run(Line::pause_max);
  host.see(Looked::live, "/live/ada/y8g.1/room");
  EXPECT_TRUE(line.over());
  EXPECT_EQ(host.heard.substr(0, 8), "|<lost>|");
  line.send(batches(1, 1));
  EXPECT_THAT(host.requests, IsEmpty());
}

TEST_F(RoomLine, goes_where_the_broadcast_goes_on_and_says_there_what_is_not_safe) {
  host.begin("/live/ada/x7f.1/room-0", 0);
  host.grow(0, 0, "abc");
  host.sink->on_topic_end(media::TopicEnd::unreachable);
  run(Line::wake_every);
  host.see(Looked::absent);  // its encoder is not back yet
  run(Line::pause_max);
  const std::string later = "/live/ada/x7f.2/room";
  host.see(Looked::live, later);
  EXPECT_EQ(host.subscribed, later);
  host.begin("/live/ada/x7f.2/room-0", 0);
  host.grow(0, 0, "d");
  run(Line::pause_max);
  EXPECT_EQ(host.heard, "|abc<lost><moved>|d<found>");
  line.send(batches(1, 1));
  EXPECT_EQ(host.requests.at(0).path, upward_path_of(later));
}

TEST_F(RoomLine, is_over_when_nothing_is_live_for_long) {
  host.begin("room-0", 0);
  host.sink->on_topic_end(media::TopicEnd::lost);
  const LoopTime lost = host.clock;
  while (!line.over() && host.clock < lost + 2 * Line::absent_max) {
    run(Line::wake_every);
    if (host.looking) host.see(Looked::absent);
  }
  EXPECT_TRUE(line.over());
  EXPECT_GE(host.clock, lost + Line::absent_max);
}

TEST_F(RoomLine, is_over_when_the_log_is_finished) {
  host.begin("room-0", 0);
  host.sink->on_topic_end(media::TopicEnd::finished);
  run(Line::wake_every);
  EXPECT_TRUE(line.over());
  EXPECT_FALSE(host.looking);
}

TEST_F(RoomLine, asks_for_what_is_said_among_moderators_while_there_are_some) {
  const auto answer = [&](std::optional<Bytes> body) {
    auto request = std::move(host.requests.at(0));
    host.requests.clear();
    request.then(std::move(body));
  };
  const std::vector<Bytes> held{wire::room::record_of(media::RoomEvent(media::CommentHeld{}))};
  host.begin("room-0", 0);
  run(Line::wake_every);
  EXPECT_THAT(host.requests, IsEmpty());
  line.attend(Desk::attended);
  run(Line::wake_every);
  EXPECT_EQ(host.requests.at(0).query, "desk=0");
  EXPECT_EQ(host.requests.at(0).path, upward_path_of(topic));
  run(Line::wake_every);
  EXPECT_EQ(host.requests.size(), 1u);
  answer(desk_answer_of(60, held));
  EXPECT_EQ(host.heard, "|<desk>");
  EXPECT_EQ(host.requests.at(0).query, "desk=60") << "from there on, at once";
  answer(std::nullopt);
  EXPECT_THAT(host.requests, IsEmpty());
  run(Line::pause_first);
  EXPECT_EQ(host.requests.at(0).query, "desk=60");

  // Another home counts otherwise, and what the one before it says is not waited for.
  host.sink->on_topic_end(media::TopicEnd::lost);
  run(Line::wake_every);
  host.see(Looked::live, "/live/ada/x7f.2/room");
  host.begin("room-0", 0);
  answer(desk_answer_of(90, held));
  run(Line::wake_every);
  EXPECT_EQ(host.requests.at(0).query, "desk=0");
  line.attend(Desk::empty);
  answer(desk_answer_of(7, {}));
  run(1s);
  EXPECT_THAT(host.requests, IsEmpty());
  EXPECT_EQ(host.heard, "|<desk><lost><moved>|<found>");
}

TEST(RoomUpward, what_is_proved_is_these_batches_of_this_room) {
  const Bytes body = Bytes::copy_of("batches");
  EXPECT_EQ(topic_of_upward(upward_path_of(topic)), topic);
  EXPECT_EQ(topic_of_upward("/.klieg/roommate"), std::nullopt);
  EXPECT_EQ(topic_of_upward("/live/ada/room"), std::nullopt);
  const std::string query = upward_query_of(topic, body);
  EXPECT_TRUE(is_digest_of(query, topic, body));
  EXPECT_FALSE(is_digest_of(query, topic, Bytes::copy_of("others"))) << "whoever overheard it says something else";
  EXPECT_FALSE(is_digest_of(query, "/live/bob/x7f.1/room", body)) << "or says it elsewhere";
  EXPECT_FALSE(is_digest_of("", topic, body));
}

}  // namespace
}  // namespace klieg::audience

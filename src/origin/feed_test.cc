#include "origin/feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "origin/made_up_broadcast.h"
#include "origin/server.h"

namespace klieg::origin {
namespace {

using media::BroadcastState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::UnorderedElementsAre;

// A child that believes what it is told and notices when that cannot be: it holds what a cache would.
struct Child final : media::PushSink {
  struct Object {
    std::string name;
    std::string content;
    LogEnd state = LogEnd::growing;
    std::shared_ptr<const Log> log;
  };
  void on_push(media::PushRecord record) override {
    EXPECT_FALSE(ended) << "nothing follows the end";
    ++told;
    std::visit([this](const auto& it) { apply(it); }, record);
    if (then) then();
  }
  void on_topic_end(media::TopicEnd why) override {
    EXPECT_FALSE(ended);
    ended = why;
    if (then) then();
  }

  void born(const std::string& name) {
    expected.erase(name);
    EXPECT_FALSE(gone.contains(name)) << name;
    EXPECT_TRUE(names.insert(name).second) << name << " is told twice";
  }
  void apply(const media::ObjectBegun& it) {
    born(it.name);
    heads[it.name] = it.head;
    EXPECT_TRUE(objects.emplace(it.number, Object{it.name, "", LogEnd::growing, it.log}).second);
  }
  void apply(const media::GuestsRevoked&) { ADD_FAILURE() << "no track says so"; }
  void apply(const media::ObjectGrew& it) {
    Object& object = objects.at(it.number);
    EXPECT_EQ(object.state, LogEnd::growing);
    EXPECT_EQ(it.offset, object.content.size());
    EXPECT_FALSE(it.content.empty());
    object.content += it.content.text();
    EXPECT_EQ(object.log->read(it.offset, it.content.size()), it.content);
  }
  void apply(const media::ObjectEnded& it) {
    Object& object = objects.at(it.number);
    EXPECT_EQ(object.state, LogEnd::growing);
    object.state = it.how;
    if (it.how == LogEnd::complete) content[object.name] = object.content;
  }
  void apply(const media::AliasBorn& it) {
    born(it.name);
    heads[it.name] = it.head;
    const Object& object = objects.at(it.of);
    ASSERT_LE(it.offset + it.size, object.content.size()) << "its bytes are there";
    content[it.name] = object.content.substr(it.offset, it.size);
  }
  void apply(const media::DocumentChanged& it) {
    if (const auto before = documents.find(it.name); before != documents.end()) {
      EXPECT_LE(before->second.version, it.version);
      EXPECT_FALSE(before->second.version == it.version && before->second.content == it.content &&
                   before->second.finality == it.finality);
      EXPECT_EQ(before->second.finality, media::Finality::may_change);
    }
    documents[it.name] = it;
    heads[it.name] = it.head;
    ++documents_told;
  }
  void apply(const media::NameExpected& it) {
    EXPECT_TRUE(expected.insert(it.name).second) << it.name << " is expected twice";
    EXPECT_FALSE(names.contains(it.name)) << it.name << " is there";
    EXPECT_FALSE(gone.contains(it.name));
  }
  void apply(const media::NameGone& it) {
    if (documents.erase(it.name) > 0) return;
    EXPECT_EQ(expected.erase(it.name), 1u) << it.name << " was not expected";
    gone.insert(it.name);
  }

  std::map<media::ObjectNumber, Object> objects;
  std::map<std::string, std::string> content;  // of what is whole
  std::map<std::string, std::shared_ptr<const media::ObjectHead>> heads;
  std::map<std::string, media::DocumentChanged> documents;
  std::set<std::string> names, expected, gone;
  const Object& object(const std::string& name) const {
    return std::ranges::find(objects, name, [](const auto& entry) { return entry.second.name; })->second;
  }
  size_t documents_told = 0;
  size_t told = 0;
  std::optional<media::TopicEnd> ended;
  std::function<void()> then;
};

struct SeenPeers final : Peers {
  void on_status(const std::string&, const Status&) override {}
  void mirror_wanted(const std::string& channel) override { wanted.push_back(channel); }
  void rung_wanted(const std::string&) override {}
  std::vector<std::string> wanted;
};

struct FeedTest : testing::Test {
  FeedTest() {
    origin.add_channel("cam");
    broadcast.write = [this](const media::Record& record) { origin.apply("cam", record, now); };
  }
  void go_live() {
    origin.begin("cam", broadcast.begun(), broadcast.wall_zero, now);
    broadcast.start();
  }
  std::unique_ptr<media::Subscription> follow(Child& child, const std::string& track = "video") {
    return feed.subscribe("/live/cam/abc.1/" + track, child);
  }
  // The turn that was asked for.
  void turn() {
    while (wanted) {
      wanted = false;
      feed.flush(now);
    }
  }
  std::string asked(const std::string& name) {
    const size_t mark = std::min(name.find('?'), name.size());
    const Answer answer = origin.find(name.substr(0, mark), name.substr(std::min(mark + 1, name.size())), now, {});
    if (const Found* found = std::get_if<Found>(&answer)) {
      return std::string(found->document->content(Coding::gzip).text());
    }
    const auto* object = std::get_if<std::shared_ptr<const Object>>(&answer);
    if (!object) return "nothing";
    const uint64_t end = (*object)->end.value_or((*object)->log->size());
    return std::string((*object)->log->read((*object)->offset, end - (*object)->offset).text());
  }
  static std::string at(const std::string& file) { return "/live/cam/abc.1/" + file; }

  LoopTime now{};
  bool wanted = false;
  SeenPeers peers;
  Origin origin{Settings{}, &peers, nullptr};
  Feed feed{origin, [this] {
              EXPECT_FALSE(wanted) << "a turn is asked for once";
              wanted = true;
            }};
  MadeUpBroadcast broadcast;
};

TEST_F(FeedTest, a_newcomer_is_told_what_is_being_born_with_all_of_its_bytes) {
  go_live();
  broadcast.segments(2);
  broadcast.open();
  broadcast.add_part();
  broadcast.chunk(0, 300);  // of a part that has not ended
  Child child;
  const auto subscription = follow(child);
  EXPECT_EQ(child.told, 0u);
  turn();
  EXPECT_THAT(child.names, UnorderedElementsAre(at("video-h0.mp4"), at("video-2.m4s"), at("video-2.0.m4s")));
  EXPECT_EQ(child.content[at("video-h0.mp4")], "header video0");
  EXPECT_EQ(child.object(at("video-2.m4s")).content.size(), 1300u);
  EXPECT_EQ(child.content[at("video-2.0.m4s")], asked(at("video-2.0.m4s")));
  EXPECT_THAT(child.expected, UnorderedElementsAre(at("video-2.1.m4s"), at("video-2.2.m4s"), at("video-3.0.m4s"),
                                                   at("video-3.m4s"), at("video-4.m4s")));
  ASSERT_EQ(child.documents.size(), 4u);
  const media::DocumentChanged& playlist = child.documents.at(at("video.m3u8"));
  EXPECT_EQ(playlist.version, (media::DocumentVersion{2, 1, media::Segment::open}));
  EXPECT_EQ(playlist.content.text(), asked(at("video.m3u8")));
  EXPECT_EQ(child.documents.at(at("video.m3u8?_HLS_skip=YES")).content.text(), asked(at("video.m3u8?_HLS_skip=YES")));
}

TEST_F(FeedTest, what_happens_is_told_as_it_happens_and_shares_the_segments_log) {
  go_live();
  broadcast.segments(2);
  Child child;
  const auto subscription = follow(child);
  turn();
  broadcast.open();
  EXPECT_FALSE(child.names.contains(at("video-2.m4s"))) << "it may turn out to be a gap";
  broadcast.chunk(0, 500);
  ASSERT_TRUE(child.names.contains(at("video-2.m4s")));
  const Child::Object& object = child.object(at("video-2.m4s"));
  EXPECT_EQ(object.log, origin.window("cam")->track("video")->open()->log);
  broadcast.chunk(0, 500);
  broadcast.write(media::PartEnded{0, 2, 0, 0, 1000, 200ms, media::Independence::independent});
  EXPECT_EQ(child.content[at("video-2.0.m4s")], object.content);
  EXPECT_THAT(child.expected, IsSupersetOf({at("video-2.1.m4s"), at("video-2.2.m4s")}));
  broadcast.write(media::SegmentEnded{0, 2, 200ms});
  EXPECT_EQ(child.content[at("video-2.m4s")], asked(at("video-2.m4s")));
  EXPECT_THAT(child.gone, UnorderedElementsAre(at("video-2.1.m4s"), at("video-2.2.m4s")));
}

TEST_F(FeedTest, what_a_turn_changes_of_a_playlist_is_told_once) {
  go_live();
  broadcast.segments(2);
  Child child;
  const auto subscription = follow(child);
  turn();
  child.documents_told = 0;
  broadcast.open();
  broadcast.add_part();
  broadcast.close();
  EXPECT_EQ(child.documents_told, 0u);
  turn();
  EXPECT_EQ(child.documents_told, 2u);  // the whole one and the delta
  EXPECT_EQ(child.documents[at("video.m3u8")].version, (media::DocumentVersion{2, 1, media::Segment::finished}));
  feed.flush(now);
  EXPECT_EQ(child.documents_told, 2u);
}

TEST_F(FeedTest, what_lists_all_tracks_is_told_with_each_as_long_as_it_is_what_the_channel_shows) {
  const std::map<std::string, std::string> types{{"/live/cam/manifest.mpd", "application/dash+xml"},
                                                 {"/live/cam/index.m3u8", "application/vnd.apple.mpegurl"}};
  broadcast.kinds = {media::TrackKind::video, media::TrackKind::audio};
  go_live();
  broadcast.segments(2);
  Child video, audio;
  const auto subscriptions = std::array{follow(video), follow(audio, "audio")};
  turn();
  for (const Child* child : {&video, &audio}) {
    for (const auto& [name, type] : types) {
      ASSERT_TRUE(child->documents.contains(name)) << name;
      const media::DocumentChanged& told = child->documents.at(name);
      EXPECT_EQ(told.content.text(), asked(name));
      EXPECT_THAT(*told.head, testing::Contains(testing::Pair("content-type", type)));
      EXPECT_THAT(*told.head, testing::Contains(testing::Pair("cache-control", "no-cache")));
    }
  }
  broadcast.state(BroadcastState::ended);
  turn();
  for (const auto& [name, _] : types) {
    EXPECT_FALSE(video.documents.contains(name)) << "what the channel shows next is not this broadcast's to say";
  }
}

TEST_F(FeedTest, a_manifest_that_lacks_a_rung_is_not_told_so_that_who_wants_it_asks) {
  const std::string manifest = "/live/cam/manifest.mpd";
  broadcast.rungs = {{.name = "360p", .kind = media::TrackKind::video, .bits_per_second = 1, .width = 1, .height = 1}};
  broadcast.kinds = {media::TrackKind::video, media::TrackKind::audio};
  go_live();
  broadcast.segments(2);
  Child child;
  const auto subscription = follow(child);
  turn();
  EXPECT_TRUE(child.documents.contains(manifest));
  broadcast.lost.insert(2);
  broadcast.segment();
  turn();
  EXPECT_FALSE(child.documents.contains(manifest));
  EXPECT_TRUE(child.documents.contains("/live/cam/index.m3u8")) << "it lists every rung whatever happens";
  broadcast.lost.clear();
  broadcast.segment();
  turn();
  EXPECT_EQ(child.documents[manifest].content.text(), asked(manifest));
}

TEST_F(FeedTest, nothing_is_flushed_for_a_broadcast_that_nobody_follows) {
  go_live();
  broadcast.segments(3);
  EXPECT_FALSE(wanted);
  Child child;
  auto subscription = follow(child);
  turn();
  EXPECT_EQ(feed.topics(), 1u);
  subscription.reset();
  const size_t told = child.told;
  broadcast.segments(1);
  turn();
  EXPECT_EQ(child.told, told);
  EXPECT_EQ(feed.topics(), 0u);
  broadcast.segments(1);
  EXPECT_FALSE(wanted);
}

TEST_F(FeedTest, a_track_hears_nothing_of_the_others) {
  go_live();
  Child child;
  const auto subscription = follow(child, "audio");
  turn();
  broadcast.segments(2);
  turn();
  for (const std::string& name : child.names) EXPECT_THAT(name, HasSubstr("/audio-"));
  EXPECT_EQ(child.content[at("audio-1.m4s")], asked(at("audio-1.m4s")));
}

TEST_F(FeedTest, a_gap_is_never_begun_and_its_names_go) {
  broadcast.rungs = {{.name = "360p", .kind = media::TrackKind::video, .bits_per_second = 1, .width = 1, .height = 1}};
  go_live();
  broadcast.segments(2);
  Child child;
  const auto subscription = follow(child, "360p");
  turn();
  broadcast.lost.insert(2);
  broadcast.segment();
  turn();
  EXPECT_FALSE(child.names.contains(at("360p-2.m4s")));
  EXPECT_THAT(child.gone, IsSupersetOf({at("360p-2.m4s"), at("360p-2.0.m4s"), at("360p-2.1.m4s")}));
  EXPECT_THAT(child.expected, UnorderedElementsAre(at("360p-3.0.m4s"), at("360p-3.m4s"), at("360p-4.m4s")));
  broadcast.lost.clear();
  broadcast.segment();
  EXPECT_EQ(child.content[at("360p-3.m4s")], asked(at("360p-3.m4s")));
}

TEST_F(FeedTest, a_segment_that_breaks_in_the_middle_is_aborted_and_keeps_the_parts_it_had) {
  go_live();
  broadcast.segments(1);
  Child child;
  const auto subscription = follow(child);
  turn();
  broadcast.open();
  broadcast.add_part();
  broadcast.lose(0);
  broadcast.close(1s);
  EXPECT_EQ(child.object(at("video-1.m4s")).state, LogEnd::aborted);
  EXPECT_EQ(child.content[at("video-1.0.m4s")], asked(at("video-1.0.m4s")));
  EXPECT_FALSE(child.content.contains(at("video-1.m4s")));
}

TEST_F(FeedTest, the_end_of_a_broadcast_is_told_with_its_last_playlists) {
  go_live();
  broadcast.segments(2);
  broadcast.open();
  broadcast.add_part();
  Child child;
  const auto subscription = follow(child);
  turn();
  broadcast.state(BroadcastState::paused);
  turn();
  EXPECT_FALSE(child.ended);
  broadcast.state(BroadcastState::ended);
  EXPECT_EQ(child.object(at("video-2.m4s")).state, LogEnd::aborted);
  EXPECT_THAT(child.expected, IsEmpty());
  EXPECT_FALSE(child.ended);
  turn();
  EXPECT_EQ(child.ended, media::TopicEnd::finished);
  EXPECT_EQ(child.documents.at(at("video.m3u8")).finality, media::Finality::is_final);
  EXPECT_EQ(child.documents.at(at("video.m3u8")).content.text(), asked(at("video.m3u8")));
  EXPECT_EQ(feed.topics(), 0u);
}

TEST_F(FeedTest, who_subscribes_to_a_broadcast_that_is_over_is_told_its_last_playlists_and_the_end) {
  go_live();
  broadcast.segments(2);
  broadcast.state(BroadcastState::ended);
  Child child;
  const auto subscription = follow(child);
  turn();
  EXPECT_EQ(child.ended, media::TopicEnd::finished);
  EXPECT_EQ(child.documents.at(at("video.m3u8")).finality, media::Finality::is_final);
  EXPECT_THAT(child.names, ElementsAre(at("video-h0.mp4")));
  EXPECT_THAT(child.expected, IsEmpty());
}

TEST_F(FeedTest, what_is_no_topic_is_unknown_in_a_later_turn) {
  go_live();
  for (const char* topic : {"/live/cam/abc.1/subtitles", "/live/cam/old.1/video", "/live/nobody/abc.1/video",
                            "/live/cam/index", "/live/cam/abc.1/", "", "/live/cam/abc.1/video-0"}) {
    Child child;
    const auto subscription = feed.subscribe(topic, child);
    EXPECT_FALSE(child.ended) << topic;
    turn();
    EXPECT_EQ(child.ended, media::TopicEnd::unknown) << topic;
    EXPECT_EQ(child.told, 0u) << topic;
  }
  EXPECT_THAT(peers.wanted, IsEmpty());
  EXPECT_EQ(feed.next_deadline(), LoopTime::max());
}

struct MirrorFeedTest : FeedTest {
  MirrorFeedTest() {
    home.add_channel("cam");
    home.begin("cam", broadcast.begun(), broadcast.wall_zero, now);
    broadcast.write = [this](const media::Record& record) { home.apply("cam", record, now); };
    broadcast.start();
    broadcast.segments(2);
    origin.announce("cam", home.status("cam"));
  }
  void mirror() {
    struct Sink final : media::RecordSink {
      void on_record(const media::Record& record) override { records.push_back(record); }
      std::vector<media::Record> records;
    } sink;
    home.window("cam")->replay(sink);
    origin.begin_mirror("cam", sink.records, now);
    broadcast.write = [this](const media::Record& record) {
      home.apply("cam", record, now);
      origin.apply("cam", record, now);
    };
  }
  Origin home{Settings{}, nullptr, nullptr};
};

TEST_F(MirrorFeedTest, a_topic_of_another_loop_is_asked_for_and_begins_when_its_window_comes) {
  Child child;
  const auto subscription = follow(child);
  turn();
  EXPECT_THAT(peers.wanted, ElementsAre("cam"));
  EXPECT_EQ(child.told, 0u);
  mirror();
  turn();
  EXPECT_TRUE(child.names.contains(at("video-h0.mp4")));
  broadcast.segment();
  EXPECT_EQ(child.content[at("video-2.m4s")], asked(at("video-2.m4s")));
}

TEST_F(MirrorFeedTest, a_window_that_does_not_come_is_waited_for_three_seconds) {
  Child child;
  const auto subscription = follow(child);
  turn();
  EXPECT_EQ(feed.next_deadline(), now + 3s);
  now += 3s;
  feed.flush(now);
  EXPECT_EQ(child.ended, media::TopicEnd::unknown);
  EXPECT_EQ(feed.next_deadline(), LoopTime::max());
}

TEST_F(MirrorFeedTest, who_follows_counts_as_asking_and_loses_the_topic_with_the_mirror) {
  mirror();
  Child child;
  const auto subscription = follow(child);
  turn();
  now += 50s;
  feed.flush(now);
  EXPECT_EQ(origin.last_asked("cam"), now);
  origin.drop_mirror("cam");
  turn();
  EXPECT_EQ(child.ended, media::TopicEnd::lost);
  EXPECT_EQ(feed.topics(), 0u);
}

TEST_F(FeedTest, a_sink_may_end_any_subscription_from_inside_any_call) {
  // Ends its own at the nth call, and another's.
  for (size_t n = 1; n < 60; ++n) {
    SCOPED_TRACE(n);
    Origin alone{Settings{}, nullptr, nullptr};
    alone.add_channel("cam");
    bool asked_for = false;
    Feed feeding(alone, [&] { asked_for = true; });
    MadeUpBroadcast show;
    alone.begin("cam", show.begun(), show.wall_zero, now);
    show.write = [&](const media::Record& record) { alone.apply("cam", record, now); };
    show.start();
    show.segments(1);
    show.open();
    show.add_part();
    Child first, second, third;
    auto one = feeding.subscribe("/live/cam/abc.1/video", first);
    auto other = feeding.subscribe("/live/cam/abc.1/video", second);
    const auto staying = feeding.subscribe("/live/cam/abc.1/video", third);
    size_t calls = 0;
    first.then = [&] {
      if (++calls != n) return;
      one.reset();
      other.reset();
    };
    feeding.flush(now);
    show.close();
    feeding.flush(now);
    show.segments(1);
    show.state(BroadcastState::ended);
    feeding.flush(now);
    EXPECT_EQ(first.told + (first.ended ? 1 : 0), std::min(n, calls));
    EXPECT_EQ(third.ended, media::TopicEnd::finished);
    EXPECT_LE(second.told, third.told);
  }
}

TEST_F(FeedTest, a_subscription_outlives_the_feed) {
  go_live();
  Child child;
  std::unique_ptr<media::Subscription> subscription;
  {
    Origin gone{Settings{}, nullptr, nullptr};
    Feed short_lived(gone, [] {});
    subscription = short_lived.subscribe("/live/cam/abc.1/video", child);
  }
  subscription.reset();
  EXPECT_EQ(child.told, 0u);
}

// What is pushed says of itself what is said to who asks.
TEST_F(FeedTest, heads_are_those_of_the_answers) {
  struct FixedClock final : Clock {
    LoopTime now() const override { return {}; }
    WallTime wall_now() const override { return {}; }
  } clock;
  struct Viewer final : http::Responder::Target {
    void respond(uint64_t, http::Response response) override { answer = std::move(response); }
    http::Response answer;
  };
  Metrics metrics;
  Answering answering(origin, clock, metrics);
  go_live();
  broadcast.segments(2);
  Child child;
  const auto subscription = follow(child);
  turn();
  broadcast.segments(1);
  turn();
  EXPECT_GE(child.heads.size(), 9u);  // a header, a segment, five parts, two playlists
  for (const auto& [name, head] : child.heads) {
    http::Request request;
    const size_t mark = std::min(name.find('?'), name.size());
    request.path = std::string_view(name).substr(0, mark);
    request.query = std::string_view(name).substr(std::min(mark + 1, name.size()));
    request.headers = {{"accept-encoding", "gzip"}};
    auto viewer = std::make_shared<Viewer>();
    answering.serve(request, http::Responder(viewer, 1));
    media::ObjectHead said = viewer->answer.headers->all();
    const auto& own = viewer->answer.own_headers.all();
    said.insert(said.end(), own.begin(), own.end());
    EXPECT_EQ(said, *head) << name;
    if (name == "/live/cam/manifest.mpd" || name == "/live/cam/index.m3u8") continue;  // of no track
    EXPECT_THAT(said, testing::Contains(std::pair<std::string, std::string>("klieg-topic", "/live/cam/abc.1/video")));
  }
}

RC_GTEST_FIXTURE_PROP(FeedTest, whoever_joins_whenever_holds_what_the_origin_would_answer, ()) {
  broadcast.part_bytes = 10;
  go_live();
  std::vector<std::unique_ptr<Child>> children;
  std::vector<std::unique_ptr<media::Subscription>> subscriptions;
  bool open = false;
  for (int steps = *rc::gen::inRange(0, 60); steps > 0; --steps) {
    switch (*rc::gen::inRange(0, 8)) {
      case 0:
        children.push_back(std::make_unique<Child>());
        subscriptions.push_back(follow(*children.back(), *rc::gen::element<std::string>("video", "audio")));
        break;
      case 1:
        turn();
        break;
      case 2:
        if (!subscriptions.empty()) subscriptions[*rc::gen::inRange<size_t>(0, subscriptions.size())].reset();
        break;
      case 3:
        if (open) broadcast.close(1s);
        if (!open) broadcast.open();
        open = !open;
        break;
      case 4:
        if (open && !broadcast.lost.contains(0)) broadcast.lose(0);
        if (!open) broadcast.lost.clear();
        break;
      default:
        if (open) broadcast.add_part();
        break;
    }
  }
  if (*rc::gen::arbitrary<bool>()) broadcast.state(BroadcastState::ended);
  turn();
  const bool over = origin.window("cam")->state() == BroadcastState::ended;
  for (size_t i = 0; i < children.size(); ++i) {
    const Child& child = *children[i];
    for (const auto& [name, content] : child.content) {
      const std::string answer = asked(name);
      if (over && answer == "nothing") continue;  // what was left open at the end goes with it
      RC_ASSERT(content == answer);
    }
    if (!subscriptions[i]) continue;
    // Whoever is asked for what is expected waits, as the origin would, which never refuses it.
    for (const std::string& name : child.expected) {
      RC_ASSERT(!std::holds_alternative<Refusal>(origin.find(name, "", now, {})));
    }
    for (const auto& [name, document] : child.documents) RC_ASSERT(document.content.text() == asked(name));
    RC_ASSERT(child.ended.has_value() == over);
  }
}

}  // namespace
}  // namespace klieg::origin

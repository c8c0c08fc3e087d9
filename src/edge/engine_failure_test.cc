// One evening in a small world - two parents, a topic, viewers of every kind - played again and again, and each time
// another of the things that parents do fails: once, with those that follow, or for good. Whatever fails: nobody is
// shown a truncated body that ends cleanly, nobody waits for ever, and nothing is left over.
#include <map>
#include <set>

#include "edge/engine_test.h"
#include "edge/topic_test.h"
#include "wire/http_range.h"

namespace klieg::edge {
namespace {

using media::TopicEnd;

constexpr Duration tick = 50ms;

enum class Outage : uint8_t { once, five_times, for_good };

struct Failure {
  size_t at = SIZE_MAX;  // counting what parents do
  FetchEnd how = FetchEnd::reset;
  Outage outage = Outage::once;
};

TopicEnd topic_end_of(FetchEnd how) {
  switch (how) {
    case FetchEnd::complete:
      return TopicEnd::finished;
    case FetchEnd::unreachable:
      return TopicEnd::unknown;
    case FetchEnd::reset:
      return TopicEnd::lost;
    case FetchEnd::malformed:
      return TopicEnd::refused;
    case FetchEnd::timed_out:
      return TopicEnd::lagged;
    case FetchEnd::too_many:
      return TopicEnd::unreachable;
  }
  return TopicEnd::lost;
}

// What is true at home at a moment.
struct Truth {
  struct Thing {
    uint16_t status = 200;
    Fields fields;
    std::string content;  // as far as it is born
    bool whole = true;
    bool announced = true;  // its length
  };
  std::map<std::string, Thing> things;
  std::map<media::ObjectNumber, std::string> open;
  std::optional<media::DocumentChanged> playlist;
  std::set<std::string> expected;
};

const Fields media_fields{{"cache-control", "max-age=60, immutable"}, {"etag", "\"p\""}, {"klieg-topic", "/t"}};

struct Evening : EngineTest {
  explicit Evening(Failure chosen) : failure(chosen) {
    source = &topics;
    settings.hold_paths = {"/held"};
    truth.things["/whole"] = {200, fresh, "abcdefghijkl"};
    truth.things["/stream"] = {200, fresh, "mnopqrstuvwx", true, false};
    truth.things["/untagged"] = {200, {{"cache-control", "max-age=60"}}, "ABCDEFGH"};
    truth.things["/private"] = {200, {{"cache-control", "private"}, {"etag", "\"x\""}}, "mine"};
    truth.things["/old"] = {200, {{"cache-control", "max-age=0, stale-while-revalidate=1"}, {"etag", "\"o\""}}, "old"};
    truth.things["/held"] = {404, {}, ""};
    truth.things["/post"] = {204, {}, ""};
    truth.things["/t-0"] = {200, media_fields, "init"};
  }
  void TestBody() override {}

  // --- What parents do ---

  bool fails() {
    ++done;
    const size_t times = failure.outage == Outage::once ? 1 : failure.outage == Outage::five_times ? 5 : SIZE_MAX;
    return done >= failure.at && done - failure.at < times;
  }

  void say(const media::PushRecord& record) {
    for (size_t i = 0; i < topics.asked(); ++i) {
      if (topics.over(i) || !told_whole.contains(i)) continue;
      fails() ? topics.end(i, topic_end_of(failure.how)) : topics.say(i, record);
    }
  }
  // What is open is told to who subscribes, from its first byte on.
  void welcome() {
    for (size_t i = 0; i < topics.asked(); ++i) {
      if (topics.over(i) || !told_whole.insert(i).second) continue;
      if (fails()) {
        topics.end(i, topic_end_of(failure.how));
        continue;
      }
      if (truth.playlist) topics.say(i, *truth.playlist);
      for (const auto& [number, name] : truth.open) {
        topics.say(i, begun(number, name));
        topics.say(i, grew(number, 0, truth.things[name].content));
      }
      for (const std::string& name : truth.expected) topics.say(i, media::NameExpected{name});
      if (truth.things["/t-2"].whole && truth.playlist->finality == media::Finality::is_final) {
        topics.end(i, TopicEnd::finished);
      }
    }
  }

  void begin(media::ObjectNumber number, const std::string& name) {
    truth.open[number] = name;
    truth.things[name] = {200, media_fields, "", false, false};
    truth.expected.erase(name);
    say(begun(number, name));
  }
  void grow(media::ObjectNumber number, const std::string& text) {
    std::string& content = truth.things[truth.open[number]].content;
    const uint64_t offset = content.size();
    content += text;
    say(grew(number, offset, text));
  }
  void end(media::ObjectNumber number) {
    Truth::Thing& thing = truth.things[truth.open[number]];
    thing.whole = thing.announced = true;
    truth.open.erase(number);
    say(ended(number));
  }
  void expect(const std::string& name) {
    truth.expected.insert(name);
    say(media::NameExpected{name});
  }
  void list(uint64_t msn, uint64_t parts, media::Finality finality = media::Finality::may_change) {
    const std::string text = fmt_version(msn, parts);
    playlists.insert(text);
    const auto record = document("/t.m3u8", msn, parts, text, finality);
    truth.playlist = std::get<media::DocumentChanged>(record);
    say(record);
  }
  static std::string fmt_version(uint64_t msn, uint64_t parts) {
    return "v" + std::to_string(msn) + "." + std::to_string(parts);
  }

  // --- How a parent serves a fetch, an operation a tick ---

  struct Serving {
    bool head = false;
    uint64_t sent = 0;
  };

  void serve(MadeUpUpstream& parent) {
    for (size_t i = 0; i < parent.asked(); ++i) {
      if (!parent.over(i)) serve(parent, i, servings[{&parent, i}]);
    }
  }
  void serve(MadeUpUpstream& parent, size_t i, Serving& serving) {
    const std::string target = parent.request(i).target;
    const std::string name = target.substr(0, target.find('?'));
    Truth::Thing thing;
    if (name == "/t.m3u8") {
      const auto reload = blocking_reload_of(name, target.substr(std::min(name.size() + 1, target.size())));
      if (!truth.playlist) return;
      const PushedDocument now{nullptr, *truth.playlist};
      if (reload && !now.answers(reload->msn, reload->part)) return;  // held
      if (!serving.head) pulled[{&parent, i}] = std::string(truth.playlist->content.text());
      thing = {200, {{"cache-control", "max-age=0"}}, pulled[{&parent, i}]};
    } else if (!truth.things.contains(name)) {
      return;  // held: it is about to be born
    } else {
      thing = truth.things[name];
    }
    if (fails()) return parent.end(i, failure.how);
    if (!serving.head) return begin_answer(parent, i, serving, thing);
    if (serving.sent < thing.content.size()) {
      const std::string piece = thing.content.substr(serving.sent, 4);
      serving.sent += piece.size();
      return parent.body(i, piece);
    }
    if (thing.whole) parent.end(i);
  }
  void begin_answer(MadeUpUpstream& parent, size_t i, Serving& serving, const Truth::Thing& thing) {
    serving.head = true;
    const std::string etag = tag_of(thing.fields);
    const std::optional<uint64_t> size = thing.announced ? std::optional<uint64_t>(thing.content.size()) : std::nullopt;
    if (!etag.empty() && parent.field(i, "if-none-match") == etag) {
      serving.sent = thing.content.size();
      return parent.head(i, 304, thing.fields);
    }
    const auto range = wire::parse_range(parent.field(i, "range"));
    // The second parent knows no ranges.
    if (!range || parent.field(i, "if-range") != etag || &parent == &second)
      return parent.head(i, thing.status, thing.fields, size);
    Fields fields = thing.fields;
    if (*range->first >= thing.content.size() && thing.whole) {
      serving.sent = thing.content.size();
      fields.emplace_back("content-range", wire::content_range_unsatisfied(thing.content.size()));
      return parent.head(i, 416, fields, 0);
    }
    serving.sent = *range->first;
    const uint64_t end = thing.whole ? thing.content.size() : uint64_t{1} << 53;
    const auto whole = thing.whole ? std::optional(end) : std::nullopt;
    fields.emplace_back("content-range", wire::content_range({*range->first, end}, whole));
    parent.head(i, 206, fields, thing.whole ? std::optional(end - *range->first) : std::nullopt);
  }
  static std::string tag_of(const Fields& fields) {
    for (const auto& [name, value] : fields) {
      if (name == "etag") return value;
    }
    return {};
  }

  // --- What viewers do ---

  void want(std::string_view target, const Fields& fields = {}, std::string_view method = "GET") {
    viewers.emplace_back(target, ask(method, target, fields));
  }

  void step(int turn) {
    switch (turn) {
      case 0:
        for (const char* path : {"/whole", "/whole", "/stream", "/untagged", "/private", "/private", "/private", "/old",
                                 "/held", "/held", "/t-0"}) {
          want(path);
        }
        want("/whole", {{"cache-control", "no-store"}});
        want("/whole", {}, "HEAD");
        want("/post", {}, "POST");
        break;
      case 2:
        want("/t.m3u8");
        want("/stream");
        break;
      case 8:
        list(1, 0);
        begin(1, "/t-1");
        want("/t-1");
        break;
      case 9:
        grow(1, "abcd");
        want("/t-1");
        break;
      case 10:
        truth.things["/t-1.0"] = {200, media_fields, "abcd"};
        say(alias(1, "/t-1.0", 0, 4));
        want("/t-1.0");
        expect("/t-2");
        want("/t-2");
        want("/t-2");
        want("/t.m3u8?_HLS_msn=1&_HLS_part=0");
        want("/t.m3u8?_HLS_msn=2&_HLS_part=0");
        break;
      case 12:
        grow(1, "efgh");
        list(1, 1);
        break;
      case 13:
        end(1);
        want("/t-1");
        break;
      case 14:
        begin(2, "/t-2");
        break;
      case 15:
        grow(2, "ijkl");
        list(2, 1);
        want("/t-2");
        break;
      case 16:
        end(2);
        list(2, 2, media::Finality::is_final);
        for (size_t i = 0; i < topics.asked(); ++i) {
          if (!topics.over(i) && told_whole.contains(i)) topics.end(i, TopicEnd::finished);
        }
        want("/t.m3u8?_HLS_msn=9");
        break;
      case 20:
        truth.things["/held"] = {200, fresh, "born"};
        break;
      case 30:
        want("/old");
        want("/old");
        want("/whole");
        want("/untagged");
        break;
      case 60:
        want("/old");
        break;
      default:
        break;
    }
  }

  void play() {
    for (int turn = 0; turn < 400; ++turn) {
      step(turn);
      welcome();
      serve(first);
      serve(second);
      pass(tick);
    }
  }

  // --- What has to be true afterwards ---

  void check() {
    for (const auto& [target, viewer] : viewers) {
      SCOPED_TRACE(target + " " + std::string(viewer->how()));
      ASSERT_TRUE(viewer->answer) << "nobody waits for ever";
      if (!viewer->object() || viewer->status() >= 400) continue;
      ASSERT_NE(viewer->body(), LogEnd::growing);
      if (viewer->body() != LogEnd::complete) continue;
      const std::string name = target.substr(0, target.find('?'));
      // A clean end where no length was announced cannot be told from the true one.
      const bool told_falsely =
          failure.how == FetchEnd::complete && (name == "/stream" || name == "/t-1" || name == "/t-2");
      if (told_falsely) continue;
      if (name == "/t.m3u8") {
        ASSERT_TRUE(playlists.contains(viewer->text())) << viewer->text();
      } else if (viewer->status() == 200 && !viewer->text().empty()) {
        ASSERT_EQ(viewer->text(), truth.things[name].content);
      }
    }
    EXPECT_EQ(run().waiting(), 0u);
    EXPECT_EQ(run().flying(), 0u);
    EXPECT_EQ(routes.under_way(), 0u);
    EXPECT_EQ(first.running() + second.running(), 0u);
    uint64_t bytes = 0;
    size_t resources = 0;
    std::set<std::string> names;
    for (const auto& [target, _] : viewers) names.insert(target);
    for (const auto& [name, _] : truth.things) names.insert(name);
    for (const std::string& name : names) {
      const Resource* resource = run().store().peek(name);
      if (!resource) continue;
      ++resources;
      EXPECT_FALSE(resource->pinned()) << name;
      bytes += Store::overhead + name.size();
      for (const auto& object : resource->variants) {
        bytes += object->bytes_held();
        EXPECT_FALSE(object->lost()) << name;
        EXPECT_FALSE(object->log->growing()) << name;
      }
    }
    EXPECT_EQ(run().store().bytes(), bytes);
    EXPECT_EQ(run().store().size(), resources);
  }
  // One parent that fails once is no reason for a viewer to notice.
  void check_unnoticed() {
    for (const auto& [target, viewer] : viewers) {
      SCOPED_TRACE(target + " " + std::string(viewer->how()));
      if (target == "/post") continue;                                       // it may have been carried out
      if (target == "/untagged" || target.starts_with("/t.m3u8")) continue;  // has nothing to be resumed by
      if (!viewer->object()) ADD_FAILURE() << "refused";
      EXPECT_LT(viewer->status(), 400);
      EXPECT_EQ(viewer->body(), LogEnd::complete);
    }
  }

  const Failure failure;
  size_t done = 0;
  Truth truth;
  std::set<std::string> playlists;
  std::set<size_t> told_whole;
  std::map<std::pair<const MadeUpUpstream*, size_t>, Serving> servings;
  std::map<std::pair<const MadeUpUpstream*, size_t>, std::string> pulled;
  std::vector<std::pair<std::string, Seen>> viewers;
};

size_t operations_of_an_evening() {
  Evening evening{Failure{}};
  evening.play();
  evening.check();
  evening.check_unnoticed();
  EXPECT_EQ(evening.topics.asked(), 1u);
  return evening.done;
}

constexpr FetchEnd ends[] = {FetchEnd::complete,  FetchEnd::unreachable, FetchEnd::reset,
                             FetchEnd::malformed, FetchEnd::timed_out,   FetchEnd::too_many};

TEST(EngineFailure, whichever_operation_fails_once_no_viewer_notices_and_nothing_is_left_over) {
  const size_t operations = operations_of_an_evening();
  ASSERT_GE(operations, 60u);
  for (const FetchEnd how : ends) {
    for (size_t at = 1; at <= operations; ++at) {
      SCOPED_TRACE("operation " + std::to_string(at) + " ends " + std::to_string(static_cast<int>(how)));
      Evening evening{{at, how, Outage::once}};
      evening.play();
      evening.check();
      if (how != FetchEnd::complete) evening.check_unnoticed();
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST(EngineFailure, from_whichever_operation_on_five_or_all_fail_nobody_is_deceived_and_nothing_is_left_over) {
  const size_t operations = operations_of_an_evening();
  for (const Outage outage : {Outage::five_times, Outage::for_good}) {
    for (const FetchEnd how : ends) {
      for (size_t at = 1; at <= operations; ++at) {
        SCOPED_TRACE("from operation " + std::to_string(at) + " on " + std::to_string(static_cast<int>(how)));
        Evening evening{{at, how, outage}};
        evening.play();
        evening.check();
        if (testing::Test::HasFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace klieg::edge

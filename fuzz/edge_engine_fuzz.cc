// An engine between viewers and parents who do whatever the input says, in any order: heads, bodies, ends, records of a
// topic, requests, children, time. What a parent sends of a version is always that version's content, so a body that
// was put together from two, or cut short and ended cleanly, is seen.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "edge/engine.h"
#include "wire/http_range.h"

namespace {

using namespace klieg;
using namespace klieg::edge;

void require(bool holds) {
  if (!holds) std::abort();
}

class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_(data, size) {}
  bool empty() const { return rest_.empty(); }
  uint64_t below(uint64_t bound) {
    if (rest_.empty()) return 0;
    const uint8_t byte = rest_.front();
    rest_ = rest_.subspan(1);
    return byte % bound;
  }

 private:
  std::span<const uint8_t> rest_;
};

struct Time final : edge::Clock {
  LoopTime now() const override { return loop; }
  WallTime wall_now() const override { return wall; }
  LoopTime loop{1000s};
  WallTime wall{1'800'000'000s};
};

constexpr uint64_t size_of_all = 40;

// Of a path's version; another path or version has other bytes almost everywhere.
std::string content_of(std::string_view path, uint64_t version) {
  std::string content;
  for (uint64_t i = 0; i < size_of_all; ++i) {
    content += static_cast<char>('a' + (std::hash<std::string_view>()(path) % 1009 * 31 + version * 7 + i * i) % 26);
  }
  return content;
}

struct Parent final : Upstream, Routes {
  struct Made {
    FetchRequest request;
    FetchHandler* handler;
    bool head = false;
    std::string body;  // what is still to be sent
    bool announced = false;
  };
  struct Running final : Fetch {
    explicit Running(std::shared_ptr<Made> fetch) : made(std::move(fetch)) {}
    ~Running() override { made->handler = nullptr; }
    std::shared_ptr<Made> made;
  };
  std::unique_ptr<Fetch> fetch(FetchRequest request, FetchHandler& handler) override {
    fetches.push_back(std::make_shared<Made>(std::move(request), &handler));
    return std::make_unique<Running>(fetches.back());
  }
  size_t ways(std::string_view) const override { return 2; }
  std::optional<Way> choose(std::string_view, const FetchRequest&, uint32_t, LoopTime) override {
    if (!open) return std::nullopt;
    ++chosen;
    return Way{this, 0};
  }
  void succeeded(const Way&, LoopTime) override { require(chosen > 0); }
  void failed(const Way&, LoopTime) override { --chosen; }
  void released(const Way&) override { --chosen; }

  std::shared_ptr<Made> any(Input& input) {
    std::erase_if(fetches, [](const auto& made) { return !made->handler; });
    return fetches.empty() ? nullptr : fetches[input.below(fetches.size())];
  }
  static std::string field(const Made& made, std::string_view name) {
    for (const auto& [key, value] : made.request.fields) {
      if (key == name) return value;
    }
    return {};
  }

  void head(Input& input) {
    const auto made = any(input);
    if (!made || made->head) return;
    made->head = true;
    constexpr uint16_t statuses[] = {200, 200, 200, 200, 304, 404, 500, 503, 206, 416, 204};
    constexpr const char* controls[] = {"max-age=60",
                                        "max-age=0",
                                        "no-store",
                                        "private",
                                        "no-cache",
                                        "max-age=1, stale-while-revalidate=5, stale-if-error=5",
                                        "max-age=60, immutable"};
    uint16_t status = statuses[input.below(std::size(statuses))];
    const std::string path = made->request.target.substr(0, made->request.target.find('?'));
    const uint64_t version = path.starts_with("/t-") ? 0 : input.below(2);
    const std::string whole = content_of(path, version);
    const std::string etag = (input.below(4) == 0 ? "W/\"" : "\"") + std::to_string(version) + "\"";
    Fields fields{{"cache-control", controls[input.below(std::size(controls))]},
                  {"x-version", std::to_string(version)}};
    if (input.below(5) > 0) fields.emplace_back("etag", etag);
    if (input.below(4) == 0) fields.emplace_back("vary", input.below(2) ? "accept-language" : "host");
    if (input.below(2)) fields.emplace_back("klieg-topic", "/t");
    if (input.below(8) == 0) fields.emplace_back("set-cookie", "c");
    // A validation is answered honestly: a 304 only where the version is the viewer's.
    if (status == 304 && field(*made, "if-none-match").find('"' + std::to_string(version) + '"') == std::string::npos) {
      status = 200;
    }
    const auto range = wire::parse_range(field(*made, "range"));
    if (status == 416 && range) fields.emplace_back("content-range", wire::content_range_unsatisfied(size_of_all));
    if (status == 416 && range && range->first < size_of_all) status = 200;
    if (status == 206 && !(range && range->first < size_of_all && field(*made, "if-range") == etag)) status = 200;
    FetchHead head;
    head.status = status;
    if (status == 200) made->body = whole;
    if (status == 206) {
      const uint64_t end = std::min(size_of_all, *range->first + 1 + input.below(size_of_all));
      made->body = whole.substr(*range->first, end - *range->first);
      fields.emplace_back("content-range", wire::content_range({*range->first, end}, size_of_all));
    }
    made->announced = input.below(2) == 1;
    if (made->announced) head.size = made->body.size();
    if (made->request.method == "HEAD") made->body.clear();
    const std::vector<wire::HeaderView> views = views_of(fields);
    head.fields = views;
    made->handler->on_head(head);
  }
  void body(Input& input) {
    const auto made = any(input);
    if (!made || !made->head || made->body.empty()) return;
    const std::string piece = made->body.substr(0, 1 + input.below(size_of_all));
    made->body.erase(0, piece.size());
    made->handler->on_body(Bytes::copy_of(piece));
  }
  void end(Input& input) {
    const auto made = any(input);
    if (!made) return;
    auto how = static_cast<FetchEnd>(input.below(5));
    // Nobody can tell that an end is early where no length was announced.
    if (how == FetchEnd::complete && made->head && !made->body.empty() && !made->announced) how = FetchEnd::reset;
    std::exchange(made->handler, nullptr)->on_end(how);
  }

  bool open = true;
  size_t chosen = 0;
  std::vector<std::shared_ptr<Made>> fetches;
};

struct Topics final : media::TopicSource {
  struct Running final : media::Subscription {
    explicit Running(Topics& owner) : topics(owner) {}
    ~Running() override { topics.sink = nullptr; }
    Topics& topics;
  };
  std::unique_ptr<media::Subscription> subscribe(std::string_view, media::PushSink& who) override {
    require(!sink);  // one topic, one subscription
    sink = &who;
    born.clear();
    return std::make_unique<Running>(*this);
  }
  void say(Input& input) {
    if (!sink) return;
    const auto number = static_cast<media::ObjectNumber>(input.below(4));
    const std::string name = "/t-" + std::to_string(number);
    const auto head = std::make_shared<const media::ObjectHead>(media::ObjectHead{
        {"cache-control", "max-age=5, immutable"}, {"etag", input.below(3) ? "\"0\"" : "W/\"0\""}, {"x-version", "0"}});
    const std::string whole = content_of(name, 0);
    switch (input.below(7)) {
      case 0:
        born.try_emplace(number, 0);
        return sink->on_push(media::ObjectBegun{number, name, head, nullptr});
      case 1: {
        const uint64_t offset = input.below(size_of_all);
        const std::string text = whole.substr(offset, 1 + input.below(size_of_all));
        if (const auto found = born.find(number); found != born.end() && offset <= found->second) {
          found->second = std::max(found->second, offset + text.size());
        } else {
          born.erase(number);  // a hole: it is no longer told of here
        }
        return sink->on_push(media::ObjectGrew{number, offset, Bytes::copy_of(text)});
      }
      case 2: {
        const auto found = born.find(number);
        const bool whole_here = found == born.end() || found->second == size_of_all;
        if (found != born.end()) born.erase(found);
        return sink->on_push(media::ObjectEnded{number, whole_here ? LogEnd::complete : LogEnd::aborted});
      }
      case 3:
        return sink->on_push(media::AliasBorn{number, name + ".0", head, input.below(50), input.below(50)});
      case 4:
        return sink->on_push(
            media::DocumentChanged{"/t.m3u8",
                                   head,
                                   {input.below(4), input.below(4), static_cast<media::Segment>(input.below(2))},
                                   static_cast<media::Finality>(input.below(8) == 0),
                                   Bytes::copy_of(std::string_view("playlist"))});
      case 5:
        return sink->on_push(media::NameExpected{name});
      default:
        return sink->on_push(media::NameGone{name});
    }
  }
  void end(Input& input) {
    if (sink) std::exchange(sink, nullptr)->on_topic_end(static_cast<media::TopicEnd>(input.below(5)));
  }
  media::PushSink* sink = nullptr;
  std::map<media::ObjectNumber, uint64_t> born;
};

struct Child final : media::PushSink {
  void on_push(media::PushRecord) override { require(!ended); }
  void on_topic_end(media::TopicEnd) override { require(!std::exchange(ended, true)); }
  bool ended = false;
  std::unique_ptr<media::Subscription> subscription;
};

struct Viewer {
  std::string path;
  std::string method;
  std::optional<Answer> answer;
};

void look_at(const Viewer& viewer) {
  const Served* served = viewer.answer ? std::get_if<Served>(&*viewer.answer) : nullptr;
  if (!served || served->object->status != 200) return;
  const Object& object = *served->object;
  const uint64_t born = object.log->size() - object.offset;
  const std::string text(object.log->read(object.offset, std::min(born, object.size())).text());
  std::string version;
  for (const auto& [name, value] : object.fields) {
    if (name == "x-version") version = value;
  }
  if (viewer.path == "/t.m3u8" && text == "playlist") return;
  if (!object.alias_of.empty()) return;  // an alias: its range was asserted when it was born
  const std::string whole = content_of(viewer.path, version == "1" ? 1 : 0);
  require(whole.starts_with(text));
  if (object.log->state() == LogEnd::complete && viewer.method != "HEAD") require(text == whole);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  Time time;
  Parent parent;
  Topics topics;
  std::vector<std::shared_ptr<Viewer>> viewers;
  std::vector<std::unique_ptr<Child>> children;
  EngineSettings settings;
  settings.hold_paths = {"/held*"};
  settings.bytes_max = 8 * Store::overhead;
  settings.tickets_max = 30;
  auto engine = std::make_unique<Engine>(settings, time, parent, &topics, 1);
  const auto pass = [&](Duration by) {
    const LoopTime end = time.loop + by;
    for (int turns = 0; turns < 1000 && engine->next_deadline() <= end; ++turns) {
      const Duration step = std::max(engine->next_deadline(), time.loop) - time.loop;
      time.loop += step;
      time.wall += step;
      engine->on_time();
    }
    time.wall += end - time.loop;
    time.loop = end;
  };
  while (!input.empty()) {
    switch (input.below(12)) {
      case 0:
      case 1:
      case 2: {
        constexpr const char* paths[] = {"/a", "/b", "/c", "/held", "/t-0", "/t-1", "/t-2", "/t-0.0", "/t.m3u8"};
        constexpr const char* methods[] = {"GET", "GET", "GET", "GET", "GET", "GET", "HEAD", "POST"};
        auto viewer =
            std::make_shared<Viewer>(paths[input.below(std::size(paths))], methods[input.below(std::size(methods))]);
        std::vector<wire::HeaderView> fields;
        if (input.below(3) == 0) fields.push_back({"accept-language", input.below(2) ? "de" : "en"});
        if (input.below(6) == 0) fields.push_back({"host", "h"});
        if (input.below(8) == 0) fields.push_back({"cache-control", input.below(2) ? "no-store" : "only-if-cached"});
        if (input.below(8) == 0) fields.push_back({"connection", "accept-language"});
        const char* query = viewer->path == "/t.m3u8" && input.below(2) ? "_HLS_msn=2&_HLS_part=1" : "";
        auto found = engine->ask({viewer->method, viewer->path, query, fields, {}, "192.0.2.1"});
        if (auto* pending = std::get_if<Pending>(&found)) {
          engine->wait(*pending, [viewer](Answer answer) {
            require(!viewer->answer);
            viewer->answer = std::move(answer);
          });
        } else {
          viewer->answer = std::holds_alternative<Served>(found) ? Answer(std::get<Served>(found))
                                                                 : Answer(std::get<Refused>(found));
        }
        viewers.push_back(std::move(viewer));
        break;
      }
      case 3:
        parent.head(input);
        break;
      case 4:
      case 5:
        parent.body(input);
        break;
      case 6:
        parent.end(input);
        break;
      case 7:
        topics.say(input);
        break;
      case 8:
        input.below(8) == 0 ? topics.end(input) : topics.say(input);
        break;
      case 9:
        pass(Duration(1ms) * static_cast<int64_t>(1 << input.below(16)));
        break;
      case 10:
        if (!viewers.empty() && viewers.back()->answer) viewers.pop_back();  // who has been answered leaves
        parent.open = input.below(8) > 0;
        break;
      default:
        if (input.below(3) == 0 && !children.empty()) {
          children.pop_back();
        } else {
          children.push_back(std::make_unique<Child>());
          children.back()->subscription = engine->subscribe("/t", *children.back());
        }
        break;
    }
    for (const auto& viewer : viewers) look_at(*viewer);
    require(engine->waiting() <= settings.tickets_max);
    if (engine->flying() == 0) require(engine->store().bytes() <= settings.bytes_max);
  }
  // All parents fail from now on.
  parent.open = false;
  if (topics.sink) std::exchange(topics.sink, nullptr)->on_topic_end(media::TopicEnd::lost);
  for (const auto& made : std::vector(parent.fetches)) {
    if (made->handler) std::exchange(made->handler, nullptr)->on_end(FetchEnd::reset);
  }
  pass(60s);
  for (const auto& viewer : viewers) {
    require(viewer->answer.has_value());
    look_at(*viewer);
  }
  require(engine->waiting() == 0 && engine->flying() == 0 && parent.chosen == 0);
  require(engine->store().bytes() <= settings.bytes_max);
  children.clear();
  engine.reset();
  return 0;
}

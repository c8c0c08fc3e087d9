// An engine in virtual time with two parents and a source of topics, and viewers who write down what they were told.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edge/made_up_upstream.h"

namespace klieg::edge {

struct Viewer {
  std::optional<Answer> answer;

  // The outcome's name, or "waiting".
  std::string_view how() const {
    if (!answer) return "waiting";
    const Served* served = std::get_if<Served>(&*answer);
    return name_of(served ? served->how : std::get<Refused>(*answer).how);
  }
  const Object* object() const {
    const Served* served = answer ? std::get_if<Served>(&*answer) : nullptr;
    return served ? served->object.get() : nullptr;
  }
  uint16_t status() const {
    if (!answer) return 0;
    return object() ? object()->status : std::get<Refused>(*answer).status;
  }
  // What can be read now.
  std::string text() const {
    if (!object()) return {};
    const uint64_t born = object()->log->size() - object()->offset;
    return std::string(object()->log->read(object()->offset, std::min(born, object()->size())).text());
  }
  // growing: more will come. What is sent cleanly to its end is complete, whatever becomes of the log behind it.
  LogEnd body() const {
    if (!object()) return LogEnd::complete;
    const Log& log = *object()->log;
    return object()->end && log.size() >= *object()->end ? LogEnd::complete : log.state();
  }
  std::string field(std::string_view name) const {
    return object() ? std::string(field_in(views_of(object()->fields), name)) : std::string();
  }

 private:
  static std::string_view field_in(const std::vector<wire::HeaderView>& fields, std::string_view name) {
    const auto found = std::ranges::find(fields, name, &wire::HeaderView::name);
    return found == fields.end() ? std::string_view() : found->value;
  }
};

struct EngineTest : testing::Test {
  ~EngineTest() override { engine.reset(); }

  using Seen = std::shared_ptr<Viewer>;

  Engine& run() {
    if (!engine) engine = std::make_unique<Engine>(settings, clock, routes, source, 1);
    return *engine;
  }
  // `target`: a path, and "?" with a query.
  Seen ask(std::string_view method, std::string_view target, const Fields& fields = {}, std::string_view body = {}) {
    const size_t mark = std::min(target.find('?'), target.size());
    const std::vector<wire::HeaderView> views = views_of(fields);
    auto viewer = std::make_shared<Viewer>();
    auto found = run().ask({method, target.substr(0, mark), target.substr(std::min(mark + 1, target.size())), views,
                            Bytes::copy_of(body), "192.0.2.1"});
    if (auto* pending = std::get_if<Pending>(&found)) {
      run().wait(*pending, [viewer](Answer answer) {
        EXPECT_FALSE(viewer->answer) << "answered once";
        viewer->answer = std::move(answer);
      });
    } else if (auto* served = std::get_if<Served>(&found)) {
      viewer->answer = std::move(*served);
    } else {
      viewer->answer = std::get<Refused>(found);
    }
    return viewer;
  }
  Seen get(std::string_view target, const Fields& fields = {}) { return ask("GET", target, fields); }

  // As a loop would: at each deadline on the way.
  void pass(Duration time) {
    const LoopTime end = clock.now() + time;
    for (int turns = 0; turns < 100'000; ++turns) {
      const LoopTime next = std::max(clock.now(), run().next_deadline());
      if (next > end) break;
      clock.advance(next - clock.now());
      run().on_time();
      if (next == end && run().next_deadline() > end) break;
    }
    clock.advance(end - clock.now());
  }
  void turn() { pass(Duration(0)); }

  MadeUpClock clock;
  MadeUpUpstream first, second;
  MadeUpRoutes routes{{&first, &second}};
  MadeUpTopics topics;
  media::TopicSource* source = nullptr;
  EngineSettings settings;
  std::unique_ptr<Engine> engine;
};

inline const Fields fresh{{"cache-control", "max-age=60"}, {"etag", "\"a\""}};

}  // namespace klieg::edge

#include "edge/client_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "base/assert.h"

namespace klieg::edge {
namespace {

FetchEnd fetch_end_of(Outcome refused) {
  switch (refused) {
    case Outcome::timed_out:
      return FetchEnd::timed_out;
    case Outcome::bad_gateway:
      return FetchEnd::malformed;
    case Outcome::too_many:
      return FetchEnd::too_many;
    default:
      return FetchEnd::unreachable;
  }
}

// This node's name stands last, as if the request had left it; it has only changed its loop.
void take_back_our_name(Fields& fields, std::string_view node) {
  std::erase_if(fields, [&](auto& field) {
    if (field.first == "via") return field.second.ends_with(node);
    if (field.first != "cdn-loop" || !field.second.ends_with(node)) return false;
    field.second.resize(field.second.size() - node.size());
    while (field.second.ends_with(' ') || field.second.ends_with(',')) field.second.pop_back();
    return field.second.empty();
  });
}

}  // namespace

size_t home_loop_of(std::string_view key, size_t loops) {
  const std::string_view path = key.substr(0, key.find('?'));
  return std::hash<std::string_view>()(path.substr(0, path.rfind('/'))) % loops;
}

// The asking side. What comes back finds it by the shared pointer's being alone no longer: it is told only while it
// lives.
class LoopParent::FetchHere final : public Fetch {
 public:
  struct Line {  // between the two sides; read and written on the asking loop alone
    FetchHandler* handler = nullptr;
  };
  FetchHere(FetchHandler& handler, OnHome on_home) : on_home_(std::move(on_home)) { line->handler = &handler; }
  ~FetchHere() override {
    line->handler = nullptr;
    on_home_([there = std::move(there)](Engine&) mutable { *there = nullptr; });
  }
  void pause() override;
  void resume() override;

  const std::shared_ptr<Line> line = std::make_shared<Line>();
  // Touched on the home loop alone.
  std::shared_ptr<std::shared_ptr<FetchThere>> there = std::make_shared<std::shared_ptr<FetchThere>>();

 private:
  OnHome on_home_;
};

// The home's side: waits for the answer, then reads the object's log as one more reader.
class LoopParent::FetchThere final : public std::enable_shared_from_this<FetchThere>, private LogWaiter {
 public:
  FetchThere(net::Loop& asking, std::shared_ptr<FetchHere::Line> line) : asking_(asking), line_(std::move(line)) {}

  void begin(Engine& engine, FetchRequest request) {
    take_back_our_name(request.fields, engine.settings().node);
    const std::vector<wire::HeaderView> views = views_of(request.fields);
    const std::string_view target = request.target;
    const size_t question = std::min(target.find('?'), target.size());
    Engine::Found found =
        engine.ask({request.method, target.substr(0, question), target.substr(std::min(question + 1, target.size())),
                    views, request.body, request.client_address, request.scheme, request.authority});
    if (const Pending* pending = std::get_if<Pending>(&found)) {
      engine.wait(*pending, [weak = weak_from_this(), &engine](const Answer& answer) {
        if (const auto self = weak.lock()) self->answer(engine, answer);
      });
    } else if (auto* served = std::get_if<Served>(&found)) {
      answer(engine, std::move(*served));
    } else {
      answer(engine, std::get<Refused>(found));
    }
  }

  void pause() { paused_ = true; }
  void resume() {
    if (!std::exchange(paused_, false) || !object_ || over_) return;
    stop_waiting();
    read();
  }

 private:
  void answer(Engine& engine, const Answer& answer) {
    if (const Refused* refused = std::get_if<Refused>(&answer)) return end(fetch_end_of(refused->how));
    object_ = std::get<Served>(answer).object;
    offset_ = object_->offset;
    Fields fields = object_->fields;
    const Duration age = current_age(object_->facts, engine.wall_now());
    fields.emplace_back("age", fmt::to_string(std::chrono::floor<std::chrono::seconds>(age).count()));
    std::optional<uint64_t> size;
    if (object_->end) {
      size = *object_->end - object_->offset;
    } else if (!object_->log->growing()) {
      size = object_->log->size() - object_->offset;
    }
    tell([status = object_->status, fields = std::move(fields), size](FetchHandler& handler) {
      const std::vector<wire::HeaderView> views = views_of(fields);
      FetchHead head;
      head.status = status;
      head.fields = views;
      head.size = size;
      handler.on_head(head);
    });
    read();
  }

  void on_log_grew() override { read(); }

  void read() {
    if (paused_) return;
    const Log& log = *object_->log;
    const uint64_t limit = object_->end.value_or(UINT64_MAX) - offset_;
    std::vector<Bytes> pieces;
    offset_ += log.gather(offset_, limit, pieces);
    if (object_->progress) object_->progress->read_to(offset_);
    if (!pieces.empty()) {
      tell([line = line_, pieces = std::move(pieces)](FetchHandler&) mutable {
        for (Bytes& piece : pieces) {
          if (line->handler) line->handler->on_body(std::move(piece));
        }
      });
    }
    if (object_->end ? offset_ == *object_->end : log.state() == LogEnd::complete && offset_ == log.size()) {
      return end(FetchEnd::complete);
    }
    if (!log.growing()) return end(FetchEnd::reset);
    log.wake_me(*this);
  }

  void end(FetchEnd how) {
    over_ = true;
    tell([how](FetchHandler& handler) { handler.on_end(how); });
  }

  template <class Call>
  void tell(Call call) {
    asking_.post([line = line_, call = std::move(call)]() mutable {
      if (line->handler) call(*line->handler);
    });
  }

  net::Loop& asking_;
  std::shared_ptr<FetchHere::Line> line_;
  std::shared_ptr<const Object> object_;
  uint64_t offset_ = 0;
  bool paused_ = false;
  bool over_ = false;
};

void LoopParent::FetchHere::pause() {
  on_home_([there = there](Engine&) {
    if (*there) (*there)->pause();
  });
}

void LoopParent::FetchHere::resume() {
  on_home_([there = there](Engine&) {
    if (*there) (*there)->resume();
  });
}

std::unique_ptr<Fetch> LoopParent::fetch(FetchRequest request, FetchHandler& handler) {
  auto fetch = std::make_unique<FetchHere>(handler, on_home_);
  on_home_(
      [&here = here_, line = fetch->line, there = fetch->there, request = std::move(request)](Engine& engine) mutable {
        *there = std::make_shared<FetchThere>(here, std::move(line));
        (*there)->begin(engine, std::move(request));
      });
  return fetch;
}

class LoopParent::SubscriptionHere final : public media::Subscription {
 public:
  struct Line {
    media::PushSink* sink = nullptr;
  };
  SubscriptionHere(media::PushSink& sink, OnHome on_home) : on_home_(std::move(on_home)) { line->sink = &sink; }
  ~SubscriptionHere() override {
    line->sink = nullptr;
    on_home_([there = std::move(there)](Engine&) { *there = nullptr; });
  }

  const std::shared_ptr<Line> line = std::make_shared<Line>();
  std::shared_ptr<std::shared_ptr<SubscriptionThere>> there = std::make_shared<std::shared_ptr<SubscriptionThere>>();

 private:
  OnHome on_home_;
};

class LoopParent::SubscriptionThere final : private media::PushSink {
 public:
  SubscriptionThere(net::Loop& asking, std::shared_ptr<SubscriptionHere::Line> line, Engine& engine,
                    std::string_view topic)
      : asking_(asking), line_(std::move(line)), subscription_(engine.subscribe(topic, *this)) {}

 private:
  void on_push(media::PushRecord record) override {
    // A log stays on its loop: the other fills one of its own from the same bytes.
    if (auto* begun = std::get_if<media::ObjectBegun>(&record)) begun->log = nullptr;
    asking_.post([line = line_, record = std::move(record)]() mutable {
      if (line->sink) line->sink->on_push(std::move(record));
    });
  }
  void on_topic_end(media::TopicEnd why) override {
    asking_.post([line = line_, why] {
      if (line->sink) std::exchange(line->sink, nullptr)->on_topic_end(why);
    });
  }

  net::Loop& asking_;
  std::shared_ptr<SubscriptionHere::Line> line_;
  std::unique_ptr<media::Subscription> subscription_;
};

std::unique_ptr<media::Subscription> LoopParent::subscribe(std::string_view topic, media::PushSink& sink) {
  auto subscription = std::make_unique<SubscriptionHere>(sink, on_home_);
  on_home_([&here = here_, line = subscription->line, there = subscription->there,
            topic = std::string(topic)](Engine& engine) mutable {
    *there = std::make_shared<SubscriptionThere>(here, std::move(line), engine, topic);
  });
  return subscription;
}

std::optional<Routes::Way> LoopRoutes::choose(std::string_view key, const FetchRequest& request, uint32_t attempt,
                                              LoopTime now) {
  LoopParent* home = home_of(key);
  if (!home) return upward_.choose(key, request, attempt, now);
  if (attempt > 0) return std::nullopt;  // the home has tried what can be tried
  return Way{home, to_home};
}

void LoopRoutes::succeeded(const Way& way, LoopTime now) {
  if (way.index != to_home) upward_.succeeded(way, now);
}
void LoopRoutes::failed(const Way& way, LoopTime now) {
  if (way.index != to_home) upward_.failed(way, now);
}
void LoopRoutes::released(const Way& way) {
  if (way.index != to_home) upward_.released(way);
}

std::unique_ptr<media::Subscription> LoopRoutes::subscribe(std::string_view topic, media::PushSink& sink) {
  if (LoopParent* home = home_of(topic)) return home->subscribe(topic, sink);
  KLIEG_ASSERT(topics_, "who takes nothing by push is not asked for topics");
  return topics_->subscribe(topic, sink);
}

}  // namespace klieg::edge

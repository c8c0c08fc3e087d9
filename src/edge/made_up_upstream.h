// Parents, the way to them, topics and time, made up for tests: they note what they are asked and answer when told.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edge/engine.h"

namespace klieg::edge {

struct MadeUpClock final : Clock {
  LoopTime now() const override { return loop; }
  WallTime wall_now() const override { return wall; }
  void advance(Duration by) {
    loop += by;
    wall += by;
  }
  LoopTime loop{1000s};
  WallTime wall{1'800'000'000s};
};

// A parent. Fetches are numbered in the order in which they were made; one that ended or was cancelled is over.
class MadeUpUpstream final : public Upstream {
 public:
  std::unique_ptr<Fetch> fetch(FetchRequest request, FetchHandler& handler) override {
    fetches_.push_back(std::make_shared<Made>(std::move(request), &handler));
    return std::make_unique<Running>(fetches_.back());
  }

  size_t asked() const { return fetches_.size(); }
  bool over(size_t i) const { return !fetches_.at(i)->handler; }
  bool paused(size_t i) const { return fetches_.at(i)->paused; }
  size_t running() const {
    return static_cast<size_t>(std::ranges::count_if(fetches_, [](const auto& made) { return made->handler; }));
  }
  const FetchRequest& request(size_t i) const { return fetches_.at(i)->request; }
  // "a, b" where the field was sent twice; empty: not at all.
  std::string field(size_t i, std::string_view name) const {
    std::string all;
    for (const auto& [key, value] : request(i).fields) {
      if (key == name) all.append(all.empty() ? "" : ", ").append(value);
    }
    return all;
  }

  // Nothing is said of a fetch that is over: whoever plays checks over() where that may be.
  void head(size_t i, uint16_t status, const Fields& fields, std::optional<uint64_t> size = std::nullopt) {
    const std::vector<wire::HeaderView> views = views_of(fields);
    FetchHead head;
    head.status = status;
    head.fields = views;
    head.size = size;
    this->head(i, head);
  }
  void head(size_t i, const FetchHead& head) {
    if (FetchHandler* handler = handler_of(i)) handler->on_head(head);
  }
  void body(size_t i, std::string_view text) {
    if (FetchHandler* handler = handler_of(i)) handler->on_body(Bytes::copy_of(text));
  }
  void end(size_t i, FetchEnd how = FetchEnd::complete) {
    if (FetchHandler* handler = handler_of(i)) {
      fetches_[i]->handler = nullptr;
      handler->on_end(how);
    }
  }
  void answer(size_t i, uint16_t status, const Fields& fields, std::string_view text) {
    head(i, status, fields, text.size());
    if (!over(i) && !text.empty()) body(i, text);
    if (!over(i)) end(i);
  }

 private:
  struct Made {
    Made(FetchRequest request, FetchHandler* handler) : request(std::move(request)), handler(handler) {}
    FetchRequest request;
    FetchHandler* handler;  // null: over
    bool paused = false;
  };
  struct Running final : Fetch {
    explicit Running(std::shared_ptr<Made> made) : made(std::move(made)) {}
    ~Running() override { made->handler = nullptr; }
    void pause() override { made->paused = true; }
    void resume() override { made->paused = false; }
    std::shared_ptr<Made> made;
  };

  FetchHandler* handler_of(size_t i) {
    FetchHandler* handler = i < fetches_.size() ? fetches_[i]->handler : nullptr;
    EXPECT_TRUE(handler) << "fetch " << i << " is over, or was never made";
    return handler;
  }

  std::vector<std::shared_ptr<Made>> fetches_;
};

// The parents in turn, attempt by attempt. Keeps the law that a way which was chosen ends once.
class MadeUpRoutes final : public Routes {
 public:
  explicit MadeUpRoutes(std::vector<MadeUpUpstream*> parents) : parents_(std::move(parents)) {}
  ~MadeUpRoutes() override { EXPECT_EQ(chosen_, ended_) << "each way that was chosen ends once"; }

  size_t ways(std::string_view) const override { return parents_.size(); }
  Home home(std::string_view) const override { return where; }
  Home where = Home::here;
  std::optional<Way> choose(std::string_view, const FetchRequest&, uint32_t attempt, LoopTime) override {
    if (parents_.empty()) return std::nullopt;
    if (attempt > 0 && retries == 0) return std::nullopt;
    if (attempt > 0) --retries;
    ++chosen_;
    return Way{parents_[attempt % parents_.size()], attempt % parents_.size()};
  }
  void succeeded(const Way&, LoopTime) override { ++answered; }
  void failed(const Way&, LoopTime) override {
    ++ended_;
    ++failures;
  }
  void released(const Way&) override { ++ended_; }
  size_t under_way() const { return chosen_ - ended_; }

  size_t retries = SIZE_MAX;  // that may still be made
  size_t answered = 0;
  size_t failures = 0;

 private:
  std::vector<MadeUpUpstream*> parents_;
  size_t chosen_ = 0;
  size_t ended_ = 0;
};

// Who offers topics. Subscriptions are numbered like fetches.
class MadeUpTopics final : public media::TopicSource {
 public:
  std::unique_ptr<media::Subscription> subscribe(std::string_view topic, media::PushSink& sink) override {
    made_.push_back(std::make_shared<Made>(std::string(topic), &sink));
    return std::make_unique<Running>(made_.back());
  }

  size_t asked() const { return made_.size(); }
  const std::string& topic(size_t i) const { return made_.at(i)->topic; }
  bool over(size_t i) const { return !made_.at(i)->sink; }
  size_t running() const {
    return static_cast<size_t>(std::ranges::count_if(made_, [](const auto& made) { return made->sink; }));
  }
  void say(size_t i, media::PushRecord record) {
    EXPECT_FALSE(over(i));
    if (!over(i)) made_[i]->sink->on_push(std::move(record));
  }
  void end(size_t i, media::TopicEnd why) {
    EXPECT_FALSE(over(i));
    if (!over(i)) std::exchange(made_[i]->sink, nullptr)->on_topic_end(why);
  }

 private:
  struct Made {
    Made(std::string topic, media::PushSink* sink) : topic(std::move(topic)), sink(sink) {}
    std::string topic;
    media::PushSink* sink;  // null: over
  };
  struct Running final : media::Subscription {
    explicit Running(std::shared_ptr<Made> made) : made(std::move(made)) {}
    ~Running() override { made->sink = nullptr; }
    std::shared_ptr<Made> made;
  };
  std::vector<std::shared_ptr<Made>> made_;
};

}  // namespace klieg::edge

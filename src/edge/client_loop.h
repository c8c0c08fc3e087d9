// Another loop of this process, as a parent.
//
// An object has a home loop, which alone asks upward for it; the other loops ask the home. So a process asks a parent
// once, however many cores its viewers are spread over, and an append crosses cores once per core that somebody watches
// on. What crosses is a posted message; of an object's bytes only the reference.
//
// Owner: the asking loop's shard. Thread: that loop; what reads at the home lives there.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "edge/engine.h"
#include "edge/upstream.h"
#include "media/push.h"
#include "net/loop.h"

namespace klieg::edge {

// The loop on which a key or a topic lives: all of one directory on one, so that a playlist and its parts are together.
size_t home_loop_of(std::string_view key, size_t loops);

class LoopParent final : public Upstream, public media::TopicSource {
 public:
  // Runs work with the home's engine, on the home's loop, in the order given; from any thread.
  using OnHome = std::function<void(std::move_only_function<void(Engine&)>)>;

  LoopParent(net::Loop& here, OnHome on_home) : here_(here), on_home_(std::move(on_home)) {}

  std::unique_ptr<Fetch> fetch(FetchRequest request, FetchHandler& handler) override;
  std::unique_ptr<media::Subscription> subscribe(std::string_view topic, media::PushSink& sink) override;

 private:
  class FetchHere;
  class FetchThere;
  class SubscriptionHere;
  class SubscriptionThere;

  net::Loop& here_;
  OnHome on_home_;
};

// Asks the home of a key, or, where that is this loop, whoever this node asks.
class LoopRoutes final : public Routes, public media::TopicSource {
 public:
  // `parents`: by loop; null for this one's own place. `topics`: null where nothing is pushed to this node.
  LoopRoutes(std::vector<LoopParent*> parents, Routes& upward, media::TopicSource* topics)
      : parents_(std::move(parents)), upward_(upward), topics_(topics) {}

  size_t ways(std::string_view key) const override { return home_of(key) ? 1 : upward_.ways(key); }
  Home home(std::string_view key) const override { return home_of(key) ? Home::elsewhere : Home::here; }
  std::optional<Way> choose(std::string_view key, const FetchRequest& request, uint32_t attempt, LoopTime now) override;
  void succeeded(const Way& way, LoopTime now) override;
  void failed(const Way& way, LoopTime now) override;
  void released(const Way& way) override;
  std::unique_ptr<media::Subscription> subscribe(std::string_view topic, media::PushSink& sink) override;

 private:
  static constexpr size_t to_home = SIZE_MAX;
  LoopParent* home_of(std::string_view key) const { return parents_[home_loop_of(key, parents_.size())]; }

  std::vector<LoopParent*> parents_;
  Routes& upward_;
  media::TopicSource* topics_;
};

}  // namespace klieg::edge

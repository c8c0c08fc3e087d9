// Whom a node asks for a key, in order: the cache hosts of its PoP as placement has them, up to itself, then the
// parents as they were given.
//
//   a proxy                  its PoP's cache hosts, then its parents if it has any
//   a cache host             its parents
//   both, with peers         the hosts before it in the key's order, then, in its own place, its parents
// A node never passes on what is placed on itself, so requests go down the key's order and cannot go round.
//
// A host that failed twice is left alone for a while that doubles with every further failure, then tried again by one
// request; the first answer makes it healthy. When all are down the one that is due soonest is asked: an error of its
// making is better than one of ours. Retries have a budget, so that parents in trouble are not asked more than they
// would be in health: a fifth of all requests, and ten a second besides. Where a parent dies and the next is well, what
// was under way goes to that one at once, all of it: there it is no retry. What goes for one viewer alone has a budget
// of its own: a herd of such must not cost an object its next attempt.
//
// Owner: the loop's shard. Thread: that loop; no clock of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "edge/upstream.h"
#include "media/push.h"

namespace klieg::edge {

class Hosts final : public Routes, public media::TopicSource {
 public:
  Hosts(std::function<LoopTime()> now, uint64_t seed) : now_(std::move(now)), random_(seed) {}

  // `topics`: null where it offers none.
  void add_parent(std::string name, Upstream& upstream, media::TopicSource* topics);
  // Of the PoP; `upstream` null: this node itself.
  void add_cache_host(std::string name, Upstream* upstream, media::TopicSource* topics);

  size_t ways(std::string_view) const override { return hosts_.size(); }
  std::optional<Way> choose(std::string_view key, const FetchRequest& request, uint32_t attempt, LoopTime now) override;
  void succeeded(const Way& way, LoopTime now) override;
  void failed(const Way& way, LoopTime now) override;
  void released(const Way& way) override;

  std::unique_ptr<media::Subscription> subscribe(std::string_view topic, media::PushSink& sink) override;

 private:
  class HostSubscription;
  struct Host {
    std::string name;
    Upstream* upstream = nullptr;  // null: this node, whose place is that of its parents
    media::TopicSource* topics = nullptr;
    uint32_t failures = 0;                 // since its last answer
    LoopTime failed_at = LoopTime::min();  // last; an answer does not undo it
    LoopTime rests_until = LoopTime::min();
    uint64_t load = 0;  // requests of ours under way
    LoopTime complained_at = LoopTime::min();
  };

  class RetryBudget {
   public:
    void earn();  // by a request's first attempt
    bool spend(LoopTime now);

   private:
    static constexpr double at_once = 10;
    static constexpr double per_s = 10;
    static constexpr double per_request = 0.2;

    double left_ = at_once;
    LoopTime refilled_ = LoopTime::min();
  };

  std::vector<size_t> order_for(std::string_view key, LoopTime now) const;
  std::optional<size_t> pick(std::string_view key, uint32_t attempt, LoopTime now) const;
  bool is_well(size_t index) const;
  void go_to(Host& host, LoopTime now);
  void on_refused(Host& host);

  std::function<LoopTime()> now_;
  Random random_;
  std::vector<Host> hosts_;                    // cache hosts, then parents
  std::vector<std::string> cache_host_names_;  // of the first of hosts_
  RetryBudget for_all_, for_one_;
};

}  // namespace klieg::edge

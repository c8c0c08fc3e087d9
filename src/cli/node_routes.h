// Whom a loop of `klieg serve` asks for what it does not have: the origin beside it, or, for a channel whose home is
// another node, that node - by HTTP, as `klieg edge` asks its parents, and subscribing in the same way.
//
// Owner: the shard. Thread: its loop. Limit: nodes_max; what is at home at more of them is not found here.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "edge/client.h"
#include "edge/hosts.h"
#include "edge/upstream.h"
#include "media/push.h"
#include "net/loop.h"

namespace klieg::cli {

// "ada" of "/live/ada/x7f.1/video.m3u8", and of what is told its room; empty: it is nothing of a channel.
std::string_view channel_of_target(std::string_view target);

class NodeRoutes final : public edge::Routes, public media::TopicSource {
 public:
  static constexpr size_t nodes_max = 1'000;  // bus::members_max; with their clients some 10 KiB each

  // `here`: the origin beside the cache.
  NodeRoutes(net::Loop& loop, edge::Hosts& here, const edge::Credentials& credentials, Metrics& metrics);
  ~NodeRoutes() override;

  // The channel's home is at the node with this address (HOST:PORT of its HTTP), from now on; "": here, or nowhere.
  void place(const std::string& channel, const std::string& node);
  // Of the node with this address, whatever the topic is of. Nothing: there are too many nodes.
  std::unique_ptr<media::Subscription> subscribe_at(const std::string& node, std::string_view topic,
                                                    media::PushSink& sink);
  bool is_elsewhere(std::string_view channel) const { return places_.contains(channel); }

  size_t ways(std::string_view key) const override;
  std::optional<Way> choose(std::string_view key, const edge::FetchRequest& request, uint32_t attempt,
                            LoopTime now) override;
  void succeeded(const Way& way, LoopTime now) override;
  void failed(const Way& way, LoopTime now) override;
  void released(const Way& way) override;
  std::unique_ptr<media::Subscription> subscribe(std::string_view topic, media::PushSink& sink) override;

 private:
  // A node is one parent among Hosts of its own: its health is nothing to the others.
  struct Node {
    std::string address;
    std::unique_ptr<edge::Parent> parent;
    std::unique_ptr<edge::Hosts> hosts;
  };
  static constexpr size_t way_here = SIZE_MAX;
  // Of nodes_, where it is from then on; nullopt: no more can be there.
  std::optional<size_t> index_of(const std::string& address);
  // Index of nodes_; way_here: none.
  size_t node_of(std::string_view target) const;

  net::Loop& loop_;
  edge::Hosts& here_;
  const edge::Credentials& credentials_;
  Metrics& metrics_;
  std::vector<Node> nodes_;                            // stay: requests to them may be under way
  std::map<std::string, size_t, std::less<>> places_;  // channel -> node
};

}  // namespace klieg::cli

#include "cli/node_routes.h"

#include <algorithm>
#include <utility>

#include "audience/upward.h"
#include "base/logging.h"
#include "cli/first_run.h"
#include "wire/live_path.h"

namespace klieg::cli {

std::string_view channel_of_target(std::string_view target) {
  if (const auto topic = audience::topic_of_upward(target)) target = *topic;
  if (!target.starts_with(wire::live_prefix)) return {};
  target.remove_prefix(wire::live_prefix.size());
  const size_t end = target.find_first_of("/?");
  return end == target.npos ? std::string_view() : target.substr(0, end);
}

NodeRoutes::NodeRoutes(net::Loop& loop, edge::Hosts& here, const edge::Credentials& credentials, Metrics& metrics)
    : loop_(loop), here_(here), credentials_(credentials), metrics_(metrics) {}

NodeRoutes::~NodeRoutes() = default;

void NodeRoutes::place(const std::string& channel, const std::string& node) {
  if (node.empty()) {
    places_.erase(channel);
    return;
  }
  if (const auto index = index_of(node)) places_.insert_or_assign(channel, *index);
}

std::optional<size_t> NodeRoutes::index_of(const std::string& address) {
  const auto found = std::ranges::find(nodes_, address, &Node::address);
  if (found != nodes_.end()) return static_cast<size_t>(found - nodes_.begin());
  const auto peer = edge::parse_parent_url("http://" + address);
  if (!peer || nodes_.size() == nodes_max) {
    logging::warning("a node cannot be asked for what it has", {{"node", address}});
    return std::nullopt;
  }
  Node& made = nodes_.emplace_back();
  made.address = address;
  made.parent = std::make_unique<edge::Parent>(loop_, *peer, &credentials_, metrics_);
  made.hosts = std::make_unique<edge::Hosts>([&loop = loop_] { return loop.now(); }, random_seed());
  made.hosts->add_parent(address, *made.parent, made.parent.get());
  return nodes_.size() - 1;
}

std::unique_ptr<media::Subscription> NodeRoutes::subscribe_at(const std::string& node, std::string_view topic,
                                                              media::PushSink& sink) {
  const auto index = index_of(node);
  return index ? nodes_[*index].hosts->subscribe(topic, sink) : nullptr;
}

size_t NodeRoutes::node_of(std::string_view target) const {
  const auto found = places_.find(channel_of_target(target));
  return found == places_.end() ? way_here : found->second;
}

size_t NodeRoutes::ways(std::string_view key) const {
  const size_t node = node_of(key);
  return node == way_here ? here_.ways(key) : nodes_[node].hosts->ways(key);
}

std::optional<edge::Routes::Way> NodeRoutes::choose(std::string_view key, const edge::FetchRequest& request,
                                                    uint32_t attempt, LoopTime now) {
  const size_t node = node_of(key);
  if (node == way_here) {
    const auto way = here_.choose(key, request, attempt, now);
    return way ? std::optional(Way{way->upstream, way_here}) : std::nullopt;
  }
  const auto way = nodes_[node].hosts->choose(key, request, attempt, now);
  return way ? std::optional(Way{way->upstream, node}) : std::nullopt;
}

// Each of the Hosts has one way, the first.
void NodeRoutes::succeeded(const Way& way, LoopTime now) {
  (way.index == way_here ? here_ : *nodes_[way.index].hosts).succeeded({way.upstream, 0}, now);
}
void NodeRoutes::failed(const Way& way, LoopTime now) {
  (way.index == way_here ? here_ : *nodes_[way.index].hosts).failed({way.upstream, 0}, now);
}
void NodeRoutes::released(const Way& way) {
  (way.index == way_here ? here_ : *nodes_[way.index].hosts).released({way.upstream, 0});
}

std::unique_ptr<media::Subscription> NodeRoutes::subscribe(std::string_view topic, media::PushSink& sink) {
  const size_t node = node_of(topic);
  return node == way_here ? here_.subscribe(topic, sink) : nodes_[node].hosts->subscribe(topic, sink);
}

}  // namespace klieg::cli

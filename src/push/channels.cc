#include "push/channels.h"

#include <algorithm>

namespace klieg::push {

std::shared_ptr<Channel> Channels::open(const std::string& name, const std::string& rendition) {
  for (auto& [_, some] : channels_) std::erase_if(some, [](const auto& channel) { return channel.expired(); });
  std::erase_if(channels_, [](const auto& entry) { return entry.second.empty(); });
  std::vector<std::weak_ptr<Channel>>& known = channels_[name];
  std::vector<std::shared_ptr<Channel>> live;
  for (const auto& weak : known) {
    if (auto channel = weak.lock(); channel && !channel->over()) live.push_back(std::move(channel));
  }
  std::string wanted = rendition;
  for (const auto& channel : live) {
    if (const std::string* read = channel->read_for(rendition)) wanted = *read;
  }
  const auto same = std::ranges::find(live, wanted, [](const auto& channel) { return channel->rendition(); });
  if (same != live.end()) return *same;
  if (live.size() >= renditions_max) return live.front();
  auto channel = Channel::open(source_, name, wanted, limits_);
  known.push_back(channel);
  return channel;
}

}  // namespace klieg::push

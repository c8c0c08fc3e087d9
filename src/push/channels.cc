#include "push/channels.h"

namespace klieg::push {

std::shared_ptr<Channel> Channels::open(const std::string& name, const std::string& rendition) {
  std::erase_if(channels_, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<Channel>& known = channels_[{name, rendition}];
  std::shared_ptr<Channel> channel = known.lock();
  if (!channel || channel->over()) known = channel = Channel::open(source_, name, rendition, limits_);
  return channel;
}

}  // namespace klieg::push

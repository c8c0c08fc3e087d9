// The channels of a loop, so that all who look at a broadcast there share one.
//
// Owner: the loop's shard. Thread: that loop. It keeps none alive: that is for whoever has viewers.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "push/channel.h"

namespace klieg::push {

class Channels {
 public:
  explicit Channels(Source& source, const ChannelLimits& limits = {}) : source_(source), limits_(limits) {}

  // The one that is read already, or a new one: also where the one before is over, because a name shows one broadcast
  // after another.
  std::shared_ptr<Channel> open(const std::string& name, const std::string& rendition);

 private:
  Source& source_;
  const ChannelLimits limits_;
  std::map<std::pair<std::string, std::string>, std::weak_ptr<Channel>> channels_;
};

}  // namespace klieg::push

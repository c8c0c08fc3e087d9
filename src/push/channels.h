// The channels of a loop, so that all who look at a broadcast there share one.
//
// A wish for a rendition is one for what is read for it: once it is known what a broadcast has, all who wish for what
// it does not have share a channel.
//
// Owner: the loop's shard. Thread: that loop. It keeps none alive: that is for whoever has viewers.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "push/channel.h"

namespace klieg::push {

class Channels {
 public:
  explicit Channels(Source& source, const ChannelLimits& limits = {}) : source_(source), limits_(limits) {}

  // Of a name at most so many are read at once, of some 200 KiB each without what is kept for viewers: a ladder has
  // about seven rungs. Whoever wishes for one more, while it is not known what there is, gets another's.
  static constexpr size_t renditions_max = 16;

  // The one that is read already, or a new one: also where the one before is over, because a name shows one broadcast
  // after another.
  std::shared_ptr<Channel> open(const std::string& name, const std::string& rendition);

 private:
  Source& source_;
  const ChannelLimits limits_;
  std::map<std::string, std::vector<std::weak_ptr<Channel>>> channels_;  // by name
};

}  // namespace klieg::push

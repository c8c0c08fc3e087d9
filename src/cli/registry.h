// Who publishes and where each broadcast lives: asked once per publish, never per frame.
//
// Lives on the first loop. The slots decide who is let in; the registry remembers the publisher behind each permit, so
// that one who is displaced is told, and the shard where a channel's broadcast lives, so that one who returns joins it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "ingest/server.h"
#include "ingest/slots.h"
#include "net/loop.h"

namespace klieg::cli {

using ShardIndex = size_t;

class Registry {
 public:
  Registry(net::Loop& loop, const std::vector<ingest::Channel>& channels, const ingest::SlotPolicy& policy);

  struct Place {
    std::string channel;
    ShardIndex home = 0;
    ingest::PublisherId publisher = 0;
  };
  // Lets a publisher in, at the home of the channel's broadcast or, for a new broadcast, at `arrived`.
  Result<Place, ingest::Refusal> claim(const ingest::PublishRequest& request, ShardIndex arrived);

  void touch(ingest::PublisherId publisher);  // its media flows; at least once in SlotPolicy::silent_after
  void gone(ingest::PublisherId publisher, ingest::Departure why);
  // The channel's broadcast has ended at its home; `publisher` is the last that the home heard of.
  void ended(const std::string& channel, ingest::PublisherId publisher);

 private:
  struct Active {
    ingest::Permit permit;
    std::shared_ptr<ingest::Publisher> publisher;
  };
  struct Home {
    ShardIndex shard = 0;
    ingest::PublisherId last_publisher = 0;
  };
  void expire_when_due();

  net::Loop& loop_;
  ingest::Slots slots_;
  std::map<ingest::PublisherId, Active> active_;  // at most one per channel, and displaced ones until they are gone
  std::unordered_map<std::string, Home> homes_;   // one per broadcast that has not ended
  net::Timer expiry_;
};

}  // namespace klieg::cli

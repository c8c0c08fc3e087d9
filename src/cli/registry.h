// Who publishes and where each broadcast lives: asked once per publish, never per frame.
//
// Lives on the first loop. The slots decide who is let in; the registry remembers the publisher behind each permit, so
// that one who is displaced is told, and the shard where a channel's broadcast lives, so that one who returns joins it.
// Of several machines one is the channel's home (cluster.h): there the publisher is let in, from the others he is
// passed on to it.
//
//   key --whose is it?--> channel --whose home?--> here: the slots decide --> Place
//    | nobody's: refused        +--> at another node --> RelayTo
//    +--this node knows no keys: to a node that does --> RelayTo
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/result.h"
#include "cli/relay.h"
#include "ingest/server.h"
#include "ingest/slots.h"
#include "media/pass.h"
#include "net/loop.h"
#include "studio/key_records.h"
#include "studio/room_life_records.h"

namespace klieg::cli {

using ShardIndex = size_t;

// Whose a stream key is that came with no --channel: asked of accounts, on the registry's loop.
enum class KeyIs : uint8_t { nobodys, not_known_now };
class KeyHolders {
 public:
  virtual ~KeyHolders() = default;
  // Whether it could be one of theirs: what could not is not asked.
  virtual bool may_know(std::string_view key) const = 0;
  using HolderDone = std::move_only_function<void(std::expected<studio::KeyHolder, KeyIs>)>;
  virtual void holder_of(const std::string& key, HolderDone done) = 0;
  // He publishes now, on the channel of his name.
  virtual void on_publisher(const studio::KeyHolder& holder) = 0;
};

// Whose home a channel is, of several machines. On the registry's loop.
class Homes {
 public:
  virtual ~Homes() = default;
  struct Here {
    uint32_t epoch = 1;                            // of what is published there from now on
    std::optional<studio::RoomLife> goes_on = {};  // a broadcast that another home died of
  };
  using Home = std::variant<Here, RelayTo>;
  using HomeDone = std::move_only_function<void(Result<Home, ingest::Refusal>)>;
  // Asked by who has proved that he may publish. `last`: this node or none.
  virtual void home_of(const std::string& channel, Hop hop, HomeDone done) = 0;
  // Who knows whose a key is; nullopt: this node does.
  virtual std::optional<Result<RelayTo, ingest::Refusal>> knower_of(std::string_view key) = 0;
  // Nobody publishes on it here, nor may return.
  virtual void over(const std::string& channel) = 0;
};

class Registry {
 public:
  Registry(net::Loop& loop, const std::vector<ingest::Channel>& channels, const ingest::SlotPolicy& policy);

  struct Place {
    std::string channel;
    ShardIndex home = 0;
    ingest::PublisherId publisher = 0;
    uint32_t epoch = 1;
    std::optional<studio::RoomLife>
        goes_on;  // a broadcast that a server died of, which begins again with this publisher
    std::optional<media::Audience> audience = {};  // of an account's; nothing: what the channel always has
  };
  using Claimed = std::move_only_function<void(Result<std::variant<Place, RelayTo>, ingest::Refusal>)>;
  // Before the loops run. They outlive this.
  void ask(KeyHolders& holders) { holders_ = &holders; }
  void ask(Homes& homes) { nodes_ = &homes; }
  void go_on(std::vector<studio::RoomLife> lives);
  // Lets a publisher in, at the home of the channel's broadcast or, for a new broadcast, at `arrived`; or says to which
  // node he is to be passed on. Answers at once or later. `hop`: of who is passed on; else `on`.
  void claim(ingest::PublishRequest request, ShardIndex arrived, Hop hop, Claimed claimed);

  void touch(ingest::PublisherId publisher);  // its media flows; at least once in SlotPolicy::silent_after
  void gone(ingest::PublisherId publisher, ingest::Departure why);
  // The channel's broadcast has ended at its home; `publisher` is the last that the home heard of.
  void ended(const std::string& channel, ingest::PublisherId publisher);

  // Nobody publishes with an account's key, or on the channel, any more: who does is told why. Where the broadcast is
  // that is to end; nowhere: there is none.
  std::optional<Place> end_carried_by(int64_t key);
  std::optional<Place> end(const std::string& channel, const ingest::Refusal& why);

 private:
  struct Active {
    std::string channel;
    ingest::Permit permit;
    std::shared_ptr<ingest::Publisher> publisher;
  };
  struct Home {
    ShardIndex shard = 0;
    ingest::PublisherId last_publisher = 0;
    int64_t key = 0;  // of an account, that the last came with
  };
  // Who wants to publish, once it is known that he may.
  struct Candidate {
    ingest::PublishRequest request;
    ShardIndex arrived = 0;
    Hop hop = Hop::on;
    std::optional<studio::KeyHolder> holder;  // where the key is an account's
    Claimed claimed;
  };
  void find_home(const std::string& channel, Candidate candidate);
  Result<Place, ingest::Refusal> admit(const std::string& channel, Homes::Here here, const Candidate& candidate);
  std::optional<studio::RoomLife> life_of(const std::string& channel);
  void expire_when_due();

  net::Loop& loop_;
  KeyHolders* holders_ = nullptr;  // null: there are no accounts
  Homes* nodes_ = nullptr;         // null: this node is alone
  ingest::Slots slots_;
  std::map<ingest::PublisherId, Active> active_;  // at most one per channel, and displaced ones until they are gone
  std::unordered_map<std::string, Home> homes_;   // one per broadcast that has not ended
  std::unordered_map<std::string, studio::RoomLife> lives_;  // by channel; each for the first who comes in time
  net::Timer expiry_;
};

}  // namespace klieg::cli

// Who is here: each node says whom it has, and the home counts everybody once.
//
// An account that watches by two windows, or by two nodes, is one viewer. Who came first is remembered for as long as
// the broadcast goes on: leaving does not cost the place among the first hundred. A node that is not heard of any more
// takes its viewers with it.
//
// Who joins is announced, a few names and how many others, at most once in notice_every; each account once in a
// broadcast, so that a network that comes and goes announces nobody twice.
//
// A plain state machine. Owner: the Room. Thread: its loop.
// Limit: named_max accounts by name; whoever comes beyond is counted as an anonymous viewer is. 200 bytes each: 40 MB.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/time.h"
#include "media/room.h"

namespace klieg::audience {

struct PresenceLimits {
  size_t named_max = 200'000;
  // A node says something every 5 s (outbox.h); who has missed three of them is gone.
  Duration node_silent_max = 16s;
  Duration notice_every = 3s;
  size_t notice_names_max = 3;
};

class Presence {
 public:
  explicit Presence(const PresenceLimits& limits = {}) : limits_(limits) {}

  // What a node said; and that it said anything. Those of a node's earlier run are gone.
  void hear(const std::string& node, uint64_t run, LoopTime now);
  void count(const std::string& node, const media::Census& census, LoopTime now);
  void count(const std::string& node, const media::PersonCame& came, LoopTime now);
  void count(const std::string& node, const media::PersonLeft& left);
  void count(const std::string& node, const media::AnonymousCounted& anonymous);

  // Forgets nodes that are silent; appends what viewers are told: how many they are, and who joined.
  void wake(LoopTime now, std::vector<media::RoomEvent>& out);

  uint64_t viewers() const { return people_.size() + nameless_; }
  // From 0, of those who came first; first_max of them are remembered.
  std::optional<uint32_t> came_as(media::AccountId account) const;
  // As its node says; a stranger's, of who is not here by name.
  media::Standing standing_of(media::AccountId account) const;
  // By account, from the first behind `after` on: for the broadcaster, page by page.
  std::vector<media::Person> people(media::AccountId after, size_t count_max) const;

 private:
  struct Node {
    uint64_t run = 0;
    LoopTime heard;
    uint32_t anonymous = 0;
    std::unordered_set<media::AccountId> accounts;
    std::unordered_set<media::AccountId> unnamed;  // beyond named_max
  };
  struct Here {
    media::Person person;
    uint32_t nodes = 0;
  };
  void come(Node& node, const media::Person& person);
  void leave(Node& node, media::AccountId account);
  void empty(Node& node);
  void greet(const media::Person& person);

  const PresenceLimits limits_;
  std::unordered_map<std::string, Node> nodes_;
  std::unordered_map<media::AccountId, Here> people_;
  uint64_t nameless_ = 0;  // anonymous and unnamed, over all nodes
  std::unordered_map<media::AccountId, uint32_t> first_;
  std::unordered_set<media::AccountId> greeted_;
  media::PeopleJoined joined_;
  LoopTime notice_from_ = LoopTime::min();
  std::optional<uint64_t> told_;  // viewers
  LoopTime told_at_;
};

}  // namespace klieg::audience

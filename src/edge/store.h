// What the cache keeps, and what has to go: S3-FIFO (Yang et al., SOSP 2023) over bytes.
//
// A newcomer enters a small queue of a tenth of the room. One that is asked for twice more before it reaches the end
// moves to the main queue; the others go, and leave their key's hash behind, so that one that comes back soon enters
// the main queue at once. In the main queue what was used since its last round stays for another. A scan of things
// asked for once therefore never displaces what is watched, and nothing is moved at a hit: it costs one saturating
// count.
//
// Live media leaves by its lifetime long before it would be evicted (drop() at its end, see engine.h); this is for the
// tail.
//
// Owner: the loop's Engine. Thread: that loop.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "edge/object.h"

namespace klieg::edge {

class Store {
 public:
  // Each resource is charged its bytes and `overhead`: key, fields, facts and the maps' nodes come to about 1 KiB.
  static constexpr uint64_t overhead = 1024;

  explicit Store(uint64_t bytes_max) : bytes_max_(bytes_max) {}
  // Is told what has to go for want of room, before it goes.
  void when_evicted(std::move_only_function<void(const Resource&)> told) { evicting_ = std::move(told); }
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Null when there is nothing. find() counts as a use; what the engine does to a resource of its own accord does not.
  Resource* find(std::string_view key);
  Resource* peek(std::string_view key) const;
  Resource& obtain(std::string_view key);
  // The resource's bytes or its flight changed. May evict others, and removes it if it is empty: do not touch it after.
  void settle(Resource& resource);
  void drop(Resource& resource);  // asserted: not pinned

  uint64_t bytes() const { return bytes_; }
  size_t size() const { return resources_.size(); }
  uint64_t evicted() const { return evicted_; }

 private:
  using Shelf = Resource::Shelf;
  struct Queue {
    Resource* newest = nullptr;
    Resource* oldest = nullptr;
    uint64_t bytes = 0;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  Queue& queue_of(Shelf::Queue which) { return which == Shelf::Queue::main ? main_ : small_; }
  void enter(Resource& resource, Shelf::Queue which);
  void leave(Resource& resource);
  void make_room();
  bool evict_from_small();
  bool evict_from_main();
  void evict(Resource& resource);
  void remember(std::string_view key);

  const uint64_t bytes_max_;
  std::unordered_map<std::string_view, std::unique_ptr<Resource>, Hash, std::equal_to<>> resources_;  // keys point in
  Queue small_, main_;
  std::deque<size_t> ghosts_;  // hashes of keys that were evicted from the small queue, oldest first
  std::unordered_set<size_t> ghost_set_;
  uint64_t bytes_ = 0;
  uint64_t evicted_ = 0;
  std::move_only_function<void(const Resource&)> evicting_;
};

}  // namespace klieg::edge

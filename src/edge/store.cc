#include "edge/store.h"

#include <algorithm>

#include "base/assert.h"
#include "edge/flight.h"

namespace klieg::edge {
namespace {

constexpr uint8_t uses_max = 3;       // two bits, as in the paper
constexpr uint64_t small_share = 10;  // a tenth of the room
constexpr size_t ghosts_min = 1024;   // hashes of eight bytes: kept even while little else is
// Where all that is kept is being fetched, more is kept than may be until some of it has come: a settlement is 50 us of
// looking at the most, and the next goes on where it stopped.
constexpr size_t looks_in_vain_max = 1'000;

uint64_t charge_of(const Resource& resource) {
  uint64_t bytes = Store::overhead + resource.key.size();
  for (const auto& object : resource.variants) bytes += object->bytes_held();
  return bytes;
}

}  // namespace

Store::~Store() = default;

Resource* Store::find(std::string_view key) {
  Resource* found = peek(key);
  if (found && found->shelf.uses < uses_max) ++found->shelf.uses;
  return found;
}

Resource* Store::peek(std::string_view key) const {
  const auto found = resources_.find(key);
  return found == resources_.end() ? nullptr : found->second.get();
}

Resource& Store::obtain(std::string_view key) {
  if (Resource* found = peek(key)) return *found;
  auto made = std::make_unique<Resource>(key);
  Resource& resource = *made;
  resources_.emplace(std::string_view(resource.key), std::move(made));
  enter(resource, ghost_set_.contains(Hash()(key)) ? Shelf::Queue::main : Shelf::Queue::small);
  return resource;
}

void Store::settle(Resource& resource) {
  if (resource.empty() && resource.uncacheable_until == LoopTime::min()) return drop(resource);
  const uint64_t size = charge_of(resource);
  queue_of(resource.shelf.queue).bytes += size - resource.shelf.size;
  bytes_ += size - resource.shelf.size;
  resource.shelf.size = size;
  make_room();
}

void Store::drop(Resource& resource) {
  KLIEG_ASSERT(!resource.pinned(), "what is being fetched is not dropped");
  leave(resource);
  resources_.erase(resources_.find(std::string_view(resource.key)));
}

void Store::enter(Resource& resource, Shelf::Queue which) {
  Queue& queue = queue_of(which);
  Shelf& shelf = resource.shelf;
  shelf.queue = which;
  shelf.older = queue.newest;
  shelf.newer = nullptr;
  (queue.newest ? queue.newest->shelf.newer : queue.oldest) = &resource;
  queue.newest = &resource;
  queue.bytes += shelf.size;
  bytes_ += shelf.size;
}

void Store::leave(Resource& resource) {
  Shelf& shelf = resource.shelf;
  Queue& queue = queue_of(shelf.queue);
  (shelf.newer ? shelf.newer->shelf.older : queue.newest) = shelf.older;
  (shelf.older ? shelf.older->shelf.newer : queue.oldest) = shelf.newer;
  queue.bytes -= shelf.size;
  bytes_ -= shelf.size;
  shelf.queue = Shelf::Queue::none;
}

void Store::make_room() {
  size_t in_vain = 0;  // looks at the main queue
  while (bytes_ > bytes_max_) {
    // A round for each use and one to go: what is left there then is pinned.
    const bool all_pinned = in_vain > std::min((uses_max + 1) * resources_.size(), looks_in_vain_max);
    const bool from_small = small_.oldest && (small_.bytes * small_share >= bytes_max_ || !main_.oldest || all_pinned);
    if (!from_small && (all_pinned || !main_.oldest)) return;
    const bool went = from_small ? evict_from_small() : evict_from_main();
    evicted_ += went ? 1 : 0;
    // Something in the main queue is new, or went.
    if (from_small != went) in_vain = 0;
    if (!from_small && !went) ++in_vain;
  }
}

// Whether something went; else it moved on.
bool Store::evict_from_small() {
  Resource& oldest = *small_.oldest;
  if (oldest.shelf.uses > 1 || oldest.pinned()) {
    leave(oldest);
    oldest.shelf.uses = 0;
    enter(oldest, Shelf::Queue::main);
    return false;
  }
  remember(oldest.key);
  evict(oldest);
  return true;
}

bool Store::evict_from_main() {
  Resource& oldest = *main_.oldest;
  if (oldest.shelf.uses == 0 && !oldest.pinned()) {
    evict(oldest);
    return true;
  }
  if (oldest.shelf.uses > 0) --oldest.shelf.uses;
  leave(oldest);
  enter(oldest, Shelf::Queue::main);
  return false;
}

void Store::evict(Resource& resource) {
  if (evicting_) evicting_(resource);
  const std::string key = resource.key;
  const std::vector<std::string> aliases = std::move(resource.aliases);
  drop(resource);
  // They would keep its bytes where nobody weighs them.
  for (const std::string& name : aliases) {
    Resource* alias = peek(name);
    if (!alias) continue;
    std::erase_if(alias->variants, [&](const auto& object) { return object->alias_of == key; });
    if (alias->empty() && alias->uncacheable_until == LoopTime::min()) drop(*alias);
  }
}

void Store::remember(std::string_view key) {
  const size_t hash = Hash()(key);
  if (!ghost_set_.insert(hash).second) return;
  ghosts_.push_back(hash);
  while (ghosts_.size() > std::max(ghosts_min, resources_.size())) {
    ghost_set_.erase(ghosts_.front());
    ghosts_.pop_front();
  }
}

}  // namespace klieg::edge

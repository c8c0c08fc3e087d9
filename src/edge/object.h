// A response as the cache keeps it, and what it keeps under one key.
//
// An Object is immutable but for its log, which may still be growing: whoever is answered with it reads the log. A
// validation (304) makes a new Object over the same log. Thread: one loop, like the log.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "edge/freshness.h"
#include "edge/stored_fields.h"

namespace klieg::http {
class HeaderBlock;
}

namespace klieg::edge {

class Flight;

struct Object {
  uint16_t status = 200;
  Fields fields;  // end to end; Age is not among them, Date is
  ResponseFacts facts;
  std::string variant;                   // what the fields that Vary names were in its request (wire/vary.h)
  std::string topic;                     // empty: of none
  std::shared_ptr<LoopTime> topic_used;  // when a viewer was last answered with an object of the topic
  std::shared_ptr<const Log> log;
  uint64_t offset = 0;          // of its first byte in the log: an alias begins inside another's
  std::optional<uint64_t> end;  // in the log; known for an alias, or where the length was announced

  uint64_t size() const { return end.value_or(log->size()) - offset; }
  // It will never be whole. An alias may have all its bytes of a log that does not.
  bool lost() const { return log->state() == LogEnd::aborted && (!end || log->size() < *end); }
  // An alias is a range of another resource's bytes: the key of that one, with which it goes. Empty: no alias.
  std::string alias_of;
  // Of the log's bytes: an alias has none of its own.
  uint64_t bytes_held() const { return alias_of.empty() ? log->size() : 0; }
  // Where the log is for one reader and nobody keeps it. Who is answered with the object hands it on to that reader.
  std::shared_ptr<LogProgress> progress;

  // Where server.cc keeps what the last answer with this object began with, and which answers begin so. Nothing else
  // looks at it.
  mutable std::shared_ptr<const http::HeaderBlock> rendered;
  mutable int64_t rendered_for = 0;
};

// What is kept under one key: the variants of a resource, or why there are none. Owned by the Store.
struct Resource {
  explicit Resource(std::string_view name) : key(name) {}
  Resource(const Resource&) = delete;
  Resource& operator=(const Resource&) = delete;

  const std::string key;
  std::vector<std::shared_ptr<const Object>> variants;  // newest first, at most variants_max
  // The fetches for it that viewers share: one, or, where the variants are known, one for each that is wanted.
  std::vector<std::shared_ptr<Flight>> flights;
  LoopTime uncacheable_until = LoopTime::min();  // whoever asks until then goes alone, at once
  std::vector<std::string> aliases;              // keys of what is here and holds these bytes too, or has gone already

  // Held while something refers to it that an eviction would break.
  bool pinned() const { return !flights.empty(); }
  bool empty() const { return variants.empty() && flights.empty(); }

  // The Store's own.
  struct Shelf {
    enum class Queue : uint8_t { none, small, main } queue = Queue::none;
    uint8_t uses = 0;
    uint64_t size = 0;
    Resource* newer = nullptr;
    Resource* older = nullptr;
  } shelf;
};

// Pages vary by language or coding, not by everything: beyond this the oldest variant goes.
constexpr size_t variants_max = 8;

}  // namespace klieg::edge

// The node as a channel sees it: what answers viewers' requests on this loop. Joined in cli/ to the loop's cache, so
// that a channel is a viewer like others: subscription, push down the tree, falling back to asking, and takeover come
// with it.
//
// Thread: one loop. Owner: cli/.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/time.h"
#include "media/pass.h"

namespace klieg::push {

struct Answer {
  uint16_t status = 0;      // of HTTP
  std::string header_name;  // of a segment: which CMAF header it needs ("video-h0.mp4"); "": it was not said
  // The body: [offset, end) of a log that may still grow. Null where status is not 200.
  std::shared_ptr<const Log> log;
  uint64_t offset = 0;
  std::optional<uint64_t> end;  // nothing: where the log ends
  media::Audience audience = media::Audience::everybody;
};

class Source {
 public:
  virtual ~Source() = default;
  // What a GET of `path` gives, held there while it is about to be born. `then` is called once, in a later turn.
  virtual void ask(const std::string& path, std::move_only_function<void(Answer)> then) = 0;
  // Calls `then` once, when so much time has passed.
  virtual void after(Duration pause, std::move_only_function<void()> then) = 0;
};

}  // namespace klieg::push

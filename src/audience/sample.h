// What of a flood of comments a viewer can read: a fair sample, the same for all viewers of a node.
//
// As long as no more is said than can be read, everything is shown. Beyond that, of those who commented since the last
// turn each has the same chance, however much he wrote: authors are drawn, and of each one of his comments; only where
// authors are fewer than places they get a second. The broadcaster and moderators are always shown, and take nobody's
// place. Another node draws with another seed, so that over all nodes more is seen than over one.
//
// What is not drawn is not shown later: it would be old. Its author sees it (gallery.h), and moderators see all.
//
// Plain. Owner: the Gallery. Thread: its loop. Limit: what is offered in a turn is a turn's part of the log.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "media/room.h"

namespace klieg::audience {

struct SampleSettings {
  uint32_t per_second_max = 8;  // a line each, at the pace at which lines can be skimmed. 0: no sample, everything
  uint32_t burst_max = 16;      // what may come at once after a silence: half a screen
};

class Sample {
 public:
  explicit Sample(uint64_t seed, const SampleSettings& settings = {}) : settings_(settings), random_(seed) {}

  void offer(media::Comment comment) { offered_.push_back(std::move(comment)); }
  // Whether all that was offered can be shown now.
  bool fits(LoopTime now) const { return offered_.empty() || offered_.size() <= places(now); }
  // Those that are shown of what was offered since the last turn, in the order in which it was.
  std::vector<media::Comment> turn(LoopTime now);

  uint64_t left_out() const { return left_out_; }

 private:
  size_t places(LoopTime now) const;
  std::vector<size_t> drawn(size_t places);  // indices into offered_, of those that have to be drawn

  const SampleSettings settings_;
  Random random_;
  std::vector<media::Comment> offered_;
  LoopTime full_at_ = LoopTime::min();  // when all places of a burst are free again
  uint64_t left_out_ = 0;
};

}  // namespace klieg::audience

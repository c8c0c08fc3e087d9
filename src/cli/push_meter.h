// What is pushed to viewers counts in the loop's load like what they ask for.
#pragma once

#include "edge/server_load.h"
#include "push/server_fanout.h"

namespace klieg::cli {

class PushMeter final : public push::Meter {
 public:
  explicit PushMeter(edge::LoopLoad& load) : load_(load) {}
  void viewer_came() override { load_.viewer_came(); }
  void viewer_left() override { load_.viewer_left(); }
  void sent(uint64_t bytes) override { load_.sent(bytes); }

 private:
  edge::LoopLoad& load_;
};

}  // namespace klieg::cli

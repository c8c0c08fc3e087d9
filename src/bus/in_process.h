// The bus of a node that is alone: what one loop says, the others hear.
//
// A mutex guards it: it carries a handful of messages a second, none on the road of a frame.
#pragma once

#include <memory>

#include "bus/bus.h"

namespace klieg::bus {

class InProcess final : public Bus {
 public:
  InProcess();
  ~InProcess() override;

  // Who is alone hears all there is to hear.
  std::optional<Certainty> certainty() const override { return Certainty{LoopTime::min(), LoopTime::max()}; }
  void publish(std::string_view subject, Bytes payload) override;
  std::unique_ptr<Subscription> subscribe(net::Loop& loop, std::string_view pattern, Loss loss,
                                          std::move_only_function<void(const Message&)> handler) override;

  // What another bus heard for exactly this pattern.
  void deliver(std::string_view pattern, const Message& message);

 private:
  struct Inbox;
  struct Inboxes;
  class InboxSubscription;

  std::shared_ptr<Inboxes> inboxes_;  // shared with what is posted, which may be run when we are gone
};

}  // namespace klieg::bus

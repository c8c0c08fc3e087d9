// How nodes hear of each other: payloads under subjects, from whoever says something to whoever wants to know.
//
// What is promised, and it is what NATS promises: at most once, and in the order of publishing as far as one publisher
// and one subject go. Nothing is kept for who subscribes later, nothing is sent again, nothing says that it arrived.
// So a message says how things are, with a sequence and all it takes, and not what changed since the last one.
//
// publish() never waits. What a subscriber has not got round to waits for it, up to queued_max; then something is
// lost, and which is the subscriber's to choose.
//
// Thread: publish() from any. A handler is called on the loop that subscribed, in a turn of its own and never inside
// publish(); its publisher hears itself too. The bus outlives its subscriptions.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"
#include "net/loop.h"

namespace klieg::bus {

constexpr size_t payload_size_max = 16 * 1024;  // a load report is 0.3 KiB; NATS takes 1 MiB
// Per subscription. A thousand nodes that report every 3 s are heard by a loop that has stood still for 3 s. At most
// 16 MiB where all is as large as it may be; of load reports 0.5 MiB.
constexpr size_t queued_max = 1'024;

// What a subscriber would rather do without when it cannot keep up.
enum class Loss : uint8_t {
  superseded,  // of each subject only the newest waits; where that does not help, the oldest goes
  oldest,
  newest,  // the one that comes: what waits is heard without a hole
};

struct Message {
  std::string subject;
  Bytes payload;
};

class Subscription {
 public:
  virtual ~Subscription() = default;  // on its loop, also inside its handler: nothing is called afterwards
  // Messages that were for us and that we shall not hear, by the choice of Loss. On its loop.
  virtual uint64_t lost() const = 0;
};

// How far a node can be sure of the way to the others. Who passes messages on is asked every 2 s, in the order of what
// is said, and its answers come in the order of what it passes on.
struct Certainty {
  LoopTime since;  // what others have said from then on is here, none left out...
  LoopTime up_to;  // ...up to then; and what this node said before then has been passed on
};

class Bus {
 public:
  virtual ~Bus() = default;

  // On the bus's own loop. What is here has been handed to subscriptions, whose turns are to come. nullopt: nothing is
  // known of others.
  virtual std::optional<Certainty> certainty() const = 0;

  // Asserted: `subject` is one (bus/subject.h), and the payload no larger than payload_size_max.
  virtual void publish(std::string_view subject, Bytes payload) = 0;

  // On `loop`. What is published from now on, under subjects that match.
  virtual std::unique_ptr<Subscription> subscribe(net::Loop& loop, std::string_view pattern, Loss loss,
                                                  std::move_only_function<void(const Message&)> handler) = 0;
};

}  // namespace klieg::bus

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
#include <string>
#include <string_view>

#include "base/bytes.h"
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

class Bus {
 public:
  virtual ~Bus() = default;

  // Asserted: `subject` is one (bus/subject.h), and the payload no larger than payload_size_max.
  virtual void publish(std::string_view subject, Bytes payload) = 0;

  // On `loop`. What is published from now on, under subjects that match.
  virtual std::unique_ptr<Subscription> subscribe(net::Loop& loop, std::string_view pattern, Loss loss,
                                                  std::move_only_function<void(const Message&)> handler) = 0;
};

}  // namespace klieg::bus

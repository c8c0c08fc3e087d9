// When notices leave: so many at once, those that failed again later, each a few times.
//
//   add() ─► due ─next()─► under way ─ended()─► delivered | refused | gone
//             ▲                          │ not now
//             └───── 10 s, 1 min, 5 min ─┴─► given up, after the fourth time or where too many rest
//
// Pure: `now` comes in. Thread: one loop's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/time.h"
#include "studio/receiver.h"

namespace klieg::studio {

// Somebody is live: said to many in one object.
struct Notice {
  int64_t broadcast = 0;
  int64_t account = 0;  // whose it is
  std::string channel, display_name, title;
  WallTime started;
};

enum class Way : uint8_t { push, webhook };

struct Delivery {
  Way way = Way::push;
  int64_t id = 0;  // of its record
  std::string url;
  Bytes point, secret;  // of a push: both of its keys; of a webhook: what is signed with
  std::shared_ptr<const Notice> notice;
  bool failed_before = false;  // when it last had one
  int attempts = 0;            // that were made
};

// What a receiver answered; 0: nothing, or not in time.
struct Receipt {
  uint16_t status = 0;
  Duration retry_after{0};  // zero: not said
};

enum class Fate : uint8_t {
  delivered,
  gone,      // RFC 8030 section 7.3: it does not exist any more
  refused,   // it will say the same again
  again,     // it is kept for later
  given_up,  // often enough
};

class Deliveries {
 public:
  // A push service answers in 0.1 s: 160 a second, at a connection and some 40 KiB of TLS each.
  static constexpr size_t under_way_max = 16;
  // x 1 KiB of address and keys: 1 MiB. Who adds asks for room() before.
  static constexpr size_t kept_max = 1'000;
  static constexpr size_t resting_max = kept_max / 2;
  static constexpr int attempts_max = 4;
  static constexpr Duration rests[attempts_max - 1] = {std::chrono::seconds(10), std::chrono::minutes(1),
                                                       std::chrono::minutes(5)};
  static constexpr Duration longest_rest = std::chrono::minutes(15);  // that a receiver may ask for

  size_t room() const { return kept_max - due_.size() - resting_.size(); }
  void add(Delivery delivery);                 // asserted: there is room
  std::optional<Delivery> next(LoopTime now);  // nullopt: nothing is due, or enough is under way
  Fate ended(Delivery delivery, const Receipt& receipt, LoopTime now);
  // When next() has something again that it has not now, unless something ends before.
  std::optional<LoopTime> wake_at() const;

 private:
  std::deque<Delivery> due_;
  std::multimap<LoopTime, Delivery> resting_;
  size_t under_way_ = 0;
};

}  // namespace klieg::studio

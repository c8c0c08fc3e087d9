// Takes messages to addresses that somebody gave: one POST each, to a place that may be reached, with a limit for
// everything.
//
//   send() ─► name resolved on a thread of its own ─► addresses within reach ─► POST there ─► done
//                │ none                                  │ none                    │ not in time, more than an answer
//                └───────────────────────────────────────┴─────────────────────────┴─► done, status 0
//
// What was looked at is what is connected to: a name that resolves otherwise a moment later leads nowhere else. The
// answer is not read beyond its head; where it says to go elsewhere, nobody goes.
//
// Thread: one loop's; `done` is called in a later turn, unless this goes before.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "http/client.h"
#include "net/side_thread.h"
#include "studio/deliveries.h"
#include "studio/receiver.h"

namespace klieg::studio {

struct Parcel {
  Receiver to;
  std::vector<std::pair<std::string, std::string>> fields;
  Bytes body;
};

class Courier {
 public:
  // A resolver that does not answer takes up to 30 s; what waits behind it ends by `within`.
  static constexpr size_t names_queued_max = 100;
  static constexpr Duration within = 15s;  // of the whole errand

  Courier(net::Loop& loop, Metrics& metrics, Reach reach);
  ~Courier();
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;

  void send(Parcel parcel, std::move_only_function<void(Receipt)> done);

 private:
  class Errand;
  void finish(Errand& errand, Receipt receipt);

  net::Loop& loop_;
  Metrics& metrics_;
  const Reach reach_;
  std::list<std::unique_ptr<Errand>> errands_;  // as many as who sends has under way
  uint64_t last_number_ = 0;
  net::SideThread names_{names_queued_max};
  net::Asker asker_;
};

}  // namespace klieg::studio

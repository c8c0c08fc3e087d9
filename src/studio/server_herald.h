// Tells those who follow somebody that he is live, where no page of theirs is open: their browsers by push services,
// and whoever else they named by webhooks.
//
//   announce() ─► followers' receivers, a page at a time as there is room ─► Deliveries ─► Courier ─► what came of it
//
// What waits is an announcement, whatever the number of followers. It is told at most once to each receiver, and not at
// all where this process dies before: what a notice says is seen on the pages, too.
//
// A webhook is a POST of JSON. `klieg-signature: v1=HEX` is HMAC-SHA256, with the webhook's secret, of the field
// klieg-timestamp (seconds since 1970), a '.' and the body; so who keeps to a time of some minutes is told nothing
// twice by somebody who listens. `klieg-delivery` is the same whenever one is tried again.
//
// Owner: the API's server. Thread: its loop.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "net/loop.h"
#include "store/worker.h"
#include "studio/client_courier.h"
#include "studio/deliveries.h"
#include "studio/notice_records.h"
#include "studio/web_push.h"

namespace klieg::studio {

class Herald {
 public:
  // x 0.5 KiB; each of a hundred followers is told in a second.
  static constexpr size_t announcements_max = 1'000;

  struct Options {
    Reach reach = Reach::public_internet;
    std::string contact;  // of who runs this server, for push services: a mailto: or https: address; empty: none
  };
  Herald(net::Loop& loop, store::Worker& store, Metrics& metrics, const Options& options);

  const Options& options() const { return options_; }
  void announce(std::shared_ptr<const Notice> notice);
  // What a browser subscribes with: the public key of this server, of all nodes of its database.
  void with_key(std::move_only_function<void(store::Outcome<Bytes>)> done);

 private:
  struct Announcement {
    std::shared_ptr<const Notice> notice;
    Way way = Way::push;
    ReceiverCursor after;
  };

  void read_on();
  void on_page(ReceiverPage page);
  void send_on();
  std::optional<Parcel> parcel_of(const Delivery& delivery) const;
  void settle(Delivery delivery, const Receipt& receipt);

  net::Loop& loop_;
  const Options options_;
  std::optional<P256Key> key_;
  std::deque<Announcement> announcements_;
  bool reading_ = false;
  Deliveries deliveries_;
  net::Timer again_;
  net::Timer due_;
  store::Asker asker_;
  Courier courier_;
};

}  // namespace klieg::studio

// Who is noticed when somebody goes live, how, and what of it they have seen.
//
// A notice is no record of its own: it is a public broadcast of somebody whom one follows, so that who has a million
// followers writes one row by going live. Who is reached when no page is open - by a push service, by a webhook - is
// read in pages by follower upwards.
//
// Thread: the store's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/database.h"
#include "studio/deliveries.h"

namespace klieg::studio {

struct HeardNotice {
  Notice notice;
  bool live = false;
};
// The place of a notice among one's own.
struct NoticeCursor {
  WallTime started{};
  int64_t broadcast = 0;

  std::string text() const;
  static std::optional<NoticeCursor> parse(std::string_view text);
  auto operator<=>(const NoticeCursor&) const = default;
};
inline NoticeCursor cursor_of(const Notice& notice) { return {notice.started, notice.broadcast}; }

constexpr size_t notices_max = 20;  // that are shown: who was away for longer reads the list of who is live
// The newest, newer than `after`, the newest first.
store::Outcome<std::vector<HeardNotice>> list_notices(store::Database& database, int64_t account,
                                                      const NoticeCursor& after);
store::Outcome<WallTime> seen_until(store::Database& database, int64_t account);
store::Outcome<void> mark_seen(store::Database& database, int64_t account, WallTime until);

// Of a browser; one that another account was logged in with is now this one's.
struct PushSubscription {
  std::string endpoint;
  Bytes point, secret;
};
constexpr size_t push_subscriptions_max = 20;  // of an account: beyond it the oldest goes
store::Outcome<void> put_push_subscription(store::Database& database, int64_t account,
                                           const PushSubscription& subscription, WallTime now);
store::Outcome<void> remove_push_subscription(store::Database& database, int64_t account, const std::string& endpoint);

struct Webhook {
  int64_t id = 0;
  std::string url;
  WallTime created;
  int64_t failures = 0;  // one after the other, at the end
  std::optional<WallTime> disabled;
};
struct NewWebhook {
  int64_t id = 0;
  Bytes secret;  // shown once
};
constexpr size_t webhook_secret_size = 32;
constexpr size_t webhooks_max = 5;  // of an account
// nullopt: there are webhooks_max already.
store::Outcome<std::optional<NewWebhook>> make_webhook(store::Database& database, int64_t account,
                                                       const std::string& url, WallTime now);
store::Outcome<std::vector<Webhook>> list_webhooks(store::Database& database, int64_t account);
enum class Removed : uint8_t { yes, not_there };  // another's counts as not there
store::Outcome<Removed> remove_webhook(store::Database& database, int64_t account, int64_t id);

// Whether it is public, and began not within a quarter of an hour of one before, as when somebody drops and comes back.
constexpr Duration noticed_again_after = std::chrono::minutes(15);
store::Outcome<bool> is_noticed(store::Database& database, const Notice& notice);
struct ReceiverCursor {
  int64_t follower = 0;
  int64_t id = 0;
};
struct ReceiverPage {
  std::vector<Delivery> deliveries;  // without their notice
  ReceiverCursor last;
};
// Of who follows `account`, and webhooks of its own, before all others. Fewer than `limit`: there are no more.
store::Outcome<ReceiverPage> list_receivers(store::Database& database, Way way, int64_t account,
                                            const ReceiverCursor& after, size_t limit);
// What came of a delivery. A subscription that is gone is removed, and so is one that failed so often one after the
// other; a webhook is switched off then, for its owner to see.
constexpr int64_t failures_max = 10;
store::Outcome<void> note_fate(store::Database& database, Way way, int64_t id, Fate fate, WallTime now);

// What all nodes of this database sign with: `made` if there is none yet.
store::Outcome<Bytes> server_key(store::Database& database, std::string_view name, const Bytes& made, WallTime now);

}  // namespace klieg::studio

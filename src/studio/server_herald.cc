#include "studio/server_herald.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/logging.h"
#include "wire/hmac.h"
#include "wire/utc.h"

namespace klieg::studio {
namespace {

using Json = nlohmann::json;

constexpr std::string_view key_name = "vapid";
constexpr size_t page_size = 100;
constexpr Duration again_after = 5s;  // where the database is away
// RFC 8292 section 2: at most a day.
constexpr Duration vapid_for = std::chrono::hours(12);
// Who is not reached within it has missed the beginning.
constexpr std::string_view push_ttl_s = "3600";

std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json json_of(const Notice& notice) {
  return {{"type", "live"},
          {"broadcast", notice.broadcast},
          {"channel", notice.channel},
          {"display_name", notice.display_name},
          {"title", notice.title},
          {"started", wire::utc_text(notice.started)},
          {"path", "/@" + notice.channel}};
}

std::string signature_of(const Bytes& secret, std::string_view timestamp, std::string_view body) {
  const wire::Hmac mac = wire::hmac_sha256(secret, as_bytes(fmt::format("{}.{}", timestamp, body)));
  return fmt::format("v1={:02x}", fmt::join(mac, ""));
}

}  // namespace

Herald::Herald(net::Loop& loop, store::Worker& store, Metrics& metrics, const Options& options)
    : loop_(loop),
      options_(options),
      again_(loop, [this] { read_on(); }),
      due_(loop, [this] { send_on(); }),
      asker_(loop, store),
      courier_(loop, metrics, options.reach) {}

void Herald::announce(std::shared_ptr<const Notice> notice) {
  if (announcements_.size() >= announcements_max) {
    return logging::warning("too many go live at once: the followers of one are not told",
                            {{"channel", notice->channel}});
  }
  announcements_.push_back({.notice = std::move(notice)});
  read_on();
}

void Herald::with_key(std::move_only_function<void(store::Outcome<Bytes>)> done) {
  if (key_) return done(key_->point());
  asker_.ask<Bytes>(
      [now = loop_.wall_now()](store::Database& database) {
        return server_key(database, key_name, P256Key::make().scalar(), now);
      },
      [this, done = std::move(done)](store::Outcome<Bytes> scalar) mutable {
        if (!scalar) return done(std::unexpected(std::move(scalar.error())));
        key_ = P256Key::of(*scalar);
        if (!key_) return done(store::failed(store::FailureKind::broken, "the key for push services is none"));
        done(key_->point());
      });
}

void Herald::read_on() {
  if (reading_ || announcements_.empty() || deliveries_.room() < page_size) return;
  reading_ = true;
  const auto rest = [this](const store::Failure& failure) {
    reading_ = false;
    logging::warning("followers cannot be told just now", {{"why", failure.message}});
    again_.arm(loop_.now() + again_after);
  };
  with_key([this, rest](const store::Outcome<Bytes>& key) {
    if (!key) return rest(key.error());
    const Announcement& next = announcements_.front();
    auto work = [notice = next.notice, way = next.way,
                 after = next.after](store::Database& database) -> store::Outcome<ReceiverPage> {
      auto noticed = is_noticed(database, *notice);
      if (!noticed) return std::unexpected(std::move(noticed.error()));
      if (!*noticed) return ReceiverPage();
      return list_receivers(database, way, notice->account, after, page_size);
    };
    asker_.ask<ReceiverPage>(std::move(work), [this, rest](store::Outcome<ReceiverPage> page) {
      if (!page) return rest(page.error());
      reading_ = false;
      on_page(std::move(*page));
    });
  });
}

void Herald::on_page(ReceiverPage page) {
  Announcement& current = announcements_.front();
  const bool last = page.deliveries.size() < page_size;
  for (Delivery& delivery : page.deliveries) {
    delivery.notice = current.notice;
    deliveries_.add(std::move(delivery));
  }
  if (!last) {
    current.after = page.last;
  } else if (current.way == Way::push) {
    current.way = Way::webhook;
    current.after = {};
  } else {
    announcements_.pop_front();
  }
  send_on();
}

void Herald::send_on() {
  constexpr uint16_t nowhere = 400;  // as if it had been refused: an address, or a key, that is none any more
  while (auto delivery = deliveries_.next(loop_.now())) {
    auto parcel = parcel_of(*delivery);
    if (!parcel) {
      settle(std::move(*delivery), {nowhere});
      continue;
    }
    courier_.send(std::move(*parcel), [this, delivery = std::move(*delivery)](const Receipt& receipt) mutable {
      settle(std::move(delivery), receipt);
      send_on();
    });
  }
  if (const auto wake = deliveries_.wake_at()) due_.arm(*wake);
  read_on();
}

std::optional<Parcel> Herald::parcel_of(const Delivery& delivery) const {
  auto receiver = receiver_of(delivery.url, options_.reach);
  if (!receiver) return std::nullopt;
  const Notice& notice = *delivery.notice;
  const WallTime now = loop_.wall_now();
  Parcel parcel{.to = std::move(*receiver), .fields = {{"user-agent", "klieg"}}, .body = {}};
  const std::string words = dumped(json_of(notice));
  if (delivery.way == Way::push) {
    auto message = encrypt_push(as_bytes(words), {delivery.point, delivery.secret});
    if (!message) return std::nullopt;
    parcel.body = std::move(*message);
    parcel.fields.insert(
        parcel.fields.end(),
        {{"content-type", "application/octet-stream"},
         {"content-encoding", "aes128gcm"},
         {"ttl", std::string(push_ttl_s)},
         {"topic", fmt::format("live-{}", notice.account)},  // RFC 8030 section 5.4: the newer takes its place
         {"authorization", vapid_authorization(*key_, parcel.to.origin(), options_.contact, now + vapid_for)}});
    return parcel;
  }
  const std::string timestamp = fmt::to_string(to_ms(now.time_since_epoch()) / 1000);
  parcel.fields.insert(parcel.fields.end(), {{"content-type", "application/json"},
                                             {"klieg-delivery", fmt::format("{}-{}", notice.broadcast, delivery.id)},
                                             {"klieg-timestamp", timestamp},
                                             {"klieg-signature", signature_of(delivery.secret, timestamp, words)}});
  parcel.body = Bytes::take(words);
  return parcel;
}

void Herald::settle(Delivery delivery, const Receipt& receipt) {
  const Way way = delivery.way;
  const int64_t id = delivery.id;
  const bool failed_before = delivery.failed_before;
  const Fate fate = deliveries_.ended(std::move(delivery), receipt, loop_.now());
  if (fate == Fate::again || (fate == Fate::delivered && !failed_before)) return;
  asker_.ask<void>([way, id, fate, now = loop_.wall_now()](
                       store::Database& database) { return note_fate(database, way, id, fate, now); },
                   [](const store::Outcome<void>& noted) {
                     if (noted) return;
                     logging::warning("what came of a notice was not written down", {{"why", noted.error().message}});
                   });
}

}  // namespace klieg::studio

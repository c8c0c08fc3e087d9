// Stream keys: shown once, rotated, revoked.

#include <utility>

#include "studio/key_records.h"
#include "studio/name.h"
#include "studio/server_exchange.h"
#include "wire/utc.h"

namespace klieg::studio {
namespace {

constexpr std::string_view cannot_be_looked_up = "your keys cannot be looked up";
constexpr std::string_view cannot_be_changed = "your keys cannot be changed";

Json json_of(const StreamKey& key) {
  return {{"id", key.id},
          {"label", key.label},
          {"created", wire::utc_text(key.created)},
          {"used", key.used ? Json(wire::utc_text(*key.used)) : Json()}};
}

}  // namespace

void Server::use_key(const std::string& secret, KeyUsed done) {
  asker_.ask<std::optional<KeyHolder>>(
      [secret, now = loop_.wall_now()](store::Database& database) -> store::Outcome<std::optional<KeyHolder>> {
        auto holder = studio::use_key(database, secret, now);
        if (!holder || !*holder) return holder;
        auto visibility = visibility_of_next(database, (*holder)->account.id, (*holder)->key);
        if (!visibility) return std::unexpected(std::move(visibility.error()));
        (*holder)->visibility = *visibility;
        return holder;
      },
      std::move(done));
}

void Server::list_keys(ExchangePtr exchange) {
  auto work = [account = exchange->account()](store::Database& database) {
    return studio::list_keys(database, account);
  };
  ask<std::vector<StreamKey>>(std::move(exchange), cannot_be_looked_up, std::move(work),
                              whole_list<StreamKey>(json_of));
}

void Server::make_key(ExchangePtr exchange) {
  Fields fields(exchange->body);
  const std::string label = fields.text("label");
  if (auto fault = fields.fault()) return exchange->refuse(*fault);
  if (!is_line(label, label_characters_max, Emptiness::refused)) {
    return exchange->refuse({422, "bad_label", "what a key is called has 1 to 50 characters, on one line", "label"});
  }
  auto work = [account = exchange->account(), label, now = loop_.wall_now()](store::Database& database) {
    return studio::make_key(database, account, label, now);
  };
  ask<std::optional<NewKey>>(
      std::move(exchange), cannot_be_changed, std::move(work), [label](Exchange& done, std::optional<NewKey>& made) {
        if (!made) return done.refuse({409, "keys_max", "you have 20 keys already; revoke one that you do not use"});
        done.answer(response_of(201, {{"id", made->id}, {"label", label}, {"secret", made->secret}}));
      });
}

void Server::rotate_key(ExchangePtr exchange) {
  auto work = [account = exchange->account(), id = exchange->id, now = loop_.wall_now()](store::Database& database) {
    return studio::rotate_key(database, account, id, now);
  };
  ask<std::optional<RotatedKey>>(
      std::move(exchange), cannot_be_changed, std::move(work),
      [this](Exchange& done, std::optional<RotatedKey>& rotated) {
        if (!rotated) return done.refuse(no_such_thing);
        stage_.end_carried_by(done.id);
        const NewKey& made = rotated->made;
        done.answer(response_of(200, {{"id", made.id}, {"label", rotated->label}, {"secret", made.secret}}));
      });
}

void Server::revoke_key(ExchangePtr exchange) {
  auto work = [account = exchange->account(), id = exchange->id, now = loop_.wall_now()](store::Database& database) {
    auto revoked = studio::revoke_key(database, account, id, now);
    if (revoked || revoked.error().kind != store::FailureKind::in_doubt) return revoked;
    revoked = studio::revoke_key(database, account, id, now);
    if (revoked && !*revoked) revoked->emplace();  // the first time it was
    return revoked;
  };
  ask<std::optional<RevokedKey>>(std::move(exchange), cannot_be_changed, std::move(work),
                                 [this](Exchange& done, const std::optional<RevokedKey>& revoked) {
                                   if (!revoked) return done.refuse(no_such_thing);
                                   stage_.end_carried_by(done.id);
                                   done.answer(nothing_more());
                                 });
}

}  // namespace klieg::studio

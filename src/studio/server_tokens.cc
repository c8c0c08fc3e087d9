// What lets programs act and people in - tokens, invites - and the record of who did what.

#include <utility>

#include "studio/audit_records.h"
#include "studio/name.h"
#include "studio/server_exchange.h"
#include "studio/session_records.h"
#include "wire/form.h"
#include "wire/utc.h"

namespace klieg::studio {
namespace {

constexpr std::string_view tokens_cannot_be_changed = "your tokens cannot be changed";
constexpr std::string_view invites_cannot_be_changed = "your invites cannot be changed";

Json time_or_null(const std::optional<WallTime>& time) { return time ? Json(wire::utc_text(*time)) : Json(); }

Json json_of(const Token& token) {
  return {{"id", token.id},
          {"label", token.label},
          {"scopes", token.scopes.text()},
          {"created", wire::utc_text(token.created)},
          {"used", time_or_null(token.used)},
          {"expires", time_or_null(token.expires)}};
}

Json json_of(const Invite& invite) {
  return {{"id", invite.id},
          {"uses_left", invite.uses_left},
          {"created", wire::utc_text(invite.created)},
          {"expires", wire::utc_text(invite.expires)}};
}

Json json_of(const KeptDeed& deed) {
  const auto if_any = [](const auto& value) { return value ? Json(*value) : Json(); };
  return {{"id", deed.id},
          {"at", wire::utc_text(deed.at)},
          {"actor", if_any(deed.actor)},
          {"actor_name", if_any(deed.actor_name)},
          {"action", deed.action},
          {"subject", if_any(deed.subject)},
          {"subject_name", if_any(deed.subject_name)},
          {"detail", deed.detail}};
}

// What was revoked the first time, and then not known to be, is not there the second time.
template <class Revoke>
auto revoked_once(Revoke revoke) {
  return [revoke = std::move(revoke)](store::Database& database) -> store::Outcome<Revoked> {
    auto revoked = revoke(database);
    if (revoked || revoked.error().kind != store::FailureKind::in_doubt) return revoked;
    revoked = revoke(database);
    return revoked ? Revoked::yes : std::move(revoked);
  };
}

constexpr auto say_revoked = [](auto& done, Revoked revoked) {
  if (revoked == Revoked::not_there) return done.refuse(no_such_thing);
  done.answer(nothing_more());
};

}  // namespace

void Server::list_tokens(ExchangePtr exchange) {
  auto work = [account = exchange->account()](store::Database& database) {
    return studio::list_tokens(database, account);
  };
  ask<std::vector<Token>>(std::move(exchange), "your tokens cannot be looked up", std::move(work),
                          whole_list<Token>(json_of));
}

void Server::make_token(ExchangePtr exchange) {
  Fields fields(exchange->body);
  const std::string label = fields.text("label");
  const std::string words = fields.text("scopes");
  const auto until = fields.text_if_any("expires");
  if (auto fault = fields.fault()) return exchange->refuse(*fault);
  if (!is_line(label, label_characters_max, Emptiness::refused)) {
    return exchange->refuse({422, "bad_label", "what a token is called has 1 to 50 characters, on one line", "label"});
  }
  const auto scopes = Scopes::parse(words);
  if (!scopes) return exchange->refuse({422, "bad_scopes", "this is not what a token may be allowed", "scopes"});
  const WallTime now = loop_.wall_now();
  std::optional<WallTime> expires;
  if (until) {
    expires = wire::read_utc(*until);
    if (!expires || *expires <= now) {
      return exchange->refuse({422, "bad_expires", "this is no time that is still to come", "expires"});
    }
  }
  auto work = [account = exchange->account(), label, scopes = *scopes, expires, now](store::Database& database) {
    return studio::make_token(database, account, label, scopes, expires, now);
  };
  ask<std::optional<NewToken>>(
      std::move(exchange), tokens_cannot_be_changed, std::move(work),
      [label, scopes = *scopes, expires](Exchange& done, const std::optional<NewToken>& made) {
        if (!made)
          return done.refuse({409, "tokens_max", "you have 50 tokens already; revoke one that you do not use"});
        done.answer(response_of(201, {{"id", made->id},
                                      {"label", label},
                                      {"scopes", scopes.text()},
                                      {"expires", time_or_null(expires)},
                                      {"secret", made->secret}}));
      });
}

void Server::revoke_token(ExchangePtr exchange) {
  auto work = [account = exchange->account(), id = exchange->id, now = loop_.wall_now()](store::Database& database) {
    return studio::revoke_token(database, account, id, now);
  };
  ask<Revoked>(std::move(exchange), tokens_cannot_be_changed, revoked_once(std::move(work)), say_revoked);
}

void Server::list_invites(ExchangePtr exchange) {
  auto work = [account = exchange->account(), now = loop_.wall_now()](store::Database& database) {
    return studio::list_invites(database, account, now);
  };
  ask<std::vector<Invite>>(std::move(exchange), "your invites cannot be looked up", std::move(work),
                           whole_list<Invite>(json_of));
}

void Server::make_invite(ExchangePtr exchange) {
  Fields fields(exchange->body);
  const int64_t uses = fields.number("uses");
  if (auto fault = fields.fault()) return exchange->refuse(*fault);
  if (uses < 1 || uses > invite_uses_max) {
    return exchange->refuse({422, "bad_uses", "an invite is for 1 to 100 people", "uses"});
  }
  if (options_.accounts.policy == SignUpPolicy::closed) {
    return exchange->refuse({403, "closed", "nobody can sign up here, with an invite neither"});
  }
  const WallTime now = loop_.wall_now();
  auto work = [account = exchange->account(), uses, now](store::Database& database) {
    return studio::make_invite(database, account, uses, now);
  };
  ask<std::optional<NewInvite>>(
      std::move(exchange), invites_cannot_be_changed, std::move(work),
      [uses, expires = WallTime(now + invite_lifetime)](Exchange& done, const std::optional<NewInvite>& made) {
        if (!made) return done.refuse({409, "invites_max", "you have 20 invites that are good yet; take one back"});
        done.answer(response_of(
            201, {{"id", made->id}, {"uses", uses}, {"expires", wire::utc_text(expires)}, {"secret", made->secret}}));
      });
}

void Server::revoke_invite(ExchangePtr exchange) {
  auto work = [account = exchange->account(), id = exchange->id, now = loop_.wall_now()](store::Database& database) {
    return studio::revoke_invite(database, account, id, now);
  };
  ask<Revoked>(std::move(exchange), invites_cannot_be_changed, revoked_once(std::move(work)), say_revoked);
}

void Server::list_deeds(ExchangePtr exchange) {
  Paging paging;
  int64_t before = 0;
  if (auto fault = read_paging(exchange->call.query, paging, before)) return exchange->refuse(*fault);
  std::optional<int64_t> about = exchange->account();
  wire::each_parameter(exchange->call.query, [&](std::string_view parameter) {
    if (parameter == "all=1") about = std::nullopt;
  });
  if (!about && exchange->who->account.role != Role::operator_) {
    return exchange->refuse({403, "operator", "what everybody has done is for operators"});
  }
  auto work = [about, before, limit = paging.limit](store::Database& database) {
    return studio::list_deeds(database, about, before, limit);
  };
  ask<std::vector<KeptDeed>>(std::move(exchange), "what was done cannot be looked up", std::move(work),
                             [limit = paging.limit](Exchange& done, const std::vector<KeptDeed>& deeds) {
                               Json items = Json::array();
                               for (const KeptDeed& deed : deeds) items.push_back(json_of(deed));
                               done.answer(response_of(200, page_of(std::move(items), limit)));
                             });
}

}  // namespace klieg::studio

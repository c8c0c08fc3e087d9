#include "studio/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/whole_number.h"
#include "studio/secret.h"
#include "studio/server_exchange.h"
#include "studio/server_openapi.h"

namespace klieg::studio {
namespace {

struct Matched {
  std::optional<std::string> name;
  int64_t id = 0;
};

// Part by part, as the route's path is written. Names need no percent-encoding, so none is read.
std::optional<Matched> match(std::string_view path, std::string_view pattern) {
  Matched matched;
  const auto take = [](std::string_view& text) {
    text.remove_prefix(1);
    const std::string_view part = text.substr(0, text.find('/'));
    text.remove_prefix(part.size());
    return part;
  };
  while (path.starts_with('/') && pattern.starts_with('/')) {
    const std::string_view part = take(path), wanted = take(pattern);
    if (wanted == "{id}") {
      matched.id = whole_number<int64_t>(part).value_or(0);
      if (matched.id <= 0) return std::nullopt;
    } else if (wanted == "{name}") {
      if (part.empty()) return std::nullopt;
      matched.name = part;
    } else if (part != wanted) {
      return std::nullopt;
    }
  }
  return path.empty() && pattern.empty() ? std::optional(std::move(matched)) : std::nullopt;
}

bool is_json(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return std::ranges::equal(type, std::string_view("application/json"),
                            [](char a, char b) { return (a | 0x20) == b || a == b; });
}

std::optional<Problem> read_body(const Call& call, Json& into) {
  if (call.body.empty()) return std::nullopt;
  if (!is_json(call.content_type)) return Problem{415, "not_json", "a body is to be application/json"};
  into = Json::parse(call.body.text(), nullptr, false);
  if (!into.is_object()) return Problem{400, "bad_body", "the body is no JSON object"};
  return std::nullopt;
}

const Problem from_elsewhere{403, "csrf", "this was not asked by a page of this server; load the page again"};

}  // namespace

const std::vector<Server::Route>& Server::table() {
  using enum Access;
  static const std::vector<Route> routes = {
      {"GET", "/session", anybody, std::nullopt, &Server::get_session},
      {"POST", "/session", enters, std::nullopt, &Server::log_in},
      {"DELETE", "/session", anybody, std::nullopt, &Server::log_out},
      {"POST", "/accounts", enters, std::nullopt, &Server::sign_up},
      {"PATCH", "/me", persons, std::nullopt, &Server::change_me},
      {"PUT", "/me/password", persons, std::nullopt, &Server::change_password},
      {"PUT", "/me/picture", persons, std::nullopt, &Server::put_picture, Takes::picture},
      {"DELETE", "/me/picture", persons, std::nullopt, &Server::remove_picture},
      {"GET", "/keys", persons, Scope::keys_write, &Server::list_keys},
      {"POST", "/keys", persons, Scope::keys_write, &Server::make_key},
      {"POST", "/keys/{id}/rotate", persons, Scope::keys_write, &Server::rotate_key},
      {"DELETE", "/keys/{id}", persons, Scope::keys_write, &Server::revoke_key},
      {"GET", "/people/{name}", anybody, Scope::account_read, &Server::get_person},
      {"GET", "/people/{name}/picture", anybody, Scope::account_read, &Server::get_picture},
      {"GET", "/people/{name}/broadcasts", anybody, Scope::account_read, &Server::list_past_broadcasts},
      {"PUT", "/people/{name}/follow", persons, Scope::follows_write, &Server::follow},
      {"DELETE", "/people/{name}/follow", persons, Scope::follows_write, &Server::unfollow},
      {"POST", "/people/{name}/pass", persons, Scope::account_read, &Server::make_pass},
      {"POST", "/rooms/{name}/ticket", persons, Scope::rooms_write, &Server::make_room_ticket},
      {"GET", "/moderators", persons, Scope::rooms_write, &Server::list_moderators},
      {"PUT", "/moderators/{name}", persons, Scope::rooms_write, &Server::appoint_moderator},
      {"DELETE", "/moderators/{name}", persons, Scope::rooms_write, &Server::dismiss_moderator},
      {"GET", "/bans", persons, Scope::rooms_write, &Server::list_bans},
      {"PUT", "/bans/{name}", persons, Scope::rooms_write, &Server::ban},
      {"DELETE", "/bans/{name}", persons, Scope::rooms_write, &Server::unban},
      {"GET", "/live", anybody, Scope::account_read, &Server::list_live},
      {"GET", "/broadcasts", persons, Scope::broadcasts_read, &Server::list_broadcasts},
      {"POST", "/broadcasts", persons, Scope::broadcasts_write, &Server::make_broadcast},
      {"GET", "/broadcasts/{id}", persons, Scope::broadcasts_read, &Server::get_broadcast},
      {"PATCH", "/broadcasts/{id}", persons, Scope::broadcasts_write, &Server::change_broadcast},
      {"POST", "/broadcasts/{id}/end", persons, Scope::broadcasts_write, &Server::end_broadcast},
      {"POST", "/broadcasts/{id}/links", persons, Scope::broadcasts_write, &Server::make_link},
      {"DELETE", "/broadcasts/{id}/links", persons, Scope::broadcasts_write, &Server::revoke_links},
      {"GET", "/notices", persons, Scope::account_read, &Server::list_notices},
      {"POST", "/notices/seen", persons, std::nullopt, &Server::mark_notices_seen},
      {"GET", "/push", anybody, Scope::account_read, &Server::get_push_key},
      {"PUT", "/push/subscription", persons, std::nullopt, &Server::put_push_subscription},
      {"DELETE", "/push/subscription", persons, std::nullopt, &Server::remove_push_subscription},
      {"GET", "/webhooks", persons, std::nullopt, &Server::list_webhooks},
      {"POST", "/webhooks", persons, std::nullopt, &Server::make_webhook},
      {"DELETE", "/webhooks/{id}", persons, std::nullopt, &Server::remove_webhook},
      {"GET", "/tokens", persons, std::nullopt, &Server::list_tokens},
      {"POST", "/tokens", persons, std::nullopt, &Server::make_token},
      {"DELETE", "/tokens/{id}", persons, std::nullopt, &Server::revoke_token},
      {"GET", "/invites", persons, std::nullopt, &Server::list_invites},
      {"POST", "/invites", persons, std::nullopt, &Server::make_invite},
      {"DELETE", "/invites/{id}", persons, std::nullopt, &Server::revoke_invite},
      {"GET", "/audit", persons, std::nullopt, &Server::list_deeds},
      {"GET", "/openapi.json", anybody, Scope::account_read, &Server::get_openapi},
  };
  return routes;
}

std::vector<std::string> Server::routes() {
  std::vector<std::string> all;
  for (const Route& route : table()) all.push_back(fmt::format("{} {}", route.method, route.path));
  return all;
}

Server::Server(net::Loop& loop, store::Worker& store, Stage& stage, Metrics& metrics, const Options& options)
    : loop_(loop),
      stage_(stage),
      options_(options),
      path_key_(options.path_secret),
      ticket_key_(options.path_secret),
      accounts_(loop, store, options.accounts),
      identities_(loop, store),
      herald_(loop, store, metrics, options.herald),
      write_(loop, [this] { write_counts_down(); }),
      let_go_(loop, [this] { let_go(); }),
      random_(options.seed),
      asker_(loop, store) {}

Server::~Server() = default;

void Server::serve(Call call, Answer answer) {
  auto exchange = std::make_unique<Exchange>();
  exchange->call = std::move(call);
  exchange->answer = std::move(answer);
  const Call& asked = exchange->call;
  const std::string_view method = asked.method == "HEAD" ? "GET" : std::string_view(asked.method);

  const Route* route = nullptr;
  std::string allowed;
  for (const Route& one : table()) {
    auto matched = match(asked.path, one.path);
    if (!matched) continue;
    allowed.append(allowed.empty() ? "" : ", ").append(one.method);
    if (one.method != method) continue;
    route = &one;
    exchange->name = std::move(matched->name);
    exchange->id = matched->id;
  }
  if (allowed.empty()) return exchange->refuse(no_such_thing);
  if (!route) {
    http::Response response = response_of(Problem{405, "method", "this cannot be done here"});
    response.own_headers.add("allow", allowed);
    return exchange->answer(std::move(response));
  }

  const Proof proof = proof_of(asked);
  exchange->session = proof.session;
  if (method != "GET" && proof.token.empty()) {
    const Page page = page_of(
        {.origin = asked.origin, .sec_fetch_site = asked.sec_fetch_site, .authority = asked.authority}, asked.line);
    // Who enters has no session yet that a token could be of.
    const bool told =
        route->access == Access::enters || proof.session.empty() || is_csrf_token_of(proof.session, asked.csrf_token);
    if (page == Page::another || !told) return exchange->refuse(from_elsewhere);
  }
  if (route->takes == Takes::json) {
    if (auto fault = read_body(asked, exchange->body)) return exchange->refuse(*fault);
  }
  if (route->access == Access::enters) return (this->*route->handle)(std::move(exchange));
  identities_.of(proof, [this, route, exchange = std::move(exchange)](Whose whose) mutable {
    identified(std::move(exchange), *route, std::move(whose));
  });
}

void Server::get_openapi(ExchangePtr exchange) {
  http::Response response = response_of(200, Json());
  response.body = Bytes::of_static(ByteView(reinterpret_cast<const uint8_t*>(openapi().data()), openapi().size()));
  exchange->answer(std::move(response));
}

void Server::identified(ExchangePtr exchange, const Route& route, Whose whose) {
  exchange->who = std::move(whose);
  Whose& who = exchange->who;
  const bool may = !who || !who->scopes || (route.scope && who->scopes->allow(*route.scope));
  if (route.access == Access::persons) {
    if (!who && who.error() == Unknown::unavailable) {
      return exchange->refuse(asker_unknown);
    }
    if (!who) return exchange->refuse({401, "nobody", "you are not logged in"});
    if (!may) return exchange->refuse({403, "scope", "this token is not for that"});
  }
  if (!may) who = std::unexpected(Unknown::nobody);
  (this->*route.handle)(std::move(exchange));
}

}  // namespace klieg::studio

// Logging in and out, signing up, one's own account.

#include <fmt/format.h>

#include <utility>

#include "studio/name.h"
#include "studio/secret.h"
#include "studio/server_exchange.h"
#include "studio/session_records.h"

namespace klieg::studio {
namespace {

const Problem in_clear{403, "insecure",
                       "passwords are not taken over a line that others can read: come by https, or from this machine"};

Json json_of(const Account& account) {
  return {{"id", account.id},
          {"name", account.name},
          {"display_name", account.display_name},
          {"role", account.role == Role::operator_ ? "operator" : "person"}};
}

std::string_view word_of(SignUpPolicy policy) {
  switch (policy) {
    case SignUpPolicy::open:
      return "open";
    case SignUpPolicy::invite:
      return "invite";
    case SignUpPolicy::closed:
      return "closed";
  }
}

Problem problem_of(const Refused& refused) {
  const auto problem = [&](uint16_t status, std::string_view code, std::string_view field = {}) {
    return Problem{status, code, refused.words, field, refused.retry_after};
  };
  switch (refused.kind) {
    case RefusalKind::wrong:
      return problem(401, "wrong");
    case RefusalKind::suspended:
      return problem(403, "suspended");
    case RefusalKind::try_later:
      return problem(429, "try_later");
    case RefusalKind::bad_name:
      return problem(422, "bad_name", "name");
    case RefusalKind::bad_display_name:
      return problem(422, "bad_display_name", "display_name");
    case RefusalKind::bad_password:
      return problem(422, "bad_password", "password");
    case RefusalKind::name_taken:
      return problem(409, "name_taken", "name");
    case RefusalKind::closed:
      return problem(403, "closed");
    case RefusalKind::needs_invite:
      return problem(403, "needs_invite", "invite");
    case RefusalKind::invite_is_over:
      return problem(403, "invite_is_over", "invite");
    case RefusalKind::overloaded:
      return problem(503, "overloaded");
    case RefusalKind::unavailable:
      return problem(503, "unavailable");
  }
}

std::string host_of(std::string_view authority) {
  const size_t colon = authority.rfind(':');
  const bool port = colon != authority.npos && authority.find(']', colon) == authority.npos;
  return std::string(port ? authority.substr(0, colon) : authority);
}

}  // namespace

Json Server::session_of(const Exchange& exchange, const Account* account, std::string_view session) const {
  Json rtmp;
  if (const auto port = exchange.call.rtmp_port) {
    rtmp = fmt::format("rtmp://{}:{}/live", host_of(exchange.call.authority), *port);
  }
  return {{"account", account ? json_of(*account) : Json()},
          {"csrf", account && !session.empty() ? Json(csrf_token_of(session)) : Json()},
          {"sign_up", word_of(options_.accounts.policy)},
          {"ingest", {{"rtmp", std::move(rtmp)}}}};
}

void Server::get_session(ExchangePtr exchange) {
  const Whose& who = exchange->who;
  if (!who && who.error() == Unknown::unavailable) {
    return exchange->refuse(asker_unknown);
  }
  http::Response response = response_of(200, session_of(*exchange, who ? &who->account : nullptr, exchange->session));
  if (who && !who->scopes) {
    // The browser is to keep it for as long as it is good, which using it makes longer.
    response.own_headers.add(
        "set-cookie", session_cookie(exchange->session, exchange->call.line, expires(who->session) - loop_.wall_now()));
  }
  exchange->answer(std::move(response));
}

EntryDone Server::enter(ExchangePtr exchange, uint16_t status) {
  return [this, status, exchange = std::move(exchange)](Entry entry) mutable {
    if (!entry) return exchange->refuse(problem_of(entry.error()));
    http::Response response = response_of(status, session_of(*exchange, &entry->account, entry->session));
    response.own_headers.add("set-cookie", session_cookie(entry->session, exchange->call.line, idle_max));
    exchange->answer(std::move(response));
  };
}

void Server::log_in(ExchangePtr exchange) {
  if (exchange->call.line == Line::clear) return exchange->refuse(in_clear);
  Fields fields(exchange->body);
  LogIn request{.name = fields.text("name"),
                .password = fields.text("password"),
                .network = exchange->call.network,
                .agent = exchange->call.agent,
                .replaced = exchange->session};
  if (auto fault = fields.fault()) return exchange->refuse(*fault);
  accounts_.log_in(std::move(request), enter(std::move(exchange), 200));
}

void Server::sign_up(ExchangePtr exchange) {
  if (exchange->call.line == Line::clear) return exchange->refuse(in_clear);
  Fields fields(exchange->body);
  SignUp request{.name = fields.text("name"),
                 .display_name = fields.text("display_name"),
                 .password = fields.text("password"),
                 .invite = fields.text_if_any("invite").value_or(""),
                 .network = exchange->call.network,
                 .agent = exchange->call.agent,
                 .replaced = exchange->session};
  if (auto fault = fields.fault()) return exchange->refuse(*fault);
  accounts_.sign_up(std::move(request), enter(std::move(exchange), 201));
}

void Server::log_out(ExchangePtr exchange) {
  const auto gone = [](Exchange& done) {
    http::Response response = nothing_more();
    if (done.call.line != Line::clear) {
      response.own_headers.add("set-cookie", no_session_cookie(done.call.line));
    }
    done.answer(std::move(response));
  };
  if (exchange->session.empty()) return gone(*exchange);
  auto work = [session = exchange->session](store::Database& database) { return close_session(database, session); };
  ask<void>(std::move(exchange), "you cannot be logged out", again_if_in_doubt(std::move(work)), gone);
}

void Server::change_me(ExchangePtr exchange) {
  Fields fields(exchange->body);
  const std::string display_name = fields.text("display_name");
  if (auto fault = fields.fault()) return exchange->refuse(*fault);
  if (!is_line(display_name, display_name_characters_max, Emptiness::refused)) {
    return exchange->refuse(
        {422, "bad_display_name", "what you are shown as has 1 to 50 characters, on one line", "display_name"});
  }
  auto work = [account = exchange->account(), display_name](store::Database& database) {
    return set_display_name(database, account, display_name);
  };
  ask<void>(std::move(exchange), "your name cannot be changed", again_if_in_doubt(std::move(work)),
            [display_name](Exchange& done) {
              done.who->account.display_name = display_name;
              done.answer(response_of(200, json_of(done.who->account)));
            });
}

void Server::change_password(ExchangePtr exchange) {
  if (exchange->call.line == Line::clear) return exchange->refuse(in_clear);
  Fields fields(exchange->body);
  PasswordChange request{.session = exchange->session,
                         .password = fields.text("password"),
                         .new_password = fields.text("new_password"),
                         .network = exchange->call.network};
  if (auto fault = fields.fault()) return exchange->refuse(*fault);
  accounts_.change_password(std::move(request), [exchange = std::move(exchange)](Entry entry) mutable {
    if (!entry) {
      Problem problem = problem_of(entry.error());
      if (entry.error().kind == RefusalKind::bad_password) problem.field = "new_password";
      return exchange->refuse(problem);
    }
    exchange->answer(nothing_more());
  });
}

}  // namespace klieg::studio

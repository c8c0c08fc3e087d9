#include "studio/worker_accounts.h"

#include <fmt/format.h>

#include <utility>

#include "base/assert.h"
#include "base/logging.h"
#include "studio/name.h"
#include "studio/secret.h"
#include "studio/session_records.h"

namespace klieg::studio {

using store::Database;
using store::FailureKind;
using store::Outcome;

namespace {

Refused wrong() { return {RefusalKind::wrong, "the name or the password is wrong", Duration(0)}; }
Refused try_later(Duration wait) {
  const int64_t seconds = (wait + 1s - 1ns) / 1s;
  return {RefusalKind::try_later, fmt::format("too many attempts; try again in {} s", seconds), wait};
}
Refused overloaded() {
  return {RefusalKind::overloaded, "too many people are logging in just now; try again in a few seconds", 5s};
}
Refused unavailable(const store::Failure& failure) {
  logging::warning("an account could not be looked up",
                   {{"failure", store::name_of(failure.kind)}, {"why", failure.message}});
  return {RefusalKind::unavailable, "accounts cannot be looked up just now; try again soon", 5s};
}
Refused refused_of(SignUpIs is) {
  switch (is) {
    case SignUpIs::closed:
      return {RefusalKind::closed, "this server makes no accounts for newcomers", {}};
    case SignUpIs::needs_invite:
      return {RefusalKind::needs_invite, "to sign up here takes an invite", {}};
    case SignUpIs::invite_is_over:
      return {RefusalKind::invite_is_over,
              "this invite is used up, over or taken back: ask whoever sent it for another",
              {}};
    case SignUpIs::allowed:
      break;
  }
  std::unreachable();
}
Refused name_taken() { return {RefusalKind::name_taken, "somebody has this name already", {}}; }

std::string digest_or_abort(std::string_view password, const PasswordCost& cost) {
  auto digest = digest_of_password(password, cost);
  KLIEG_ASSERT(digest, "there is memory for a password's digest");
  return std::move(*digest);
}

}  // namespace

struct Accounts::Attempt {
  Attempt(Accounts& owner, const Network& from, std::string who, EntryDone whom)
      : accounts(owner), under_way(owner.under_way_), network(from), name(std::move(who)), done(std::move(whom)) {
    ++(*under_way)[network];
  }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  ~Attempt() {
    const auto found = under_way->find(network);
    if (--found->second == 0) under_way->erase(found);
  }
  void refuse(Refused why) { done(std::unexpected(std::move(why))); }
  void guessed_wrong() {
    accounts.suspicion_.failed(network, name, accounts.loop_.now());
    refuse(wrong());
  }

  Accounts& accounts;
  const std::shared_ptr<std::map<Network, int>> under_way;
  const Network network;
  std::string name;  // whose password is tried
  EntryDone done;
};

Accounts::Accounts(net::Loop& loop, store::Worker& store, const Options& options)
    : loop_(loop),
      options_(options),
      nobodys_digest_(digest_or_abort(new_secret(SecretKind::session), options.cost)),
      suspicion_(options.key),
      password_asker_(loop, passwords_),
      store_asker_(loop, store) {}

Accounts::AttemptPtr Accounts::admit(const Network& network, const std::string& name, EntryDone done) {
  const LoopTime now = loop_.now();
  Duration wait = suspicion_.wait(network, name, now);
  const auto under_way = under_way_->find(network);
  if (wait == Duration(0) && under_way != under_way_->end() && under_way->second >= attempts_per_network) wait = 1s;
  if (wait == Duration(0)) wait = tries_.spend(network, now);
  if (wait == Duration(0)) return std::make_unique<Attempt>(*this, network, name, std::move(done));
  done(std::unexpected(try_later(wait)));
  return nullptr;
}

void Accounts::log_in(LogIn request, EntryDone done) {
  // What cannot be a name is one that nobody has.
  request.name = account_name_of(request.name).value_or("?");
  AttemptPtr attempt = admit(request.network, request.name, std::move(done));
  if (!attempt) return;
  if (request.password.size() > password_bytes_max) return attempt->guessed_wrong();  // nobody's, whoever it is
  auto job = [name = request.name](Database& database) { return find_credentials(database, name); };
  store_asker_.ask<std::optional<Credentials>>(
      std::move(job), [this, attempt = std::move(attempt), request = std::move(request)](auto found) mutable {
        if (!found) return attempt->refuse(unavailable(found.error()));
        compare_for_log_in(std::move(attempt), std::move(request), *found);
      });
}

void Accounts::compare_for_log_in(AttemptPtr attempt, LogIn request, const std::optional<Credentials>& found) {
  auto job = [password = request.password, digest = found ? found->password_digest : nobodys_digest_,
              cost = options_.cost] {
    Compared compared{compare(password, digest), std::nullopt};
    if (compared.is == PasswordIs::right && is_outdated(digest, cost)) {
      compared.digest = digest_of_password(password, cost);
    }
    return std::optional(std::move(compared));
  };
  password_asker_.ask<std::optional<Compared>>(
      std::move(job),
      [this, attempt = std::move(attempt), request = std::move(request), found](auto compared) mutable {
        if (!compared) return attempt->refuse(overloaded());
        ++compared_;
        if (!found || compared->is == PasswordIs::wrong) return attempt->guessed_wrong();
        if (found->account.suspended) {
          return attempt->refuse({RefusalKind::suspended, "this account is suspended; ask the operator", {}});
        }
        enter(std::move(attempt), request, std::move(*found), std::move(compared->digest));
      },
      std::nullopt);
}

void Accounts::enter(AttemptPtr attempt, const LogIn& request, Credentials compared,
                     std::optional<std::string> renewed) {
  const Account account = compared.account;
  auto job = [compared = std::move(compared), renewed = std::move(renewed), agent = request.agent,
              replaced = request.replaced,
              now = loop_.wall_now()](Database& database) -> Outcome<std::optional<std::string>> {
    return open_session(database, compared, renewed, agent, replaced, now);
  };
  store_asker_.ask<std::optional<std::string>>(std::move(job),
                                               [this, attempt = std::move(attempt), account](auto session) mutable {
                                                 if (!session) return attempt->refuse(unavailable(session.error()));
                                                 if (!*session) return attempt->guessed_wrong();
                                                 suspicion_.succeeded(attempt->network, attempt->name);
                                                 attempt->done(Entered{account, std::move(**session)});
                                               });
}

void Accounts::sign_up(SignUp request, EntryDone done) {
  const auto name = account_name_of(request.name);
  if (!name) {
    return done(std::unexpected(
        Refused{RefusalKind::bad_name,
                "a name has 2 to 30 of the letters a-z, digits and _, begins with a letter, and is none that "
                "the server keeps for itself, as live and admin are",
                {}}));
  }
  request.name = *name;
  if (!is_line(request.display_name, display_name_characters_max, Emptiness::refused)) {
    return done(std::unexpected(
        Refused{RefusalKind::bad_display_name, "what you are shown as has 1 to 50 characters, on one line", {}}));
  }
  if (const auto fault = fault_of(request.password, request.name)) {
    return done(std::unexpected(Refused{RefusalKind::bad_password, std::string(words_of(*fault)), {}}));
  }
  if (options_.not_free.contains(request.name)) return done(std::unexpected(name_taken()));
  AttemptPtr attempt = admit(request.network, "", std::move(done));
  if (!attempt) return;
  if (options_.policy == SignUpPolicy::closed) return attempt->refuse(refused_of(SignUpIs::closed));
  struct Facts {
    bool taken;
    std::optional<Invite> invite;
  };
  auto job = [name = request.name, invite = request.invite](Database& database) -> Outcome<Facts> {
    auto account = find_account(database, name);
    if (!account) return std::unexpected(std::move(account.error()));
    auto found = find_invite(database, invite);
    if (!found) return std::unexpected(std::move(found.error()));
    return Facts{account->has_value(), *found};
  };
  store_asker_.ask<Facts>(
      std::move(job), [this, attempt = std::move(attempt), request = std::move(request)](auto facts) mutable {
        if (!facts) return attempt->refuse(unavailable(facts.error()));
        const Offered offered = request.invite.empty() ? Offered::no : Offered::yes;
        const SignUpIs is = judge(options_.policy, offered, facts->invite, loop_.wall_now());
        if (is != SignUpIs::allowed) return attempt->refuse(refused_of(is));
        if (facts->taken) return attempt->refuse(name_taken());
        if (const Duration wait = sign_ups_.spend(attempt->network, loop_.now()); wait > Duration(0)) {
          return attempt->refuse(try_later(wait));
        }
        std::optional<int64_t> invite;
        if (options_.policy == SignUpPolicy::invite) invite = facts->invite->id;
        digest_for_sign_up(std::move(attempt), std::move(request), invite);
      });
}

void Accounts::digest_for_sign_up(AttemptPtr attempt, SignUp request, std::optional<int64_t> invite) {
  auto job = [password = request.password, cost = options_.cost] { return digest_of_password(password, cost); };
  password_asker_.ask<std::optional<std::string>>(
      std::move(job),
      [this, attempt = std::move(attempt), request = std::move(request), invite](auto digest) mutable {
        if (!digest) return attempt->refuse(overloaded());
        make(std::move(attempt), request,
             {.name = request.name,
              .display_name = request.display_name,
              .password_digest = std::move(*digest),
              .invite = invite});
      },
      std::nullopt);
}

void Accounts::make(AttemptPtr attempt, const SignUp& request, NewAccount wanted) {
  using Signed = std::pair<MadeAccount, std::string>;
  auto job = [wanted = std::move(wanted), agent = request.agent, replaced = request.replaced,
              now = loop_.wall_now()](Database& database) -> Outcome<Signed> {
    auto made = make_account(database, wanted, now);
    if (!made) return std::unexpected(std::move(made.error()));
    if (made->made != Made::yes) return Signed{std::move(*made), ""};
    auto session = open_session(database, made->account.id, agent, replaced, now);
    if (!session) return std::unexpected(std::move(session.error()));
    return Signed{std::move(*made), std::move(*session)};
  };
  store_asker_.ask<Signed>(std::move(job), [attempt = std::move(attempt)](auto made) mutable {
    if (!made) return attempt->refuse(unavailable(made.error()));
    switch (made->first.made) {
      case Made::name_taken:
        return attempt->refuse(name_taken());
      case Made::invite_is_over:
        return attempt->refuse(refused_of(SignUpIs::invite_is_over));
      case Made::yes:
        return attempt->done(Entered{std::move(made->first.account), std::move(made->second)});
    }
  });
}

void Accounts::change_password(PasswordChange request, EntryDone done) {
  AttemptPtr attempt = admit(request.network, "", std::move(done));
  if (!attempt) return;
  auto job = [session = request.session,
              now = loop_.wall_now()](Database& database) -> Outcome<std::optional<Credentials>> {
    auto found = use_session(database, session, now);
    if (!found) return std::unexpected(std::move(found.error()));
    if (!*found) return std::nullopt;
    return find_credentials(database, (*found)->account.id);
  };
  store_asker_.ask<std::optional<Credentials>>(
      std::move(job), [this, attempt = std::move(attempt), request = std::move(request)](auto found) mutable {
        if (!found) return attempt->refuse(unavailable(found.error()));
        if (!*found) return attempt->refuse(wrong());  // no such session: no password was guessed
        attempt->name = (*found)->account.name;
        if (const Duration wait = suspicion_.wait(attempt->network, attempt->name, loop_.now()); wait > Duration(0)) {
          return attempt->refuse(try_later(wait));
        }
        if (const auto fault = fault_of(request.new_password, attempt->name)) {
          return attempt->refuse({RefusalKind::bad_password, std::string(words_of(*fault)), {}});
        }
        compare_for_change(std::move(attempt), std::move(request), std::move(**found));
      });
}

void Accounts::compare_for_change(AttemptPtr attempt, PasswordChange request, Credentials found) {
  auto job = [old = request.password, wished = request.new_password, digest = found.password_digest,
              cost = options_.cost] {
    Compared compared{compare(old, digest), std::nullopt};
    if (compared.is == PasswordIs::right) compared.digest = digest_of_password(wished, cost);
    return std::optional(std::move(compared));
  };
  password_asker_.ask<std::optional<Compared>>(
      std::move(job),
      [this, attempt = std::move(attempt), request = std::move(request),
       found = std::move(found)](auto compared) mutable {
        if (!compared) return attempt->refuse(overloaded());
        ++compared_;
        if (compared->is == PasswordIs::wrong) return attempt->guessed_wrong();
        if (!compared->digest) return attempt->refuse(overloaded());  // no memory for it
        change(std::move(attempt), request, std::move(found), std::move(*compared->digest));
      },
      std::nullopt);
}

void Accounts::change(AttemptPtr attempt, const PasswordChange& request, Credentials compared, std::string digest) {
  Account account = compared.account;
  auto job = [compared = std::move(compared), digest = std::move(digest), kept = digest_of(request.session),
              now = loop_.wall_now()](Database& database) {
    return set_password(database, compared, digest, kept, now);
  };
  store_asker_.ask<PasswordSet>(std::move(job), [this, attempt = std::move(attempt), account = std::move(account),
                                                 session = request.session](auto set) mutable {
    if (!set) return attempt->refuse(unavailable(set.error()));
    if (*set == PasswordSet::changed_meanwhile) return attempt->guessed_wrong();
    suspicion_.succeeded(attempt->network, attempt->name);
    attempt->done(Entered{std::move(account), std::move(session)});
  });
}

Outcome<std::optional<FirstAccount>> make_first_account_once(Database& database, const std::string& name,
                                                             const PasswordCost& cost, WallTime now) {
  KLIEG_ASSERT(account_name_of(name) == name, "the first account has a name like any other");
  auto any = has_accounts(database);
  if (!any) return std::unexpected(std::move(any.error()));
  if (*any) return std::nullopt;  // before a digest is made for nothing
  FirstAccount first{name, new_password()};
  auto made = make_first_account(
      database,
      {.name = name, .display_name = name, .password_digest = digest_or_abort(first.password, cost), .invite = {}},
      now);
  if (!made) return std::unexpected(std::move(made.error()));
  if (!*made) return std::nullopt;
  return first;
}

}  // namespace klieg::studio

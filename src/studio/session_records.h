// Who is logged in where, and which programs may act for whom. Secrets are given out once and found by their digests.
//
// Thread: the store's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/database.h"
#include "studio/account_records.h"
#include "studio/scope.h"
#include "studio/session.h"

namespace klieg::studio {

struct Session {
  Account account;
  SessionTimes times;
};

// A new session, whose secret is returned; the one that the browser came with (`replaced`, whatever it holds) is ended,
// and beyond sessions_max the longest unused. `agent` is what the browser says it is, and cut to what may be shown.
store::Outcome<std::string> open_session(store::Database& database, int64_t account, std::string_view agent,
                                         const std::string& replaced, WallTime now);
// The same for somebody whose password was compared: with the digest `renewed` in the place of the compared one, where
// it is given. nullopt: the password was changed since, or the account suspended.
store::Outcome<std::optional<std::string>> open_session(store::Database& database, const Credentials& compared,
                                                        const std::optional<std::string>& renewed,
                                                        std::string_view agent, const std::string& replaced,
                                                        WallTime now);
// nullopt: there is none like it, or it is over, or its account is suspended. Using it is written down now and then.
store::Outcome<std::optional<Session>> use_session(store::Database& database, const std::string& secret, WallTime now);
store::Outcome<void> close_session(store::Database& database, const std::string& secret);
// Rows of sessions that are over; returns how many went.
store::Outcome<int64_t> sweep_sessions(store::Database& database, WallTime now);

struct NewToken {
  int64_t id = 0;
  std::string secret;  // shown once
};
struct Token {
  int64_t id = 0;
  std::string label;
  Scopes scopes;
  WallTime created;
  std::optional<WallTime> used, expires;
};
constexpr size_t tokens_max = 50;  // of an account, not counting revoked ones

// nullopt: there are tokens_max already.
store::Outcome<std::optional<NewToken>> make_token(store::Database& database, int64_t account, const std::string& label,
                                                   const Scopes& scopes, std::optional<WallTime> expires, WallTime now);
struct TokenHolder {
  Account account;
  Scopes scopes;
};
store::Outcome<std::optional<TokenHolder>> use_token(store::Database& database, const std::string& secret,
                                                     WallTime now);
store::Outcome<std::vector<Token>> list_tokens(store::Database& database, int64_t account);
store::Outcome<Revoked> revoke_token(store::Database& database, int64_t account, int64_t id, WallTime now);

}  // namespace klieg::studio

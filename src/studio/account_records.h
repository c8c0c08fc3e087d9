// Accounts and invites, as the database has them.
//
// Thread: the store's. Names, texts and digests are as the deciders let them through; a database that finds otherwise
// says `rejected`. What an in_doubt sign-up left is found by trying again: the name is taken, and the password lets in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/database.h"
#include "studio/sign_up.h"

namespace klieg::studio {

enum class Role : uint8_t { person, operator_ };

struct Account {
  int64_t id = 0;
  std::string name;
  std::string display_name;
  Role role = Role::person;
  WallTime created;
  std::optional<WallTime> suspended;
  bool operator==(const Account&) const = default;
};

// For statements that read accounts: these columns from `from` on are one.
#define KLIEG_ACCOUNT_COLUMNS \
  "accounts.id, accounts.name, accounts.display_name, accounts.role, accounts.created_ms, accounts.suspended_ms"
constexpr size_t account_columns = 6;
Account account_of(const store::Row& row, size_t from = 0);

store::Outcome<std::optional<Account>> find_account(store::Database& database, const std::string& name);
store::Outcome<std::optional<Account>> find_account(store::Database& database, int64_t id);

struct Credentials {
  Account account;
  std::string password_digest;
};
store::Outcome<std::optional<Credentials>> find_credentials(store::Database& database, const std::string& name);
store::Outcome<std::optional<Credentials>> find_credentials(store::Database& database, int64_t id);

struct NewAccount {
  std::string name;
  std::string display_name;
  std::string password_digest;
  std::optional<int64_t> invite;  // of which this takes a use
};
enum class Made : uint8_t { yes, name_taken, invite_is_over };
struct MadeAccount {
  Made made = Made::yes;
  Account account;  // where it was
};
store::Outcome<MadeAccount> make_account(store::Database& database, const NewAccount& wanted, WallTime now);
// The operator's, if there is no account yet; nullopt: there is.
store::Outcome<std::optional<Account>> make_first_account(store::Database& database, const NewAccount& wanted,
                                                          WallTime now);
store::Outcome<bool> has_accounts(store::Database& database);

store::Outcome<void> set_display_name(store::Database& database, int64_t account, const std::string& display_name);
// Another password in the place of the one that `was` compared: every session but `kept` (a digest) ends, in the same
// transaction. changed_meanwhile: somebody else was quicker, and nothing is done.
enum class PasswordSet : uint8_t { yes, changed_meanwhile };
store::Outcome<PasswordSet> set_password(store::Database& database, const Credentials& was, const std::string& digest,
                                         const Bytes& kept, WallTime now);
// Every session ends; keys and tokens are good for nothing while it lasts. `by`: the operator who does it.
enum class Suspension : uint8_t { begins, ends };
store::Outcome<void> suspend(store::Database& database, int64_t account, Suspension suspension, int64_t by,
                             WallTime now);

struct NewInvite {
  int64_t id = 0;
  std::string secret;  // shown once
};
// Those of its account that are over go with it. nullopt: there are invites_max that are not.
store::Outcome<std::optional<NewInvite>> make_invite(store::Database& database, int64_t made_by, int64_t uses,
                                                     WallTime now);
// Those that are still good, the newest first.
store::Outcome<std::vector<Invite>> list_invites(store::Database& database, int64_t made_by, WallTime now);
enum class Revoked : uint8_t { yes, not_there };  // another's counts as not there
// Whoever signs up with it from now on is not let in.
store::Outcome<Revoked> revoke_invite(store::Database& database, int64_t made_by, int64_t id, WallTime now);
store::Outcome<std::optional<Invite>> find_invite(store::Database& database, const std::string& secret);

}  // namespace klieg::studio

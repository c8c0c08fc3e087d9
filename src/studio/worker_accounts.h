// What people do with their accounts, asked from a loop: sign up, log in, change the password.
//
//   log_in    throttle ─► store: who is it ─► password thread: compare ─► store: a new session ─► done
//   sign_up   texts, throttle ─► store: is the name free, the invite good ─► password thread: digest ─► store: the
//   account,
//             then its session ─► done
//
// Passwords have a thread of their own, where one digest is made at a time: 0.13 s and 64 MiB of one core, however many
// ask. One network has two attempts under way at most, so that it cannot fill the queue for others. A name that nobody
// has takes the same way at the same cost, up to the same words.
//
// What the database says last counts: a password that was changed, a name that was taken while the digest was made, is
// noticed in the transaction that would have used it.
//
// Thread: all of it on one loop - the throttle is the node's, not a core's - which outlives it; `done` is called once,
// in a later turn of it or at once, unless this goes before; it may end this.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "net/side_thread.h"
#include "store/worker.h"
#include "studio/account_records.h"
#include "studio/password.h"
#include "studio/sign_up.h"
#include "studio/throttle.h"

namespace klieg::studio {

enum class RefusalKind : uint8_t {
  wrong,      // the name or the password, and it is not said which
  suspended,  // said to who has the right password
  try_later,  // see retry_after
  bad_name,
  bad_display_name,
  bad_password,
  name_taken,
  closed,
  needs_invite,
  invite_is_over,
  overloaded,   // more passwords than one core digests
  unavailable,  // the database is not there: try_later, but nobody knows when
};

struct Refused {
  RefusalKind kind = RefusalKind::wrong;
  std::string words;  // for the person, in a sentence
  Duration retry_after{0};
};

struct Entered {
  Account account;
  std::string session;  // the secret, for the cookie
};
using Entry = std::expected<Entered, Refused>;
using EntryDone = std::move_only_function<void(Entry)>;

struct LogIn {
  std::string name, password;
  Network network{};
  std::string agent;     // what the browser says it is
  std::string replaced;  // the session that the browser came with, or whatever stood in its cookie
};
struct SignUp {
  std::string name, display_name, password;
  std::string invite;  // empty: none
  Network network{};
  std::string agent, replaced;
};
struct PasswordChange {
  std::string session, password, new_password;
  Network network{};
};

class Accounts {
 public:
  // x 0.13 s: who is last waits for two seconds.
  static constexpr size_t passwords_queued_max = 16;
  static constexpr int attempts_per_network = 2;
  // A school that logs in at nine, behind one address: a class at once, then one every two seconds.
  static constexpr int tries_at_once = 30;
  static constexpr Duration tries_every = 2s;

  struct Options {
    SignUpPolicy policy = SignUpPolicy::closed;
    PasswordCost cost;
    SipKey key;                           // random
    std::set<std::string> not_free = {};  // names that are there without an account
  };
  // Makes the digest that unknown accounts are compared with: takes as long as a log-in does. The store outlives this.
  Accounts(net::Loop& loop, store::Worker& store, const Options& options);
  Accounts(const Accounts&) = delete;
  Accounts& operator=(const Accounts&) = delete;

  void log_in(LogIn request, EntryDone done);
  void sign_up(SignUp request, EntryDone done);
  // The session goes on, all others of the account end.
  void change_password(PasswordChange request, EntryDone done);
  // Passwords that were compared with a digest, somebody's or nobody's: what a log-in costs, whoever it is of.
  uint64_t compared() const { return compared_; }

 private:
  struct Attempt;  // one that is under way: its network, and whom to tell
  using AttemptPtr = std::unique_ptr<Attempt>;
  struct Compared {
    PasswordIs is = PasswordIs::wrong;
    std::optional<std::string> digest;  // a new one: where the kept one is outdated, or another password was wished
  };

  // nullptr: it was refused, and `done` has been told.
  AttemptPtr admit(const Network& network, const std::string& name, EntryDone done);
  void compare_for_log_in(AttemptPtr attempt, LogIn request, const std::optional<Credentials>& found);
  void enter(AttemptPtr attempt, const LogIn& request, Credentials compared, std::optional<std::string> renewed);
  void digest_for_sign_up(AttemptPtr attempt, SignUp request, std::optional<int64_t> invite);
  void make(AttemptPtr attempt, const SignUp& request, NewAccount wanted);
  void compare_for_change(AttemptPtr attempt, PasswordChange request, Credentials found);
  void change(AttemptPtr attempt, const PasswordChange& request, Credentials compared, std::string digest);

  net::Loop& loop_;
  const Options options_;
  const std::string nobodys_digest_;
  uint64_t compared_ = 0;
  Budget tries_{tries_at_once, tries_every};
  Budget sign_ups_{sign_ups_at_once, sign_up_every};
  Suspicion suspicion_;
  // No more than both queues together hold. Shared with the attempts, the last of which may end us.
  std::shared_ptr<std::map<Network, int>> under_way_ = std::make_shared<std::map<Network, int>>();
  net::SideThread passwords_{passwords_queued_max};
  net::Asker password_asker_;
  store::Asker store_asker_;
};

struct FirstAccount {
  std::string name, password;  // to be printed once
};
// At the first start, before loops run: the operator's account, with a random password; nullopt: there are accounts.
store::Outcome<std::optional<FirstAccount>> make_first_account_once(store::Database& database, const std::string& name,
                                                                    const PasswordCost& cost, WallTime now);

}  // namespace klieg::studio

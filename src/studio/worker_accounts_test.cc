#include "studio/worker_accounts.h"

#include <gtest/gtest.h>

#include <vector>

#include "store/migrate.h"
#include "store/test_databases.h"
#include "studio/key_records.h"
#include "studio/session_records.h"

namespace klieg::studio {
namespace {

constexpr std::string_view good_password = "correct horse battery";

Network network(uint8_t number) {
  Network made{};
  made[15] = number;
  return made;
}

struct AccountsDoor : testing::Test {
  explicit AccountsDoor(SignUpPolicy policy = SignUpPolicy::open) {
    EXPECT_DONE(store::migrate(*beside, WallTime(1s)));
    accounts.emplace(loop, worker, Accounts::Options{policy, no_cost, {1, 2}});
  }
  // Runs the loop until all that were asked have been answered.
  EntryDone answer(std::optional<Entry>& into) {
    ++asked;
    return [&](Entry entry) {
      into = std::move(entry);
      if (--asked == 0) loop.stop();
    };
  }
  Entry wait(std::optional<Entry>& entry) {
    loop.post([this] {
      if (asked == 0) loop.stop();
    });
    loop.run();
    return std::move(*entry);
  }
  Entry sign_up(const std::string& name, uint8_t from = 1, const std::string& invite = "") {
    std::optional<Entry> entry;
    accounts->sign_up({.name = name,
                       .display_name = "The " + name,
                       .password = std::string(good_password),
                       .invite = invite,
                       .network = network(from),
                       .agent = "test",
                       .replaced = ""},
                      answer(entry));
    return wait(entry);
  }
  LogIn log_in_of(const std::string& name, std::string_view password, uint8_t from = 1) {
    return {.name = name,
            .password = std::string(password),
            .network = network(from),
            .agent = "test",
            .replaced = planted};
  }
  Entry log_in(const std::string& name, std::string_view password, uint8_t from = 1) {
    std::optional<Entry> entry;
    accounts->log_in(log_in_of(name, password, from), answer(entry));
    return wait(entry);
  }
  static RefusalKind refused(const Entry& entry) {
    EXPECT_FALSE(entry.has_value());
    return entry ? RefusalKind::unavailable : entry.error().kind;
  }
  bool session_is_good(const std::string& session) {
    return use_session(*beside, session, read_wall_clock())->has_value();
  }

  store::TestDatabase made{store::Engine::sqlite};
  std::unique_ptr<store::Database> beside = made.connect();  // what the test looks with
  net::Loop loop;
  store::Worker worker{made.connect()};
  std::optional<Accounts> accounts;
  std::string planted;
  int asked = 0;
};

TEST_F(AccountsDoor, who_signed_up_is_in_and_gets_in_again) {
  const Entry made_it = sign_up("Anna");
  ASSERT_TRUE(made_it) << made_it.error().words;
  EXPECT_EQ(made_it->account.name, "anna");
  EXPECT_TRUE(session_is_good(made_it->session));
  const Entry entry = log_in("ANNA", good_password);
  ASSERT_TRUE(entry) << entry.error().words;
  EXPECT_EQ(entry->account.id, made_it->account.id);
  EXPECT_NE(entry->session, made_it->session);
  EXPECT_TRUE(session_is_good(entry->session));
}

TEST_F(AccountsDoor, an_unknown_name_and_a_wrong_password_are_refused_in_the_same_words) {
  ASSERT_TRUE(sign_up("anna"));
  const Entry wrong = log_in("anna", "wrong horse battery"), unknown = log_in("nobody", good_password),
              no_name = log_in("' OR 1=1 --", good_password), too_long = log_in("anna", std::string(5'000, 'x'));
  for (const Entry& entry : {wrong, unknown, no_name, too_long}) {
    EXPECT_EQ(refused(entry), RefusalKind::wrong);
    EXPECT_EQ(entry.error().words, wrong.error().words);
  }
}

// A digest is what a log-in takes its time for: counted, for a test that measured it would fail on a busy machine.
TEST_F(AccountsDoor, an_unknown_name_takes_as_long_as_a_known_one) {
  ASSERT_TRUE(sign_up("anna"));
  const auto costs_of = [&](const std::string& name, std::string_view password) {
    const uint64_t before = accounts->compared();
    log_in(name, password);
    return accounts->compared() - before;
  };
  EXPECT_EQ(costs_of("anna", good_password), 1u);
  EXPECT_EQ(costs_of("anna", "wrong horse battery"), 1u);
  EXPECT_EQ(costs_of("nobody", "wrong horse battery"), 1u);
  ASSERT_DONE(suspend(*beside, 1, Suspension::begins, 1, WallTime(1s)));
  EXPECT_EQ(costs_of("anna", "wrong horse battery"), 1u);
}

TEST_F(AccountsDoor, a_crowd_that_guesses_one_password_keeps_its_owner_out_from_nowhere_else) {
  ASSERT_TRUE(sign_up("anna"));
  for (uint8_t from = 10; from < 60; ++from) {
    for (int i = 0; i < Suspicion::free_tries + 1; ++i) log_in("anna", "wrong horse battery", from);
    EXPECT_EQ(refused(log_in("anna", good_password, from)), RefusalKind::try_later);
  }
  EXPECT_TRUE(log_in("anna", good_password, 1));
}

TEST_F(AccountsDoor, a_session_that_the_browser_came_with_ends_when_somebody_logs_in) {
  ASSERT_TRUE(sign_up("anna"));
  const Entry attacker = sign_up("mallory");
  planted = attacker->session;
  const Entry entry = log_in("anna", good_password);
  ASSERT_TRUE(entry);
  EXPECT_NE(entry->session, planted);
  EXPECT_FALSE(session_is_good(planted));
}

TEST_F(AccountsDoor, guessing_makes_the_guesser_wait_and_nobody_else) {
  ASSERT_TRUE(sign_up("anna"));
  for (int i = 0; i < Suspicion::free_tries; ++i) {
    EXPECT_EQ(refused(log_in("anna", "wrong horse battery", 66)), RefusalKind::wrong);
  }
  const Entry waits = log_in("anna", good_password, 66);
  EXPECT_EQ(refused(waits), RefusalKind::try_later);
  EXPECT_GT(waits.error().retry_after, Duration(0));
  EXPECT_TRUE(log_in("anna", good_password, 1));
}

TEST_F(AccountsDoor, of_one_network_so_many_attempts_are_under_way) {
  ASSERT_TRUE(sign_up("anna"));
  std::vector<std::optional<Entry>> entries(4);
  for (size_t i = 0; i < 3; ++i) accounts->log_in(log_in_of("anna", good_password, 7), answer(entries[i]));
  accounts->log_in(log_in_of("anna", good_password, 8), answer(entries[3]));
  ASSERT_TRUE(entries[2]);
  EXPECT_EQ(refused(*entries[2]), RefusalKind::try_later);
  wait(entries[2]);
  EXPECT_TRUE(entries[0]->has_value() && entries[1]->has_value() && entries[3]->has_value());
  EXPECT_TRUE(log_in("anna", good_password, 7));
}

TEST_F(AccountsDoor, ten_thousand_sign_ups_from_one_address_are_a_few) {
  int made_it = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Entry entry = sign_up("n" + std::to_string(i));
    made_it += entry ? 1 : 0;
    if (!entry) EXPECT_EQ(entry.error().kind, RefusalKind::try_later);
  }
  EXPECT_EQ(made_it, sign_ups_at_once);
  EXPECT_TRUE(sign_up("elsewhere", 2));
}

TEST_F(AccountsDoor, what_may_not_be_is_said_before_anything_is_looked_up) {
  EXPECT_EQ(refused(sign_up("admin")), RefusalKind::bad_name);
  EXPECT_EQ(refused(sign_up("a b")), RefusalKind::bad_name);
  std::optional<Entry> entry;
  accounts->sign_up({.name = "anna", .display_name = "a\nb", .password = std::string(good_password)}, answer(entry));
  EXPECT_EQ(refused(*entry), RefusalKind::bad_display_name);
  asked = 0;
  accounts->sign_up({.name = "anna", .display_name = "Anna", .password = "short"}, answer(entry));
  EXPECT_EQ(refused(*entry), RefusalKind::bad_password);
}

TEST_F(AccountsDoor, a_name_is_given_once) {
  ASSERT_TRUE(sign_up("anna"));
  EXPECT_EQ(refused(sign_up("Anna")), RefusalKind::name_taken);
}

TEST_F(AccountsDoor, another_password_ends_the_other_sessions_and_the_old_one_is_worth_nothing) {
  const Entry here = sign_up("anna"), elsewhere = log_in("anna", good_password);
  const std::string other = "another horse battery";
  std::optional<Entry> entry;
  accounts->change_password({here->session, "wrong horse battery", other, network(1)}, answer(entry));
  EXPECT_EQ(refused(wait(entry)), RefusalKind::wrong);
  accounts->change_password({here->session, std::string(good_password), other, network(1)}, answer(entry));
  EXPECT_TRUE(wait(entry));
  EXPECT_TRUE(session_is_good(here->session));
  EXPECT_FALSE(session_is_good(elsewhere->session));
  EXPECT_EQ(refused(log_in("anna", good_password)), RefusalKind::wrong);
  EXPECT_TRUE(log_in("anna", other));
  accounts->change_password({"klieg_session_made_up", other, std::string(good_password), network(1)}, answer(entry));
  EXPECT_EQ(refused(wait(entry)), RefusalKind::wrong);
}

TEST_F(AccountsDoor, a_digest_of_old_cost_is_renewed_by_logging_in) {
  const Entry anna = sign_up("anna");
  const auto before = (**find_credentials(*beside, "anna")).password_digest;
  const PasswordCost dearer = {.passes = 2, .memory = 8192};
  accounts.emplace(loop, worker, Accounts::Options{SignUpPolicy::open, dearer, {1, 2}});
  EXPECT_TRUE(log_in("anna", good_password));
  const auto after = (**find_credentials(*beside, "anna")).password_digest;
  EXPECT_NE(after, before);
  EXPECT_FALSE(is_outdated(after, dearer));
  EXPECT_TRUE(log_in("anna", good_password));
  EXPECT_EQ((**find_credentials(*beside, "anna")).password_digest, after);
  EXPECT_TRUE(session_is_good(anna->session));
}

TEST_F(AccountsDoor, who_is_suspended_is_told_so_with_the_right_password_only) {
  const Entry anna = sign_up("anna");
  ASSERT_DONE(suspend(*beside, anna->account.id, Suspension::begins, anna->account.id, WallTime(1s)));
  EXPECT_EQ(refused(log_in("anna", "wrong horse battery")), RefusalKind::wrong);
  EXPECT_EQ(refused(log_in("anna", good_password)), RefusalKind::suspended);
}

TEST_F(AccountsDoor, who_asks_and_goes_is_not_answered) {
  std::optional<Entry> entry;
  accounts->log_in(log_in_of("anna", good_password), answer(entry));
  accounts.reset();
  loop.post([this] { loop.stop(); });
  loop.run();
  EXPECT_FALSE(entry);
}

TEST_F(AccountsDoor, who_is_answered_may_end_it) {
  bool answered = false;
  accounts->log_in(log_in_of("anna", good_password), [&](const Entry&) {
    answered = true;
    accounts.reset();
    loop.stop();
  });
  loop.run();
  EXPECT_TRUE(answered);
  EXPECT_FALSE(accounts);
}

struct ByInvite : AccountsDoor {
  ByInvite() : AccountsDoor(SignUpPolicy::invite) {}
};

TEST_F(ByInvite, the_first_account_lets_in_those_it_invites) {
  const WallTime now = read_wall_clock();
  const auto first = make_first_account_once(*beside, "me", no_cost, now);
  ASSERT_DONE(first);
  ASSERT_TRUE(*first);
  EXPECT_FALSE(*make_first_account_once(*beside, "me", no_cost, now));
  const Entry me = log_in("me", (*first)->password);
  ASSERT_TRUE(me) << me.error().words;
  EXPECT_EQ(me->account.role, Role::operator_);
  EXPECT_EQ(refused(sign_up("anna")), RefusalKind::needs_invite);
  EXPECT_EQ(refused(sign_up("anna", 1, "klieg_invite_" + std::string(32, 'x'))), RefusalKind::invite_is_over);
  const auto invite = make_invite(*beside, me->account.id, 1, now);
  ASSERT_DONE(invite);
  EXPECT_TRUE(sign_up("anna", 1, (*invite)->secret));
  EXPECT_EQ(refused(sign_up("ben", 1, (*invite)->secret)), RefusalKind::invite_is_over);
}

struct Closed : AccountsDoor {
  Closed() : AccountsDoor(SignUpPolicy::closed) {}
};

TEST_F(Closed, nobody_signs_up) { EXPECT_EQ(refused(sign_up("anna")), RefusalKind::closed); }

TEST_F(AccountsDoor, while_the_database_is_down_it_is_said) {
  auto down = store::open_postgresql({.conninfo = "host=/nowhere dbname=klieg"});
  ASSERT_DONE(down);
  store::Worker nothing(std::move(*down));
  accounts.emplace(loop, nothing, Accounts::Options{SignUpPolicy::open, no_cost, {1, 2}});
  EXPECT_EQ(refused(log_in("anna", good_password)), RefusalKind::unavailable);
  EXPECT_EQ(refused(sign_up("anna")), RefusalKind::unavailable);
  accounts.reset();
}

}  // namespace
}  // namespace klieg::studio

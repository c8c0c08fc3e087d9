#include "studio/account_records.h"

#include <gtest/gtest.h>

#include <thread>

#include "studio/audit_records.h"
#include "studio/records_test.h"
#include "studio/secret.h"
#include "studio/session_records.h"

namespace klieg::studio {
namespace {

class AccountRecords : public Records {};
INSTANTIATE_ON_BOTH_ENGINES(AccountRecords);

NewAccount named(const std::string& name, std::optional<int64_t> invite = {}) {
  return {.name = name, .display_name = "The " + name, .password_digest = "digest", .invite = invite};
}

TEST_P(AccountRecords, an_account_is_found_by_its_name_and_number) {
  const auto made = make_account(*database, named("carl"), start);
  ASSERT_DONE(made);
  EXPECT_EQ(made->made, Made::yes);
  EXPECT_EQ(made->account.display_name, "The carl");
  EXPECT_EQ(made->account.created, start);
  EXPECT_EQ(**find_account(*database, "carl"), made->account);
  EXPECT_EQ(**find_account(*database, made->account.id), made->account);
  EXPECT_EQ((**find_credentials(*database, "carl")).password_digest, "digest");
  EXPECT_FALSE(*find_account(*database, "nobody"));
  EXPECT_FALSE(*find_account(*database, "' OR 1 = 1 --"));
}

TEST_P(AccountRecords, a_name_is_given_once_also_when_two_ask_at_once) {
  EXPECT_EQ(make_account(*database, named("anna"), start)->made, Made::name_taken);
  auto other = made.connect();
  for (int i = 0; i < 10; ++i) {
    const std::string name = "both" + std::to_string(i);
    store::Outcome<MadeAccount> theirs;
    std::thread thread([&] { theirs = make_account(*other, named(name), start); });
    const auto ours = make_account(*database, named(name), start);
    thread.join();
    ASSERT_DONE(ours);
    ASSERT_DONE(theirs);
    EXPECT_NE(ours->made == Made::yes, theirs->made == Made::yes);
  }
}

TEST_P(AccountRecords, the_first_account_is_the_operators_and_there_is_one) {
  EXPECT_FALSE(*make_first_account(*database, named("root2"), start));
  ASSERT_DONE(database->run("DELETE FROM accounts"));
  EXPECT_FALSE(*has_accounts(*database));
  const auto first = make_first_account(*database, named("first"), start);
  ASSERT_DONE(first);
  ASSERT_TRUE(*first);
  EXPECT_EQ((*first)->role, Role::operator_);
  EXPECT_TRUE(*has_accounts(*database));
  EXPECT_FALSE(*make_first_account(*database, named("second"), start));
}

TEST_P(AccountRecords, an_invite_lets_in_as_many_as_it_says) {
  const auto secret = make_invite(*database, anna, 2, start);
  ASSERT_DONE(secret);
  const auto invite = find_invite(*database, (*secret)->secret);
  ASSERT_DONE(invite);
  ASSERT_TRUE(*invite);
  EXPECT_EQ((*invite)->uses_left, 2);
  EXPECT_EQ(make_account(*database, named("anna", (*invite)->id), start)->made, Made::name_taken);  // and uses none
  EXPECT_EQ(make_account(*database, named("one", (*invite)->id), start)->made, Made::yes);
  EXPECT_EQ(make_account(*database, named("two", (*invite)->id), start)->made, Made::yes);
  EXPECT_EQ(make_account(*database, named("three", (*invite)->id), start)->made, Made::invite_is_over);
  EXPECT_EQ(count("SELECT count(*) FROM accounts WHERE invited_by IS NOT NULL"), 2);
  EXPECT_FALSE(*find_invite(*database, "klieg_invite_" + std::string(32, 'x')));
  EXPECT_FALSE(*find_invite(*database, "' OR ''='"));
}

TEST_P(AccountRecords, an_invite_is_over_after_its_time) {
  const auto secret = make_invite(*database, anna, 1, start);
  const int64_t id = (**secret).id;
  EXPECT_EQ(make_account(*database, named("late", id), start + invite_lifetime)->made, Made::invite_is_over);
}

TEST_P(AccountRecords, an_account_has_so_many_invites_that_are_good_and_those_that_are_over_make_room) {
  for (int i = 0; i < invites_max; ++i) EXPECT_TRUE(*make_invite(*database, anna, 1, start));
  EXPECT_FALSE(*make_invite(*database, anna, 1, start));
  EXPECT_TRUE(*make_invite(*database, ben, 1, start));
  EXPECT_TRUE(*make_invite(*database, anna, 1, start + invite_lifetime));
  EXPECT_EQ((*database->run("SELECT count(*) FROM invites WHERE made_by = $1", {anna}))[0][0].integer(), 1);
}

TEST_P(AccountRecords, an_invite_is_listed_while_it_is_good_and_taken_back_by_who_made_it) {
  const auto used = make_invite(*database, anna, 1, start);
  const auto kept = make_invite(*database, anna, 3, start);
  EXPECT_EQ(make_account(*database, named("one", (*used)->id), start)->made, Made::yes);
  EXPECT_EQ(make_account(*database, named("two", (*kept)->id), start)->made, Made::yes);
  const auto invites = list_invites(*database, anna, start);
  ASSERT_DONE(invites);
  ASSERT_EQ(invites->size(), 1u);
  EXPECT_EQ(invites->front().id, (*kept)->id);
  EXPECT_EQ(invites->front().uses_left, 2);
  EXPECT_EQ(invites->front().created, start);
  EXPECT_TRUE(list_invites(*database, ben, start)->empty());
  EXPECT_TRUE(list_invites(*database, anna, start + invite_lifetime)->empty());
  EXPECT_EQ(revoke_invite(*database, ben, (*kept)->id, start), Revoked::not_there);
  EXPECT_EQ(revoke_invite(*database, anna, (*kept)->id, start), Revoked::yes);
  EXPECT_EQ(revoke_invite(*database, anna, (*kept)->id, start), Revoked::not_there);
  EXPECT_EQ(make_account(*database, named("three", (*kept)->id), start)->made, Made::invite_is_over);
  EXPECT_EQ(list_deeds(*database, anna, 0, 1)->front().action, "invite taken back");
}

TEST_P(AccountRecords, another_password_ends_all_other_sessions_and_is_written_down) {
  const auto kept = open_session(*database, anna, "browser", "", start);
  const auto ended = open_session(*database, anna, "browser", "", start);
  const auto bens = open_session(*database, ben, "browser", "", start);
  const Credentials was = **find_credentials(*database, anna);
  EXPECT_EQ(set_password(*database, was, "another", digest_of(*kept), start), PasswordSet::yes);
  EXPECT_EQ(set_password(*database, was, "a third", digest_of(*kept), start), PasswordSet::changed_meanwhile);
  EXPECT_TRUE(*use_session(*database, *kept, start));
  EXPECT_FALSE(*use_session(*database, *ended, start));
  EXPECT_TRUE(*use_session(*database, *bens, start));
  EXPECT_EQ((**find_credentials(*database, anna)).password_digest, "another");
  const auto deeds = list_deeds(*database, anna, 0, 100);
  ASSERT_DONE(deeds);
  ASSERT_EQ(deeds->size(), 1u);
  EXPECT_EQ((*deeds)[0].action, "password changed");
  EXPECT_TRUE(list_deeds(*database, ben, 0, 100)->empty());
  EXPECT_TRUE(list_deeds(*database, anna, (*deeds)[0].id, 100)->empty());
}

TEST_P(AccountRecords, who_is_suspended_is_sent_away_until_it_is_lifted) {
  const auto session = open_session(*database, anna, "browser", "", start);
  ASSERT_DONE(suspend(*database, anna, Suspension::begins, ben, start));
  EXPECT_FALSE(*use_session(*database, *session, start));
  EXPECT_EQ((**find_account(*database, anna)).suspended, start);
  ASSERT_DONE(suspend(*database, anna, Suspension::ends, ben, start));
  EXPECT_FALSE((**find_account(*database, anna)).suspended);
  EXPECT_EQ(list_deeds(*database, ben, 0, 100)->size(), 2u);
}

TEST_P(AccountRecords, what_an_account_had_goes_with_it_and_the_log_stays) {
  ASSERT_DONE(open_session(*database, anna, "browser", "", start));
  ASSERT_DONE(suspend(*database, anna, Suspension::begins, ben, start));
  ASSERT_DONE(suspend(*database, anna, Suspension::ends, ben, start));
  ASSERT_DONE(open_session(*database, anna, "browser", "", start));
  ASSERT_DONE(database->run("DELETE FROM accounts WHERE id = $1", {anna}));
  EXPECT_EQ(count("SELECT count(*) FROM sessions"), 0);
  EXPECT_EQ(list_deeds(*database, anna, 0, 100)->size(), 2u);
}

}  // namespace
}  // namespace klieg::studio

#include "studio/revocation_records.h"

#include <gtest/gtest.h>

#include "studio/records_test.h"
#include "wire/path_token.h"

namespace klieg::studio {
namespace {

class RevocationRecords : public Records {
 protected:
  const int64_t now_s = wire::seconds_of(start);
};
INSTANTIATE_ON_BOTH_ENGINES(RevocationRecords);

TEST_P(RevocationRecords, the_latest_counts_for_each_and_for_everybody) {
  ASSERT_DONE(write_revocation(*database, {"anna", 7, now_s}));
  ASSERT_DONE(write_revocation(*database, {"anna", 7, now_s - 9}));
  EXPECT_EQ(good_from_s(*database, "anna", 7), now_s + 1);
  EXPECT_EQ(good_from_s(*database, "anna", 8), 0);
  EXPECT_EQ(good_from_s(*database, "ben", 7), 0);
  ASSERT_DONE(write_revocation(*database, {"anna", std::nullopt, now_s + 5}));
  EXPECT_EQ(good_from_s(*database, "anna", 7), now_s + 6);
  EXPECT_EQ(good_from_s(*database, "anna", 0), now_s + 6);
  EXPECT_EQ(list_revocations(*database, std::string("anna"))->size(), 2u);
}

TEST_P(RevocationRecords, are_forgotten_when_no_token_can_be_so_old) {
  ASSERT_DONE(write_revocation(*database, {"anna", by_link, now_s}));
  ASSERT_DONE(write_revocation(*database, {"anna", 7, now_s}));
  EXPECT_EQ(list_revocations(*database, start + wire::guest_chain_life)->size(), 2u);
  EXPECT_EQ(list_revocations(*database, start + token_life_max)->size(), 1u) << "an account's is renewed for a day";
  EXPECT_EQ(list_revocations(*database, start + token_life_max + 1s)->size(), 0u);
  ASSERT_DONE(forget_old_revocations(*database, start + token_life_max + 1s));
  EXPECT_EQ(list_revocations(*database, std::string("anna"))->size(), 0u);
}

}  // namespace
}  // namespace klieg::studio

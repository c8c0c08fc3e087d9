#include "studio/key_records.h"

#include <gtest/gtest.h>

#include "studio/broadcast_records.h"
#include "studio/records_test.h"

namespace klieg::studio {
namespace {

class KeyRecords : public Records {
 protected:
  NewKey make(int64_t account) {
    auto made = make_key(*database, account, "at home", start);
    EXPECT_DONE(made);
    return made && *made ? **made : NewKey{};
  }
  bool good(const NewKey& key) {
    const auto used = use_key(*database, key.secret, start);
    EXPECT_DONE(used);
    return used && used->has_value();
  }
};
INSTANTIATE_ON_BOTH_ENGINES(KeyRecords);

TEST_P(KeyRecords, a_key_is_whose_it_is_and_is_not_at_rest) {
  const NewKey key = make(anna);
  const auto holder = use_key(*database, key.secret, start + 1s);
  ASSERT_DONE(holder);
  ASSERT_TRUE(*holder);
  EXPECT_EQ((*holder)->account.name, "anna");
  EXPECT_EQ((*holder)->key, key.id);
  const auto keys = list_keys(*database, anna);
  ASSERT_EQ(keys->size(), 1u);
  EXPECT_EQ(keys->at(0).label, "at home");
  EXPECT_EQ(keys->at(0).used, start + 1s);
  EXPECT_FALSE((*database->run("SELECT digest FROM stream_keys"))[0][0].bytes().text().contains(key.secret));
  EXPECT_FALSE(*use_key(*database, "klieg_key_" + std::string(32, 'x'), start));
  EXPECT_FALSE(*use_key(*database, "' OR ''='", start));
}

TEST_P(KeyRecords, a_revoked_key_is_none_and_names_the_broadcast_it_carries) {
  const NewKey idle = make(anna), live = make(anna);
  const auto started = start_broadcast(*database, anna, live.id, start);
  ASSERT_DONE(started);
  EXPECT_FALSE(*revoke_key(*database, ben, live.id, start));
  EXPECT_TRUE(good(live));
  EXPECT_EQ((*revoke_key(*database, anna, idle.id, start))->live_broadcast, std::nullopt);
  EXPECT_EQ((*revoke_key(*database, anna, live.id, start))->live_broadcast, started->broadcast.id);
  EXPECT_FALSE(*revoke_key(*database, anna, live.id, start));
  EXPECT_FALSE(good(live));
  EXPECT_TRUE(list_keys(*database, anna)->empty());
}

TEST_P(KeyRecords, rotating_makes_a_new_one_and_ends_the_old_one_at_once) {
  const NewKey old = make(anna);
  const auto rotated = rotate_key(*database, anna, old.id, start);
  ASSERT_DONE(rotated);
  ASSERT_TRUE(*rotated);
  EXPECT_FALSE(good(old));
  EXPECT_TRUE(good((*rotated)->made));
  EXPECT_EQ(list_keys(*database, anna)->at(0).label, "at home");
  EXPECT_FALSE(*rotate_key(*database, anna, old.id, start));
  EXPECT_FALSE(*rotate_key(*database, ben, (*rotated)->made.id, start));
}

TEST_P(KeyRecords, a_key_sleeps_while_its_account_is_suspended) {
  const NewKey key = make(anna);
  ASSERT_DONE(suspend(*database, anna, Suspension::begins, ben, start));
  EXPECT_FALSE(good(key));
  ASSERT_DONE(suspend(*database, anna, Suspension::ends, ben, start));
  EXPECT_TRUE(good(key));
}

TEST_P(KeyRecords, there_are_so_many_at_most) {
  for (size_t i = 0; i < keys_max; ++i) make(anna);
  EXPECT_FALSE(*make_key(*database, anna, "one more", start));
  EXPECT_TRUE(*make_key(*database, ben, "first", start));
}

}  // namespace
}  // namespace klieg::studio

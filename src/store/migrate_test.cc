#include "store/migrate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <thread>

#include "store/test_databases.h"

namespace klieg::store {
namespace {

constexpr WallTime now = WallTime(1'800'000'000s);
constexpr Migration first = {1, "first", "aa", "CREATE TABLE a (n INTEGER) STRICT; INSERT INTO a (n) VALUES (1);"};
constexpr Migration second = {2, "second", "bb", "CREATE TABLE b (t TEXT) STRICT; UPDATE a SET n = n + 1;"};
constexpr Migration changed = {1, "first", "cc", first.script};
constexpr Migration wrong = {2, "wrong", "dd", "CREATE TABLE c (n INTEGER) STRICT; NONSENSE;"};

class Migrating : public OnBothEngines {
 protected:
  std::optional<int64_t> n() {
    auto rows = database->run("SELECT n FROM a");
    return rows ? std::optional((*rows)[0][0].integer()) : std::nullopt;
  }
};
INSTANTIATE_ON_BOTH_ENGINES(Migrating);

TEST_P(Migrating, what_is_missing_is_applied_once_and_in_order) {
  const Migration both[] = {first, second};
  EXPECT_EQ(missing(*database, std::span(both)), 2u);
  EXPECT_EQ(migrate(*database, now, std::span(both).first(1)), 1u);
  EXPECT_EQ(missing(*database, both), 1u);
  EXPECT_EQ(migrate(*database, now, both), 1u);
  EXPECT_EQ(migrate(*database, now, both), 0u);
  EXPECT_EQ(missing(*database, both), 0u);
  EXPECT_EQ(n(), 2);
  EXPECT_EQ((*database->run("SELECT applied_ms FROM schema_migrations WHERE version = 2"))[0][0].time(), now);
}

TEST_P(Migrating, a_file_that_was_changed_afterwards_is_refused) {
  const Migration before[] = {first}, after[] = {changed, second};
  ASSERT_DONE(migrate(*database, now, before));
  for (const auto& outcome : {migrate(*database, now, after), missing(*database, after)}) {
    EXPECT_EQ(kind_of_failure(outcome), FailureKind::broken);
    EXPECT_TRUE(outcome.error().message.contains("0001_first was changed")) << outcome.error().message;
  }
}

TEST_P(Migrating, a_database_of_a_newer_klieg_is_refused) {
  const Migration both[] = {first, second};
  ASSERT_DONE(migrate(*database, now, both));
  const auto outcome = migrate(*database, now, std::span(both).first(1));
  EXPECT_EQ(kind_of_failure(outcome), FailureKind::broken);
  EXPECT_TRUE(outcome.error().message.contains("run the newer one")) << outcome.error().message;
}

TEST_P(Migrating, of_one_that_fails_nothing_stays_and_it_is_named) {
  const Migration broken[] = {first, wrong}, good[] = {first, second};
  const auto outcome = migrate(*database, now, broken);
  EXPECT_EQ(kind_of_failure(outcome), FailureKind::broken);
  EXPECT_TRUE(outcome.error().message.contains("0002_wrong")) << outcome.error().message;
  EXPECT_EQ(kind_of_failure(database->run("SELECT n FROM c")), FailureKind::broken);
  EXPECT_EQ(migrate(*database, now, good), 1u);
}

TEST_P(Migrating, whichever_operation_fails_the_rest_is_applied_later) {
  const Migration both[] = {first, second};
  size_t operations = SIZE_MAX;
  for (size_t failing = 0; failing < operations; ++failing) {
    const TestDatabase fresh(GetParam());
    size_t operation = 0;
    database = fresh.connect();
    {
      WatchedDatabase watched(*database, [&]() -> Outcome<void> {
        if (operation++ < failing) return {};
        return failed(FailureKind::unavailable, "made up");  // and so is everything after it: the connection is gone
      });
      const auto outcome = migrate(watched, now, both);
      if (outcome) {
        operations = operation;
        EXPECT_EQ(outcome, 2u);
      } else {
        EXPECT_EQ(kind_of_failure(outcome), FailureKind::unavailable);
      }
    }
    database = fresh.connect();
    const auto rest = migrate(*database, now, both);
    ASSERT_DONE(rest);
    EXPECT_EQ(n(), 2) << "operation " << failing;
    EXPECT_EQ(missing(*database, both), 0u);
  }
  EXPECT_GE(operations, 12u);
}

TEST_P(Migrating, two_at_once_apply_each_migration_once) {
  auto other = made.connect();
  Outcome<size_t> theirs = 0;
  std::thread thread([&] { theirs = migrate(*other, now); });
  const Outcome<size_t> ours = migrate(*database, now);
  thread.join();
  ASSERT_DONE(ours);
  ASSERT_DONE(theirs);
  EXPECT_EQ(*ours + *theirs, migrations().size());
}

TEST_P(Migrating, the_schema_of_this_program_is_whole) {
  EXPECT_EQ(missing(*database), migrations().size());
  ASSERT_DONE(migrate(*database, now));
  EXPECT_EQ(missing(*database), 0u);
  for (const Sql table :
       {Sql("SELECT count(*) FROM accounts"), Sql("SELECT count(*) FROM pictures"),
        Sql("SELECT count(*) FROM sessions"), Sql("SELECT count(*) FROM api_tokens"),
        Sql("SELECT count(*) FROM invites"), Sql("SELECT count(*) FROM stream_keys"),
        Sql("SELECT count(*) FROM broadcasts"), Sql("SELECT count(*) FROM broadcast_guests"),
        Sql("SELECT count(*) FROM follows"), Sql("SELECT count(*) FROM blocks"), Sql("SELECT count(*) FROM moderators"),
        Sql("SELECT count(*) FROM bans"), Sql("SELECT count(*) FROM room_events"), Sql("SELECT count(*) FROM polls"),
        Sql("SELECT count(*) FROM votes"), Sql("SELECT count(*) FROM audit_log"),
        Sql("SELECT count(*) FROM push_subscriptions"), Sql("SELECT count(*) FROM webhooks"),
        Sql("SELECT count(*) FROM leases")}) {
    EXPECT_DONE(database->run(table));
  }
}

TEST(Migrations, are_numbered_from_one_without_a_hole_and_carry_their_checksums) {
  for (size_t i = 0; i < migrations().size(); ++i) {
    const Migration& migration = migrations()[i];
    EXPECT_EQ(migration.version, i + 1);
    EXPECT_EQ(migration.checksum.size(), 64u);
    EXPECT_TRUE(migration.script.contains("CREATE TABLE"));
  }
}

}  // namespace
}  // namespace klieg::store

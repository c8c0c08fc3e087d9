// A server that goes, comes back, or stands still.
#include "store/postgresql.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include "store/test_databases.h"

namespace klieg::store {
namespace {

class PostgresqlConnection : public testing::Test {
 protected:
  // What tend() would lead to on a loop.
  void tend_until_up() {
    const LoopTime until = read_loop_clock() + 20s;
    for (LoopTime now = read_loop_clock(); !database->run("SELECT 1"); now = read_loop_clock()) {
      ASSERT_LT(now, until) << "waited 20 s in vain";
      const auto again = database->tend(now);
      ASSERT_TRUE(again);
      if (*again > now) ::poll(nullptr, 0, static_cast<int>(to_ms(*again - now)) + 1);
    }
  }
  int64_t backend() {
    auto rows = database->run("SELECT pg_backend_pid()");
    EXPECT_DONE(rows);
    return rows ? (*rows)[0][0].integer() : 0;
  }
  void script(std::string_view text) {
    ASSERT_DONE(transact(*database, [&](Database& inside) -> Outcome<bool> {
      if (auto ran = inside.run_script(text); !ran) return std::unexpected(ran.error());
      return true;
    }));
  }

  PostgresqlServer& server = PostgresqlServer::shared();
  TestDatabase made{Engine::postgresql};
  std::unique_ptr<Database> database = made.connect(500ms);
};

TEST_F(PostgresqlConnection, while_the_server_is_down_calls_fail_at_once_and_it_is_reached_again) {
  ASSERT_DONE(database->run("SELECT 1"));
  server.stop(SIGQUIT);
  EXPECT_EQ(kind_of_failure(database->run("DELETE FROM anything")), FailureKind::unavailable);
  for (int i = 0; i < 20; ++i) {
    database->tend(read_loop_clock());
    const LoopTime asked = read_loop_clock();
    EXPECT_EQ(kind_of_failure(database->run("SELECT 1")), FailureKind::unavailable);
    EXPECT_EQ(kind_of_failure(database->begin()), FailureKind::unavailable);
    EXPECT_LT(read_loop_clock() - asked, 100ms);
  }
  server.start();
  tend_until_up();
  EXPECT_DONE(database->run("SELECT 1"));  // prepared anew
}

TEST_F(PostgresqlConnection, a_connection_lost_in_a_transaction_has_changed_nothing) {
  script("CREATE TABLE a (n INTEGER) STRICT;");
  const int64_t ours = backend();
  ASSERT_DONE(database->begin());
  ASSERT_DONE(database->run("INSERT INTO a (n) VALUES (1)"));
  auto other = made.connect();
  ASSERT_DONE(other->run("SELECT pg_terminate_backend($1, 5000)", {ours}));
  EXPECT_EQ(kind_of_failure(database->commit()), FailureKind::unavailable);
  database->rollback();
  tend_until_up();
  EXPECT_EQ((*database->run("SELECT count(*) FROM a"))[0][0].integer(), 0);
}

TEST_F(PostgresqlConnection, a_connection_lost_while_it_commits_leaves_doubt) {
  script(
      "CREATE TABLE a (n INTEGER) STRICT;"
      "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM "
      "pg_terminate_backend(pg_backend_pid()); "
      "RETURN NULL; END';"
      "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON a DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION "
      "die();");
  const auto in_transaction =
      transact(*database, [](Database& inside) { return inside.run("INSERT INTO a (n) VALUES (1)"); });
  EXPECT_EQ(kind_of_failure(in_transaction), FailureKind::in_doubt);
  tend_until_up();
  EXPECT_EQ(kind_of_failure(database->run("INSERT INTO a (n) VALUES (2)")), FailureKind::in_doubt);
}

TEST_F(PostgresqlConnection, a_server_that_stands_still_is_given_up_after_the_longest_reply) {
  const auto stopped = static_cast<pid_t>(backend());
  ASSERT_DONE(database->run("SELECT 1"));
  ASSERT_EQ(::kill(stopped, SIGSTOP), 0);
  const LoopTime asked = read_loop_clock();
  EXPECT_EQ(kind_of_failure(database->run("SELECT 1")), FailureKind::unavailable);
  EXPECT_GE(read_loop_clock() - asked, 490ms);
  const LoopTime again = read_loop_clock();
  EXPECT_EQ(kind_of_failure(database->run("SELECT 1")), FailureKind::unavailable);
  EXPECT_LT(read_loop_clock() - again, 100ms);
  ::kill(stopped, SIGCONT);
  tend_until_up();
}

TEST_F(PostgresqlConnection, a_transaction_that_waits_for_anothers_lock_too_long_is_busy) {
  script("CREATE TABLE a (n INTEGER) STRICT; INSERT INTO a (n) VALUES (1);");
  auto patient = made.connect();
  ASSERT_DONE(database->begin());
  ASSERT_DONE(database->run("UPDATE a SET n = 2"));
  ASSERT_DONE(patient->begin());
  EXPECT_EQ(kind_of_failure(patient->run("UPDATE a SET n = 3")), FailureKind::busy);
  patient->rollback();
  ASSERT_DONE(database->commit());
}

TEST(PostgresqlAddress, one_that_cannot_be_read_is_refused_without_repeating_it) {
  const auto opened = open_postgresql({.conninfo = "password=secret nonsense"});
  EXPECT_EQ(kind_of_failure(opened), FailureKind::broken);
  EXPECT_FALSE(opened.error().message.contains("secret"));
}

TEST(PostgresqlAddress, a_server_that_is_not_there_is_unavailable) {
  auto opened = open_postgresql({.conninfo = "host=/nowhere dbname=klieg"});
  ASSERT_DONE(opened);
  EXPECT_EQ(kind_of_failure((*opened)->reach()), FailureKind::unavailable);
}

}  // namespace
}  // namespace klieg::store

// What was acknowledged survives kill -9 of the process, and of PostgreSQL, at any moment.
//
// A child writes numbers and says each over a pipe once it is told that it is kept. It is killed when it has said some
// random number of them: in the middle of whatever it does next. What it said must be there; what it did not say may
// be.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

#include "base/random.h"
#include "store/migrate.h"
#include "store/test_databases.h"

namespace klieg::store {
namespace {

constexpr WallTime now = WallTime(1'800'000'000s);

// A child process that runs `work` with the writing end of a pipe, and does not come back from it.
class Child {
 public:
  explicit Child(const std::function<void(int pipe)>& work) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(ends[0]);
      work(ends[1]);
      ::_exit(0);
    }
    ::close(ends[1]);
    pipe_ = ends[0];
  }
  ~Child() { ::close(pipe_); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // The next that it says; nullopt: it has ended.
  std::optional<uint32_t> hear() const {
    uint32_t number = 0;
    return ::read(pipe_, &number, sizeof number) == sizeof number ? std::optional(number) : std::nullopt;
  }
  static void say(int pipe, uint32_t number) {
    if (::write(pipe, &number, sizeof number) != sizeof number) ::_exit(1);
  }
  void kill() const {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_ = 0;
  int pipe_ = -1;
};

constexpr Migration schema[] = {{1, "numbers", "x",
                                 "CREATE TABLE numbers (number INTEGER PRIMARY KEY, twin INTEGER NOT NULL) STRICT;"
                                 "CREATE TABLE twins (number INTEGER PRIMARY KEY, padding TEXT NOT NULL) STRICT;"}};

// Writes a number and its twin, each in a table of its own, for ever. The padding makes a checkpoint come every 60.
void write_numbers(Database& database, uint32_t from, int pipe) {
  const std::string padding(60'000, 'x');
  for (uint32_t number = from;; ++number) {
    const auto written = transact(database, [&](Database& inside) -> Outcome<Rows> {
      auto one = inside.run("INSERT INTO numbers (number, twin) VALUES ($1, $1)", {number});
      if (!one) return one;
      return inside.run("INSERT INTO twins (number, padding) VALUES ($1, $2)", {number, padding});
    });
    if (!written) ::_exit(1);
    Child::say(pipe, number);
  }
}

struct Kept {
  uint32_t count = 0, first = 0, last = 0, twins = 0;
};
Kept read_kept(Database& database) {
  const auto rows = database.run("SELECT count(*), coalesce(min(number), 0), coalesce(max(number), 0) FROM numbers");
  const auto twins = database.run("SELECT count(*) FROM twins JOIN numbers ON numbers.number = twins.number");
  EXPECT_DONE(rows);
  EXPECT_DONE(twins);
  const auto at = [](const Outcome<Rows>& from, size_t i) { return static_cast<uint32_t>((*from)[0][i].integer()); };
  return {at(rows, 0), at(rows, 1), at(rows, 2), at(twins, 0)};
}

TEST(Survival, what_a_process_acknowledged_before_it_was_killed_is_there) {
  const TestDatabase made(Engine::sqlite, Lies::on_disk);
  {
    auto database = made.connect();
    ASSERT_DONE(migrate(*database, now, schema));
  }
  Random random(20261128);
  uint32_t last = 0;
  for (int round = 0; round < 40; ++round) {
    const Child child([&](int pipe) { write_numbers(*made.connect(), last + 1, pipe); });
    uint32_t acknowledged = last;
    for (uint64_t left = random.below(12); left > 0; --left) {
      const auto number = child.hear();
      ASSERT_TRUE(number) << "the child failed in round " << round;
      acknowledged = *number;
    }
    // Somewhere in the next transaction, whose steps take some 10 us each.
    for (volatile uint64_t spin = random.below(400'000); spin > 0; spin = spin - 1) {
    }
    child.kill();
    while (const auto number = child.hear()) acknowledged = *number;  // said before it died

    auto database = made.connect();
    const Kept kept = read_kept(*database);
    ASSERT_GE(kept.last, acknowledged) << "round " << round;
    ASSERT_LE(kept.last, acknowledged + 1);
    ASSERT_EQ(kept.count, kept.last) << "none is missing in between";
    ASSERT_EQ(kept.twins, kept.count) << "a transaction is all or nothing";
    last = kept.last;
    ASSERT_EQ((*database->run("PRAGMA integrity_check"))[0][0].text(), "ok");
  }
  EXPECT_GT(last, 100u);
}

TEST(Survival, a_process_killed_while_it_migrates_leaves_a_database_that_can_be_migrated) {
  Random random(7);
  for (uint64_t step = 0; step < 40; step += 1 + random.below(3)) {
    const TestDatabase made(Engine::sqlite, Lies::on_disk);
    const Child child([&](int pipe) {
      const auto database = made.connect();
      WatchedDatabase watched(*database, [pipe]() -> Outcome<void> {
        Child::say(pipe, 0);
        return {};
      });
      if (!migrate(watched, now)) ::_exit(1);
    });
    for (uint64_t left = step; left > 0 && child.hear(); --left) {
    }
    child.kill();
    auto database = made.connect();
    ASSERT_DONE(migrate(*database, now)) << "killed at operation " << step;
    EXPECT_EQ(missing(*database), 0u);
    EXPECT_DONE(database->run("SELECT count(*) FROM leases"));
  }
}

TEST(PostgresqlSurvival, what_it_acknowledged_before_it_was_killed_is_there) {
  PostgresqlServer& server = PostgresqlServer::shared();
  const TestDatabase made(Engine::postgresql);
  ASSERT_DONE(migrate(*made.connect(), now, schema));
  Random random(20261128);
  uint32_t last = 0;
  for (int round = 0; round < 4; ++round) {
    const Child child([&](int pipe) { write_numbers(*made.connect(), last + 1, pipe); });
    uint32_t acknowledged = last;
    for (uint64_t left = 1 + random.below(30); left > 0; --left) {
      const auto number = child.hear();
      ASSERT_TRUE(number);
      acknowledged = *number;
    }
    server.restart_killed();
    while (const auto number = child.hear()) acknowledged = *number;
    child.kill();
    auto database = made.connect();
    const Kept kept = read_kept(*database);
    ASSERT_GE(kept.last, acknowledged) << "round " << round;
    ASSERT_EQ(kept.count, kept.last);
    ASSERT_EQ(kept.twins, kept.count);
    last = kept.last;
  }
}

}  // namespace
}  // namespace klieg::store

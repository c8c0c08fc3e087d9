#include "store/worker.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "store/migrate.h"
#include "store/test_databases.h"

namespace klieg::store {
namespace {

struct StoreWorker : testing::Test {
  template <class T>
  Outcome<T> ask(std::move_only_function<Outcome<T>(Database&)> work) {
    std::optional<Outcome<T>> heard;
    asker.ask<T>(std::move(work), [&](Outcome<T> outcome) {
      heard = std::move(outcome);
      loop.stop();
    });
    EXPECT_FALSE(heard) << "never inside ask()";
    loop.run();
    return std::move(*heard);
  }

  TestDatabase made{Engine::sqlite};
  net::Loop loop;
  Worker worker{made.connect()};
  Asker asker{loop, worker};
};

TEST_F(StoreWorker, works_on_a_thread_of_its_own_and_answers_on_the_loop) {
  std::thread::id worked_on;
  const auto count = ask<size_t>([&](Database& database) {
    worked_on = std::this_thread::get_id();
    return migrate(database, WallTime(1s));
  });
  EXPECT_EQ(count, migrations().size());
  EXPECT_NE(worked_on, std::this_thread::get_id());
  const auto rows = ask<Rows>([](Database& database) { return database.run("SELECT count(*) FROM accounts"); });
  ASSERT_DONE(rows);
  EXPECT_EQ((*rows)[0][0].integer(), 0);
}

TEST_F(StoreWorker, a_failure_is_an_answer) {
  EXPECT_EQ(kind_of_failure(ask<Rows>([](Database& database) { return database.run("SELECT x FROM y"); })),
            FailureKind::broken);
}

TEST_F(StoreWorker, what_it_cannot_do_in_time_is_overloaded_and_the_rest_is_done) {
  std::promise<void> held, goes_on;
  asker.ask<int>(
      [&](Database&) -> Outcome<int> {
        held.set_value();
        goes_on.get_future().wait();
        return 0;
      },
      [](const Outcome<int>&) {});
  held.get_future().wait();
  size_t done = 0, overloaded = 0;
  const size_t asked = Worker::queued_max + 5;
  for (size_t i = 0; i < asked; ++i) {
    asker.ask<int>([](Database&) -> Outcome<int> { return 1; },
                   [&](const Outcome<int>& outcome) {
                     ++(outcome ? done : overloaded);
                     if (!outcome) EXPECT_EQ(outcome.error().kind, FailureKind::overloaded);
                     if (done + overloaded == asked) loop.stop();
                   });
  }
  goes_on.set_value();
  loop.run();
  EXPECT_EQ(done, Worker::queued_max);
  EXPECT_EQ(overloaded, 5u);
}

TEST(StoreWorkerThatBegins, answers_with_why_not_until_what_comes_first_has_been_done) {
  const TestDatabase made(Engine::sqlite);
  net::Loop loop;
  int attempts = 0;
  Worker worker(made.connect(), [&attempts](Database& database) -> Outcome<void> {
    if (++attempts < 3) return failed(FailureKind::busy, "not yet");
    auto ran = database.run("CREATE TABLE begun (id INTEGER)");
    if (!ran) return std::unexpected(std::move(ran.error()));
    return {};
  });
  Asker asker(loop, worker);
  std::vector<std::string> answers;
  std::function<void()> ask = [&] {
    asker.ask<Rows>([](Database& database) { return database.run("SELECT count(*) FROM begun"); },
                    [&](const Outcome<Rows>& outcome) {
                      answers.push_back(outcome ? "done" : outcome.error().message);
                      outcome ? loop.stop() : ask();
                    });
  };
  ask();
  loop.run();
  EXPECT_EQ(answers, (std::vector<std::string>{"not yet", "not yet", "done"}));
  EXPECT_EQ(attempts, 3) << "and never again";
}

TEST(PostgresqlWorker, reaches_the_server_by_itself_and_again_when_it_was_gone) {
  PostgresqlServer& server = PostgresqlServer::shared();
  const std::string where = server.new_database();
  net::Loop loop;
  auto opened = open_postgresql({.conninfo = where});
  ASSERT_DONE(opened);
  Worker worker(std::move(*opened));
  Asker asker(loop, worker);
  bool up = false, late = false;
  net::Timer deadline(loop, [&] {
    late = true;
    loop.stop();
  });
  // Asks until it is as `wanted`.
  std::move_only_function<void(bool)> until = [&](bool wanted) {
    asker.ask<Rows>([](Database& database) { return database.run("SELECT 1"); },
                    [&, wanted](const Outcome<Rows>& outcome) {
                      up = outcome.has_value();
                      up == wanted ? loop.stop() : until(wanted);
                    });
  };
  deadline.arm(loop.now() + 20s);
  until(true);
  loop.run();
  ASSERT_TRUE(up && !late);
  server.stop(SIGQUIT);
  until(false);
  loop.run();
  ASSERT_TRUE(!up && !late);
  server.start();
  until(true);
  loop.run();
  EXPECT_TRUE(up && !late);
}

}  // namespace
}  // namespace klieg::store

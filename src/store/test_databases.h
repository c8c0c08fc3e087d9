// For tests: databases of both engines to run the same test on, and one that fails when it is told to.
//
// PostgreSQL is started once per process, on a Unix socket in a folder of its own that goes with it, as somebody who is
// not root, which it insists on. Each test gets an empty database in it.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/database.h"
#include "store/postgresql.h"
#include "store/sqlite.h"

namespace klieg::store {

enum class Lies : uint8_t { on_disk, in_memory };

// A folder that goes with its owner. In memory where there is such a file system: a commit waits for no disk there.
class TestFolder {
 public:
  explicit TestFolder(Lies where) {
    const bool memory = where == Lies::in_memory && ::access("/dev/shm", W_OK | X_OK) == 0;
    std::string name = memory ? "/dev/shm/klieg-store-XXXXXX" : "/tmp/klieg-store-XXXXXX";
    if (!::mkdtemp(name.data())) std::abort();
    path_ = name;
  }
  ~TestFolder() {
    std::error_code stays;
    std::filesystem::remove_all(path_, stays);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class PostgresqlServer {
 public:
  static PostgresqlServer& shared() {
    static PostgresqlServer server;
    return server;
  }

  PostgresqlServer() {
    for (const char* name : {"postgres", "nobody"}) {
      if (::getuid() != 0 || user_) break;
      user_ = ::getpwnam(name);
    }
    if (user_ && ::chown(folder_.path().c_str(), user_->pw_uid, user_->pw_gid) != 0) std::abort();
    const pid_t made = run({programs() + "/initdb", "-A", "trust", "-U", "klieg", "-E", "UTF8", "--locale=C",
                            "--no-sync", "-D", folder_.path() + "/data"});
    int status = 0;
    ::waitpid(made, &status, 0);
    if (status != 0) {
      fmt::print(stderr, "initdb failed: {}\n", std::filesystem::path(folder_.path() + "/log").string());
      std::abort();
    }
    start();
  }
  ~PostgresqlServer() { stop(SIGQUIT); }
  PostgresqlServer(const PostgresqlServer&) = delete;
  PostgresqlServer& operator=(const PostgresqlServer&) = delete;

  void start() {
    server_ = launch();
    for (int i = 0; PQping(conninfo("postgres").c_str()) != PQPING_OK; ++i) {
      if (i == 3'000) {
        fmt::print(stderr, "postgres did not start: {}\n", folder_.path() + "/log");
        std::abort();
      }
      // It does not begin while a child of one that was killed is still there.
      if (::waitpid(server_, nullptr, WNOHANG) != 0) server_ = launch();
      ::poll(nullptr, 0, 10);  // it says nothing that one could wait for
    }
  }
  void stop(int signal) {
    ::kill(server_, signal);
    ::waitpid(server_, nullptr, 0);
  }
  void restart_killed() {
    stop(SIGKILL);
    start();
  }

  std::string conninfo(const std::string& database) const {
    return fmt::format("host={} user=klieg dbname={}", folder_.path(), database);
  }
  std::string new_database() {
    const std::string name = fmt::format("test{}", ++databases_);
    const auto connection = PQconnectdb(conninfo("postgres").c_str());
    PGresult* made = PQexec(connection, fmt::format("CREATE DATABASE {}", name).c_str());
    if (PQresultStatus(made) != PGRES_COMMAND_OK) {
      fmt::print(stderr, "{}", PQerrorMessage(connection));
      std::abort();
    }
    PQclear(made);
    PQfinish(connection);
    return conninfo(name);
  }

 private:
  static std::string programs() { return "/usr/lib/postgresql/15/bin"; }

  // fsync is for the machine's death; what these tests kill are processes.
  pid_t launch() const {
    return run({programs() + "/postgres", "-D", folder_.path() + "/data", "-k", folder_.path(), "-c",
                "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=20", "-c", "shared_buffers=16MB"});
  }

  pid_t run(std::vector<std::string> arguments) const {
    const std::string log = folder_.path() + "/log";
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
    ::dup2(out, 1);
    ::dup2(out, 2);
    if (user_ && (::setgid(user_->pw_gid) != 0 || ::setuid(user_->pw_uid) != 0)) ::_exit(126);
    if (user_) ::prctl(PR_SET_PDEATHSIG, SIGQUIT);  // which setuid takes away
    if (::chdir("/") != 0) ::_exit(126);
    std::vector<char*> raw;
    for (std::string& argument : arguments) raw.push_back(argument.data());
    raw.push_back(nullptr);
    ::execv(raw[0], raw.data());
    ::_exit(127);
  }

  TestFolder folder_{Lies::on_disk};
  const passwd* user_ = nullptr;  // whom the server runs as, if we are root
  pid_t server_ = 0;
  int databases_ = 0;
};

// An empty database of either engine, to which any number of connections may be opened.
class TestDatabase {
 public:
  explicit TestDatabase(Engine engine, Lies sqlite = Lies::in_memory) : engine_(engine), folder_(sqlite) {
    where_ = engine == Engine::sqlite ? folder_.path() + "/store.db" : PostgresqlServer::shared().new_database();
  }

  std::unique_ptr<Database> connect(Duration reply_max = reply_max_default) const {
    auto opened = engine_ == Engine::sqlite ? open_sqlite(where_)
                                            : open_postgresql({.conninfo = where_, .seed = 1, .reply_max = reply_max});
    if (!opened) {
      ADD_FAILURE() << opened.error().message;
      std::abort();
    }
    if (auto reached = (*opened)->reach(); !reached) ADD_FAILURE() << reached.error().message;
    return std::move(*opened);
  }
  const std::string& where() const { return where_; }

 private:
  const Engine engine_;
  TestFolder folder_;
  std::string where_;
};

// Tests that both engines are held to: TEST_P(Suite, ...), INSTANTIATE_ON_BOTH_ENGINES(Suite).
class OnBothEngines : public testing::TestWithParam<Engine> {
 protected:
  TestDatabase made{GetParam()};
  std::unique_ptr<Database> database = made.connect();
};

#define INSTANTIATE_ON_BOTH_ENGINES(Suite)                                                  \
  INSTANTIATE_TEST_SUITE_P(Sqlite, Suite, testing::Values(::klieg::store::Engine::sqlite)); \
  INSTANTIATE_TEST_SUITE_P(Postgresql, Suite, testing::Values(::klieg::store::Engine::postgresql))

inline void PrintTo(const Engine& engine, std::ostream* out) {
  *out << (engine == Engine::sqlite ? "sqlite" : "postgresql");
}

// Passes everything on, and asks before each operation whether it shall fail instead.
class WatchedDatabase final : public Database {
 public:
  WatchedDatabase(Database& inner, std::function<Outcome<void>()> before) : inner_(inner), before_(std::move(before)) {}

  Engine engine() const override { return inner_.engine(); }

 private:
  template <class Operation>
  auto after_asking(Operation operation) -> decltype(operation()) {
    if (auto may = before_(); !may) return std::unexpected(std::move(may.error()));
    return operation();
  }
  Outcome<Rows> execute(Sql sql, std::span<const Value> values) override {
    return after_asking([&] { return inner_.run(sql, values); });
  }
  Outcome<void> execute_script(std::string_view script) override {
    return after_asking([&] { return inner_.run_script(script); });
  }
  Outcome<void> execute_begin() override {
    return after_asking([&] { return inner_.begin(); });
  }
  Outcome<void> execute_commit() override {
    return after_asking([&] { return inner_.commit(); });
  }
  void execute_rollback() override { inner_.rollback(); }

  Database& inner_;
  std::function<Outcome<void>()> before_;
};

template <class T>
std::string words_of(const Outcome<T>& outcome) {
  return outcome ? "no failure" : fmt::format("{}: {}", name_of(outcome.error().kind), outcome.error().message);
}
// The kind of a failure that is expected.
template <class T>
FailureKind kind_of_failure(const Outcome<T>& outcome) {
  EXPECT_FALSE(outcome.has_value());
  return outcome ? FailureKind::broken : outcome.error().kind;
}

#define ASSERT_DONE(outcome) ASSERT_TRUE((outcome).has_value()) << ::klieg::store::words_of(outcome)
#define EXPECT_DONE(outcome) EXPECT_TRUE((outcome).has_value()) << ::klieg::store::words_of(outcome)

}  // namespace klieg::store

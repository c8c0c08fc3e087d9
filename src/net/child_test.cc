// With real processes: /bin/sh says what a program would. Each test waits for an event, with a deadline.
#include "net/child.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <functional>
#include <optional>
#include <string>

namespace klieg::net {
namespace {

struct Children : testing::Test, ConnectionHandler {
  void on_bytes(ByteView bytes) override { received.append(reinterpret_cast<const char*>(bytes.data()), bytes.size()); }
  void on_closed(Closed why) override { closed = why; }

  void start(const std::string& script, Urgency urgency = Urgency::as_ours) {
    auto made = Child::start(loop, {.arguments = {"/bin/sh", "-c", script}, .urgency = urgency},
                             [this](Exit how) { exit = how; });
    ASSERT_TRUE(made) << made.error().message;
    child = std::move(*made);
    child->connection().start(*this);
  }
  // Turns the loop until it is so; fails after 10 s.
  void run_until(const std::function<bool()>& so) {
    bool late = false;
    Timer deadline(loop, [&] {
      late = true;
      loop.stop();
    });
    deadline.arm(loop.now() + 10s);
    std::function<void()> look = [&] { so() ? loop.stop() : loop.post([&] { look(); }); };
    loop.post([&] { look(); });
    loop.run();
    ASSERT_FALSE(late) << "waited 10 s in vain";
  }

  Loop loop;
  std::unique_ptr<Child> child;
  std::string received;
  std::optional<Closed> closed;
  std::optional<Exit> exit;
};

TEST_F(Children, bytes_go_both_ways_over_the_inherited_socket) {
  start("read line <&3; echo \"heard $line\" >&3");
  child->connection().write(Bytes::copy_of("you\n"));
  run_until([&] { return closed && exit; });
  EXPECT_EQ(received, "heard you\n");
  EXPECT_EQ(closed, Closed::by_peer);
  EXPECT_EQ(exit, (Exit{.status = 0}));
}

TEST_F(Children, how_it_ended_is_told) {
  start("exit 7");
  run_until([&] { return exit.has_value(); });
  EXPECT_EQ(exit, (Exit{.status = 7}));

  exit.reset();
  start("kill -SEGV $$");
  run_until([&] { return exit.has_value(); });
  EXPECT_EQ(exit, (Exit{.signal = SIGSEGV}));
}

TEST_F(Children, it_inherits_the_socket_and_standard_error_and_nothing_else) {
  const int ours = ::dup(2);  // without FD_CLOEXEC, as a careless library would leave it
  start("exec ls /proc/self/fd >&3");
  run_until([&] { return exit.has_value() && closed; });
  ::close(ours);
  EXPECT_EQ(received, "0\n1\n2\n3\n4\n") << "the last is the folder that it reads";
}

TEST_F(Children, work_in_the_background_yields_to_the_loops) {
  start("read go <&3; cut -d' ' -f19,41 /proc/self/stat >&3", Urgency::background);
  child->connection().write(Bytes::copy_of("go\n"));
  run_until([&] { return closed.has_value(); });
  EXPECT_EQ(received, "10 3\n") << "nice 10, SCHED_BATCH";
}

TEST_F(Children, what_it_uses_of_the_processor_is_known) {
  start("while true; do :; done");
  run_until([&] { return child->processor_time() >= 20ms; });
  child->kill();
  run_until([&] { return exit && closed; });
  EXPECT_EQ(child->processor_time(), 0ns);
}

TEST_F(Children, destroying_it_kills_and_reaps_it_and_nothing_is_called) {
  start("read forever <&3; exit 3");
  const pid_t pid = child->pid();
  child.reset();
  run_until([&] { return ::kill(pid, 0) != 0; });  // a zombie could still be signalled
  EXPECT_FALSE(exit);
  EXPECT_FALSE(closed);
}

TEST_F(Children, a_killed_one_says_so) {
  start("read forever <&3");
  child->kill();
  run_until([&] { return exit && closed; });
  EXPECT_EQ(exit, (Exit{.signal = SIGKILL}));
}

TEST_F(Children, it_may_be_destroyed_when_it_ends) {
  auto made = Child::start(loop, {.arguments = {"/bin/sh", "-c", "exit 0"}}, [this](Exit how) {
    exit = how;
    child.reset();
  });
  ASSERT_TRUE(made);
  child = std::move(*made);
  run_until([&] { return exit.has_value(); });
  EXPECT_FALSE(child);
}

TEST_F(Children, a_loop_that_ends_takes_them_with_it) {
  pid_t pid = 0;
  {
    Loop other;
    auto made = Child::start(other, {.arguments = {"/bin/sh", "-c", "read forever <&3"}}, [](Exit) {});
    ASSERT_TRUE(made);
    pid = (*made)->pid();
  }
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST_F(Children, a_program_that_is_not_there_is_an_error_in_words) {
  const auto made = Child::start(loop, {.arguments = {"/nowhere/klieg-codec"}}, [](Exit) {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message, "cannot start /nowhere/klieg-codec: No such file or directory");
}

}  // namespace
}  // namespace klieg::net

#include "codec/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <functional>
#include <optional>
#include <vector>

#include "codec/crew.h"

namespace klieg::codec {
namespace {

constexpr int done = 0;
constexpr int denied = 10;
constexpr int not_shut_in = 20;

// What a child does once it is shut in: it ends with what `act` returns, or by a signal.
struct End {
  int status = 0;
  bool killed() const { return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS; }
  int code() const { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }
};

End shut_in(const std::function<int()>& act, const std::function<void()>& start_threads = [] {}) {
  const pid_t child = fork();
  if (child == 0) {
    if (!enter_sandbox(Hardware::none, start_threads)) _exit(not_shut_in);
    _exit(act());
  }
  End end;
  waitpid(child, &end.status, 0);
  return end;
}

TEST(sandbox, work_goes_on) {
  const End end = shut_in([] {
    const std::vector<char> memory(64 << 20, 'x');
    return memory[5] == 'x' && write(STDERR_FILENO, "", 0) == 0 ? done : denied;
  });
  EXPECT_EQ(end.code(), done);
}

TEST(sandbox, no_file_is_opened_to_read_or_to_write) {
  for (const int flags : {O_RDONLY, O_WRONLY | O_CREAT}) {
    const End end = shut_in(
        [&] { return open(flags == O_RDONLY ? "/etc/passwd" : "/tmp/klieg", flags, 0600) < 0 ? denied : done; });
    EXPECT_EQ(end.code(), denied);
  }
}

TEST(sandbox, a_socket_ends_the_process) {
  EXPECT_TRUE(shut_in([] { return socket(AF_INET, SOCK_STREAM, 0); }).killed());
  EXPECT_TRUE(shut_in([] { return socket(AF_UNIX, SOCK_STREAM, 0); }).killed());
}

TEST(sandbox, a_new_process_or_thread_ends_the_process) {
  EXPECT_TRUE(shut_in([] { return static_cast<int>(fork()); }).killed());
  EXPECT_TRUE(shut_in([] { return static_cast<int>(syscall(SYS_clone3, nullptr, 0)); }).killed());
}

TEST(sandbox, threads_that_were_there_are_shut_in_and_go_on) {
  const auto by_a_thread = [](const std::function<int()>& act) {
    std::optional<Crew> crew;
    return shut_in(
        [&] {
          int outcome = denied;
          crew->start([&] { outcome = act(); }).get();
          return outcome;
        },
        [&] { crew.emplace(2); });
  };
  EXPECT_EQ(by_a_thread([] { return done; }).code(), done);
  EXPECT_EQ(by_a_thread([] { return open("/etc/passwd", O_RDONLY) < 0 ? denied : done; }).code(), denied);
  EXPECT_TRUE(by_a_thread([] { return socket(AF_INET, SOCK_STREAM, 0); }).killed());
  EXPECT_TRUE(by_a_thread([] { return static_cast<int>(fork()); }).killed());
}

TEST(sandbox, another_program_ends_the_process) {
  EXPECT_TRUE(shut_in([] { return execl("/bin/true", "true", nullptr); }).killed());
}

TEST(sandbox, another_process_is_neither_looked_into_nor_signalled) {
  const pid_t parent = getpid();
  EXPECT_TRUE(shut_in([&] { return kill(parent, 0); }).killed());
  EXPECT_TRUE(shut_in([&] {
                return static_cast<int>(syscall(SYS_process_vm_readv, parent, nullptr, 0, nullptr, 0, 0));
              }).killed());
}

TEST(sandbox, memory_is_not_made_executable) {
  constexpr int both = PROT_READ | PROT_EXEC;
  EXPECT_TRUE(
      shut_in([] { return mmap(nullptr, 4096, both, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED; }).killed());
  EXPECT_TRUE(shut_in([] {
                void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                return mprotect(page, 4096, both);
              }).killed());
}

TEST(sandbox, limits_hold) {
  const End end = shut_in([] { return dup(0) < 0 ? denied : done; });
  EXPECT_TRUE(end.killed()) << "no new descriptor, even of what is open";
}

}  // namespace
}  // namespace klieg::codec

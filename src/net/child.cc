#include "net/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "net/reactor.h"
#include "net/stream.h"

namespace klieg::net {
namespace {

// What the child is given, and how it is run. Nothing here runs in the child: between a fork of a process with threads
// and its exec almost nothing may.
class SpawnPlan {
 public:
  explicit SpawnPlan(int socket) {
    posix_spawn_file_actions_init(&files_);
    posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files_, socket, child_socket);  // also clears FD_CLOEXEC, even of 3 itself
    posix_spawn_file_actions_addclosefrom_np(&files_, child_socket + 1);

    posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  // 0, or an errno.
  int spawn(pid_t& pid, const std::vector<std::string>& arguments) const {
    std::vector<char*> argv;
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    return posix_spawn(&pid, argv[0], &files_, &attributes_, argv.data(), environ);
  }

 private:
  posix_spawn_file_actions_t files_;
  posix_spawnattr_t attributes_;
};

// From outside, because posix_spawn knows no SCHED_BATCH. Neither can fail for a child of ours that becomes humbler.
void send_to_the_background(pid_t pid) {
  const sched_param unused{};
  ::sched_setscheduler(pid, SCHED_BATCH, &unused);
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(pid), 10);
}

}  // namespace

// Lives as long as the wait for its end, so that a child whose Child is gone is reaped all the same.
struct Child::Process {
  Process(Loop& loop, pid_t pid, int descriptor, std::move_only_function<void(Exit)> on_exit)
      : reactor(loop.reactor()), pid(pid), descriptor(reactor.context, descriptor), on_exit(std::move(on_exit)) {}
  ~Process() {
    if (reaped) return;
    // The loop is gone. A process that was killed is gone in a moment.
    kill();
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
  }

  void kill() const {
    if (!reaped) ::kill(pid, SIGKILL);
  }

  static void wait(std::shared_ptr<Process> self) {
    Descriptor& descriptor = self->descriptor;
    descriptor.async_wait(Descriptor::wait_read, [self = std::move(self)](boost::system::error_code error) {
      if (error) return;
      self->reactor.begin_turn();
      int status = 0;
      if (::waitpid(self->pid, &status, WNOHANG) != self->pid) return wait(self);
      self->reaped = true;
      const Exit exit = WIFSIGNALED(status) ? Exit{.signal = WTERMSIG(status)} : Exit{.status = WEXITSTATUS(status)};
      if (self->on_exit) std::exchange(self->on_exit, nullptr)(exit);
    });
  }

  Loop::Reactor& reactor;
  const pid_t pid;
  Descriptor descriptor;
  std::move_only_function<void(Exit)> on_exit;
  bool reaped = false;
};

Result<std::unique_ptr<Child>> Child::start(Loop& loop, const Program& program,
                                            std::move_only_function<void(Exit)> on_exit) {
  const std::string& path = program.arguments.front();
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return fail(fmt::format("cannot make a socket pair for {}: {}", path, std::strerror(errno)));
  }
  pid_t pid = -1;
  const int error = SpawnPlan(ends[1]).spawn(pid, program.arguments);
  ::close(ends[1]);
  if (error != 0) {
    ::close(ends[0]);
    return fail(fmt::format("cannot start {}: {}", path, std::strerror(error)));
  }
  if (program.urgency == Urgency::background) send_to_the_background(pid);
  const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (descriptor < 0) {
    const int why = errno;
    ::close(ends[0]);
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return fail(fmt::format("cannot watch {}: {}", path, std::strerror(why)));
  }
  auto process = std::make_shared<Process>(loop, pid, descriptor, std::move(on_exit));
  Process::wait(process);
  auto stream = std::make_shared<Stream>(loop, ends[0], fmt::format("{} {}", path, pid), nullptr, nullptr);
  return std::unique_ptr<Child>(new Child(std::move(process), own(std::move(stream))));
}

Child::~Child() {
  process_->on_exit = nullptr;
  process_->kill();
}

pid_t Child::pid() const { return process_->pid; }

bool Child::ended() const {
  if (process_->reaped) return true;
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid()), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

Duration Child::processor_time() const {
  clockid_t clock;
  timespec used{};
  if (process_->reaped || ::clock_getcpuclockid(pid(), &clock) != 0 || ::clock_gettime(clock, &used) != 0) {
    return Duration(0);
  }
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

void Child::kill() { process_->kill(); }

}  // namespace klieg::net

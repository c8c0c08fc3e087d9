#include "codec/sandbox.h"

#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <initializer_list>
#include <memory>

namespace klieg::codec {
namespace {

constexpr unsigned descriptors = 4;  // the standard three and the server's socket
// 1080p in, six rungs out takes 0.3 GB; 8K pictures in 16 references take 2.5 GB.
[[maybe_unused]] constexpr rlim_t memory_max = rlim_t{6} << 30;

// This sanitizer learns whether an address can be read by writing from there into a pipe.
#if __has_feature(undefined_behavior_sanitizer)
constexpr unsigned sanitizer_descriptors = 2;
#else
constexpr unsigned sanitizer_descriptors = 0;
#endif

// This one has a thread of its own, which comes back with a fork and sleeps between its looks.
#if __has_feature(thread_sanitizer)
constexpr bool sanitizer_thread = true;
#else
constexpr bool sanitizer_thread = false;
#endif

std::unexpected<Error> fail_with(const char* what) { return fail(std::string(what) + ": " + std::strerror(errno)); }

Result<void> limit(__rlimit_resource resource, rlim_t most) {
  const rlimit both{most, most};
  if (setrlimit(resource, &both) != 0) return fail_with("setrlimit");
  return {};
}

Result<void> limit_resources(Hardware hardware) {
  if (auto done = limit(RLIMIT_CORE, 0); !done) return done;  // a core would hold somebody's pictures
  if (hardware != Hardware::none) return {};
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)  // they map terabytes
  if (auto done = limit(RLIMIT_AS, memory_max); !done) return done;
#endif
  // Where standard error is a file, it is full from now on; that is an error of write() and no reason to end.
  if (std::signal(SIGXFSZ, SIG_IGN) == SIG_ERR) return fail_with("SIGXFSZ");
  if (auto done = limit(RLIMIT_FSIZE, 0); !done) return done;
  if (auto done = limit(RLIMIT_NPROC, 0); !done) return done;
  return limit(RLIMIT_NOFILE, descriptors + sanitizer_descriptors);
}

enum class Landlock : uint8_t { holds, absent };

// A ruleset that handles every access to files and allows none.
Result<Landlock> enter_landlock() {
  const long version = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return Landlock::absent;
  landlock_ruleset_attr rules{};
  rules.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;  // all of the first version
  const long ruleset = syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
  if (ruleset < 0) return fail_with("landlock_create_ruleset");
  const long restricted = syscall(SYS_landlock_restrict_self, ruleset, 0);
  close(static_cast<int>(ruleset));
  if (restricted != 0) return fail_with("landlock_restrict_self");
  return Landlock::holds;
}

class Filter {
 public:
  Filter() : context_(seccomp_init(SCMP_ACT_KILL_PROCESS)) {
    keep(seccomp_attr_set(context_, SCMP_FLTATR_CTL_TSYNC, 1));  // for all threads, or not at all
  }
  ~Filter() { seccomp_release(context_); }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  void allow(std::initializer_list<int> calls) {
    for (const int call : calls) keep(seccomp_rule_add(context_, SCMP_ACT_ALLOW, call, 0));
  }
  void refuse(std::initializer_list<int> calls) {
    for (const int call : calls) keep(seccomp_rule_add(context_, SCMP_ACT_ERRNO(EACCES), call, 0));
  }
  // Calls whose third argument is the protection of memory.
  void allow_unless_executable(std::initializer_list<int> calls) {
    const scmp_arg_cmp not_executable{2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0};
    for (const int call : calls) {
      keep(seccomp_rule_add_array(context_, SCMP_ACT_ALLOW, call, 1, &not_executable));
    }
  }
  int load() { return result_ == 0 ? seccomp_load(context_) : result_; }

 private:
  void keep(int result) {
    if (result_ == 0) result_ = result;
  }

  int result_ = 0;
  scmp_filter_ctx context_;
};

Result<void> enter_seccomp(Hardware hardware) {
  Filter filter;
  filter.allow({SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg)});
  filter.allow({SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(sendto), SCMP_SYS(sendmsg)});
  filter.allow({SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(close)});
  filter.allow({SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk)});
  filter.allow_unless_executable({SCMP_SYS(mmap), SCMP_SYS(mprotect)});
  filter.allow({SCMP_SYS(futex), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(restart_syscall)});
  filter.allow({SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(getrandom)});
  filter.allow({SCMP_SYS(exit), SCMP_SYS(exit_group)});
  // abort() and the handlers of sanitizers.
  filter.allow({SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(tgkill), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
                SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack)});
  if (sanitizer_descriptors > 0) filter.allow({SCMP_SYS(pipe2)});
  if (sanitizer_thread) filter.allow({SCMP_SYS(nanosleep), SCMP_SYS(rseq), SCMP_SYS(set_robust_list)});
  if (hardware == Hardware::none) {
    filter.refuse({SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(access), SCMP_SYS(newfstatat), SCMP_SYS(fstat),
                   SCMP_SYS(stat), SCMP_SYS(readlink), SCMP_SYS(ioctl), SCMP_SYS(sysinfo), SCMP_SYS(uname)});
  } else {
    filter.allow({SCMP_SYS(openat), SCMP_SYS(access), SCMP_SYS(newfstatat), SCMP_SYS(fstat), SCMP_SYS(ioctl),
                  SCMP_SYS(fcntl), SCMP_SYS(eventfd2), SCMP_SYS(set_robust_list), SCMP_SYS(rseq)});
    filter.refuse({SCMP_SYS(clone3)});  // its flags cannot be looked at; the C library goes on with clone
  }
  if (const int error = filter.load(); error != 0) return fail(std::string("seccomp: ") + std::strerror(-error));
  return {};
}

}  // namespace

Result<std::string> enter_sandbox(Hardware hardware, const std::function<void()>& start_threads) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_with("PR_SET_NO_NEW_PRIVS");
  if (close_range(descriptors, ~0u, 0) != 0) return fail_with("close_range");
  // The last of the descriptors that Landlock takes for a moment must fit, so the limits come after it.
  Landlock landlock = Landlock::absent;
  if (hardware == Hardware::none) {
    Result<Landlock> entered = enter_landlock();
    if (!entered) return std::unexpected(entered.error());
    landlock = *entered;
  }
  // Landlock and the promise of no new privileges are passed on to them; the rest is for the whole process.
  start_threads();
  if (auto limited = limit_resources(hardware); !limited) return std::unexpected(limited.error());
  if (auto entered = enter_seccomp(hardware); !entered) return std::unexpected(entered.error());
  std::string words = "seccomp, ";
  words += landlock == Landlock::holds ? "Landlock" : "no Landlock";
  if (hardware != Hardware::none) words += ", open for the NVIDIA driver";
  return words;
}

}  // namespace klieg::codec

// A long wire: carries packets between two network namespaces and lets each way take its time, in user space, for
// kernels without netem. It reorders nothing, and has no limit of bandwidth but its own speed. Who wishes it to can
// have it lose packets, each by the same chance, and take up to JITTER_MS more time, another time every tenth of a
// second: what that does to a connection is for the kernels at its ends to say.
//
//   bench_long_wire ONE_WAY_MS DEVICE OTHER_DEVICE PID [LOST_SHARE [JITTER_MS]]
//
// Makes a TUN device here and another in the network namespace of process PID, prints "ready" and carries until it is
// killed.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <optional>
#include <random>
#include <string>

namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kJitterChanges = kSecond / 10;
constexpr size_t kOnTheWireMax = 100'000;  // packets each way: 15 Gbit/s for 80 ms; more are lost, as on any wire

int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

int make_device(const char* name) {
  const int device = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (device < 0) fail("/dev/net/tun");
  ifreq request{};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  std::strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
  if (::ioctl(device, TUNSETIFF, &request) != 0) fail("TUNSETIFF");
  return device;
}

struct Packet {
  int64_t due_ns;
  std::string bytes;
};

// One direction.
struct Way {
  int from, to;
  int64_t time_ns;
  double lost_share;
  int64_t jitter_ns;
  std::mt19937_64 chance;  // the same in every run
  std::deque<Packet> packets;
  int64_t more_ns = 0;
  int64_t changed_ns = 0;

  int64_t due_ns() {
    const int64_t now = now_ns();
    if (jitter_ns > 0 && now - changed_ns >= kJitterChanges) {
      changed_ns = now;
      more_ns = std::uniform_int_distribution<int64_t>(0, jitter_ns)(chance);
    }
    const int64_t due = now + time_ns + more_ns;
    return packets.empty() ? due : std::max(due, packets.back().due_ns);
  }

  void take() {
    std::array<char, 65'536> buffer;
    for (int i = 0; i < 64; ++i) {
      const ssize_t size = ::read(from, buffer.data(), buffer.size());
      if (size <= 0) return;
      if (std::bernoulli_distribution(lost_share)(chance)) continue;
      if (packets.size() < kOnTheWireMax)
        packets.push_back({due_ns(), std::string(buffer.data(), static_cast<size_t>(size))});
    }
  }

  void deliver() {
    for (; !packets.empty() && packets.front().due_ns <= now_ns(); packets.pop_front())
      static_cast<void>(::write(to, packets.front().bytes.data(), packets.front().bytes.size()));
  }

  std::optional<int64_t> next_ns() const {
    return packets.empty() ? std::nullopt : std::optional(packets.front().due_ns);
  }
};

}  // namespace

int main(int count, char** arguments) {
  if (count < 5 || count > 7) {
    std::fputs("usage: bench_long_wire ONE_WAY_MS DEVICE OTHER_DEVICE PID [LOST_SHARE [JITTER_MS]]\n", stderr);
    return 2;
  }
  const auto time_ns = static_cast<int64_t>(std::atof(arguments[1]) * 1e6);
  const double lost_share = count > 5 ? std::clamp(std::atof(arguments[5]), 0.0, 1.0) : 0;
  const auto jitter_ns = count > 6 ? static_cast<int64_t>(std::atof(arguments[6]) * 1e6) : 0;
  const int here = make_device(arguments[2]);
  const int space = ::open(("/proc/" + std::string(arguments[4]) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC);
  if (space < 0 || ::setns(space, CLONE_NEWNET) != 0) fail("the other network namespace");
  const int there = make_device(arguments[3]);
  std::puts("ready");
  std::fflush(stdout);

  std::array<Way, 2> ways{Way{here, there, time_ns, lost_share, jitter_ns, std::mt19937_64(1), {}},
                          Way{there, here, time_ns, lost_share, jitter_ns, std::mt19937_64(2), {}}};
  for (;;) {
    std::array<pollfd, 2> wanted{pollfd{here, POLLIN, 0}, pollfd{there, POLLIN, 0}};
    int64_t wait_ns = kSecond;
    for (const Way& way : ways)
      if (const auto next = way.next_ns()) wait_ns = std::clamp<int64_t>(*next - now_ns(), 0, wait_ns);
    const timespec wait{wait_ns / kSecond, wait_ns % kSecond};
    ::ppoll(wanted.data(), wanted.size(), &wait, nullptr);
    for (Way& way : ways) {
      way.take();
      way.deliver();
    }
  }
}

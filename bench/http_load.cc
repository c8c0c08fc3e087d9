// Loads an HTTP/1.1 server: N keep-alive connections, each asking for the same object again as soon as it has it whole.
//
//   bench_http_load PORT PATH CONNECTIONS WARM_UP_SECONDS SECONDS SERVER_PID
//
// Bodies are thrown away in the kernel (MSG_TRUNC), so one core of this program keeps one core of a server busy. Prints
// one JSON object: requests, seconds, bytes, errors, and the CPU time the server spent meanwhile, all its threads
// (/proc/PID/task/*/schedstat).
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "loopback.h"

namespace {

using Clock = std::chrono::steady_clock;

double cpu_seconds(const std::string& pid) {
  uint64_t sum = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + pid + "/task")) {
    uint64_t running_ns = 0;
    std::ifstream(task.path() / "schedstat") >> running_ns;
    sum += running_ns;
  }
  return static_cast<double>(sum) / 1e9;
}

struct Conversation {
  int socket = -1;
  std::string head;  // of the response, as far as it came
  uint64_t body_rest = 0;
  bool in_body = false;
};

struct Load {
  explicit Load(std::string path)
      : request("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n") {}

  void open(uint16_t port) { conversations.push_back({klieg::bench::connected_to(port), {}, 0, false}); }

  void ask(Conversation& one) {
    one.in_body = false;
    one.head.clear();
    if (::send(one.socket, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
      fail(one);
  }

  void fail(Conversation& one) {
    ++errors;
    ::close(one.socket);
    one.socket = -1;
  }

  // Reads what came: a head into memory, a body into nothing.
  void read(Conversation& one) {
    while (one.socket >= 0) {
      if (one.in_body) {
        const ssize_t size =
            ::recv(one.socket, nullptr, std::min<uint64_t>(one.body_rest, 1 << 30), MSG_TRUNC | MSG_DONTWAIT);
        if (size < 0 && errno == EAGAIN) return;
        if (size <= 0) return fail(one);
        take_body(one, static_cast<uint64_t>(size));
        if (!one.in_body) return;  // asked again: the answer will wake us
        continue;
      }
      // A head is peeked at, so that the body behind it need not be copied.
      std::array<char, 1024> buffer;
      const ssize_t size = ::recv(one.socket, buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_PEEK);
      if (size < 0 && errno == EAGAIN) return;
      if (size <= 0) return fail(one);
      const std::string_view seen(buffer.data(), static_cast<size_t>(size));
      const size_t end = seen.find("\r\n\r\n");
      if (end == seen.npos) return;
      ::recv(one.socket, nullptr, end + 4, MSG_TRUNC | MSG_DONTWAIT);
      if (!begin_body(one, seen.substr(0, end + 2))) return fail(one);
      if (!one.in_body) return;
    }
  }

  bool begin_body(Conversation& one, std::string_view head) {
    if (!head.starts_with("HTTP/1.1 200")) return false;
    std::string lower(head);
    std::ranges::transform(lower, lower.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
    const size_t field = lower.find("\r\ncontent-length: ");
    if (field == lower.npos) return false;
    const char* digits = lower.data() + field + 18;
    std::from_chars(digits, lower.data() + lower.size(), one.body_rest);
    one.in_body = true;
    if (one.body_rest == 0) take_body(one, 0);
    return true;
  }

  void take_body(Conversation& one, uint64_t size) {
    bytes += size;
    one.body_rest -= size;
    if (one.body_rest > 0) return;
    ++requests;
    ask(one);
  }

  const std::string request;
  std::vector<Conversation> conversations;
  uint64_t requests = 0, bytes = 0, errors = 0;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 7) {
    std::fputs("usage: bench_http_load PORT PATH CONNECTIONS WARM_UP_SECONDS SECONDS SERVER_PID\n", stderr);
    return 2;
  }
  Load load(arguments[2]);
  const auto port = static_cast<uint16_t>(std::atoi(arguments[1]));
  const int connections = std::atoi(arguments[3]);
  const std::chrono::duration<double> warm_up(std::atof(arguments[4])), measured(std::atof(arguments[5]));
  const std::string pid = arguments[6];

  const int epoll = ::epoll_create1(0);
  for (int i = 0; i < connections; ++i) load.open(port);
  for (uint32_t i = 0; i < load.conversations.size(); ++i) {
    epoll_event event{EPOLLIN, {.u32 = i}};
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, load.conversations[i].socket, &event);
    load.ask(load.conversations[i]);
  }

  const auto run_until = [&](Clock::time_point end) {
    std::array<epoll_event, 256> events;
    while (Clock::now() < end) {
      const int ready = ::epoll_wait(epoll, events.data(), events.size(), 100);
      for (int i = 0; i < ready; ++i) load.read(load.conversations[events[static_cast<size_t>(i)].data.u32]);
    }
  };
  run_until(Clock::now() + std::chrono::duration_cast<Clock::duration>(warm_up));
  load.requests = load.bytes = 0;
  const double cpu = cpu_seconds(pid);
  const auto begin = Clock::now();
  run_until(begin + std::chrono::duration_cast<Clock::duration>(measured));
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  std::printf("{\"requests\": %llu, \"bytes\": %llu, \"errors\": %llu, \"seconds\": %.6f, \"cpu_seconds\": %.6f}\n",
              static_cast<unsigned long long>(load.requests), static_cast<unsigned long long>(load.bytes),
              static_cast<unsigned long long>(load.errors), seconds, cpu_seconds(pid) - cpu);
}

// A herd: N clients with open connections ask for one growing object (growing.h), the first at once, the others evenly
// spread over a stretch of time. Every byte that comes is compared with what it has to be.
//
//   bench_herd_load PORT PATH CLIENTS FIRST_MS LAST_MS LIMIT_SECONDS
//
// When bytes came is the kernel's stamp on what arrived (SO_TIMESTAMPNS), not the moment this program got to them: with
// thousands of clients on one core the difference is what one wants to measure. Who is answered 404 asks again
// after 250 ms, as a player does. Prints one line of JSON; its own lateness in asking is among the figures. Times are
// from began_ns (CLOCK_REALTIME), but first_byte_ms: from a client's asking to its first byte, without the first
// client.
//
// Outcomes: ok; truncated: the answer ended, by a close or a reset, before its last byte; wrong: a byte differs, or
// there are too many; refused: no answer, or one that is neither 200 nor 404; unfinished: still waiting at the limit.
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "growing.h"
#include "loopback.h"

namespace klieg::bench {
namespace {

constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kSecond = 1'000 * kMillisecond;
constexpr int64_t kAskAgainNs = 250 * kMillisecond;

enum class Outcome : uint8_t { unfinished, ok, truncated, wrong, refused };
enum class Framing : uint8_t { length, chunked, until_close };
enum class At : uint8_t { head, body, chunk_size, chunk_end, trailer };

struct Client {
  int socket = -1;
  std::string path;
  const std::string* expected = nullptr;
  int64_t asked_ns = 0, first_byte_ns = 0, last_byte_ns = 0;
  Outcome outcome = Outcome::unfinished;
  Framing framing = Framing::length;
  At at = At::head;
  int status = 0;
  std::string line;    // a head, a chunk's size, a trailer, as far as it came
  uint64_t rest = 0;   // of the body or of the chunk
  uint64_t taken = 0;  // of the object
  bool finished = false, closing = false;
};

class Herd {
 public:
  Herd(uint16_t port, std::string path, size_t clients, int64_t first_ns, int64_t last_ns)
      : port_(port), path_(std::move(path)), clients_(clients), first_ns_(first_ns), last_ns_(last_ns) {
    const auto shape = Growing::parse(path_);
    if (!shape) {
      std::fputs("bench_herd_load: not the path of a growing object\n", stderr);
      std::exit(2);
    }
    const bool own = path_.ends_with("/{}");
    if (own) path_.resize(path_.size() - 2);
    for (uint32_t i = 0; i < clients_.size(); ++i) {
      if (own || i == 0) contents_.push_back(shape->content(path_of(i, own)));
      clients_[i].expected = &contents_.back();
      clients_[i].path = path_of(i, own);
      connect(i);
    }
  }

  void run(int64_t limit_ns) {
    ::prctl(PR_SET_TIMERSLACK, 1UL);
    ::usleep(300'000);  // the last of the connections is accepted
    began_ns_ = now_ns();
    const int64_t end = began_ns_ + limit_ns;
    std::array<epoll_event, 64> events;
    while (finished_ < clients_.size() && now_ns() < end) {
      ask_who_is_due();
      const timespec wait = wait_until(next_event_ns(end));
      const int ready = ::epoll_pwait2(epoll_, events.data(), events.size(), &wait, nullptr);
      for (int i = 0; i < ready; ++i) {
        read(clients_[events[static_cast<size_t>(i)].data.u32]);
        if (i % 8 == 7) ask_who_is_due();
      }
    }
  }

  void print() const {
    std::array<size_t, 5> outcomes{};
    std::vector<double> first, came, whole, last, late = late_ms_;
    for (const Client& one : clients_) {
      ++outcomes[static_cast<size_t>(one.outcome)];
      if (one.first_byte_ns > 0 && &one != clients_.data()) {
        first.push_back(ms(one.first_byte_ns - one.asked_ns));
        came.push_back(ms(one.first_byte_ns - began_ns_));
        if (one.outcome == Outcome::ok) whole.push_back(ms(one.last_byte_ns - one.asked_ns));
      }
      if (one.outcome == Outcome::ok) last.push_back(ms(one.last_byte_ns - began_ns_));
    }
    std::printf(
        "{\"clients\": %zu, \"ok\": %zu, \"truncated\": %zu, \"wrong\": %zu, \"refused\": %zu, \"unfinished\": %zu, ",
        clients_.size(), outcomes[1], outcomes[2], outcomes[3], outcomes[4], outcomes[0]);
    std::printf("\"began_ns\": %lld, \"asked_again\": %llu, ", static_cast<long long>(began_ns_),
                static_cast<unsigned long long>(asked_again_));
    print_spread("first_byte_ms", first);
    print_spread("whole_ms", whole);
    print_spread("came_ms", came);
    print_spread("last_byte_ms", last);
    print_spread("late_ms", late);
    std::printf("\"status_of_refused\": %d}\n", status_of_refused_);
  }

 private:
  static double ms(int64_t ns) { return static_cast<double>(ns) / kMillisecond; }

  static void print_spread(const char* name, std::vector<double> values) {
    std::ranges::sort(values);
    const auto at = [&](double share) {
      return values.empty()
                 ? -1.0
                 : values[std::min(values.size() - 1, static_cast<size_t>(static_cast<double>(values.size()) * share))];
    };
    std::printf("\"%s\": {\"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f}, ", name, at(0.5), at(0.99), at(1));
  }

  std::string path_of(uint32_t number, bool own) const { return own ? path_ + std::to_string(number) : path_; }

  void connect(uint32_t number) {
    Client& one = clients_[number];
    one.socket = connected_to(port_);
    stamp_arrivals(one.socket);
    epoll_event event{EPOLLIN, {.u32 = number}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, one.socket, &event);
  }

  int64_t due_ns(size_t number) const {
    if (number == 0) return began_ns_;
    const auto share = static_cast<double>(number) / static_cast<double>(clients_.size());
    return began_ns_ + first_ns_ + static_cast<int64_t>(share * static_cast<double>(last_ns_ - first_ns_));
  }

  void ask_who_is_due() {
    for (; next_ < clients_.size() && due_ns(next_) <= now_ns(); ++next_) {
      late_ms_.push_back(ms(now_ns() - due_ns(next_)));
      ask(clients_[next_]);
    }
    for (; !again_.empty() && again_.front().first <= now_ns(); again_.pop_front()) {
      ++asked_again_;
      Client& one = clients_[again_.front().second];
      if (one.closing) {
        ::close(std::exchange(one.socket, -1));
        connect(again_.front().second);
      }
      ask(one);
    }
  }

  int64_t next_event_ns(int64_t end) const {
    int64_t next = end;
    if (next_ < clients_.size()) next = std::min(next, due_ns(next_));
    if (!again_.empty()) next = std::min(next, again_.front().first);
    return next;
  }

  // Slept through to the microsecond, never spun: a cache may share this core (bench/tree.py), and would wait for it.
  static timespec wait_until(int64_t then_ns) {
    const int64_t left = std::max<int64_t>(0, then_ns - now_ns());
    return {.tv_sec = left / kSecond, .tv_nsec = left % kSecond};
  }

  void ask(Client& one) {
    one.at = At::head;
    one.line.clear();
    one.closing = false;
    one.asked_ns = now_ns();
    const std::string request = "GET " + one.path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\n\r\n";
    if (::send(one.socket, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
      finish(one, Outcome::refused);
  }

  void finish(Client& one, Outcome outcome) {
    if (one.finished) return;
    one.finished = true;
    one.outcome = outcome;
    ++finished_;
    if (outcome == Outcome::refused) status_of_refused_ = one.status;
    if (outcome != Outcome::ok) ::close(std::exchange(one.socket, -1));
  }

  void read(Client& one) {
    if (one.socket < 0) return;
    const auto [size, arrived_ns] = receive(one.socket, buffer_);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) return ended(one);
    take(one, {buffer_.data(), static_cast<size_t>(size)}, arrived_ns);
  }

  void ended(Client& one) {
    if (one.finished) {  // an idle connection that the server closes
      ::close(std::exchange(one.socket, -1));
      return;
    }
    if (one.status == 404 && one.at == At::head) {  // between two questions
      one.closing = true;
      ::epoll_ctl(epoll_, EPOLL_CTL_DEL, one.socket, nullptr);
      return;
    }
    if (one.at == At::head) return finish(one, Outcome::refused);
    const bool whole = one.framing == Framing::until_close && one.taken == one.expected->size();
    finish(one, whole ? Outcome::ok : Outcome::truncated);
  }

  void take(Client& one, std::string_view came, int64_t arrived_ns) {
    while (!came.empty() && !one.finished) {
      switch (one.at) {
        case At::head: {
          if (!take_line(one, came, "\r\n\r\n")) return;
          if (!take_head(one)) return finish(one, Outcome::refused);
          break;
        }
        case At::chunk_size: {
          if (!take_line(one, came, "\r\n")) return;
          if (std::from_chars(one.line.data(), one.line.data() + one.line.size(), one.rest, 16).ec != std::errc{})
            return finish(one, Outcome::wrong);
          one.at = one.rest > 0 ? At::body : At::trailer;
          one.line.clear();
          break;
        }
        case At::body: {
          const auto part = came.substr(0, one.rest);
          came.remove_prefix(part.size());
          one.rest -= part.size();
          if (!take_body(one, part, arrived_ns)) return finish(one, Outcome::wrong);
          if (one.rest > 0) break;
          if (one.framing == Framing::length) return answered(one);
          one.at = At::chunk_end;
          break;
        }
        case At::chunk_end: {
          if (!take_line(one, came, "\r\n")) return;
          one.line.clear();
          one.at = At::chunk_size;
          break;
        }
        case At::trailer: {
          if (!take_line(one, came, "\r\n")) return;
          if (one.line == "\r\n") return answered(one);
          one.line.clear();
          break;
        }
      }
    }
  }

  // Moves from `came` to the client's line until that ends with `mark`.
  static bool take_line(Client& one, std::string_view& came, std::string_view mark) {
    while (!came.empty() && !one.line.ends_with(mark)) {
      one.line += came.front();
      came.remove_prefix(1);
    }
    return one.line.ends_with(mark);
  }

  static bool take_head(Client& one) {
    std::string lower = std::exchange(one.line, {});
    std::ranges::transform(lower, lower.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
    if (!lower.starts_with("http/1.") || lower.size() < 12) return false;
    std::from_chars(lower.data() + 9, lower.data() + 12, one.status);
    one.closing = lower.contains("\r\nconnection: close");
    one.at = At::body;
    one.taken = 0;
    if (lower.contains("\r\ntransfer-encoding: chunked")) {
      one.framing = Framing::chunked;
      one.at = At::chunk_size;
    } else if (const size_t at = lower.find("\r\ncontent-length: "); at != lower.npos) {
      one.framing = Framing::length;
      std::from_chars(lower.data() + at + 18, lower.data() + lower.size(), one.rest);
    } else {
      one.framing = Framing::until_close;
      one.rest = UINT64_MAX;
    }
    return one.status == 200 || (one.status == 404 && one.framing != Framing::until_close);
  }

  bool take_body(Client& one, std::string_view part, int64_t arrived_ns) {
    if (one.status == 404) return true;
    if (one.taken == 0) one.first_byte_ns = arrived_ns;
    if (part.size() > one.expected->size() - one.taken) return false;
    if (std::memcmp(one.expected->data() + one.taken, part.data(), part.size()) != 0) return false;
    one.taken += part.size();
    one.last_byte_ns = arrived_ns;
    return true;
  }

  // An answer came to its end, by its own account.
  void answered(Client& one) {
    if (one.status == 404) {
      one.at = At::head;
      again_.emplace_back(now_ns() + kAskAgainNs, static_cast<uint32_t>(&one - clients_.data()));
      return;
    }
    finish(one, one.taken == one.expected->size() ? Outcome::ok : Outcome::truncated);
  }

  const uint16_t port_;
  std::string path_;
  std::vector<Client> clients_;
  const int64_t first_ns_, last_ns_;
  std::deque<std::string> contents_;
  int epoll_ = ::epoll_create1(0);
  int64_t began_ns_ = 0;
  size_t next_ = 0, finished_ = 0;
  std::deque<std::pair<int64_t, uint32_t>> again_;  // who was answered 404, and when to ask again
  uint64_t asked_again_ = 0;
  int status_of_refused_ = 0;
  std::vector<double> late_ms_;
  std::vector<char> buffer_ = std::vector<char>(65'536);
};

}  // namespace
}  // namespace klieg::bench

int main(int count, char** arguments) {
  if (count != 7) {
    std::fputs("usage: bench_herd_load PORT PATH CLIENTS FIRST_MS LAST_MS LIMIT_SECONDS\n", stderr);
    return 2;
  }
  const auto number = [&](int index) { return std::atoll(arguments[index]); };
  klieg::bench::Herd herd(static_cast<uint16_t>(number(1)), arguments[2], static_cast<size_t>(number(3)),
                          number(4) * klieg::bench::kMillisecond, number(5) * klieg::bench::kMillisecond);
  herd.run(number(6) * klieg::bench::kSecond);
  herd.print();
}

// An origin of objects that grow while they are read, as live segments do, and that misbehave when asked to: growing.h.
// It counts what was asked of it.
//
//   bench_growing_origin PORT
//
// Everybody reads one object's bytes from one memory with one send per piece and reader: clients that stand before it
// without a cache between measure what the kernel takes to tell them all, the bare write.
//
// An object begins to grow with its first request. GET and Range with If-Range (one range, strong ETag) are
// understood, HTTP/1.1 with keep-alive. /about/PATH says as JSON what happened to an object:
// requests (those with a range, and those answered 404, among them), and when its last piece was born (CLOCK_REALTIME).
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "growing.h"

namespace klieg::bench {
namespace {

constexpr int64_t kLateNs = 1'000'000'000;

struct Object {
  Growing shape;
  std::string content;  // all of it; the first `born` bytes exist
  std::string framed;   // the same in chunked coding, a chunk for each piece, as far as it exists
  std::string etag;
  uint64_t born = 0, pieces = 0;
  int64_t first_asked_ns = 0, began_ns = 0, last_piece_ns = 0;
  uint64_t requests = 0, ranged = 0, not_found = 0;
  int first_reader = -1;  // for `drop`; -1 when there was none yet or it has been dropped
  bool dropped = false;
  std::vector<int> readers;  // sockets that have what exists and wait for more; some have been closed meanwhile

  bool complete() const { return pieces == shape.pieces; }
  int64_t next_ns() const { return began_ns + static_cast<int64_t>(pieces * shape.every_ms) * 1'000'000; }
};

struct Conversation {
  std::string asked;  // of the next request, as far as it came
  std::string head;   // of the answer
  Object* object = nullptr;
  bool framed = false;
  uint64_t at = 0, end = 0;  // of content; of framed the end is where the object's end will be
  uint64_t head_sent = 0;
  bool open = false, waits = false;
};

std::string_view field(std::string_view lower_head, std::string_view name) {
  const std::string line = "\r\n" + std::string(name) + ": ";
  const size_t at = lower_head.find(line);
  if (at == lower_head.npos) return {};
  const size_t begin = at + line.size();
  return lower_head.substr(begin, lower_head.find("\r\n", begin) - begin);
}

class Origin {
 public:
  explicit Origin(uint16_t port) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || ::listen(listener_, 4096) != 0) {
      std::perror("listen");
      std::exit(1);
    }
    epoll_event event{EPOLLIN, {.fd = listener_}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events;
    for (;;) {
      const int ready = ::epoll_wait(epoll_, events.data(), events.size(), wait_ms());
      for (int i = 0; i < ready; ++i) {
        const int socket = events[static_cast<size_t>(i)].data.fd;
        if (socket == listener_) {
          accept();
        } else if (conversations_[static_cast<size_t>(socket)].waits) {
          send(socket);
        } else {
          read(socket);
        }
      }
      grow();
    }
  }

 private:
  int wait_ms() const {
    int64_t next = INT64_MAX;
    for (const Object* object : growing_) next = std::min(next, object->next_ns());
    if (next == INT64_MAX) return -1;
    return static_cast<int>(std::max<int64_t>(0, (next - now_ns() + 999'999) / 1'000'000));
  }

  void accept() {
    const int made = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
    if (made < 0) return;
    const int on = 1;
    ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    conversations_[static_cast<size_t>(made)] = {.open = true};
    epoll_event event{EPOLLIN, {.fd = made}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, made, &event);
  }

  void close(int socket) {
    Conversation& one = conversations_[static_cast<size_t>(socket)];
    if (!one.open) return;
    one = {};
    ::close(socket);
  }

  void read(int socket) {
    Conversation& one = conversations_[static_cast<size_t>(socket)];
    std::array<char, 4096> buffer;
    const ssize_t size = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) return close(socket);
    one.asked.append(buffer.data(), static_cast<size_t>(size));
    if (one.asked.size() > 16'384) return close(socket);
    if (one.object || !one.head.empty()) return;  // pipelined: when this answer is through
    take_request(socket);
  }

  void take_request(int socket) {
    Conversation& one = conversations_[static_cast<size_t>(socket)];
    const size_t end = one.asked.find("\r\n\r\n");
    if (end == one.asked.npos) return;
    const std::string head = one.asked.substr(0, end + 2);
    one.asked.erase(0, end + 4);
    const size_t path_end = head.find(' ', 4);
    if (!head.starts_with("GET ") || path_end == head.npos) return close(socket);
    std::string path = head.substr(4, path_end - 4);
    std::string lower = head;
    std::ranges::transform(lower, lower.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });

    if (path.starts_with("/about/")) {
      answer_whole(one, "200 OK", "application/json", about(path.substr(6)));
    } else if (Object* object = find(path)) {
      answer(socket, one, *object, lower);
    } else {
      answer_whole(one, "404 Not Found", "text/plain", "no such object\n");
    }
    send(socket);
  }

  Object* find(const std::string& path) {
    auto& known = objects_[path];
    if (known) return known.get();
    const auto shape = Growing::parse(path);
    if (!shape) return nullptr;
    known = std::make_unique<Object>();
    known->shape = *shape;
    known->content = shape->content(path);
    known->etag = "\"" + std::to_string(std::hash<std::string>{}(path)) + "\"";
    known->first_asked_ns = now_ns();
    return known.get();
  }

  std::string about(const std::string& path) {
    const auto found = objects_.find(path);
    if (found == objects_.end() || !found->second) return "{\"requests\": 0}\n";
    const Object& object = *found->second;
    return "{\"requests\": " + std::to_string(object.requests) + ", \"ranged\": " + std::to_string(object.ranged) +
           ", \"not_found\": " + std::to_string(object.not_found) +
           ", \"began_ns\": " + std::to_string(object.began_ns) +
           ", \"last_piece_ns\": " + std::to_string(object.last_piece_ns) + "}\n";
  }

  static void answer_whole(Conversation& one, const char* status, const char* type, const std::string& body) {
    one.head = std::string("HTTP/1.1 ") + status + "\r\ndate: " + date() + "\r\ncontent-type: " + type +
               "\r\ncache-control: max-age=0\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  void answer(int socket, Conversation& one, Object& object, std::string_view lower_head) {
    ++object.requests;
    if (object.shape.late && now_ns() < object.first_asked_ns + kLateNs) {
      ++object.not_found;
      return answer_whole(one, "404 Not Found", "text/plain", "not yet\n");
    }
    if (object.began_ns == 0) {
      object.began_ns = now_ns();
      growing_.push_back(&object);
      add_piece(object);
    }
    uint64_t begin = 0, end = object.content.size();
    const std::string_view wanted = field(lower_head, "range"), condition = field(lower_head, "if-range");
    const bool ranged = wanted.starts_with("bytes=") && (condition.empty() || condition == object.etag) &&
                        read_range(wanted.substr(6), begin, end);
    object.ranged += ranged;
    one.object = &object;
    one.framed = object.shape.chunked && !ranged;
    one.at = begin;
    one.end = one.framed ? UINT64_MAX : end;
    one.head = std::string(ranged ? "HTTP/1.1 206 Partial Content" : "HTTP/1.1 200 OK") + "\r\ndate: " + date() +
               "\r\ncontent-type: video/mp4\r\ncache-control: public, max-age=3600\r\netag: " + object.etag +
               "\r\naccept-ranges: bytes\r\n";
    if (ranged)
      one.head += "content-range: bytes " + std::to_string(begin) + "-" + std::to_string(end - 1) + "/" +
                  std::to_string(object.content.size()) + "\r\n";
    one.head += one.framed ? "transfer-encoding: chunked\r\n\r\n"
                           : "content-length: " + std::to_string(end - begin) + "\r\n\r\n";
    if (!object.dropped && object.first_reader < 0) object.first_reader = socket;
  }

  // "A-" or "A-B", within [begin, end); a larger B is what whoever follows a growing object says (RFC 8673).
  static bool read_range(std::string_view said, uint64_t& begin, uint64_t& end) {
    uint64_t first = 0, last = end - 1;
    const char *start = said.begin(), *stop = said.end();
    const auto [dash, error] = std::from_chars(start, stop, first);
    if (error != std::errc{} || dash == stop || *dash != '-') return false;
    if (dash + 1 != stop && std::from_chars(dash + 1, stop, last).ec != std::errc{}) return false;
    if (first >= end || last < first) return false;
    begin = first;
    end = std::min(end, last + 1);
    return true;
  }

  static std::string date() {
    const time_t now = ::time(nullptr);
    std::array<char, 40> text{};
    tm parts{};
    ::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", ::gmtime_r(&now, &parts));
    return text.data();
  }

  void grow() {
    const int64_t now = now_ns();
    for (size_t i = 0; i < growing_.size(); ++i) {  // by number: who is through may ask for the next object
      Object& object = *growing_[i];
      if (object.complete() || now < object.next_ns()) continue;
      while (!object.complete() && now >= object.next_ns()) add_piece(object);
      for (const int socket : std::exchange(object.readers, {}))
        if (conversations_[static_cast<size_t>(socket)].object == &object) send(socket);
      drop(object);
    }
    std::erase_if(growing_, [](const Object* object) { return object->complete(); });
  }

  static void add_piece(Object& object) {
    const uint64_t before = object.born;
    object.born = object.content.size() * ++object.pieces / object.shape.pieces;
    std::array<char, 20> size;
    const auto digits = std::to_chars(size.data(), size.data() + size.size(), object.born - before, 16);
    object.framed.append(size.data(), digits.ptr).append("\r\n");
    object.framed.append(object.content, before, object.born - before).append("\r\n");
    if (!object.complete()) return;
    object.framed.append("0\r\n\r\n");
    object.last_piece_ns = now_ns();
  }

  void drop(Object& object) {
    if (!object.shape.drop || object.dropped || object.first_reader < 0) return;
    if (object.born * 10 < object.content.size() * 3) return;
    object.dropped = true;
    close(object.first_reader);
  }

  // Sends on; asks for writability only where the kernel is full.
  void send(int socket) {
    Conversation& one = conversations_[static_cast<size_t>(socket)];
    if (!one.open) return;
    std::array<iovec, 2> parts;
    int used = 0;
    if (one.head_sent < one.head.size())
      parts[used++] = {one.head.data() + one.head_sent, one.head.size() - one.head_sent};
    if (one.object) {
      std::string& bytes = one.framed ? one.object->framed : one.object->content;
      const uint64_t there = one.framed ? bytes.size() : std::min(one.object->born, one.end);
      if (there > one.at) parts[used++] = {bytes.data() + one.at, there - one.at};
    }
    size_t rest = 0;
    for (int i = 0; i < used; ++i) rest += parts[static_cast<size_t>(i)].iov_len;
    if (rest > 0) {
      const ssize_t taken = ::writev(socket, parts.data(), used);
      if (taken < 0 && errno != EAGAIN) return close(socket);
      const auto size = static_cast<uint64_t>(std::max<ssize_t>(taken, 0));
      const uint64_t of_head = std::min<uint64_t>(size, one.head.size() - one.head_sent);
      one.head_sent += of_head;
      one.at += size - of_head;
      rest -= size;
    }
    if (one.waits != (rest > 0)) {
      one.waits = rest > 0;
      epoll_event wanted{one.waits ? EPOLLOUT : EPOLLIN, {.fd = socket}};
      ::epoll_ctl(epoll_, EPOLL_CTL_MOD, socket, &wanted);
    }
    if (rest > 0) return;
    if (one.object && !one.object->complete() && one.at < one.end) return one.object->readers.push_back(socket);
    one.object = nullptr;
    one.head.clear();
    one.head_sent = 0;
    take_request(socket);
  }

  int listener_ = -1;
  int epoll_ = ::epoll_create1(0);
  std::vector<Conversation> conversations_ = std::vector<Conversation>(32'768);
  std::map<std::string, std::unique_ptr<Object>> objects_;  // for ever: a benchmark's run is short
  std::vector<Object*> growing_;
};

}  // namespace
}  // namespace klieg::bench

int main(int count, char** arguments) {
  if (count != 2) {
    std::fputs("usage: bench_growing_origin PORT\n", stderr);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  klieg::bench::Origin origin(static_cast<uint16_t>(std::atoi(arguments[1])));
  std::puts("ready");
  std::fflush(stdout);
  origin.run();
}

// The floor: an epoll loop that does one recv, looks for the end of a head, and one writev of a ready head and body.
// No parser, no limits, no timeouts, no protocol: what a server on this kernel cannot do better than.
//
//   bench_origin_bare DIRECTORY PORT
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Object {
  std::string head, body;
};

struct Conversation {
  const Object* sending = nullptr;
  size_t sent = 0;
};

std::map<std::string, Object, std::less<>> read_objects(const char* directory) {
  std::map<std::string, Object, std::less<>> objects;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::ifstream file(entry.path(), std::ios::binary);
    Object object;
    object.body.assign(std::istreambuf_iterator<char>(file), {});
    object.head = "HTTP/1.1 200 OK\r\nserver: bare\r\ndate: Fri, 20 Nov 2026 10:00:00 GMT\r\ncontent-length: " +
                  std::to_string(object.body.size()) +
                  "\r\ncontent-type: video/mp4\r\ncache-control: public, max-age=31536000, immutable\r\netag: \"" +
                  entry.path().filename().string() + "\"\r\naccess-control-allow-origin: *\r\n\r\n";
    objects["/" + entry.path().filename().string()] = std::move(object);
  }
  return objects;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 2;
  std::signal(SIGPIPE, SIG_IGN);
  const auto objects = read_objects(arguments[1]);
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<uint16_t>(std::atoi(arguments[2])));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || ::listen(listener, 4096) != 0) {
    std::perror("listen");
    return 1;
  }
  const int epoll = ::epoll_create1(0);
  epoll_event event{EPOLLIN, {.fd = listener}};
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  std::vector<Conversation> conversations(32'768);
  std::puts("ready");
  std::fflush(stdout);

  // Sends on; asks for writability only where the kernel is full.
  const auto send = [&](int socket, bool waited) {
    Conversation& one = conversations[static_cast<size_t>(socket)];
    const auto& [head, body] = *one.sending;
    std::array<iovec, 2> parts;
    int used = 0;
    if (one.sent < head.size()) parts[used++] = {const_cast<char*>(head.data()) + one.sent, head.size() - one.sent};
    const size_t skip = one.sent > head.size() ? one.sent - head.size() : 0;
    parts[used++] = {const_cast<char*>(body.data()) + skip, body.size() - skip};
    const ssize_t taken = ::writev(socket, parts.data(), used);
    if (taken < 0 && errno != EAGAIN) return void(::close(socket));
    if (taken > 0) one.sent += static_cast<size_t>(taken);
    const bool done = one.sent == head.size() + body.size();
    if (done) one.sending = nullptr;
    if (done == waited) {
      epoll_event wanted{done ? EPOLLIN : EPOLLOUT, {.fd = socket}};
      ::epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &wanted);
    }
  };
  for (std::array<epoll_event, 256> events;;) {
    const int ready = ::epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < ready; ++i) {
      const int socket = events[static_cast<size_t>(i)].data.fd;
      if (socket == listener) {
        const int made = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        epoll_event wanted{EPOLLIN, {.fd = made}};
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, made, &wanted);
        continue;
      }
      if (conversations[static_cast<size_t>(socket)].sending) {
        send(socket, true);
        continue;
      }
      std::array<char, 4096> buffer;
      const ssize_t size = ::recv(socket, buffer.data(), buffer.size(), 0);
      const std::string_view head(buffer.data(), static_cast<size_t>(std::max<ssize_t>(size, 0)));
      const size_t path_end = head.find(' ', 4);
      const auto found = path_end == head.npos ? objects.end() : objects.find(head.substr(4, path_end - 4));
      if (!head.ends_with("\r\n\r\n") || found == objects.end()) {
        ::close(socket);
        continue;
      }
      conversations[static_cast<size_t>(socket)] = {&found->second, 0};
      send(socket, false);
    }
  }
}

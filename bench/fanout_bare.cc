// The least that fan-out costs: a loop that writes what gathered since last time to each connection, from one shared
// buffer, by one writev, and does nothing else.
//
//   bench_fanout_bare PORT BYTES_PER_SECOND INTERVAL_MS
//
// Connections are written to one after another, evenly over the interval. What one does not take it misses.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

using Clock = std::chrono::steady_clock;

int main(int count, char** arguments) {
  if (count != 4) {
    std::fputs("usage: bench_fanout_bare PORT BYTES_PER_SECOND INTERVAL_MS\n", stderr);
    return 2;
  }
  const double bytes_per_s = std::atof(arguments[2]);
  const std::chrono::duration<double> interval(std::atof(arguments[3]) / 1000);
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_port = htons(static_cast<uint16_t>(std::atoi(arguments[1])));
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&here), sizeof here) != 0 || ::listen(listener, 4096) != 0) {
    std::perror("listen");
    return 1;
  }
  // Three pieces, as a picture and its sound are.
  std::vector<char> content(static_cast<size_t>(bytes_per_s * interval.count()));
  std::vector<iovec> pieces;
  for (size_t i = 0; i < 3; ++i) {
    const size_t from = content.size() * i / 3;
    pieces.push_back({content.data() + from, content.size() * (i + 1) / 3 - from});
  }
  std::vector<int> connections;
  size_t position = 0;
  double owed = 0;
  for (auto before = Clock::now();;) {
    for (int made; (made = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
      ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      connections.push_back(made);
    }
    const auto now = Clock::now();
    owed += std::chrono::duration<double>(now - before) / interval * static_cast<double>(connections.size());
    before = now;
    for (; owed >= 1 && !connections.empty(); --owed) {
      msghdr message{};
      message.msg_iov = pieces.data();
      message.msg_iovlen = pieces.size();
      if (position >= connections.size()) position = 0;
      (void)::sendmsg(connections[position++], &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// A connection to the server under load, which is on this machine, and when something came by it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>

namespace klieg::bench {

// Without Nagle's delay. A bench without its connections measures nothing: it ends.
inline int connected_to(uint16_t port) {
  const int made = ::socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (made < 0 || ::connect(made, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
    std::perror("connect");
    std::exit(1);
  }
  return made;
}

// From here on the kernel stamps what arrives: a load on a busy core is not measured along.
inline void stamp_arrivals(int socket) {
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
}

struct Arrival {
  ssize_t size = 0;   // as recv() says it
  int64_t at_ns = 0;  // CLOCK_REALTIME; the kernel's stamp on the last of it, where it has one
};

inline Arrival receive(int socket, std::span<char> buffer) {
  iovec part{buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(timespec))> control;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  Arrival arrival{.size = ::recvmsg(socket, &message, MSG_DONTWAIT),
                  .at_ns = std::chrono::system_clock::now().time_since_epoch() / std::chrono::nanoseconds(1)};
  if (arrival.size <= 0) return arrival;
  for (cmsghdr* said = CMSG_FIRSTHDR(&message); said; said = CMSG_NXTHDR(&message, said)) {
    if (said->cmsg_level != SOL_SOCKET || said->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec stamp{};
    std::memcpy(&stamp, CMSG_DATA(said), sizeof stamp);
    arrival.at_ns = stamp.tv_sec * int64_t{1'000'000'000} + stamp.tv_nsec;
  }
  return arrival;
}

}  // namespace klieg::bench

// For LD_PRELOAD: every socket that listens gets the congestion control that BENCH_CONGESTION names, since few servers
// can choose one themselves. bbr paces, and its timers would be charged to whom they interrupt.
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdlib>
#include <cstring>

extern "C" int listen(int socket, int backlog) {
  if (const char* name = std::getenv("BENCH_CONGESTION"))
    ::setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, name, static_cast<socklen_t>(std::strlen(name)));
  static const auto next = reinterpret_cast<int (*)(int, int)>(::dlsym(RTLD_NEXT, "listen"));
  return next(socket, backlog);
}

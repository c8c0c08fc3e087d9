#include "net/listener.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include "base/logging.h"
#include "net/reactor.h"
#include "net/stream.h"
#include "net/tls.h"

namespace klieg::net {
namespace {

constexpr int accepts_per_turn_max = 64;      // a flood of newcomers leaves turns for those who are here
constexpr Duration rest_time = 100ms;         // after running out of descriptors
constexpr Duration complaint_interval = 10s;  // of the log line that says so

void set_option(int socket, int level, int name, int value) { ::setsockopt(socket, level, name, &value, sizeof value); }

std::string text_of(const sockaddr_storage& address, socklen_t size) {
  char host[NI_MAXHOST], port[NI_MAXSERV];
  if (::getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "unknown";
  }
  std::string_view name = host;
  if (name.starts_with("::ffff:") && name.find('.') != name.npos) name.remove_prefix(7);  // IPv4 on a dual-stack socket
  return (name.find(':') == name.npos ? fmt::format("{}:{}", name, port) : fmt::format("[{}]:{}", name, port));
}

// A bound, listening socket for one address, or errno.
Result<int, int> listen_on(const addrinfo& address, const ListenerLimits& limits) {
  const int socket = ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) return std::unexpected(errno);
  set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1);
  if (limits.port_use == PortUse::shared) set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1);
  if (address.ai_family == AF_INET6) set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  // Here and not on accepted sockets: one that was born under bbr keeps its pacing when it is given another algorithm.
  if (const std::string& name = limits.congestion_control; !name.empty()) {
    ::setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, name.data(), static_cast<socklen_t>(name.size()));
  }
  if (::bind(socket, address.ai_addr, address.ai_addrlen) == 0 && ::listen(socket, SOMAXCONN) == 0) return socket;
  const int error = errno;
  ::close(socket);
  return std::unexpected(error);
}

Result<void> check_congestion_control(const std::string& name) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int outcome =
      ::setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, name.data(), static_cast<socklen_t>(name.size()));
  const int error = errno;
  ::close(socket);
  if (outcome == 0) return {};
  std::string there;
  std::getline(std::ifstream("/proc/sys/net/ipv4/tcp_available_congestion_control"), there);
  return fail(fmt::format("the TCP congestion control '{}' cannot be used: {}; this kernel has: {}", name,
                          std::strerror(error), there));
}

Result<int> open_listener(const Endpoint& endpoint, const ListenerLimits& limits) {
  if (const std::string& name = limits.congestion_control; !name.empty()) {
    if (auto known = check_congestion_control(name); !known) return std::unexpected(known.error());
  }
  const bool everywhere = endpoint.host.empty() || endpoint.host == "*";
  const std::string port = std::to_string(endpoint.port);
  int error = 0;
  // Everywhere is one IPv6 socket that takes IPv4 too; a machine without IPv6 gets an IPv4 one.
  for (const char* host : everywhere ? std::vector<const char*>{"::", "0.0.0.0"} : std::vector{endpoint.host.c_str()}) {
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    if (const int status = ::getaddrinfo(host, port.c_str(), &hints, &found); status != 0) {
      return fail(fmt::format("cannot listen on {}: {}", endpoint.text(), ::gai_strerror(status)));
    }
    const auto socket = listen_on(*found, limits);
    ::freeaddrinfo(found);
    if (socket) return *socket;
    error = socket.error();
    if (error != EAFNOSUPPORT && error != EADDRNOTAVAIL) break;
  }
  return fail(fmt::format("cannot listen on {}: {}", endpoint.text(), std::strerror(error)));
}

class Acceptor final : public Listener, public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(Loop& loop, int socket, std::shared_ptr<TlsCertificate> tls, const ListenerLimits& limits,
           OnAccept on_accept)
      : loop_(loop),
        descriptor_(loop.reactor().context, socket),
        tls_(std::move(tls)),
        limits_(limits),
        on_accept_(std::move(on_accept)),
        rest_(loop, [this] { wait(); }) {}

  Endpoint local() const override {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ::getsockname(const_cast<Descriptor&>(descriptor_).native_handle(), reinterpret_cast<sockaddr*>(&address), &size);
    return Endpoint::parse(text_of(address, size)).value_or(Endpoint{});
  }

  void stop_accepting() override {
    boost::system::error_code ignored;
    descriptor_.close(ignored);
    rest_.cancel();
  }

  void wait() {
    if (waiting_ || !descriptor_.is_open() || connections_ >= limits_.connections_max) return;
    waiting_ = true;
    descriptor_.async_wait(Descriptor::wait_read, [self = shared_from_this()](boost::system::error_code error) {
      self->waiting_ = false;
      if (error) return;
      self->loop_.reactor().begin_turn();
      self->accept_some();
    });
  }

 private:
  void accept_some() {
    for (int i = 0; i < accepts_per_turn_max && descriptor_.is_open() && connections_ < limits_.connections_max; ++i) {
      sockaddr_storage address{};
      socklen_t size = sizeof address;
      const int socket = ::accept4(descriptor_.native_handle(), reinterpret_cast<sockaddr*>(&address), &size,
                                   SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket >= 0) {
        welcome(socket, text_of(address, size));
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        return rest_after(errno);
      } else if (errno == EAGAIN) {
        break;
      }  // anything else is the news of one connection that died in the queue
    }
    wait();
  }

  void welcome(int socket, std::string peer) {
    set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    ++connections_;
    Place place(nullptr, [weak = weak_from_this()](void*) {
      if (auto self = weak.lock()) {
        --self->connections_;
        self->wait();
      }
    });
    on_accept_(own(std::make_shared<Stream>(loop_, socket, std::move(peer), tls_ ? tls_->accept_session() : nullptr,
                                            std::move(place))));
  }

  void rest_after(int error) {
    if (loop_.now() >= next_complaint_) {
      next_complaint_ = loop_.now() + complaint_interval;
      logging::warning("cannot accept connections for now", {{"why", std::strerror(error)}});
    }
    rest_.arm(loop_.now() + rest_time);
  }

  Loop& loop_;
  Descriptor descriptor_;
  std::shared_ptr<TlsCertificate> tls_;
  const ListenerLimits limits_;
  OnAccept on_accept_;
  size_t connections_ = 0;
  bool waiting_ = false;
  Timer rest_;
  LoopTime next_complaint_;
};

// The owner's handle: an Acceptor lives on in its waits and in its connections' places.
class OwnedAcceptor final : public Listener {
 public:
  explicit OwnedAcceptor(std::shared_ptr<Acceptor> acceptor) : acceptor_(std::move(acceptor)) {}
  ~OwnedAcceptor() override { acceptor_->stop_accepting(); }
  Endpoint local() const override { return acceptor_->local(); }
  void stop_accepting() override { acceptor_->stop_accepting(); }

 private:
  std::shared_ptr<Acceptor> acceptor_;
};

}  // namespace

std::string peer_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return text_of(address, size);
}

Result<std::unique_ptr<Listener>> Listener::listen(Loop& loop, const Endpoint& endpoint, std::shared_ptr<TlsServer> tls,
                                                   const ListenerLimits& limits, OnAccept on_accept) {
  std::signal(SIGPIPE, SIG_IGN);  // of a viewer who is gone; sendfile(2) cannot be told not to send it
  const auto socket = open_listener(endpoint, limits);
  if (!socket) return std::unexpected(socket.error());
  auto acceptor = std::make_shared<Acceptor>(loop, *socket, std::static_pointer_cast<TlsCertificate>(std::move(tls)),
                                             limits, std::move(on_accept));
  acceptor->wait();
  return std::make_unique<OwnedAcceptor>(std::move(acceptor));
}

}  // namespace klieg::net

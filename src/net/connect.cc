#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "net/listener.h"
#include "net/reactor.h"
#include "net/stream.h"
#include "net/tls.h"

namespace klieg::net {
namespace {

using Done = std::move_only_function<void(Result<std::unique_ptr<Connection>>)>;

// One attempt to reach a peer: resolve, connect to each address in turn, shake hands. It holds itself by what it waits
// for and ends with one call of `done`, whichever comes first: success, the last failure, the timeout.
class Attempt final : public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(Loop& loop, Endpoint to, TlsOptions tls, Done done)
      : loop_(loop),
        to_(std::move(to)),
        tls_(std::move(tls)),
        done_(std::move(done)),
        resolver_(loop.reactor().context),
        descriptor_(loop.reactor().context),
        timeout_(loop, [this] { give_up("no answer in time"); }) {}

  void begin(Duration timeout) {
    timeout_.arm(loop_.now() + timeout);
    resolver_.async_resolve(to_.host, std::to_string(to_.port), asio::ip::resolver_base::numeric_service,
                            [self = shared_from_this()](boost::system::error_code error, const auto& found) {
                              self->loop_.reactor().begin_turn();
                              if (error) return self->give_up(error.message());
                              for (const auto& entry : found) self->addresses_.push_back(entry.endpoint());
                              self->try_next();
                            });
  }

 private:
  void try_next() {
    while (done_ && next_ < addresses_.size()) {
      const auto& address = addresses_[next_++];
      const int socket = ::socket(address.data()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      if (socket < 0) return give_up(std::strerror(errno));
      const int on = 1;
      ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const int status = ::connect(socket, address.data(), static_cast<socklen_t>(address.size()));
      if (status != 0 && errno != EINPROGRESS) {
        failure_ = std::strerror(errno);
        ::close(socket);
        continue;
      }
      descriptor_.assign(socket);
      descriptor_.async_wait(Descriptor::wait_write, [self = shared_from_this()](boost::system::error_code error) {
        self->loop_.reactor().begin_turn();
        if (!error && self->done_) self->connected();
      });
      return;
    }
    if (done_) give_up(failure_);
  }

  void connected() {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(descriptor_.native_handle(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      failure_ = std::strerror(error);
      boost::system::error_code ignored;
      descriptor_.close(ignored);
      return try_next();
    }
    const int socket = descriptor_.release();
    auto session = tls_.policy == TlsClient::none ? nullptr : connect_session(to_.host, tls_);
    stream_ = std::make_shared<Stream>(loop_, socket, peer_of(socket), std::move(session), nullptr);
    if (tls_.policy == TlsClient::none) return succeed();
    stream_->finish_handshake([self = shared_from_this()](Result<void> shaken) {
      shaken ? self->succeed() : self->give_up(shaken.error().message);
    });
  }

  void succeed() {
    if (!done_) return;
    timeout_.cancel();
    std::exchange(done_, nullptr)(own(std::move(stream_)));
  }

  void give_up(const std::string& why) {
    if (!done_) return;
    const auto self = shared_from_this();
    timeout_.cancel();
    resolver_.cancel();
    boost::system::error_code ignored;
    descriptor_.close(ignored);
    if (stream_) std::exchange(stream_, nullptr)->release();
    std::exchange(done_, nullptr)(fail(fmt::format("cannot connect to {}: {}", to_.text(), why)));
  }

  Loop& loop_;
  const Endpoint to_;
  const TlsOptions tls_;
  Done done_;
  asio::ip::tcp::resolver resolver_;
  Descriptor descriptor_;
  Timer timeout_;
  std::shared_ptr<Stream> stream_;
  std::vector<asio::ip::tcp::endpoint> addresses_;
  size_t next_ = 0;
  std::string failure_ = "the name has no address";
};

}  // namespace

void connect(Loop& loop, const Endpoint& to, TlsClient tls, Duration timeout, Done done) {
  connect(loop, to, TlsOptions{tls, {}, {}, {}}, timeout, std::move(done));
}

void connect(Loop& loop, const Endpoint& to, const TlsOptions& tls, Duration timeout, Done done) {
  std::make_shared<Attempt>(loop, to, tls, std::move(done))->begin(timeout);
}

}  // namespace klieg::net

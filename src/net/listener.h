// Listening, connecting, and the certificates that go with both.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/connection.h"
#include "net/loop.h"

namespace klieg::net {

struct Endpoint {
  std::string host;   // "" or "*": all addresses, IPv6 and IPv4
  uint16_t port = 0;  // 0: the kernel picks
  // "HOST:PORT", ":PORT", "PORT", "[2001:db8::1]:443". The error says what is wrong with the text.
  static Result<Endpoint> parse(std::string_view text);
  std::string text() const;
};

// A server's certificate and key. Shared by all listeners and loops; reload() is seen by connections made after it.
class TlsServer {
 public:
  static Result<std::shared_ptr<TlsServer>> load(const std::string& certificate_file, const std::string& key_file,
                                                 const std::vector<std::string>& application_protocols);
  virtual ~TlsServer() = default;
  virtual Result<void> reload() = 0;
};

// Exclusive is the default so that a second server on the same port is an error and not a silent half of the traffic.
enum class PortUse : uint8_t { exclusive, shared };

struct ListenerLimits {
  size_t connections_max = 10'000;  // per listener and loop; further ones wait in the kernel's queue
  PortUse port_use = PortUse::exclusive;
  // "" leaves the kernel's default; otherwise what every accepted socket is born with (TCP_CONGESTION), e.g. "cubic".
  // A name that the kernel does not know or allow is ignored.
  std::string congestion_control;
};

// Accepts on one loop. Several listeners, one per loop, may share an endpoint (PortUse::shared, SO_REUSEPORT): bind the
// first with port 0 if need be, the others to the port it got. When the process runs out of descriptors it rests for
// 100 ms and tries again. Destroying a listener closes its port; connections already made live on.
class Listener {
 public:
  using OnAccept = std::move_only_function<void(std::unique_ptr<Connection>)>;
  static Result<std::unique_ptr<Listener>> listen(Loop& loop, const Endpoint& endpoint,
                                                  std::shared_ptr<TlsServer> tls,  // null: plain
                                                  const ListenerLimits& limits, OnAccept on_accept);
  virtual ~Listener() = default;
  virtual Endpoint local() const = 0;  // with the real port
  virtual void stop_accepting() = 0;   // connections already made live on
};

enum class TlsClient : uint8_t { none, verify_peer, accept_any_certificate };

// Whose word a client takes for its peer's certificate, and who it is itself. Shared by all connections and loops.
class TlsCredentials {
 public:
  // PEM files. No authorities: the system's. No certificate: none is shown. The error says what is wrong with which
  // file.
  static Result<std::shared_ptr<const TlsCredentials>> load(const std::string& authorities_file,
                                                            const std::string& certificate_file,
                                                            const std::string& key_file);
  virtual ~TlsCredentials() = default;
};

struct TlsOptions {
  TlsClient policy = TlsClient::none;
  std::string name;                                   // the certificate's, and SNI; "": the endpoint's host
  std::vector<std::string> application_protocols;     // offered by ALPN, preferred first
  std::shared_ptr<const TlsCredentials> credentials;  // null: as from three empty names
};

// Connects from `loop`, TLS handshake included. `done` is called once, in a later turn. Name resolution does not block
// the loop; the addresses a name has are tried in turn within `timeout`.
void connect(Loop& loop, const Endpoint& to, const TlsOptions& tls, Duration timeout,
             std::move_only_function<void(Result<std::unique_ptr<Connection>>)> done);
void connect(Loop& loop, const Endpoint& to, TlsClient tls, Duration timeout,
             std::move_only_function<void(Result<std::unique_ptr<Connection>>)> done);

}  // namespace klieg::net

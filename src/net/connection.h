// A TCP connection, plain or TLS: one type, one owner, one loop.
//
//   born   accepted by a Listener (a TLS handshake may still lie ahead) or made by connect() (handshake done)
//   lives  from start(handler): on_bytes as they come; write() takes shared bytes and never blocks
//   dies   on_closed(why) is the last call; the owner then destroys it
//
// The owner may destroy a connection at any moment, also inside any of its callbacks: the socket is closed, nothing is
// called again. Handlers are called from the loop's own turns, never from inside write(), close() or abort().
//
// write() queues without limit: bounding unsent() is its owner's business, because only the owner knows whether a slow
// peer is merged, skipped or dropped.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "net/loop.h"

namespace klieg::net {

enum class Closed : uint8_t {
  by_peer,     // orderly end of its stream
  reset,       // the network or the peer's kernel
  tls_failed,  // handshake or record error; the message is in the log
  by_us,       // close() has finished, or abort()
};

class ConnectionHandler {
 public:
  virtual ~ConnectionHandler() = default;
  // Valid during the call. Before the first call, a TLS handshake is done and the application protocol is known.
  virtual void on_bytes(ByteView bytes) = 0;
  // What a write() had left unsent is with the kernel now. Not called for a write that the kernel took at once.
  virtual void on_drained() {}
  virtual void on_closed(Closed why) = 0;
};

class Connection {
 public:
  virtual ~Connection() = default;

  // Delivery begins, or goes on to another handler, also from inside on_bytes. The handler must outlive the connection
  // or its on_closed, whichever comes first.
  virtual void start(ConnectionHandler& handler) = 0;

  // Queues and sends as much as the kernel takes now; all pieces of one call leave in one writev where they fit, save
  // what a plain connection can send as it lies (Bytes::in_file): that one follows by sendfile(2).
  virtual void write(std::span<const Bytes> pieces) = 0;
  void write(Bytes piece) { write({&piece, 1}); }
  virtual size_t unsent() const = 0;
  // How much the kernel may hold that is not on its way yet (TCP_NOTSENT_LOWAT); it takes no more while it has that.
  // Not called: what it likes, up to 4 MiB (tcp_wmem), of which unsent() says nothing.
  virtual void limit_unsent_in_kernel(uint32_t bytes) = 0;

  // A write() comes in a moment: what it looks at is brought into the processor's caches meanwhile.
  virtual void prefetch() const {}

  // Backpressure: the peer's window closes. What one read had brought (64 KiB at most) is still delivered.
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;

  // Sends what is queued, says so to the peer and waits up to 2 s for its end, so that the last bytes are not lost to a
  // reset; on_closed(by_us) follows. Nothing more is delivered. The time a peer takes to accept the queue is not
  // bounded here: who closes watches unsent().
  virtual void close() = 0;
  virtual void abort() = 0;  // at once, with a reset; on_closed(by_us) follows in a later turn

  // Lives until the socket is closed, whoever owns the connection then. Once.
  virtual void keep(std::shared_ptr<void> token) = 0;

  virtual const std::string& peer() const = 0;                  // "203.0.113.7:40312", "[2001:db8::1]:40312"
  virtual const std::string& application_protocol() const = 0;  // ALPN: "h2", "http/1.1"; empty: none or plain
  virtual bool encrypted() const = 0;
};

}  // namespace klieg::net

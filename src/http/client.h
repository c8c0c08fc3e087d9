// Asks a peer by HTTP/1.1 (RFC 9112) or HTTP/2 (RFC 9113): the counterpart of Server.
//
// A Client lives on one loop and speaks to one Peer. An Ask is answered through its ExchangeHandler: the head, pieces
// of the body as they come (for hours, if the body has no end), and how it ended.
//
//   ask() --> waits for a connection --> on_head --> on_body ... --> on_end(complete)
//                       '-------------------'------------'---------> on_end(anything else)
//
// What the peer does is a named end. Bad headers or targets of ours are asserted. Whoever asks on behalf of a stranger
// passes on only what a parser of ours has accepted.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "base/time.h"
#include "http/message.h"
#include "net/listener.h"
#include "net/loop.h"

namespace klieg::http {

enum class Protocol : uint8_t {
  http1,
  http2,  // by ALPN over TLS, by prior knowledge over plain TCP
};

struct Peer {
  net::Endpoint endpoint;
  // Host and :authority, e.g. "parent.example:8443". Over TLS the peer's certificate is for its host (RFC 9110 section
  // 4.3.4), wherever the endpoint is.
  std::string authority;
  net::TlsClient tls = net::TlsClient::none;
  Protocol protocol = Protocol::http1;
  std::shared_ptr<const net::TlsCredentials> credentials;  // null: the system's authorities, no certificate of our own
};

constexpr Duration never = Duration::max();  // a time limit that does not limit

// A request as we send it. Content-Length, Transfer-Encoding and Connection are the client's own (asserted),
// Host too unless given as "host".
struct Ask {
  Method method = Method::get;
  std::string method_name;                                   // of Method::other: a token (RFC 9110 section 5.6.2)
  std::string target;                                        // path and query, percent-encoded; begins with '/'
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  Bytes body;
  std::optional<Duration> head_time_max;   // instead of the client's
  std::optional<Duration> stall_time_max;  // instead of the client's; `never` for a body that may rest
};

// Valid only during on_head(): every view points into the connection's buffer.
struct ResponseHead {
  uint16_t status = 0;  // 200 to 599: interim responses are skipped
  std::vector<HeaderView> headers;
  std::optional<uint64_t> content_length;  // as said, also where no body follows (HEAD, 304)

  std::optional<std::string_view> header(std::string_view lower_case_name) const;
};

enum class ExchangeEnd : uint8_t {
  complete,     // the whole response came
  unreachable,  // no connection: refused, no such name, handshake failed, not in time
  too_many,     // ClientLimits::waiting_max others waited for a connection already; nothing was sent
  reset,        // the connection or the stream ended before the response did
  malformed,    // what came is not HTTP as we accept it
  timed_out,    // no head, no byte, or no sign of life in the time allowed
};

// Called from the loop's own turns, never from inside ask(), pause() or resume(). Must outlive its Exchange.
class ExchangeHandler {
 public:
  virtual ~ExchangeHandler() = default;
  virtual void on_head(const ResponseHead& head) = 0;
  virtual void on_body(Bytes piece) = 0;     // never empty
  virtual void on_end(ExchangeEnd why) = 0;  // the last call, exactly once
};

// The asker's hold on what it asked. Destroying it, before or after the end and inside any callback too, cancels:
// nothing is called any more.
class Exchange {
 public:
  virtual ~Exchange() = default;

  // Backpressure: no on_body and no on_end until resume(); on_head still comes. Meanwhile at most one read (HTTP/1.1,
  // 64 KiB) or one stream window (HTTP/2) is kept, and stall_time_max does not run.
  virtual void pause() = 0;
  virtual void resume() = 0;
};

struct ClientLimits {
  // HTTP/1.1: each response under way has a connection of its own, and an edge has a few requests per broadcast held by
  // its parent. 64 of them cost either side about 1 KB each, besides the kernel's buffers. HTTP/2 needs one, and opens
  // another only when all its streams are taken.
  size_t connections_max = 64;
  uint32_t streams_max = 100;  // HTTP/2, per connection; less where the peer says so
  // Asks that wait for a connection. One is about 1 KiB of target and headers: 1 MiB. More would wait for longer than
  // what they ask for is live.
  size_t waiting_max = 1000;

  Duration connect_time_max = 3s;  // name, TCP and TLS; a SYN lost twice is sent again after 1 s and 3 s
  // From ask() to the head. A held request is answered within three target durations: 18 s of the longest we cut.
  Duration head_time_max = 30s;
  // No byte of a body. A live segment grows by a frame in 40 ms; ten seconds without one are a parent that is lost.
  Duration stall_time_max = 10s;
  // Between exchanges. Apache and Node close after 5 s, nginx and Klieg after 75 s: who closes first loses no request.
  Duration idle_time_max = 4s;

  // HTTP/2, while a stream is open: a peer that said nothing for ping_after is asked for a sign of life, and one that
  // gives none in pong_time_max is gone. Waits are looked at once a second: within 5 s it is noticed. In HTTP/1.1 there
  // is no such question; there stall_time_max alone notices. 2 s are six round trips around the world.
  Duration ping_after = 2s;
  Duration pong_time_max = 2s;

  size_t head_size_max = size_t{16} * 1024;  // status line and headers; more: malformed

  // HTTP/2 flow control: what the peer may send that nobody took yet. A stream runs at window / round trip: 4 MiB in
  // 150 ms are 224 Mbit/s, more than any rung. All streams together: 64 MiB in 150 ms are 3.6 Gbit/s; it is also the
  // most memory that paused exchanges of one connection can hold, and takes sixteen of them before others wait.
  uint32_t stream_window = uint32_t{4} * 1024 * 1024;
  uint32_t connection_window = uint32_t{64} * 1024 * 1024;
};

class Client {
 public:
  static std::unique_ptr<Client> make(net::Loop& loop, const Peer& peer, const ClientLimits& limits, Metrics& metrics);
  // Cancels what is under way: nothing is called any more. Allowed inside any callback; Exchanges may outlive it.
  virtual ~Client() = default;

  // Connects where need be. A request that a reused connection lost before the first byte of its response, or that an
  // HTTP/2 peer says it has not processed, is sent once more: the first only where its method is safe.
  virtual std::unique_ptr<Exchange> ask(Ask ask, ExchangeHandler& handler) = 0;

  virtual size_t connections() const = 0;  // open ones
};

}  // namespace klieg::http

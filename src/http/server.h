// Serves HTTP exchanges over net connections: HTTP/1.1 (RFC 9112), HTTP/2 by ALPN or prior knowledge (RFC 9113).
//
// A Server lives on one loop. Each request is handed to the Handler with a Responder: a permit to answer once, now or
// later (a held request), from the same loop.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/metrics.h"
#include "base/time.h"
#include "http/message.h"
#include "http/websocket.h"
#include "net/connection.h"
#include "net/doorman.h"
#include "net/listener.h"
#include "net/loop.h"

namespace klieg::http {

// Answering is allowed once; a Responder dropped unanswered answers 500, so no request is ever forgotten. A viewer who
// left makes respond() a no-op. Move-only.
//
// upgrade() is the other way to answer: the connection is no longer the server's.
class Responder {
 public:
  class Target {  // the exchange behind it: one per HTTP version
   public:
    virtual ~Target() = default;
    virtual void respond(uint64_t exchange, Response response) = 0;
    virtual std::unique_ptr<net::Connection> upgrade(uint64_t, const WebSocketOffer&) { return nullptr; }
    virtual bool expects(uint64_t) const { return true; }  // the answer of this exchange, still
  };
  Responder(std::weak_ptr<Target> target, uint64_t exchange) : target_(std::move(target)), exchange_(exchange) {}
  Responder(Responder&& other) noexcept;
  Responder& operator=(Responder&& other) noexcept;
  ~Responder();

  void respond(Response response);
  // Answers 101 and gives the connection away, without a handler: nothing is heard until its new owner calls start(),
  // in this turn. What it sends and may queue, how long it may be silent, and telling it that the server goes, is its
  // owner's business from then on. Null: the viewer is gone, has sent more before it was answered, or the server is
  // going; it has been told.
  std::unique_ptr<net::Connection> upgrade(const WebSocketOffer& offer);
  bool viewer_gone() const;  // or its stream was reset

 private:
  std::weak_ptr<Target> target_;
  uint64_t exchange_ = 0;
  bool open_ = true;
};

class Handler {
 public:
  virtual ~Handler() = default;
  virtual void serve(const Request& request, Responder responder) = 0;
};

struct Limits {
  size_t head_size_max = size_t{16} * 1024;  // request line and headers; more: 431
  size_t body_size_max = size_t{64} * 1024;  // more: 413
  Duration head_time_max = 10s;   // from connect (or a request's first byte) to the end of its head; more: 408
  Duration idle_time_max = 75s;   // between requests
  Duration stall_time_max = 30s;  // a peer that takes less than taken_min in it, and not all that is due to it
  // 64 KiB in 30 s are 17 kbit/s, less than the poorest audio; the 1 MiB of unsent_max is taken, or given up, in 8 min.
  size_t taken_min = size_t{64} * 1024;
  size_t unsent_max =
      size_t{1024} * 1024;     // per connection, handed to the kernel's side of us; beyond it we stop reading the log
  uint32_t streams_max = 100;  // HTTP/2 concurrent streams
};

// What a server does, for somebody who adds it up. Called on the server's loop.
class Meter {
 public:
  virtual ~Meter() = default;
  virtual void request_began() = 0;
  virtual void request_ended() = 0;       // with its last byte handed over, or without
  virtual void sent(uint64_t bytes) = 0;  // handed over: heads, bodies, frames, without what TLS and TCP add
};

// They outlive the server and the connections it gave away. Who is not welcome is answered 429. Null: everybody is
// welcome; nobody adds up.
struct Attendants {
  net::Doorman* doorman = nullptr;
  Meter* meter = nullptr;
};

class Server {
 public:
  static std::unique_ptr<Server> make(net::Loop& loop, Handler& handler, const Limits& limits, Metrics& metrics,
                                      Attendants attendants = {});
  virtual ~Server() = default;

  // Takes over an accepted connection; HTTP/2 when ALPN says so or the client preface comes.
  virtual void accept(std::unique_ptr<net::Connection> connection) = 0;

  // No further requests: GOAWAY, Connection: close; `drained` is called when the last exchange has ended.
  virtual void drain(std::move_only_function<void()> drained) = 0;
  virtual size_t connections() const = 0;
};

}  // namespace klieg::http

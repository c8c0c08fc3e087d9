// A server without a network: the test is the peer and the handler. Included by tests alone.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http/server.h"
#include "http/session.h"
#include "net/connection.h"

namespace klieg::http {

// What a peer sees and does. Outlives the connection, which the server owns.
struct FakePeer {
  std::string received;  // what the server's kernel took
  size_t writes = 0;
  size_t room = SIZE_MAX;  // how much more it takes before the writer has to wait
  bool closed = false;     // by the server, in order
  bool aborted = false;    // by the server, with a reset
  bool paused = false;
  bool gone = false;  // the connection was destroyed
  net::ConnectionHandler* handler = nullptr;
  class FakeConnection* connection = nullptr;

  void send(std::string_view text) { handler->on_bytes(as_bytes(text)); }
  void take(size_t more);  // the peer reads: room for `more`
  void leave(net::Closed why = net::Closed::by_peer) { handler->on_closed(why); }
};

class FakeConnection final : public net::Connection {
 public:
  explicit FakeConnection(FakePeer& peer, std::string protocol = "") : peer_(peer), protocol_(std::move(protocol)) {
    peer.connection = this;
  }
  ~FakeConnection() override { peer_.gone = true; }

  void start(net::ConnectionHandler& handler) override { peer_.handler = &handler; }
  void write(std::span<const Bytes> pieces) override {
    ++peer_.writes;
    for (const Bytes& piece : pieces) queue_ += piece.text();
    flush();
  }
  size_t unsent() const override { return queue_.size(); }
  void limit_unsent_in_kernel(uint32_t) override {}
  void keep(std::shared_ptr<void> token) override { kept_ = std::move(token); }
  void pause_reading() override { peer_.paused = true; }
  void resume_reading() override { peer_.paused = false; }
  void close() override { peer_.closed = true; }
  void abort() override { peer_.aborted = true; }
  const std::string& peer() const override { return name_; }
  const std::string& application_protocol() const override { return protocol_; }
  bool encrypted() const override { return false; }

  void flush() {
    const size_t taken = std::min(peer_.room, queue_.size());
    peer_.received.append(queue_, 0, taken);
    queue_.erase(0, taken);
    if (peer_.room != SIZE_MAX) peer_.room -= taken;
  }

 private:
  FakePeer& peer_;
  const std::string protocol_;
  const std::string name_ = "192.0.2.1:4711";
  std::shared_ptr<void> kept_;
  std::string queue_;
};

inline void FakePeer::take(size_t more) {
  const bool waited = connection->unsent() > 0;
  room = room == SIZE_MAX ? more : room + more;
  connection->flush();
  if (waited && connection->unsent() == 0) handler->on_drained();
}

// Keeps what it is asked; answers at once or holds.
struct TestHandler final : Handler {
  void serve(const Request& request, Responder responder) override {
    targets.push_back(std::string(request.path) + (request.query.empty() ? "" : "?") + std::string(request.query));
    bodies.emplace_back(request.body.text());
    if (answer) {
      responder.respond(answer(request));
    } else {
      held.push_back(std::move(responder));
    }
  }
  std::vector<std::string> targets;
  std::vector<std::string> bodies;
  std::function<Response(const Request&)> answer;  // null: held
  std::vector<Responder> held;
};

inline Response response_of(decltype(Response::body) body) {
  Response response;
  response.body = std::move(body);
  return response;
}

}  // namespace klieg::http

// A client without a network: the test is the peer and the asker. Included by tests alone.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/client_session.h"
#include "http/server_test.h"

namespace klieg::http {

// Keeps what it is told.
struct TestAsker final : ExchangeHandler {
  void on_head(const ResponseHead& head) override {
    status = head.status;
    content_length = head.content_length;
    headers.clear();
    for (const auto& [name, value] : head.headers) headers.emplace_back(name, value);
    if (in_head) in_head();
  }
  void on_body(Bytes piece) override {
    EXPECT_FALSE(piece.empty());
    ++pieces;
    body += piece.text();
    if (in_body) in_body();
  }
  void on_end(ExchangeEnd why) override {
    EXPECT_FALSE(end) << "an exchange ends once";
    end = why;
    if (in_end) in_end();
  }
  std::function<void()> in_head, in_body, in_end;
  uint16_t status = 0;
  std::optional<uint64_t> content_length;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  size_t pieces = 0;
  std::optional<ExchangeEnd> end;
};

// A ClientCore whose connections are the test's.
struct ClientWorld {
  explicit ClientWorld(Protocol protocol, const ClientLimits& limits = {}) {
    core = std::make_shared<ClientCore>(loop, Peer{{}, "parent", net::TlsClient::none, protocol, {}}, limits, metrics,
                                        [this](ClientCore::Done done) { attempts.push_back(std::move(done)); });
  }
  ~ClientWorld() {
    core->shut();
    turn();
  }
  ClientWorld(const ClientWorld&) = delete;
  ClientWorld& operator=(const ClientWorld&) = delete;

  std::unique_ptr<Exchange> ask(ExchangeHandler& asker, Method method = Method::get, std::string target = "/a?b") {
    Ask ask;
    ask.method = method;
    ask.target = std::move(target);
    return core->ask(std::move(ask), asker);
  }
  // The oldest attempt to connect succeeds, or fails.
  FakePeer& accept() {
    auto done = std::move(attempts.front());
    attempts.pop_front();
    FakePeer& peer = peers.emplace_back();
    done(std::make_unique<FakeConnection>(peer));
    return peer;
  }
  void refuse() {
    auto done = std::move(attempts.front());
    attempts.pop_front();
    done(fail("refused"));
  }
  void check_waits(Duration after) { core->check_waits(start + after); }
  // Runs what was posted.
  void turn() {
    loop.post([this] { loop.stop(); });
    loop.run();
  }
  double outcome_count(const std::string& outcome) const {
    const std::string text = metrics.text();
    const std::string wanted = "http_client_request_duration_seconds_count{outcome=\"" + outcome + "\"} ";
    const size_t at = text.find(wanted);
    return at == std::string::npos ? -1 : std::stod(text.substr(at + wanted.size()));
  }
  double gauge(const std::string& name) const {
    const std::string text = metrics.text();
    const size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  }

  net::Loop loop;
  const LoopTime start = loop.now();
  Metrics metrics;
  std::deque<ClientCore::Done> attempts;
  std::deque<FakePeer> peers;
  std::shared_ptr<ClientCore> core;
};

}  // namespace klieg::http

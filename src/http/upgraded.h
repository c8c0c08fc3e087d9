// A connection that has left HTTP. Included by http/*.cc alone.
//
// Its new owner gets the connection as if it had accepted it, and adds up what it sends; the doorman hears when it
// leaves. The server itself may be gone before it.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "http/server.h"
#include "net/connection.h"

namespace klieg::http {

class Upgraded final : public net::Connection {
 public:
  // `doorman`: null where it was not welcome, or nobody stands there.
  Upgraded(std::unique_ptr<net::Connection> connection, Doorman* doorman)
      : connection_(std::move(connection)), doorman_(doorman) {}
  ~Upgraded() override {
    if (doorman_) doorman_->leaves(connection_->peer());
  }
  Upgraded(const Upgraded&) = delete;
  Upgraded& operator=(const Upgraded&) = delete;

  void start(net::ConnectionHandler& handler) override { connection_->start(handler); }
  void write(std::span<const Bytes> pieces) override { connection_->write(pieces); }
  size_t unsent() const override { return connection_->unsent(); }
  void limit_unsent_in_kernel(uint32_t bytes) override { connection_->limit_unsent_in_kernel(bytes); }
  void pause_reading() override { connection_->pause_reading(); }
  void resume_reading() override { connection_->resume_reading(); }
  void close() override { connection_->close(); }
  void abort() override { connection_->abort(); }
  const std::string& peer() const override { return connection_->peer(); }
  const std::string& application_protocol() const override { return connection_->application_protocol(); }
  bool encrypted() const override { return connection_->encrypted(); }

 private:
  const std::unique_ptr<net::Connection> connection_;
  Doorman* const doorman_;
};

}  // namespace klieg::http

// A connection that a doorman let in: he hears when it leaves, whoever owns it then.
//
// An RTMP connection that becomes a viewer's, an HTTP one that becomes a WebSocket: its new owner gets it as if it had
// accepted it. The server that accepted it may be gone before it; the doorman outlives it.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "net/connection.h"
#include "net/doorman.h"

namespace klieg::net {

class Guest final : public Connection {
 public:
  // `doorman`: null where it was not welcome, or nobody stands there.
  Guest(std::unique_ptr<Connection> connection, Doorman* doorman)
      : connection_(std::move(connection)), doorman_(doorman) {}
  ~Guest() override {
    if (doorman_) doorman_->leaves(connection_->peer());
  }
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  void start(ConnectionHandler& handler) override { connection_->start(handler); }
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
  const std::unique_ptr<Connection> connection_;
  Doorman* const doorman_;
};

}  // namespace klieg::net

// The Connection there is: a socket, a queue of shared bytes, perhaps a TLS session.
//
// Pieces that lie in a file leave a plain socket by sendfile(2), all others by sendmsg(2).
//
// A Stream is held by its owner's Connection and by the turn it is in, so an owner may let go inside any callback.
// `handler_` is null before start() and after the last callback.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/connection.h"
#include "net/reactor.h"
#include "net/tls.h"

namespace klieg::net {

// A place among connections_max: given back when the stream's socket closes.
using Place = std::shared_ptr<void>;

class Stream final : private Watched, public std::enable_shared_from_this<Stream> {
 public:
  Stream(Loop& loop, int socket, std::string peer, std::unique_ptr<TlsSession> tls, Place place);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void start(ConnectionHandler& handler);
  void write(std::span<const Bytes> pieces);
  size_t unsent() const { return queued_size_ + (tls_ ? ciphertext_.size() : 0); }
  void limit_unsent_in_kernel(uint32_t bytes);
  void prefetch() const;
  void keep(std::shared_ptr<void> token);
  void pause_reading();
  void resume_reading();
  void close();
  void abort();
  void release();  // the owner is gone

  // A client's: takes the TLS handshake to its end before the stream gets its owner.
  void finish_handshake(std::move_only_function<void(Result<void>)> done);

  const std::string& peer() const { return peer_; }
  const std::string& application_protocol() const { return application_protocol_; }
  bool encrypted() const { return tls_ != nullptr; }

 private:
  // Waiting and reading.
  void watch();
  bool wants_to_read() const { return closing_ || handshake_done_ || (handler_ && !paused_); }
  bool wants_to_write() const;
  void on_ready(uint32_t events) override;
  void on_readable();
  void on_writable();
  void decrypt(ByteView ciphertext);
  void deliver(ByteView plain);
  void settle_handshake();

  // Sending. `send` returns how much the kernel took; a hard error ends the stream in a later turn.
  size_t send(std::span<const Bytes> pieces, size_t skip);
  // One system call's worth of pieces, and what the kernel took of their size; -1: nothing, errno says why.
  struct Offer {
    size_t pieces, size;
    ssize_t taken;
  };
  Offer offer_memory(std::span<const Bytes> pieces, size_t skip) const;
  Offer offer_file(const Bytes& piece, size_t skip) const;
  void flush();
  void encrypt_batch();
  void send_ciphertext();
  void consume(size_t size);
  void finish_sending();

  // Ending.
  bool open() const { return !ended_; }
  void end(Closed why);        // at once: only from turns of the stream's own
  void end_later(Closed why);  // from inside a call of the owner
  void close_socket();

  Loop& loop_;
  // What a write that the kernel takes at once looks at, together: of thousands of streams it is in no cache.
  int socket_;            // -1: closed
  uint32_t watched_ = 0;  // for which events
  bool in_set_ = false;   // of the loop's ReadySet
  bool paused_ = false;
  bool closing_ = false;
  bool ended_ = false;
  std::unique_ptr<TlsSession> tls_;
  size_t queued_size_ = 0;

  ConnectionHandler* handler_ = nullptr;
  std::move_only_function<void(Result<void>)> handshake_done_;

  std::vector<Bytes> queue_;  // from queue_head_ on
  size_t queue_head_ = 0;
  size_t head_sent_ = 0;             // of queue_[queue_head_]
  std::vector<uint8_t> early_;       // what followed a client's handshake before start(); at most one read
  std::vector<uint8_t> ciphertext_;  // what the kernel did not take of the last batch of records

  std::unique_ptr<Timer> linger_;
  Place place_;
  std::shared_ptr<void> kept_;
  std::string peer_;
  std::string application_protocol_;
};

std::unique_ptr<Connection> own(std::shared_ptr<Stream> stream);

// "203.0.113.7:40312" of a socket's other side.
std::string peer_of(int socket);

}  // namespace klieg::net

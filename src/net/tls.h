// TLS without I/O: ciphertext in, plaintext out, and back. The only place that knows OpenSSL.
//
// A session owns no buffer: it reads from the view it is given and writes into a buffer of its loop, so that several
// records leave in one system call and an idle connection costs OpenSSL's own state and nothing of ours.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "net/listener.h"

namespace klieg::net {

struct SslDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslPointer = std::unique_ptr<SSL, SslDeleter>;
using SslContextPointer = std::unique_ptr<SSL_CTX, SslDeleter>;

// What OpenSSL says is wrong, in words; empties its error queue.
std::string take_openssl_error();

class TlsSession {
 public:
  enum class Side : uint8_t { server, client };
  enum class Read : uint8_t { plaintext, wants_more, ended, failed };

  // `keep` lives as long as the session: what the context's callbacks refer to.
  TlsSession(SSL_CTX* context, Side side, std::shared_ptr<const void> keep);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // A client's: the name the certificate must be for, also sent as SNI where it is a name.
  void expect_host(const std::string& host, TlsClient policy);
  void offer(const std::vector<std::string>& application_protocols);

  // Ciphertext that came. Must be read() until wants_more or drained() before the next is given.
  void give(ByteView ciphertext) { input_ = ciphertext; }
  // Takes the handshake forward, then decrypts at most one record into `plain`. What must be sent goes to `output`.
  Read read(std::span<uint8_t> plain, size_t& plain_size, std::vector<uint8_t>& output);
  // All that was given has been read: read() would only say wants_more.
  bool drained() const;
  // Takes the handshake forward without input (a client's first flight).
  void begin(std::vector<uint8_t>& output);
  // Asserted: established(). Full records of 16 KiB and one for the rest.
  bool write(ByteView plain, std::vector<uint8_t>& output);
  // Says close_notify.
  void finish(std::vector<uint8_t>& output);

  bool established() const { return established_; }
  std::string_view application_protocol() const;
  const std::string& failure() const { return failure_; }

 private:
  Read fail();
  static BIO_METHOD* bio_method();
  static int bio_read(BIO* bio, char* out, int size);
  static int bio_write(BIO* bio, const char* in, int size);
  static long bio_control(BIO* bio, int command, long number, void* pointer);

  std::shared_ptr<const void> keep_;
  SslPointer ssl_;
  ByteView input_;
  std::vector<uint8_t>* output_ = nullptr;
  bool established_ = false;
  std::string failure_;
};

// The TlsServer behind listener.h.
class TlsCertificate final : public TlsServer, public std::enable_shared_from_this<TlsCertificate> {
 public:
  TlsCertificate(std::string certificate_file, std::string key_file,
                 const std::vector<std::string>& application_protocols);
  Result<void> reload() override;
  std::unique_ptr<TlsSession> accept_session() const;

 private:
  static int choose_protocol(SSL* ssl, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                             unsigned in_size, void* self);

  const std::string certificate_file_;
  const std::string key_file_;
  std::vector<uint8_t> protocols_;  // in ALPN's wire form, preferred first
  mutable std::mutex mutex_;        // accept_session() and reload() may be on different loops
  SslContextPointer context_;
};

// The TlsCredentials behind listener.h.
class TlsClientContext final : public TlsCredentials, public std::enable_shared_from_this<TlsClientContext> {
 public:
  TlsClientContext();
  Result<void> load(const std::string& authorities_file, const std::string& certificate_file,
                    const std::string& key_file);
  std::unique_ptr<TlsSession> connect_session() const;

 private:
  const SslContextPointer context_;
};

std::unique_ptr<TlsSession> connect_session(const std::string& host, const TlsOptions& options);

}  // namespace klieg::net

#include "net/tls.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace klieg::net {

std::string take_openssl_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "the peer broke off";
  if (ERR_SYSTEM_ERROR(code)) return std::strerror(ERR_GET_REASON(code));
  if (const char* reason = ERR_reason_error_string(code)) return reason;
  return fmt::format("OpenSSL's error {:08X}", code);
}

namespace {

// SSL_get_error() asks that no old error is in the thread's queue. Clearing costs a hundred times what looking does.
void forget_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

// TLS 1.2 and later; no renegotiation (an attack surface without a use here) and no compression (CRIME). A connection
// between two records gives its buffers back, which is most of what an idle one would cost.
SslContextPointer make_context(const SSL_METHOD* method) {
  SslContextPointer context(SSL_CTX_new(method));
  KLIEG_ASSERT(context, "OpenSSL has memory for a context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
  return context;
}

// ALPN's wire form: each name behind its length.
std::vector<uint8_t> protocol_list(const std::vector<std::string>& names) {
  std::vector<uint8_t> list;
  for (const std::string& name : names) {
    KLIEG_ASSERT(!name.empty() && name.size() < 256, "an ALPN name fits its length byte");
    list.push_back(static_cast<uint8_t>(name.size()));
    list.insert(list.end(), name.begin(), name.end());
  }
  return list;
}

// OpenSSL's own words for a file of something else ("no start line", "unsupported") are about its parsers.
std::string why_unusable(std::string_view wanted) {
  const bool is_about_the_file = ERR_SYSTEM_ERROR(ERR_peek_error()) != 0;
  std::string words = take_openssl_error();
  if (is_about_the_file) return words;
  return fmt::format("it holds no {0} in PEM, which begins with -----BEGIN {0}----- ({1})", wanted, words);
}

Result<void> use_certificate(SSL_CTX* context, const std::string& certificate_file, const std::string& key_file) {
  if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1) {
    return fail(fmt::format("cannot use the TLS certificate {}: {}", certificate_file, why_unusable("CERTIFICATE")));
  }
  if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return fail(fmt::format("cannot use the TLS key {}: {}", key_file, why_unusable("PRIVATE KEY")));
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    return fail(fmt::format("the TLS key {} does not belong to the certificate {}", key_file, certificate_file));
  }
  return {};
}

}  // namespace

BIO_METHOD* TlsSession::bio_method() {
  static BIO_METHOD* method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "klieg");
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

int TlsSession::bio_read(BIO* bio, char* out, int size) {
  auto& self = *static_cast<TlsSession*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (self.input_.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const size_t taken = std::min(self.input_.size(), static_cast<size_t>(size));
  std::memcpy(out, self.input_.data(), taken);
  self.input_ = self.input_.subspan(taken);
  return static_cast<int>(taken);
}

int TlsSession::bio_write(BIO* bio, const char* in, int size) {
  auto& self = *static_cast<TlsSession*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  KLIEG_ASSERT(self.output_, "OpenSSL writes only inside our calls");
  self.output_->insert(self.output_->end(), in, in + size);
  return size;
}

long TlsSession::bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

TlsSession::TlsSession(SSL_CTX* context, Side side, std::shared_ptr<const void> keep)
    : keep_(std::move(keep)), ssl_(SSL_new(context)) {
  KLIEG_ASSERT(ssl_, "OpenSSL has memory for a session");
  BIO* bio = BIO_new(bio_method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  side == Side::server ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
}

void TlsSession::expect_host(const std::string& host, TlsClient policy) {
  std::array<unsigned char, 16> address{};
  const bool is_address =
      inet_pton(AF_INET, host.c_str(), address.data()) == 1 || inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
  if (!is_address) SSL_set_tlsext_host_name(ssl_.get(), host.c_str());
  if (policy != TlsClient::verify_peer) return;
  SSL_set_verify(ssl_.get(), SSL_VERIFY_PEER, nullptr);
  if (is_address) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), host.c_str());
  } else {
    SSL_set1_host(ssl_.get(), host.c_str());
  }
}

void TlsSession::offer(const std::vector<std::string>& application_protocols) {
  const auto list = protocol_list(application_protocols);
  if (!list.empty()) SSL_set_alpn_protos(ssl_.get(), list.data(), static_cast<unsigned>(list.size()));
}

TlsSession::Read TlsSession::fail() {
  const long verdict = SSL_get_verify_result(ssl_.get());
  failure_ = take_openssl_error();
  if (verdict != X509_V_OK) failure_ = fmt::format("certificate: {}", X509_verify_cert_error_string(verdict));
  return Read::failed;
}

bool TlsSession::drained() const { return input_.empty() && SSL_pending(ssl_.get()) == 0; }

void TlsSession::begin(std::vector<uint8_t>& output) {
  output_ = &output;
  forget_errors();
  SSL_do_handshake(ssl_.get());
  output_ = nullptr;
}

TlsSession::Read TlsSession::read(std::span<uint8_t> plain, size_t& plain_size, std::vector<uint8_t>& output) {
  output_ = &output;
  forget_errors();
  plain_size = 0;
  const int done = SSL_read_ex(ssl_.get(), plain.data(), plain.size(), &plain_size);
  const int why = done ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), done);
  output_ = nullptr;
  established_ = established_ || SSL_is_init_finished(ssl_.get());
  switch (why) {
    case SSL_ERROR_NONE:
      return Read::plaintext;
    case SSL_ERROR_WANT_READ:
      return Read::wants_more;
    case SSL_ERROR_ZERO_RETURN:
      return Read::ended;
    default:
      return fail();
  }
}

bool TlsSession::write(ByteView plain, std::vector<uint8_t>& output) {
  KLIEG_ASSERT(established_, "nothing is encrypted before the handshake is done");
  output_ = &output;
  forget_errors();
  bool ok = true;
  while (ok && !plain.empty()) {
    size_t taken = 0;
    ok = SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &taken) == 1;
    plain = plain.subspan(taken);
  }
  output_ = nullptr;
  if (!ok) fail();
  return ok;
}

void TlsSession::finish(std::vector<uint8_t>& output) {
  if (!established_ || !failure_.empty()) return;
  output_ = &output;
  forget_errors();
  SSL_shutdown(ssl_.get());
  output_ = nullptr;
}

std::string_view TlsSession::application_protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

TlsCertificate::TlsCertificate(std::string certificate_file, std::string key_file,
                               const std::vector<std::string>& application_protocols)
    : certificate_file_(std::move(certificate_file)),
      key_file_(std::move(key_file)),
      protocols_(protocol_list(application_protocols)) {}

int TlsCertificate::choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                                    unsigned in_size, void* self) {
  const auto& ours = static_cast<const TlsCertificate*>(self)->protocols_;
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, ours.data(), static_cast<unsigned>(ours.size()), in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

Result<void> TlsCertificate::reload() {
  ERR_clear_error();
  SslContextPointer fresh = make_context(TLS_server_method());
  SSL_CTX_set_options(fresh.get(), SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_session_cache_mode(fresh.get(), SSL_SESS_CACHE_OFF);  // tickets resume sessions, without memory of ours
  if (auto used = use_certificate(fresh.get(), certificate_file_, key_file_); !used) return used;
  if (!protocols_.empty()) SSL_CTX_set_alpn_select_cb(fresh.get(), choose_protocol, this);

  const std::lock_guard lock(mutex_);
  if (context_) {  // tickets given out before the reload stay good
    std::array<unsigned char, 80> keys{};
    if (SSL_CTX_get_tlsext_ticket_keys(context_.get(), keys.data(), keys.size()) == 1) {
      SSL_CTX_set_tlsext_ticket_keys(fresh.get(), keys.data(), keys.size());
    }
  }
  context_ = std::move(fresh);
  return {};
}

std::unique_ptr<TlsSession> TlsCertificate::accept_session() const {
  const std::lock_guard lock(mutex_);
  return std::make_unique<TlsSession>(context_.get(), TlsSession::Side::server, shared_from_this());
}

Result<std::shared_ptr<TlsServer>> TlsServer::load(const std::string& certificate_file, const std::string& key_file,
                                                   const std::vector<std::string>& application_protocols) {
  auto made = std::make_shared<TlsCertificate>(certificate_file, key_file, application_protocols);
  if (auto loaded = made->reload(); !loaded) return std::unexpected(loaded.error());
  return made;
}

TlsClientContext::TlsClientContext() : context_(make_context(TLS_client_method())) {}

Result<void> TlsClientContext::load(const std::string& authorities_file, const std::string& certificate_file,
                                    const std::string& key_file) {
  ERR_clear_error();
  if (authorities_file.empty()) {
    SSL_CTX_set_default_verify_paths(context_.get());
  } else if (SSL_CTX_load_verify_file(context_.get(), authorities_file.c_str()) != 1) {
    return fail(fmt::format("cannot use the TLS authorities {}: {}", authorities_file, why_unusable("CERTIFICATE")));
  }
  if (certificate_file.empty()) return {};
  return use_certificate(context_.get(), certificate_file, key_file);
}

std::unique_ptr<TlsSession> TlsClientContext::connect_session() const {
  return std::make_unique<TlsSession>(context_.get(), TlsSession::Side::client, shared_from_this());
}

Result<std::shared_ptr<const TlsCredentials>> TlsCredentials::load(const std::string& authorities_file,
                                                                   const std::string& certificate_file,
                                                                   const std::string& key_file) {
  auto made = std::make_shared<TlsClientContext>();
  if (auto loaded = made->load(authorities_file, certificate_file, key_file); !loaded) {
    return std::unexpected(loaded.error());
  }
  return made;
}

std::unique_ptr<TlsSession> connect_session(const std::string& host, const TlsOptions& options) {
  static const std::shared_ptr<const TlsCredentials> of_the_system = *TlsCredentials::load("", "", "");
  const auto& credentials = options.credentials ? *options.credentials : *of_the_system;
  auto session = static_cast<const TlsClientContext&>(credentials).connect_session();
  session->expect_host(options.name.empty() ? host : options.name, options.policy);
  session->offer(options.application_protocols);
  return session;
}

}  // namespace klieg::net

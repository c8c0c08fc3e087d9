#include "net/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/assert.h"
#include "base/logging.h"
#include "base/memory_file.h"

namespace klieg::net {
namespace {

constexpr size_t pieces_per_send_max = 64;  // 1 KiB of iovec on the stack; a growing segment has about 30 pieces

// 128 KiB: eight records leave in one system call, and a slow TLS peer holds no more than this of ours.
constexpr size_t encrypted_batch_size = 8 * tls_record_size_max;

constexpr Duration linger_time_max = 2s;

// What is left of a piece can be sent as it lies, and it is enough for that to be cheaper.
bool lies_in_file(const Bytes& piece, size_t skip) {
  return piece.size() - skip >= MemoryFile::size_min && piece.in_file();
}

}  // namespace

Stream::Stream(Loop& loop, int socket, std::string peer, std::unique_ptr<TlsSession> tls, Place place)
    : loop_(loop), socket_(socket), tls_(std::move(tls)), place_(std::move(place)), peer_(std::move(peer)) {}

Stream::~Stream() { close_socket(); }

void Stream::start(ConnectionHandler& handler) {
  handler_ = &handler;
  if (!early_.empty()) {
    loop_.post([self = shared_from_this()] {
      self->deliver(std::exchange(self->early_, {}));
      self->watch();
    });
    return;
  }
  watch();
}

void Stream::finish_handshake(std::move_only_function<void(Result<void>)> done) {
  handshake_done_ = std::move(done);
  tls_->begin(loop_.reactor().encrypted);
  send_ciphertext();
  watch();
}

// Tells the loop what this stream waits for now. A system call only where that has changed.
void Stream::watch() {
  if (!open()) return;
  const uint32_t wanted = (wants_to_read() ? EPOLLIN : 0u) | (wants_to_write() ? EPOLLOUT : 0u);
  if (wanted == watched_) return;
  auto& ready = loop_.reactor().ready;
  in_set_ ? ready.change(socket_, wanted, *this) : ready.add(socket_, wanted, *this);
  in_set_ = true;
  watched_ = wanted;
}

bool Stream::wants_to_write() const {
  return !ciphertext_.empty() || (queued_size_ > 0 && (!tls_ || tls_->established()));
}

void Stream::on_ready(uint32_t events) {
  if (!open()) return;
  const auto self = shared_from_this();
  if (wants_to_read() ? events & (EPOLLIN | EPOLLERR | EPOLLHUP) : events & (EPOLLERR | EPOLLHUP)) {
    wants_to_read() ? on_readable() : end(Closed::reset);
  }
  if (events & EPOLLOUT) on_writable();
  watch();
}

void Stream::on_readable() {
  auto& buffer = loop_.reactor().received;
  const ssize_t size = ::recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < 0 && errno != EAGAIN && errno != EINTR) return end(Closed::reset);
  if (size == 0) return end(closing_ ? Closed::by_us : Closed::by_peer);
  if (size > 0 && !closing_) {
    const ByteView bytes(buffer.data(), static_cast<size_t>(size));
    tls_ ? decrypt(bytes) : deliver(bytes);
  }
}

void Stream::deliver(ByteView plain) {
  if (closing_ || ended_) return;
  if (handler_) return handler_->on_bytes(plain);
  early_.insert(early_.end(), plain.begin(), plain.end());
}

void Stream::decrypt(ByteView ciphertext) {
  auto& reactor = loop_.reactor();
  tls_->give(ciphertext);
  while (open() && !closing_) {
    size_t size = 0;
    const auto read = tls_->read(reactor.decrypted, size, reactor.encrypted);
    send_ciphertext();
    if (read != TlsSession::Read::failed) settle_handshake();
    switch (read) {
      case TlsSession::Read::plaintext:
        deliver({reactor.decrypted.data(), size});
        if (tls_->drained()) return;
        break;
      case TlsSession::Read::wants_more:
        return;
      case TlsSession::Read::ended:
        return end(Closed::by_peer);
      case TlsSession::Read::failed:
        logging::debug("tls failed", {{"peer", peer_}, {"why", tls_->failure()}});
        return end(Closed::tls_failed);
    }
  }
}

void Stream::settle_handshake() {
  if (!tls_->established() || !application_protocol_.empty()) return;
  application_protocol_ = tls_->application_protocol();
  if (handshake_done_) std::exchange(handshake_done_, nullptr)({});
  if (open() && queued_size_ > 0) flush();
}

void Stream::keep(std::shared_ptr<void> token) {
  KLIEG_ASSERT(!kept_, "a connection keeps one thing");
  if (open()) kept_ = std::move(token);
}

void Stream::pause_reading() {
  paused_ = true;
  watch();
}

void Stream::resume_reading() {
  paused_ = false;
  watch();
}

void Stream::write(std::span<const Bytes> pieces) {
  if (!open() || closing_) return;
  size_t size = 0;
  for (const Bytes& piece : pieces) size += piece.size();
  size_t sent = 0;
  if (!tls_ && queued_size_ == 0) {
    sent = send(pieces, 0);
    if (sent == size || !open()) return;
  }
  queued_size_ += size - sent;
  for (const Bytes& piece : pieces) {
    const size_t skip = std::min(sent, piece.size());
    sent -= skip;
    if (skip < piece.size()) queue_.push_back(piece.slice(skip));
  }
  if (tls_ && ciphertext_.empty()) return flush();
  watch();
}

void Stream::limit_unsent_in_kernel(uint32_t bytes) {
  if (open()) ::setsockopt(socket_, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
}

// A line and the next: where an object begins in its first is the allocator's.
void Stream::prefetch() const {
  __builtin_prefetch(this);
  __builtin_prefetch(reinterpret_cast<const char*>(this) + 64);
}

size_t Stream::send(std::span<const Bytes> pieces, size_t skip) {
  size_t sent = 0;
  while (!pieces.empty()) {
    const Offer offer =
        lies_in_file(pieces.front(), skip) ? offer_file(pieces.front(), skip) : offer_memory(pieces, skip);
    if (offer.taken < 0 && errno != EAGAIN && errno != EINTR) {
      end_later(Closed::reset);
      return sent;
    }
    sent += static_cast<size_t>(std::max<ssize_t>(offer.taken, 0));
    if (offer.taken < static_cast<ssize_t>(offer.size)) return sent;  // the kernel is full
    pieces = pieces.subspan(offer.pieces);
    skip = 0;
  }
  return sent;
}

// All up to the next piece that lies in a file. That follows at once, so a head begins no packet of its own.
Stream::Offer Stream::offer_memory(std::span<const Bytes> pieces, size_t skip) const {
  std::array<iovec, pieces_per_send_max> parts;
  size_t count = 0, size = 0;
  for (const Bytes& piece : pieces.first(std::min(pieces.size(), parts.size()))) {
    if (count > 0 && lies_in_file(piece, 0)) break;
    parts[count++] = {const_cast<uint8_t*>(piece.data()) + skip, piece.size() - skip};
    size += piece.size() - skip;
    skip = 0;
  }
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  const int more = count < pieces.size() ? MSG_MORE : 0;
  return {count, size, ::sendmsg(socket_, &message, MSG_NOSIGNAL | MSG_DONTWAIT | more)};
}

Stream::Offer Stream::offer_file(const Bytes& piece, size_t skip) const {
  const auto file = *piece.in_file();
  auto at = static_cast<off_t>(file.offset + skip);
  const size_t size = piece.size() - skip;
  return {1, size, ::sendfile(socket_, file.descriptor, &at, size)};
}

// Sends what is queued; waits for the kernel where it is full.
void Stream::flush() {
  if (!tls_) {
    consume(send(std::span(queue_).subspan(queue_head_), head_sent_));
  } else {
    while (open() && ciphertext_.empty() && queued_size_ > 0 && tls_->established()) encrypt_batch();
    if (!tls_->established()) return;  // settle_handshake() comes back
  }
  watch();
}

void Stream::encrypt_batch() {
  auto& encrypted = loop_.reactor().encrypted;
  auto& record = loop_.reactor().record;
  size_t room = encrypted_batch_size;
  bool ok = true;
  while (ok && room > 0 && queued_size_ > 0) {
    const ByteView rest = queue_[queue_head_].view().subspan(head_sent_);
    size_t taken = 0;
    if (record.empty() && rest.size() >= tls_record_size_max) {
      taken = std::min(rest.size() / tls_record_size_max * tls_record_size_max, room);
      ok = tls_->write(rest.first(taken), encrypted);
    } else {  // small pieces share a record: a response's head and the start of its body
      taken = std::min(rest.size(), std::min(tls_record_size_max - record.size(), room));
      record.insert(record.end(), rest.begin(), rest.begin() + static_cast<ptrdiff_t>(taken));
      if (record.size() == tls_record_size_max) {
        ok = tls_->write(record, encrypted);
        record.clear();
      }
    }
    room -= taken;
    consume(taken);
  }
  if (ok && !record.empty()) ok = tls_->write(record, encrypted);
  record.clear();
  if (!ok) return end_later(Closed::tls_failed);
  send_ciphertext();
}

// Sends the batch in the loop's buffer; what the kernel does not take is kept as the stream's own.
void Stream::send_ciphertext() {
  auto& encrypted = loop_.reactor().encrypted;
  if (encrypted.empty()) return;
  size_t sent = 0;
  if (ciphertext_.empty() && open()) {
    const Bytes all = Bytes::of_static(encrypted);  // for the length of this call
    sent = send({&all, 1}, 0);
  }
  if (open() && sent < encrypted.size()) {
    ciphertext_.insert(ciphertext_.end(), encrypted.begin() + static_cast<ptrdiff_t>(sent), encrypted.end());
    watch();
  }
  encrypted.clear();
}

void Stream::consume(size_t size) {
  queued_size_ -= size;
  while (size > 0) {
    const size_t rest = queue_[queue_head_].size() - head_sent_;
    if (size < rest) {
      head_sent_ += size;
      return;
    }
    size -= rest;
    head_sent_ = 0;
    queue_[queue_head_++] = {};
  }
  if (queue_head_ == queue_.size()) {
    queue_.clear();
    if (queue_.capacity() > pieces_per_send_max) queue_.shrink_to_fit();
    queue_head_ = 0;
  } else if (queue_head_ >= 256 && queue_head_ * 2 > queue_.size()) {  // long queues are moved up once per half
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<ptrdiff_t>(queue_head_));
    queue_head_ = 0;
  }
}

void Stream::on_writable() {
  if (!open()) return;
  if (!ciphertext_.empty()) {
    const Bytes all = Bytes::of_static(ciphertext_);
    const size_t sent = send({&all, 1}, 0);
    if (!open()) return;
    ciphertext_.erase(ciphertext_.begin(), ciphertext_.begin() + static_cast<ptrdiff_t>(sent));
    if (ciphertext_.empty()) std::vector<uint8_t>().swap(ciphertext_);
  }
  flush();
  if (unsent() > 0 || !open()) return;
  if (closing_) return finish_sending();
  if (handler_) handler_->on_drained();
}

void Stream::close() {
  if (!open() || closing_) return;
  closing_ = true;
  if (unsent() == 0 || (tls_ && !tls_->established())) finish_sending();  // without a key nothing can be sent
}

// Our end of the stream is said; the peer's is waited for, because closing a socket on bytes that nobody read makes the
// kernel send a reset, which takes what the peer has not read yet with it.
void Stream::finish_sending() {
  if (tls_) {
    tls_->finish(loop_.reactor().encrypted);
    send_ciphertext();
  }
  ::shutdown(socket_, SHUT_WR);
  linger_ = std::make_unique<Timer>(loop_, [this] { end(Closed::by_us); });
  linger_->arm(loop_.now() + linger_time_max);
  watch();
}

void Stream::abort() {
  if (!open()) return;
  const linger at_once{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  end_later(Closed::by_us);
}

void Stream::release() {
  handler_ = nullptr;
  handshake_done_ = nullptr;
  close_socket();
}

void Stream::end(Closed why) {
  ended_ = true;
  close_socket();
  if (handshake_done_) {
    const bool said = !tls_->failure().empty();
    return std::exchange(handshake_done_,
                         nullptr)(fail(said ? tls_->failure() : "the peer broke off the TLS handshake"));
  }
  if (handler_) std::exchange(handler_, nullptr)->on_closed(why);
}

void Stream::end_later(Closed why) {
  ended_ = true;
  loop_.post([self = shared_from_this(), why] { self->end(why); });
}

void Stream::close_socket() {
  ended_ = true;
  linger_.reset();
  queue_.clear();
  queue_head_ = head_sent_ = queued_size_ = 0;
  ciphertext_.clear();
  if (socket_ < 0) return;
  if (in_set_) loop_.reactor().ready.remove(socket_, *this);
  ::close(std::exchange(socket_, -1));
  place_.reset();
  kept_.reset();
}

namespace {

class OwnedStream final : public Connection {
 public:
  explicit OwnedStream(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {}
  ~OwnedStream() override { stream_->release(); }

  void start(ConnectionHandler& handler) override { stream_->start(handler); }
  void write(std::span<const Bytes> pieces) override { stream_->write(pieces); }
  size_t unsent() const override { return stream_->unsent(); }
  void limit_unsent_in_kernel(uint32_t bytes) override { stream_->limit_unsent_in_kernel(bytes); }
  void prefetch() const override { stream_->prefetch(); }
  void pause_reading() override { stream_->pause_reading(); }
  void resume_reading() override { stream_->resume_reading(); }
  void close() override { stream_->close(); }
  void abort() override { stream_->abort(); }
  void keep(std::shared_ptr<void> token) override { stream_->keep(std::move(token)); }
  const std::string& peer() const override { return stream_->peer(); }
  const std::string& application_protocol() const override { return stream_->application_protocol(); }
  bool encrypted() const override { return stream_->encrypted(); }

 private:
  std::shared_ptr<Stream> stream_;
};

}  // namespace

std::unique_ptr<Connection> own(std::shared_ptr<Stream> stream) {
  return std::make_unique<OwnedStream>(std::move(stream));
}

}  // namespace klieg::net

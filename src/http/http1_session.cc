// HTTP/1.1 on one connection: one exchange at a time, in the order the requests came (RFC 9112).
//
//   head --(whole)--> serving --(respond)--> sending --(last byte handed over)--> head
//     |                     |                    |
//     |                     '--(upgrade)--> ended: the connection is another's
//     '--(body announced)--> body --(whole)--> serving          any --(refusal, close, lost source)--> ended
//
// Pipelined requests wait as bytes, at most one head's and one body's worth; then we stop reading. While a request is
// held we keep reading, because that is how a viewer's leaving is noticed.

#include <fmt/format.h>

#include <utility>

#include "http/session.h"
#include "wire/http1.h"
#include "wire/websocket.h"

namespace klieg::http {
namespace {

namespace http1 = wire::http1;

// A request whose body is still coming.
struct Arriving {
  std::string head;
  http1::BodyCoding coding;
  uint64_t rest;  // of a body with Content-Length
  http1::ChunkedDecoder decoder;
  std::vector<uint8_t> content;
};

class Http1Session final : public Session,
                           public Responder::Target,
                           public std::enable_shared_from_this<Http1Session>,
                           private LogWaiter {
 public:
  Http1Session(ServerCore& core, Viewer& viewer) : core_(core), viewer_(viewer), since_(viewer.since()) {}
  ~Http1Session() override {
    if (state_ == State::serving || state_ == State::sending) core_.tally.request_ended();
  }

  void on_bytes(ByteView bytes) override;
  void on_drained() override;
  void on_turn() override;
  bool in_haste() const override { return state_ == State::sending && body_.in_haste(); }
  void on_tick(LoopTime now) override;
  void drain() override;
  void respond(uint64_t exchange, Response response) override;
  std::unique_ptr<net::Connection> upgrade(uint64_t exchange, const WebSocketOffer& offer) override;

 private:
  enum class State : uint8_t { head, body, serving, sending, ended };
  enum class Framing : uint8_t { content_length, chunked, until_close };

  void on_log_grew() override;

  // Requests.
  size_t read(std::string_view bytes);
  size_t read_head(std::string_view bytes);
  size_t read_body(std::string_view bytes);
  void keep(std::string_view bytes);
  void proceed();
  void proceed_later();
  void serve(http1::RequestHead& head, Bytes body);
  void refuse(http1::Refusal refusal, Ending why);

  // Responses.
  void begin(Response response);
  void pump();
  void put(Bytes piece);
  void flush();
  void finish_exchange();
  bool full();

  ServerCore& core_;
  Viewer& viewer_;
  State state_ = State::head;
  Framing framing_ = Framing::content_length;
  Method method_ = Method::get;
  http1::Persistence persistence_ = http1::Persistence::keep_alive;
  uint8_t minor_version_ = 1;
  bool first_ = true;      // no request has come yet
  bool reading_ = false;   // read() is on the stack: it flushes and goes on by itself
  bool followed_ = false;  // in the bytes that it reads, by more than this request
  bool paused_ = false;
  uint16_t status_ = 0;
  uint64_t exchange_ = 0;
  LoopTime since_;       // of the wait under way; in serving and sending, when the request was whole
  size_t searched_ = 0;  // of input_, for the end of a head
  std::string input_;
  std::unique_ptr<Arriving> arriving_;
  Outgoing body_;
  std::vector<Bytes> put_;  // leaves in one write
  size_t put_size_ = 0;
};

void Http1Session::on_bytes(ByteView bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!input_.empty()) {
    keep(text);
    return proceed();
  }
  if (state_ == State::head && !first_) since_ = core_.loop.now();
  const size_t taken = read(text);
  if (state_ != State::ended) keep(text.substr(taken));
}

void Http1Session::on_log_grew() {
  const auto self = shared_from_this();
  core_.in_turn(self);
  if (has_a_turn_coming() && !waiting() && body_.log()->growing()) body_.log()->wake_me(*this);
}

void Http1Session::on_turn() {
  if (state_ != State::sending) return;
  stop_waiting();
  pump();
  flush();
  proceed_later();
}

void Http1Session::keep(std::string_view bytes) {
  input_.append(bytes);
  if (!paused_ && input_.size() > core_.limits.head_size_max + core_.limits.body_size_max) {
    paused_ = true;
    viewer_.connection().pause_reading();
  }
}

// Goes on with what was kept.
void Http1Session::proceed() {
  if (state_ != State::head && state_ != State::body) return;
  const size_t taken = read(input_);
  if (state_ == State::ended || taken == input_.size()) {
    std::string().swap(input_);  // an idle connection keeps no buffer
  } else {
    input_.erase(0, taken);
  }
  if (paused_ && input_.size() <= core_.limits.head_size_max) {
    paused_ = false;
    viewer_.connection().resume_reading();
  }
}

// In a turn of its own, when an exchange ended inside somebody else's: that one's handler may still be reading its
// request, and all requests of a loop are parsed in the same place.
void Http1Session::proceed_later() {
  if (input_.empty() || state_ != State::head) return;
  core_.loop.post([weak = weak_from_this()] {
    if (auto self = weak.lock()) self->proceed();
  });
}

size_t Http1Session::read(std::string_view bytes) {
  reading_ = true;
  size_t at = 0;
  while ((state_ == State::head || state_ == State::body) && !full()) {
    const size_t taken = state_ == State::head ? read_head(bytes.substr(at)) : read_body(bytes.substr(at));
    if (taken == 0) break;
    at += taken;
  }
  reading_ = false;
  flush();
  return at;
}

size_t Http1Session::read_head(std::string_view bytes) {
  if (bytes.starts_with("\r\n")) return 2;  // section 2.2: an empty line before a request is ignored
  const auto end = http1::find_head_end(bytes, searched_);
  if (end.value_or(bytes.size()) > core_.limits.head_size_max) {
    refuse({431, "the request's head is too large"}, Ending::refused);
    return 0;
  }
  searched_ = end ? 0 : bytes.size();
  if (!end) return 0;

  // Views point here until serve() returns. Handlers run one at a time and never inside each other's read().
  static thread_local std::vector<char> head_bytes;
  static thread_local http1::RequestHead head;
  head_bytes.assign(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(*end));
  if (auto parsed = http1::parse_request_head(head_bytes, head); !parsed) {
    refuse(parsed.error(), Ending::refused);
    return 0;
  }
  first_ = false;
  followed_ = *end < bytes.size();
  persistence_ = head.persistence;
  minor_version_ = head.minor_version;
  if (head.body == http1::BodyCoding::none ||
      (head.body == http1::BodyCoding::content_length && head.content_length == 0)) {
    serve(head, {});
    return *end;
  }
  if (head.body == http1::BodyCoding::content_length && head.content_length > core_.limits.body_size_max) {
    refuse({413, "the request's body is too large"}, Ending::refused);
    return 0;
  }
  arriving_ = std::make_unique<Arriving>(Arriving{std::string(bytes.substr(0, *end)),
                                                  head.body,
                                                  head.content_length,
                                                  http1::ChunkedDecoder(core_.limits.body_size_max),
                                                  {}});
  state_ = State::body;
  since_ = core_.loop.now();
  if (head.expects_continue) put(Bytes::of_static(as_bytes("HTTP/1.1 100 Continue\r\n\r\n")));
  return *end;
}

size_t Http1Session::read_body(std::string_view bytes) {
  size_t taken = 0;
  bool whole = false;
  if (arriving_->coding == http1::BodyCoding::chunked) {
    const auto fed = arriving_->decoder.feed(as_bytes(bytes), arriving_->content);
    if (!fed) {
      refuse(fed.error(), Ending::refused);
      return 0;
    }
    taken = *fed;
    whole = arriving_->decoder.done();
  } else {
    taken = std::min<uint64_t>(arriving_->rest, bytes.size());
    const ByteView content = as_bytes(bytes.substr(0, taken));
    arriving_->content.insert(arriving_->content.end(), content.begin(), content.end());
    arriving_->rest -= taken;
    whole = arriving_->rest == 0;
  }
  if (whole) {
    const auto arrived = std::exchange(arriving_, nullptr);
    http1::RequestHead head;
    const auto parsed = http1::parse_request_head(arrived->head, head);
    KLIEG_ASSERT(parsed, "a head is read the same way twice");
    serve(head, Bytes::take(std::move(arrived->content)));
  }
  return taken;
}

void Http1Session::serve(http1::RequestHead& head, Bytes body) {
  if (core_.draining()) return refuse({503, "the server is going; ask again"}, Ending::drained);
  method_ = method_of(head.method);
  state_ = State::serving;
  since_ = core_.loop.now();
  core_.tally.request_began();
  Request request;
  request.method = method_;
  request.method_name = head.method;
  request.path = head.path;
  request.query = head.query;
  request.headers.swap(head.headers);
  request.version = minor_version_ == 0 ? Version::http_1_0 : Version::http_1_1;
  request.scheme = viewer_.connection().encrypted() ? "https" : "http";
  request.authority = head.host;
  request.peer = viewer_.connection().peer();
  request.body = std::move(body);
  core_.handler.serve(request, Responder(weak_from_this(), ++exchange_));
  request.headers.swap(head.headers);  // its memory serves the next request
}

// A request that was never one: answered without the handler, and the last on this connection.
void Http1Session::refuse(http1::Refusal refusal, Ending why) {
  state_ = State::ended;
  const Response response = Response::text(refusal.status, refusal.why);
  const Bytes& body = std::get<Bytes>(response.body);
  std::string head;
  http1::append_status_line(head, refusal.status);
  http1::append_field(head, "date", core_.date());
  http1::append_field(head, "connection", "close");
  http1::append_field(head, "content-length", std::to_string(body.size()));
  head.append(response.headers->http1_lines()).append("\r\n");
  put(Bytes::take(std::move(head)));
  put(body);
  flush();
  core_.tally.request(Method::other, refusal.status, {});
  viewer_.finish(why);
}

void Http1Session::respond(uint64_t exchange, Response response) {
  if (exchange != exchange_ || state_ != State::serving) return;
  begin(std::move(response));
  if (reading_) return;
  flush();
  proceed_later();
}

// A client waits for the 101 before it speaks the other protocol (RFC 6455 section 4.1), and RFC 9110 section 7.8 lets
// us refuse an upgrade: so no byte is ever between the two.
std::unique_ptr<net::Connection> Http1Session::upgrade(uint64_t exchange, const WebSocketOffer& offer) {
  if (exchange != exchange_ || state_ != State::serving) return nullptr;
  if (core_.draining() || (reading_ ? followed_ : !input_.empty())) {
    respond(exchange, core_.draining() ? Response::text(503, "the server is going; ask again")
                                       : Response::text(400, "nothing may follow a request for an upgrade"));
    return nullptr;
  }
  state_ = State::ended;
  core_.tally.request_ended();
  core_.tally.request(method_, 101, core_.loop.now() - since_);
  std::string head;
  http1::append_status_line(head, 101);
  http1::append_field(head, "upgrade", "websocket");
  http1::append_field(head, "connection", "Upgrade");
  http1::append_field(head, "sec-websocket-accept", wire::websocket::accept_of(offer.key));
  http1::append_field(head, "sec-websocket-protocol", offer.protocol);
  put(Bytes::take(std::move(head.append("\r\n"))));
  flush();
  return viewer_.give_away();
}

void Http1Session::begin(Response response) {
  state_ = State::sending;
  status_ = response.status;
  body_ = Outgoing(std::move(response.body));
  if (body_.log() && !viewer_.connection().encrypted()) body_.log()->sent_in_clear();
  if (core_.draining()) persistence_ = http1::Persistence::close;

  static thread_local std::string head;
  head.clear();
  http1::append_status_line(head, status_);
  if (!response.headers || !response.headers->says_server()) http1::append_field(head, "server", "klieg");
  if (!response.headers || !response.headers->says_date()) http1::append_field(head, "date", core_.date());
  if (has_body(status_)) {
    if (const auto length = body_.length()) {
      framing_ = Framing::content_length;
      const fmt::format_int digits(*length);  // format_to() would be 1 % of a hit
      http1::append_field(head, "content-length", {digits.data(), digits.size()});
    } else if (minor_version_ > 0) {
      framing_ = Framing::chunked;
      head += "transfer-encoding: chunked\r\n";
    } else {
      framing_ = Framing::until_close;
      if (method_ != Method::head) persistence_ = http1::Persistence::close;
    }
  }
  if (persistence_ == http1::Persistence::close) {
    head += "connection: close\r\n";
  } else if (minor_version_ == 0) {
    head += "connection: keep-alive\r\n";
  }
  if (response.headers) head += response.headers->http1_lines();
  head += response.own_headers.http1_lines();
  head += "\r\n";
  put(Bytes::copy_of(head));

  if (method_ == Method::head || !has_body(status_)) return finish_exchange();
  pump();
}

// Hands over what there is of the body, up to the limit; then waits for the log or the peer.
void Http1Session::pump() {
  while (state_ == State::sending) {
    if (body_.done()) {
      if (framing_ == Framing::chunked) put(Bytes::of_static(as_bytes("0\r\n\r\n")));
      return finish_exchange();
    }
    if (body_.lost()) {
      flush();
      state_ = State::ended;
      core_.tally.request_ended();
      // A body that ends with the connection would look whole after an orderly end.
      return framing_ == Framing::until_close ? viewer_.abort(Ending::source_aborted)
                                              : viewer_.finish(Ending::source_aborted);
    }
    if (full()) return;
    const size_t before = put_.size();
    if (framing_ == Framing::chunked) put_.emplace_back();  // the place of its size line
    const size_t taken = body_.take(core_.limits.unsent_max - viewer_.unsent() - put_size_, put_);
    put_size_ += taken;
    if (taken == 0) {
      put_.resize(before);
      return body_.log()->wake_me(*this);
    }
    if (framing_ == Framing::chunked) {
      std::string line;
      http1::append_chunk_size(line, taken);
      put_size_ += line.size();
      put_[before] = Bytes::take(std::move(line));
      put(Bytes::of_static(as_bytes("\r\n")));
    }
  }
}

// Nothing more may be queued now. Then, and only then, on_drained() comes back for the rest.
bool Http1Session::full() {
  if (viewer_.unsent() + put_size_ < core_.limits.unsent_max) return false;
  flush();
  return viewer_.unsent() >= core_.limits.unsent_max;
}

void Http1Session::put(Bytes piece) {
  put_size_ += piece.size();
  put_.push_back(std::move(piece));
}

void Http1Session::flush() {
  if (put_.empty()) return;
  viewer_.write(put_);
  put_.clear();
  put_size_ = 0;
}

void Http1Session::finish_exchange() {
  core_.no_longer_follows(*this);
  core_.tally.request_ended();
  core_.tally.request(method_, status_, core_.loop.now() - since_);
  body_ = {};
  since_ = core_.loop.now();
  if (persistence_ == http1::Persistence::keep_alive) {
    state_ = State::head;
    return;
  }
  state_ = State::ended;
  flush();
  viewer_.finish(core_.draining() ? Ending::drained : Ending::finished);
}

void Http1Session::on_drained() {
  if (waiting()) return;  // for the log, not for the peer
  pump();
  flush();
  proceed();
}

void Http1Session::on_tick(LoopTime now) {
  const Duration waited = now - since_;
  if (state_ == State::body && waited >= core_.limits.stall_time_max) {
    return refuse({408, "the request's body did not come"}, Ending::body_timeout);
  }
  if (state_ != State::head || full()) return;
  const bool begun = first_ || !input_.empty();
  if (begun && waited >= core_.limits.head_time_max) refuse({408, "the request did not come"}, Ending::head_timeout);
  if (!begun && waited >= core_.limits.idle_time_max) {
    state_ = State::ended;
    viewer_.finish(Ending::idle_timeout);
  }
}

void Http1Session::drain() {
  if (state_ != State::head && state_ != State::body) return;  // the exchange under way says Connection: close
  if (!input_.empty() || state_ == State::body) return refuse({503, "the server is going; ask again"}, Ending::drained);
  state_ = State::ended;
  viewer_.finish(Ending::drained);
}

}  // namespace

std::shared_ptr<Session> make_http1_session(ServerCore& core, Viewer& viewer) {
  return std::make_shared<Http1Session>(core, viewer);
}

}  // namespace klieg::http

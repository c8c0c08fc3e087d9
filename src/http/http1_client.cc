// HTTP/1.1 on one connection to a peer: one exchange at a time (RFC 9112).
//
//   idle --begin()--> head --(its end)--> body --(its end)--> idle
//                      | '--(no body)--------------------------^      any --(close, bad bytes, timeout)--> dropped
//
// Nothing is pipelined: a response that stalls would hold up what has nothing to do with it. Bytes that nobody asked
// for end the connection, because the next response would be theirs.

#include <utility>

#include "base/logging.h"
#include "http/client_session.h"
#include "wire/http1.h"

namespace klieg::http {
namespace {

namespace http1 = wire::http1;

class Http1Line final : public Line {
 public:
  Http1Line(ClientCore& core, std::unique_ptr<net::Connection> connection)
      : Line(core, std::move(connection)), idle_since_(core.loop.now()) {}

  size_t room() const override { return idle() ? 1 : 0; }
  bool idle() const override { return open() && state_ == State::idle; }
  void begin(std::shared_ptr<Call> call) override;
  void cancel(Call& call) override;
  void pause(Call& call) override;
  void resume(Call& call) override;
  void on_tick(LoopTime now) override;

 protected:
  void read(ByteView bytes) override;
  void lost(net::Closed why) override;

 private:
  enum class State : uint8_t { idle, head, body, whole };
  enum class Rest : uint8_t { nothing, something };

  size_t read_head(std::string_view bytes);
  size_t read_body(std::string_view bytes);
  void finish(Rest rest);
  void fail(ExchangeEnd why);
  void refuse(const http1::Refusal& refusal);

  State state_ = State::idle;
  std::shared_ptr<Call> call_;  // null: idle
  bool heard_ = false;          // a byte of the response has come
  LoopTime idle_since_;
  size_t searched_ = 0;  // of input_, for the end of a head
  std::string input_;    // of a head that is not whole; at most head_size_max and one read
  std::vector<char> head_bytes_;
  http1::ResponseHead head_;
  uint64_t rest_ = 0;  // of a body with Content-Length
  http1::ChunkedDecoder decoder_{http1::ChunkedDecoder::no_end};
};

void Http1Line::begin(std::shared_ptr<Call> call) {
  const Ask& ask = call->ask;
  std::string head(method_name(ask));
  head.append(" ").append(ask.target).append(" HTTP/1.1\r\n");
  http1::append_field(head, "host", call->authority);
  head += call->fields.http1_lines();
  if (!ask.body.empty() || ask.method == Method::post || ask.method == Method::put) {
    http1::append_field(head, "content-length", std::to_string(ask.body.size()));
  }
  head += "\r\n";

  state_ = State::head;
  heard_ = false;
  searched_ = 0;
  call->carried_by(*this, 0);
  call_ = std::move(call);
  const std::array pieces{Bytes::take(std::move(head)), ask.body};
  connection().write(std::span(pieces).first(ask.body.empty() ? 1 : 2));
}

void Http1Line::read(ByteView bytes) {
  if (state_ == State::idle) {
    logging::debug("a peer speaks unasked", {{"peer", connection().peer()}});
    return drop();
  }
  heard_ = true;
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!input_.empty()) text = input_.append(text);
  while (open() && state_ != State::whole && !text.empty()) {
    const size_t taken = state_ == State::head ? read_head(text) : read_body(text);
    if (taken == 0) break;
    text.remove_prefix(taken);
  }
  if (!open()) return;
  const Rest rest = text.empty() ? Rest::nothing : Rest::something;
  if (state_ == State::head) {
    input_ = std::string(text);
  } else {
    std::string().swap(input_);
  }
  if (state_ == State::whole) finish(rest);
}

size_t Http1Line::read_head(std::string_view bytes) {
  const auto end = http1::find_head_end(bytes, searched_);
  if (end.value_or(bytes.size()) > core().limits.head_size_max) {
    refuse({502, "the response's head is too large"});
    return 0;
  }
  searched_ = end ? 0 : bytes.size();
  if (!end) return 0;

  head_bytes_.assign(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(*end));
  const auto request = call_->ask.method == Method::head ? http1::AnswerTo::head : http1::AnswerTo::other;
  if (auto parsed = http1::parse_response_head(head_bytes_, request, head_); !parsed) {
    refuse(parsed.error());
    return 0;
  }
  if (head_.status == 101) {
    refuse({502, "a change of protocol that nobody asked for"});
    return 0;
  }
  if (head_.status < 200) return *end;

  rest_ = head_.content_length.value_or(0);
  decoder_ = http1::ChunkedDecoder(http1::ChunkedDecoder::no_end);
  const bool empty =
      head_.body == http1::BodyCoding::none || (head_.body == http1::BodyCoding::content_length && rest_ == 0);
  state_ = empty ? State::whole : State::body;
  if (call_->paused()) pause(*call_);
  ResponseHead head{head_.status, {}, head_.content_length};
  head.headers.swap(head_.headers);
  const auto call = call_;
  call->on_head(head);
  head.headers.swap(head_.headers);  // its memory serves the next response
  return *end;
}

size_t Http1Line::read_body(std::string_view bytes) {
  const auto call = call_;
  if (head_.body == http1::BodyCoding::chunked) {
    std::vector<uint8_t> content;
    content.reserve(bytes.size());
    const auto fed = decoder_.feed(as_bytes(bytes), content);
    if (fed && decoder_.done()) state_ = State::whole;
    call->on_body(std::move(content));
    if (fed) return *fed;
    if (open()) refuse(fed.error());
    return 0;
  }
  size_t taken = bytes.size();
  if (head_.body == http1::BodyCoding::content_length) {
    taken = std::min<uint64_t>(rest_, bytes.size());
    rest_ -= taken;
    if (rest_ == 0) state_ = State::whole;
  }
  call->on_body(as_bytes(bytes.substr(0, taken)));
  return taken;
}

// The line is free, and taken by who waits, before the owner hears of the end.
void Http1Line::finish(Rest rest) {
  const auto call = std::exchange(call_, nullptr);
  if (head_.persistence == http1::Persistence::keep_alive && rest == Rest::nothing && connection().unsent() == 0) {
    state_ = State::idle;
    proven_ = true;
    idle_since_ = core().loop.now();
    connection().resume_reading();
  } else {
    drop();
  }
  core().settle();
  call->end(ExchangeEnd::complete);
}

void Http1Line::refuse(const http1::Refusal& refusal) {
  logging::debug("a peer does not speak HTTP as we accept it",
                 {{"peer", connection().peer()}, {"why", std::string_view(refusal.why)}});
  fail(ExchangeEnd::malformed);
}

void Http1Line::fail(ExchangeEnd why) {
  const auto call = std::exchange(call_, nullptr);
  drop();
  core().settle();
  call->end(why);
}

void Http1Line::lost(net::Closed why) {
  const auto call = std::exchange(call_, nullptr);
  if (!call) return;
  // Over TLS an end of the connection may be anybody's: whether it was said in the tunnel we are not told.
  const bool whole = state_ == State::body && head_.body == http1::BodyCoding::until_close &&
                     why == net::Closed::by_peer && !encrypted_;
  if (whole) return call->end(ExchangeEnd::complete);
  if (proven_ && !heard_) return core().try_again(call, Processed::perhaps);
  call->end(ExchangeEnd::reset);
}

// The rest of the response would have to be read to use the connection again; nobody knows how much that is.
void Http1Line::cancel(Call& call) {
  if (call_.get() != &call) return;
  call_ = nullptr;
  drop();
  core().settle();
}

void Http1Line::pause(Call& call) {
  if (open() && call_.get() == &call && state_ == State::body) connection().pause_reading();
}

void Http1Line::resume(Call& call) {
  if (open() && call_.get() == &call) connection().resume_reading();
}

void Http1Line::on_tick(LoopTime now) {
  if (call_ && call_->overdue(now)) return fail(ExchangeEnd::timed_out);
  if (idle() && now - idle_since_ >= core().limits.idle_time_max) drop();
}

}  // namespace

std::shared_ptr<Line> make_http1_line(ClientCore& core, std::unique_ptr<net::Connection> connection) {
  return std::make_shared<Http1Line>(core, std::move(connection));
}

}  // namespace klieg::http

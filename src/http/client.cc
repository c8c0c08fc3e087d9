#include "http/client.h"

#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "http/client_session.h"
#include "http/target.h"

namespace klieg::http {
namespace {

constexpr Duration tick_interval = 1s;

// By ExchangeEnd, and one more.
constexpr Duration complain_every = 10s;  // whoever asks does so many times a second

constexpr std::array outcomes{"complete", "unreachable", "too_many", "reset", "malformed", "timed_out", "cancelled"};
static_assert(outcomes.size() == ClientCore::cancelled + 1);

// RFC 9110 section 9.2.1: asking twice does no more than asking once.
bool is_safe(Method method) { return method == Method::get || method == Method::head || method == Method::options; }

bool is_own_header(std::string_view name) {
  return name == "content-length" || name == "connection" || name == "transfer-encoding";
}

// RFC 9110 section 5.6.2.
bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || std::string_view("!#$%&'*+-.^_`|~").contains(c);
  });
}

std::string authority_of(const Ask& ask, const Peer& peer) {
  const auto host = std::ranges::find(ask.headers, "host", [](const auto& field) { return field.first; });
  return host == ask.headers.end() ? peer.authority : host->second;
}

// Of "host", "host:port", "[2001:db8::1]:port".
std::string host_of(std::string_view authority) {
  if (authority.starts_with('[')) return std::string(authority.substr(1, authority.find(']') - 1));
  return std::string(authority.substr(0, authority.find(':')));
}

HeaderBlock fields_of(const Ask& ask) {
  HeaderBlock fields;
  for (const auto& [name, value] : ask.headers) {
    KLIEG_ASSERT(!is_own_header(name), "framing is the client's own");
    if (name != "host") fields.add(name, value);
  }
  return fields;
}

class OwnedCall final : public Exchange {
 public:
  explicit OwnedCall(std::shared_ptr<Call> call) : call_(std::move(call)) {}
  ~OwnedCall() override { call_->cancel(); }
  void pause() override { call_->pause(); }
  void resume() override { call_->resume(); }

 private:
  const std::shared_ptr<Call> call_;
};

class OwnedCore final : public Client {
 public:
  explicit OwnedCore(std::shared_ptr<ClientCore> core) : core_(std::move(core)) {}
  ~OwnedCore() override { core_->shut(); }
  std::unique_ptr<Exchange> ask(Ask ask, ExchangeHandler& handler) override {
    return core_->ask(std::move(ask), handler);
  }
  size_t connections() const override { return core_->connections(); }

 private:
  const std::shared_ptr<ClientCore> core_;
};

}  // namespace

std::optional<std::string_view> ResponseHead::header(std::string_view lower_case_name) const {
  for (const HeaderView& field : headers) {
    if (field.name == lower_case_name) return field.value;
  }
  return std::nullopt;
}

std::string_view method_name(const Ask& ask) {
  switch (ask.method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::options:
      return "OPTIONS";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::delete_:
      return "DELETE";
    case Method::other:
      break;
  }
  return ask.method_name;
}

Call::Call(ClientCore& core, Ask ask, ExchangeHandler& handler)
    : ask(std::move(ask)),
      authority(authority_of(this->ask, core.peer)),
      fields(fields_of(this->ask)),
      core_(core.weak_from_this()),
      loop_(core.loop),
      handler_(&handler),
      since_(core.loop.now()),
      heard_(since_) {}

std::shared_ptr<ClientCore> Call::core() const {
  auto core = core_.lock();
  return core && !core->is_shut() ? core : nullptr;
}

void Call::carried_by(Line& line, int32_t stream) {
  state_ = State::carried;
  stream_ = stream;
  line_ = line.weak_from_this();
}

void Call::cancel() {
  const auto core = this->core();
  if (!std::exchange(handler_, nullptr) || !core) return;
  core->count(ClientCore::cancelled, loop_.now() - since_);
  const auto line = line_.lock();
  if (line && !kept_.empty()) line->on_taken(*this, kept_.size());
  if (state_ == State::waiting) core->forget(*this);
  if (state_ == State::carried && line) line->cancel(*this);
  state_ = State::over;
}

void Call::pause() {
  if (std::exchange(paused_, true)) return;
  const auto line = line_.lock();
  if (state_ == State::carried && line) line->pause(*this);
}

void Call::resume() {
  if (!std::exchange(paused_, false)) return;
  heard_ = loop_.now();
  const auto line = line_.lock();
  if (state_ == State::carried && line) line->resume(*this);
  if (kept_.empty() && !end_) return;
  loop_.post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->deliver();
  });
}

// What was kept, and the end that came after it.
void Call::deliver() {
  const auto core = this->core();
  if (paused_ || !handler_ || !core) return;
  if (!kept_.empty()) {
    const size_t size = kept_.size();
    Bytes piece = Bytes::take(std::exchange(kept_, {}));
    if (const auto line = line_.lock()) line->on_taken(*this, size);
    handler_->on_body(std::move(piece));
  }
  if (end_ && !paused_ && handler_) finish(*core, *end_);
}

void Call::on_head(const ResponseHead& head) {
  if (!handler_ || !core()) return;
  answered_ = true;
  heard_ = loop_.now();
  handler_->on_head(head);
}

void Call::on_body(ByteView content) {
  if (!handler_ || !core() || content.empty()) return;
  heard_ = loop_.now();
  if (paused_ || !kept_.empty()) {
    kept_.insert(kept_.end(), content.begin(), content.end());
  } else {
    if (const auto line = line_.lock()) line->on_taken(*this, content.size());
    handler_->on_body(Bytes::copy_of(content));
  }
}

void Call::on_body(std::vector<uint8_t> content) {
  if (paused_ || !kept_.empty()) return on_body(ByteView(content));
  if (!handler_ || !core() || content.empty()) return;
  heard_ = loop_.now();
  handler_->on_body(Bytes::take(std::move(content)));
}

void Call::end(ExchangeEnd why) {
  const auto core = this->core();
  if (!handler_ || !core) return;
  state_ = State::over;
  if (paused_ || !kept_.empty()) {
    end_ = why;
  } else {
    finish(*core, why);
  }
}

void Call::end_later(ExchangeEnd why) {
  loop_.post([weak = weak_from_this(), why] {
    if (const auto self = weak.lock()) self->end(why);
  });
}

void Call::finish(ClientCore& core, ExchangeEnd why) {
  core.count(static_cast<size_t>(why), loop_.now() - since_);
  std::exchange(handler_, nullptr)->on_end(why);
}

bool Call::overdue(LoopTime now) const {
  if (!answered_) return now - since_ >= ask.head_time_max.value_or(never);
  return !paused_ && now - heard_ >= ask.stall_time_max.value_or(never);
}

Line::Line(ClientCore& core, std::unique_ptr<net::Connection> connection)
    : encrypted_(connection->encrypted()), core_(core), connection_(std::move(connection)) {}

void Line::on_bytes(ByteView bytes) {
  if (!open()) return;
  const auto self = shared_from_this();
  const auto core = core_.shared_from_this();
  read(bytes);
}

void Line::on_closed(net::Closed why) {
  if (!open()) return;
  const auto self = shared_from_this();
  const auto core = core_.shared_from_this();
  drop();
  lost(why);
  core->settle();
}

void Line::drop() {
  if (!open()) return;
  hang_up();
  core_.remove(*this);
}

ClientCore::ClientCore(net::Loop& loop, Peer peer, const ClientLimits& limits, Metrics& metrics, Connector connector)
    : loop(loop),
      peer(std::move(peer)),
      limits(limits),
      connector_(std::move(connector)),
      ticker_(loop,
              [this] {
                ticking_ = false;
                check_waits(this->loop.now());
              }),
      open_connections_(metrics.gauge("http_client_open_connections", "Connections to peers open now")),
      active_requests_(metrics.gauge("http_client_active_requests", "Requests to peers under way or waiting now")),
      sent_again_(metrics.counter("http_client_requests_sent_again_total",
                                  "Requests that a connection lost unanswered, sent on another")) {
  for (size_t i = 0; i < outcomes.size(); ++i) {
    durations_[i] = &metrics.duration_histogram("http_client_request_duration_seconds",
                                                "From asking a peer to the end of its response, by outcome",
                                                {{"outcome", outcomes[i]}});
  }
}

ClientCore::~ClientCore() { shut(); }

void ClientCore::shut() {
  if (std::exchange(shut_, true)) return;
  ticker_.cancel();
  for (const auto& line : lines_) line->hang_up();
  open_connections_.Decrement(static_cast<double>(lines_.size()));
  active_requests_.Decrement(static_cast<double>(active_));
  lines_.clear();
  waiting_.clear();
}

std::unique_ptr<Exchange> ClientCore::ask(Ask ask, ExchangeHandler& handler) {
  KLIEG_ASSERT(is_target(ask.target), "a target is a path, percent-encoded");
  KLIEG_ASSERT(ask.method != Method::other || is_token(ask.method_name), "a request has a method");
  if (!ask.head_time_max) ask.head_time_max = limits.head_time_max;
  if (!ask.stall_time_max) ask.stall_time_max = limits.stall_time_max;
  auto call = std::make_shared<Call>(*this, std::move(ask), handler);
  ++active_;
  active_requests_.Increment();
  if (waiting_.size() >= limits.waiting_max) {
    call->end_later(ExchangeEnd::too_many);
  } else {
    waiting_.push_back(call);
    settle();
  }
  return std::make_unique<OwnedCall>(std::move(call));
}

void ClientCore::count(size_t outcome, Duration duration) {
  --active_;
  active_requests_.Decrement();
  durations_[outcome]->Observe(to_seconds(duration));
}

void ClientCore::settle() {
  if (shut_) return;
  while (!waiting_.empty()) {
    // The newest with room: what is left over grows old and is closed.
    const auto found = std::find_if(lines_.rbegin(), lines_.rend(), [](const auto& each) { return each->room() > 0; });
    if (found == lines_.rend()) break;
    const auto line = (*found)->shared_from_this();  // it may find that its connection is over, and leave
    const auto call = std::move(waiting_.front());
    waiting_.pop_front();
    line->begin(call);
  }
  const size_t carries = peer.protocol == Protocol::http2 ? limits.streams_max : 1;
  while (waiting_.size() > connecting_ * carries && lines_.size() + connecting_ < limits.connections_max) connect();
  keep_ticking();
}

void ClientCore::connect() {
  ++connecting_;
  connector_([weak = weak_from_this()](Result<std::unique_ptr<net::Connection>> made) {
    if (const auto self = weak.lock(); self && !self->shut_) self->connected(std::move(made));
  });
}

void ClientCore::connected(Result<std::unique_ptr<net::Connection>> made) {
  --connecting_;
  const bool wants_http2 = peer.protocol == Protocol::http2;
  if (made && wants_http2 && (*made)->encrypted() && (*made)->application_protocol() != "h2") {
    made = fail("the peer does not offer HTTP/2");
  }
  if (made) {
    auto line = wants_http2 ? make_http2_line(*this, std::move(*made)) : make_http1_line(*this, std::move(*made));
    lines_.push_back(line);
    open_connections_.Increment();
    line->start();
    return settle();
  }
  if (complained_ == LoopTime::min() || loop.now() >= complained_ + complain_every) {
    complained_ = loop.now();
    logging::warning("cannot reach a peer", {{"peer", peer.endpoint.text()}, {"why", made.error().message}});
  }
  // Where lines are left, only the one for whose sake this connection was tried; the others may find room on those.
  std::deque<std::shared_ptr<Call>> failed;
  if (lines_.empty()) {
    failed.swap(waiting_);
  } else if (!waiting_.empty()) {
    failed.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  for (const auto& call : failed) call->end(ExchangeEnd::unreachable);
  settle();
}

void ClientCore::remove(Line& line) {
  if (std::erase_if(lines_, [&](const auto& each) { return each.get() == &line; }) > 0) open_connections_.Decrement();
}

void ClientCore::forget(const Call& call) {
  std::erase_if(waiting_, [&](const auto& each) { return each.get() == &call; });
}

void ClientCore::drop_idle() {
  const auto lines = lines_;
  for (const auto& line : lines) {
    if (!line->idle()) continue;
    line->hang_up();
    remove(*line);
  }
}

void ClientCore::try_again(std::shared_ptr<Call> call, Processed processed) {
  if (shut_) return;
  const bool safe = processed == Processed::no || is_safe(call->ask.method);
  if (!safe || !call->take_second_try()) return call->end(ExchangeEnd::reset);
  sent_again_.Increment();
  waiting_.push_front(std::move(call));
  if (processed == Processed::perhaps) drop_idle();  // the peer has most likely left those too
  settle();
}

void ClientCore::keep_ticking() {
  if ((lines_.empty() && waiting_.empty()) || std::exchange(ticking_, true)) return;
  ticker_.arm(loop.now() + tick_interval);
}

void ClientCore::check_waits(LoopTime now) {
  const auto self = shared_from_this();
  const auto lines = lines_;
  for (const auto& line : lines) {
    if (line->open()) line->on_tick(now);
  }
  std::vector<std::shared_ptr<Call>> overdue;
  std::erase_if(waiting_, [&](const auto& call) {
    if (call->overdue(now)) overdue.push_back(call);
    return call->overdue(now);
  });
  for (const auto& call : overdue) call->end(ExchangeEnd::timed_out);
  settle();
}

std::unique_ptr<Client> Client::make(net::Loop& loop, const Peer& peer, const ClientLimits& limits, Metrics& metrics) {
  const net::TlsOptions tls{
      peer.tls, host_of(peer.authority), {peer.protocol == Protocol::http2 ? "h2" : "http/1.1"}, peer.credentials};
  auto connector = [&loop, to = peer.endpoint, tls, timeout = limits.connect_time_max](ClientCore::Done done) {
    net::connect(loop, to, tls, timeout, std::move(done));
  };
  return std::make_unique<OwnedCore>(std::make_shared<ClientCore>(loop, peer, limits, metrics, std::move(connector)));
}

}  // namespace klieg::http

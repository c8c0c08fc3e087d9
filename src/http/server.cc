#include "http/server.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "http/session.h"
#include "wire/http1.h"

namespace klieg::http {
namespace {

constexpr Duration tick_interval = 1s;

// A write to one reader takes 5 to 10 us: a turn of a millisecond at most.
constexpr size_t sessions_per_turn_max = 100;

// Who follows a growing body has half a second of it in hand (a player of LL-DASH), and is served by the frame only
// while that costs next to nothing: a fiftieth of the loop, which some 20 of them reach. From 1,000 on, or fewer where
// a send is dearer, a body leaves five times a second, as parts do.
constexpr net::PaceSettings gathering{.share = 0.02, .window_max = 200ms};

// RFC 9113 section 3.4.
constexpr std::string_view http2_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

constexpr std::array<const char*, endings> ending_names{
    "by_peer", "reset",   "tls_failed",     "finished", "head_timeout", "body_timeout", "idle_timeout",
    "stalled", "refused", "source_aborted", "drained",  "turned_away",  "upgraded"};

Ending ending_of(net::Closed why) {
  switch (why) {
    case net::Closed::by_peer:
      return Ending::by_peer;
    case net::Closed::reset:
      return Ending::reset;
    case net::Closed::tls_failed:
      return Ending::tls_failed;
    case net::Closed::by_us:
      return Ending::finished;
  }
}

}  // namespace

Responder::Responder(Responder&& other) noexcept
    : target_(std::move(other.target_)), exchange_(other.exchange_), open_(std::exchange(other.open_, false)) {}

Responder& Responder::operator=(Responder&& other) noexcept {
  Responder old(std::move(*this));
  target_ = std::move(other.target_);
  exchange_ = other.exchange_;
  open_ = std::exchange(other.open_, false);
  return *this;
}

Responder::~Responder() {
  if (open_) respond(Response::text(500, "the server has lost this request"));
}

void Responder::respond(Response response) {
  KLIEG_ASSERT(open_, "a request is answered once");
  open_ = false;
  if (auto target = target_.lock()) target->respond(exchange_, std::move(response));
}

std::unique_ptr<net::Connection> Responder::upgrade(const WebSocketOffer& offer) {
  KLIEG_ASSERT(open_, "a request is answered once");
  open_ = false;
  const auto target = target_.lock();
  return target ? target->upgrade(exchange_, offer) : nullptr;
}

bool Responder::viewer_gone() const {
  const auto target = target_.lock();
  return !target || !target->expects(exchange_);
}

Outgoing::Outgoing(decltype(Response::body) body) {
  if (auto* bytes = std::get_if<Bytes>(&body)) {
    bytes_ = std::move(*bytes);
  } else if (auto* range = std::get_if<LogRange>(&body)) {
    bytes_ = std::move(range->before);
    log_ = std::move(range->log);
    offset_ = range->offset;
    end_ = range->end;
    if (!end_ && log_->state() == LogEnd::complete) end_ = log_->size();
    progress_ = std::move(range->progress);
    haste_ = range->haste;
    KLIEG_ASSERT(!end_ || offset_ <= *end_, "a range ends where it begins, or later");
    if (progress_) progress_->read_to(offset_);
  }
}

std::optional<uint64_t> Outgoing::length() const {
  if (!log_) return bytes_.size();
  if (end_) return bytes_.size() + (*end_ - offset_);
  return std::nullopt;
}

size_t Outgoing::take(uint64_t limit, std::vector<Bytes>& out) {
  if (const size_t taken = std::min<uint64_t>(limit, bytes_.size()); taken > 0) {
    out.push_back(bytes_.slice(0, taken));
    bytes_ = taken == bytes_.size() ? Bytes() : bytes_.slice(taken);
    return taken;
  }
  if (!log_) return 0;
  const size_t taken = log_->gather(offset_, end_ ? std::min(limit, *end_ - offset_) : limit, out);
  offset_ += taken;
  if (progress_) progress_->read_to(offset_);
  return taken;
}

uint64_t Outgoing::available() const {
  if (!bytes_.empty() || !log_) return bytes_.size();
  if (offset_ < log_->first()) return 0;
  const uint64_t end = std::min(end_.value_or(UINT64_MAX), log_->size());
  return end > offset_ ? end - offset_ : 0;
}

bool Outgoing::done_after(uint64_t taken) const {
  if (!bytes_.empty() || !log_) return taken == bytes_.size() && !log_;
  if (end_) return offset_ + taken == *end_;
  return log_->state() == LogEnd::complete && offset_ + taken >= log_->size();
}

bool Outgoing::lost() const {
  if (!log_ || !bytes_.empty() || done()) return false;
  return offset_ < log_->first() || (!log_->growing() && offset_ >= log_->size());
}

bool has_body(uint16_t status) { return status >= 200 && status != 204 && status != 304; }

Tally::Tally(Metrics& metrics, Meter* meter)
    : open_connections(metrics.gauge("http_server_open_connections", "Connections open now")),
      meter_(meter),
      active_requests_(
          metrics.gauge("http_server_active_requests", "Requests being answered now, held ones included")) {
  static constexpr std::array methods{"GET", "HEAD", "_OTHER"};
  for (size_t method = 0; method < methods.size(); ++method) {
    for (size_t status = 1; status <= 5; ++status) {
      requests_[method][status] = &metrics.duration_histogram(
          "http_server_request_duration_seconds", "From a request's head to the last byte of its response",
          {{"http_request_method", methods[method]}, {"http_response_status_class", fmt::format("{}xx", status)}});
    }
  }
  for (size_t i = 0; i < endings; ++i) {
    ended_[i] = &metrics.counter("http_server_connections_ended_total", "Connections ended, by outcome",
                                 {{"outcome", ending_names[i]}});
  }
}

void Tally::request_began() {
  active_requests_.Increment();
  if (meter_) meter_->request_began();
}

void Tally::request_ended() {
  active_requests_.Decrement();
  if (meter_) meter_->request_ended();
}

void Tally::request(Method method, uint16_t status, Duration duration) {
  const size_t kind = method == Method::get ? 0 : method == Method::head ? 1 : 2;
  requests_[kind][std::clamp(status / 100, 1, 5)]->Observe(to_seconds(duration));
}

Viewer::Viewer(ServerCore& core, std::unique_ptr<net::Connection> connection, net::Doorman::Word word)
    : core_(core), connection_(std::move(connection)), since_(core.loop.now()), word_(word), progress_(since_) {}

Viewer::~Viewer() = default;

void Viewer::start() { connection_->start(*this); }

void Viewer::on_bytes(ByteView bytes) {
  if (ending_) return;
  if (session_) return session_->on_bytes(bytes);
  // ALPN decides; without it the first bytes do: HTTP/2 with prior knowledge has a preface that no HTTP/1 request has.
  opening_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::string_view compared = std::string_view(opening_).substr(0, http2_preface.size());
  const bool prefaced = http2_preface.starts_with(compared);
  if (connection_->application_protocol() == "h2" || compared == http2_preface) {
    session_ = make_http2_session(core_, *this);
  } else if (!prefaced) {
    session_ = make_http1_session(core_, *this);
  } else {
    return;  // too little to tell
  }
  session_->on_bytes(as_bytes(std::exchange(opening_, {})));
}

void Viewer::on_drained() {
  taken_ = written_;
  progress_ = core_.loop.now();
  if (session_ && !ending_) session_->on_drained();
}

void Viewer::on_closed(net::Closed why) { core_.remove(*this, ending_.value_or(ending_of(why))); }

void Viewer::write(std::span<const Bytes> pieces) {
  uint64_t size = 0;
  for (const Bytes& piece : pieces) size += piece.size();
  written_ += size;
  core_.tally.sent(size);
  connection_->write(pieces);
}

void Viewer::finish(Ending why) {
  if (!ending_) ending_ = why;
  connection_->close();
}

void Viewer::abort(Ending why) {
  if (!ending_) ending_ = why;
  connection_->abort();
}

std::unique_ptr<net::Connection> Viewer::give_away() { return core_.give_away(*this); }

void Viewer::drain() {
  if (ending_) return;
  session_ ? session_->drain() : finish(Ending::drained);
}

void Viewer::on_tick(LoopTime now) {
  const uint64_t taken = written_ - connection_->unsent();
  if (connection_->unsent() == 0 || taken - taken_ >= core_.limits.taken_min) {
    taken_ = taken;
    progress_ = now;
  } else if (now - progress_ >= core_.limits.stall_time_max) {
    ending_ = Ending::stalled;
    return connection_->abort();
  }
  if (ending_) return;
  if (session_) return session_->on_tick(now);
  if (now - since_ >= core_.limits.head_time_max) abort(Ending::head_timeout);
}

ServerCore::ServerCore(net::Loop& loop, Handler& handler, const Limits& limits, Metrics& metrics, Attendants attendants)
    : loop(loop),
      handler(handler),
      limits(limits),
      tally(metrics, attendants.meter),
      attendants_(attendants),
      ticker_(loop, [this] { tick(); }),
      pace_(gathering),
      window_timer_(loop, [this] { wait_for_windows(); }) {}

ServerCore::~ServerCore() {
  while (Viewer* viewer = first_) {
    first_ = viewer->next_;
    bid_farewell(*viewer);
    delete viewer;
  }
  tally.open_connections.Decrement(static_cast<double>(connections_));
}

void ServerCore::accept(std::unique_ptr<net::Connection> connection) {
  net::Doorman* doorman = attendants_.doorman;
  const auto word = doorman ? doorman->arrives(connection->peer()) : net::Doorman::Word::welcome;
  if (word == net::Doorman::Word::too_many && connection->encrypted()) return tally.ended(Ending::turned_away);
  auto* viewer = new Viewer(*this, std::move(connection), word);
  viewer->next_ = first_;
  if (first_) first_->previous_ = viewer;
  first_ = viewer;
  ++connections_;
  tally.open_connections.Increment();
  if (!std::exchange(ticking_, true)) ticker_.arm(loop.now() + tick_interval);
  viewer->start();
  if (word == net::Doorman::Word::too_many) return turn_away(*viewer);
  if (draining_) viewer->drain();
}

// Before there is a request: HTTP/1.1, which every client of a plain port can tell from silence.
void ServerCore::turn_away(Viewer& viewer) {
  const Response response = Response::text(429, "too many connections from this address are open");
  const Bytes& body = std::get<Bytes>(response.body);
  std::string head;
  wire::http1::append_status_line(head, response.status);
  wire::http1::append_field(head, "date", date());
  wire::http1::append_field(head, "connection", "close");
  wire::http1::append_field(head, "retry-after", "1");
  wire::http1::append_field(head, "content-length", std::to_string(body.size()));
  head.append(response.headers->http1_lines()).append("\r\n");
  const Bytes pieces[] = {Bytes::take(std::move(head)), body};
  viewer.write(pieces);
  viewer.finish(Ending::turned_away);
}

void ServerCore::bid_farewell(const Viewer& viewer) {
  net::Doorman* doorman = attendants_.doorman;
  if (doorman && viewer.word_ == net::Doorman::Word::welcome) doorman->leaves(viewer.connection_->peer());
}

void ServerCore::forget(Viewer& viewer, Ending why) {
  if (viewer.session_) no_longer_follows(*viewer.session_);
  (viewer.previous_ ? viewer.previous_->next_ : first_) = viewer.next_;
  if (viewer.next_) viewer.next_->previous_ = viewer.previous_;
  --connections_;
  tally.open_connections.Decrement();
  tally.ended(why);
}

// The viewer itself stands on the stack, perhaps: it goes in a later turn, and then we may be gone.
std::unique_ptr<net::Connection> ServerCore::give_away(Viewer& viewer) {
  forget(viewer, Ending::upgraded);
  viewer.ending_ = Ending::upgraded;
  auto connection = std::move(viewer.connection_);
  net::Doorman* doorman = viewer.word_ == net::Doorman::Word::welcome ? attendants_.doorman : nullptr;
  if (doorman) connection->keep(net::farewell(*doorman, connection->peer()));
  loop.post([owned = std::unique_ptr<Viewer>(&viewer)] {});
  return connection;
}

void ServerCore::remove(Viewer& viewer, Ending why) {
  forget(viewer, why);
  bid_farewell(viewer);
  delete &viewer;
  if (draining_ && connections_ == 0 && drained_) std::exchange(drained_, nullptr)();
}

void ServerCore::in_turn(const std::shared_ptr<Session>& session) {
  if (session->has_a_turn_coming_) {
    if (!session->in_haste() || std::exchange(session->hastened_, true)) return;
    if (late_.empty()) post_next_turn();
    return late_.push_back(session);
  }
  if (!std::exchange(session->follows_, true)) ++followers_;
  const LoopTime now = loop.now();
  if (now != turn_) {
    turn_ = now;
    sent_in_turn_ = 0;
  }
  const bool gathers = now < session->sent_at_ + pace_.window(followers_);
  if (!gathers && late_.empty() && ++sent_in_turn_ <= sessions_per_turn_max) {
    session->sent_at_ = now;
    return session->on_turn();
  }
  if (late_.empty()) post_next_turn();
  session->has_a_turn_coming_ = true;
  late_.push_back(session);
}

void ServerCore::post_next_turn() {
  loop.post([weak = std::weak_ptr(self_)] {
    if (const auto self = weak.lock()) (*self)->next_turn();
  });
}

void ServerCore::next_turn() {
  const Duration window = pace_.window(followers_);
  const LoopTime now = loop.now();
  size_t sends = 0;
  while (sends < sessions_per_turn_max && !late_.empty()) {
    const auto session = late_.front().lock();
    late_.pop_front();
    if (!session || !session->has_a_turn_coming_) continue;  // it was in haste, and has been
    if (const LoopTime due = session->sent_at_ + window; now < due && !session->in_haste()) {
      gathering_.emplace(due, session);
      continue;
    }
    session->has_a_turn_coming_ = session->hastened_ = false;
    session->sent_at_ = now;
    session->on_turn();
    ++sends;
  }
  if (sends > 0) measure(sends);
  if (!late_.empty()) return post_next_turn();
  // Those of a millisecond together: a timer for each would cost as much as what is gathered saves.
  if (!gathering_.empty()) window_timer_.arm(std::max(gathering_.begin()->first, now + 1ms));
}

// Whose windows are over are next.
void ServerCore::wait_for_windows() {
  const bool idle = late_.empty();
  const auto end = gathering_.upper_bound(loop.now());
  for (auto one = gathering_.begin(); one != end; ++one) late_.push_back(std::move(one->second));
  gathering_.erase(gathering_.begin(), end);
  if (!late_.empty() && idle) post_next_turn();
}

// A turn is asked for now; when it comes says what the sends did to the loop.
void ServerCore::measure(size_t sends) {
  loop.post([weak = std::weak_ptr(self_), sends, asked = loop.now()] {
    if (const auto self = weak.lock()) (*self)->pace_.served(sends, (*self)->loop.now() - asked);
  });
}

void ServerCore::no_longer_follows(Session& session) {
  if (std::exchange(session.follows_, false)) --followers_;
}

void ServerCore::check_waits(LoopTime now) {
  for (Viewer* viewer = first_; viewer; viewer = viewer->next_) viewer->on_tick(now);  // ends come in later turns
}

// One timer for all: a connection that waits too long is found within a second.
void ServerCore::tick() {
  check_waits(loop.now());
  ticking_ = first_ != nullptr;
  if (ticking_) ticker_.arm(loop.now() + tick_interval);
}

void ServerCore::drain(std::move_only_function<void()> drained) {
  draining_ = true;
  drained_ = std::move(drained);
  for (Viewer* viewer = first_; viewer; viewer = viewer->next_) viewer->drain();
  if (connections_ == 0 && drained_) std::exchange(drained_, nullptr)();
}

const std::string& ServerCore::date() {
  const auto second = std::chrono::duration_cast<std::chrono::seconds>(loop.wall_now().time_since_epoch()).count();
  if (second != date_second_) {
    date_second_ = second;
    date_ = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(static_cast<std::time_t>(second)));
  }
  return date_;
}

std::unique_ptr<Server> Server::make(net::Loop& loop, Handler& handler, const Limits& limits, Metrics& metrics,
                                     Attendants attendants) {
  return std::make_unique<ServerCore>(loop, handler, limits, metrics, attendants);
}

}  // namespace klieg::http

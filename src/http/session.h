// What the versions of HTTP have in common on the server's side. Included by http/*.cc alone.
//
// A Viewer is one connection; its Session is the HTTP version spoken on it. A session writes through its viewer, which
// counts what the peer takes, and ends through it, so that every connection ends with one named outcome.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "http/server.h"
#include "net/pace.h"

namespace klieg::http {

class ServerCore;
class Viewer;

// Why a connection ended; the label of http_server_connections_ended_total.
enum class Ending : uint8_t {
  by_peer,
  reset,
  tls_failed,
  finished,        // the last response said "Connection: close"
  head_timeout,    // a head did not come in time
  body_timeout,    // a request's body did not
  idle_timeout,    // no further request
  stalled,         // the peer took too little of what was due to it
  refused,         // what it sent is not HTTP as we accept it
  source_aborted,  // the log behind a response was aborted, or forgot what the peer had not taken
  drained,         // the server is going
  turned_away,     // the doorman's word
  upgraded,        // it lives on as a WebSocket, of another owner
};
constexpr size_t endings = 13;

// The rest of a response's body: bytes, or a range of a log that may still be growing.
class Outgoing {
 public:
  Outgoing() = default;
  explicit Outgoing(decltype(Response::body) body);

  // Content-Length, where it is known before the last byte is.
  std::optional<uint64_t> length() const;
  // Takes at most `limit` bytes into `out`; 0: done(), lost(), or more must be waited for in waits_for().
  size_t take(uint64_t limit, std::vector<Bytes>& out);
  uint64_t available() const;             // what take() could take now
  bool done_after(uint64_t taken) const;  // nothing is left once so much is taken
  bool done() const { return done_after(0); }
  // To be sent at once: it is asked for so, or it is the end, for which nothing is gained by waiting.
  bool in_haste() const { return haste_ == Haste::yes || (log_ && done_after(available())); }
  bool lost() const;  // what is left will never come, or came and was forgotten before the peer took it
  const Log* log() const { return log_.get(); }

 private:
  Bytes bytes_;  // first these, then the log, if there is one
  std::shared_ptr<const Log> log_;
  uint64_t offset_ = 0;
  std::optional<uint64_t> end_;  // in the log
  std::shared_ptr<LogProgress> progress_;
  Haste haste_ = Haste::no;
};

bool has_body(uint16_t status);  // RFC 9110 section 6.4.1: not 1xx, 204, 304

class Session {
 public:
  virtual ~Session() = default;
  virtual void on_bytes(ByteView bytes) = 0;
  virtual void on_drained() = 0;
  virtual void on_turn() = 0;              // send what a log's growth made possible: ServerCore::in_turn()
  virtual bool in_haste() const = 0;       // some of that is (Outgoing::in_haste)
  virtual void on_tick(LoopTime now) = 0;  // once a second: what has waited too long?
  virtual void drain() = 0;                // finish what was begun, then end

 protected:
  // It was woken and not told to send yet. It waits on, so that it hears of what is in haste.
  bool has_a_turn_coming() const { return has_a_turn_coming_; }

 private:
  friend class ServerCore;
  bool has_a_turn_coming_ = false;
  bool hastened_ = false;
  bool follows_ = false;  // a log, that grew since it began to
  LoopTime sent_at_ = LoopTime::min();
};

std::shared_ptr<Session> make_http1_session(ServerCore& core, Viewer& viewer);
std::shared_ptr<Session> make_http2_session(ServerCore& core, Viewer& viewer);

class Viewer final : public net::ConnectionHandler {
 public:
  Viewer(ServerCore& core, std::unique_ptr<net::Connection> connection, net::Doorman::Word word);
  ~Viewer() override;
  Viewer(const Viewer&) = delete;
  Viewer& operator=(const Viewer&) = delete;

  void start();
  void drain();
  void on_tick(LoopTime now);

  // For the session.
  void write(std::span<const Bytes> pieces);
  size_t unsent() const { return connection_->unsent(); }
  net::Connection& connection() { return *connection_; }
  LoopTime since() const { return since_; }  // when it was accepted
  void finish(Ending why);                   // sends what is queued, then ends
  void abort(Ending why);
  std::unique_ptr<net::Connection> give_away();  // what is queued goes with it; nothing is to be called after it

  void on_bytes(ByteView bytes) override;
  void on_drained() override;
  void on_closed(net::Closed why) override;

 private:
  friend class ServerCore;

  ServerCore& core_;
  std::unique_ptr<net::Connection> connection_;
  std::shared_ptr<Session> session_;  // null until the first bytes say which version it is
  std::string opening_;               // while they do not
  const LoopTime since_;
  const net::Doorman::Word word_;
  uint64_t written_ = 0;
  uint64_t taken_ = 0;  // by the peer's kernel, at progress_
  LoopTime progress_;   // when it last had taken enough, or nothing was due
  std::optional<Ending> ending_;
  Viewer* previous_ = nullptr;
  Viewer* next_ = nullptr;
};

// The counters, found once.
class Tally {
 public:
  Tally(Metrics& metrics, Meter* meter);
  void request_began();
  void request_ended();
  void sent(uint64_t bytes) {
    if (meter_) meter_->sent(bytes);
  }
  void request(Method method, uint16_t status, Duration duration);
  void ended(Ending why) { ended_[static_cast<size_t>(why)]->Increment(); }
  prometheus::Gauge& open_connections;

 private:
  Meter* meter_;
  prometheus::Gauge& active_requests_;
  std::array<std::array<prometheus::Histogram*, 6>, 3> requests_{};  // GET, HEAD, other; 1xx to 5xx
  std::array<prometheus::Counter*, endings> ended_{};
};

class ServerCore final : public Server {
 public:
  ServerCore(net::Loop& loop, Handler& handler, const Limits& limits, Metrics& metrics, Attendants attendants);
  ~ServerCore() override;

  void accept(std::unique_ptr<net::Connection> connection) override;
  void drain(std::move_only_function<void()> drained) override;
  size_t connections() const override { return connections_; }

  bool draining() const { return draining_; }
  // The IMF-fixdate of this second (RFC 9110 section 5.6.7).
  const std::string& date();
  void remove(Viewer& viewer, Ending why);
  std::unique_ptr<net::Connection> give_away(Viewer& viewer);
  // A log wakes all its readers in one turn. The first of them send at once, the others a few per turn, so that who
  // asks for something meanwhile is not behind thousands of writes. Where many follow logs, each sends once in a window
  // what was born in it (net/pace.h). Calls on_turn(), now or in a later turn.
  void in_turn(const std::shared_ptr<Session>& session);
  void no_longer_follows(Session& session);
  void check_waits(LoopTime now);  // once a second: ends what has waited too long

  net::Loop& loop;
  Handler& handler;
  const Limits limits;
  Tally tally;

 private:
  void turn_away(Viewer& viewer);
  void bid_farewell(const Viewer& viewer);
  void forget(Viewer& viewer, Ending why);
  void tick();
  void next_turn();
  void post_next_turn();
  void measure(size_t sends);
  void wait_for_windows();

  const Attendants attendants_;
  Viewer* first_ = nullptr;
  size_t connections_ = 0;
  bool draining_ = false;
  std::move_only_function<void()> drained_;
  net::Timer ticker_;
  bool ticking_ = false;
  LoopTime turn_{};  // that sent_in_turn_ counts in
  size_t sent_in_turn_ = 0;
  // Each session is in one of these, and those that came to be in haste in both: no more than twice the connections.
  std::deque<std::weak_ptr<Session>> late_;
  std::multimap<LoopTime, std::weak_ptr<Session>> gathering_;  // until their windows are over
  size_t followers_ = 0;
  net::Pace pace_;
  net::Timer window_timer_;
  std::shared_ptr<ServerCore*> self_ = std::make_shared<ServerCore*>(this);  // for what is posted: it may outlive us
  int64_t date_second_ = -1;
  std::string date_;
};

}  // namespace klieg::http

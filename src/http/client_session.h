// What the versions of HTTP have in common on the client's side. Included by http/*.cc alone.
//
// A Call is one ask from ask() to its end; a Line is one connection and the version of HTTP spoken on it. Calls wait in
// the ClientCore, are carried by a line, and end once. A call is held by its Exchange and by whoever will end it; a
// line by the core and by the turn it is in, so that owners may cancel and destroy inside any callback.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http/client.h"

namespace klieg::http {

class ClientCore;
class Line;

class Call final : public std::enable_shared_from_this<Call> {
 public:
  Call(ClientCore& core, Ask ask, ExchangeHandler& handler);

  // For its owner.
  void cancel();
  void pause();
  void resume();

  // For whoever carries it. Each may end in its owner's cancelling it, or destroying the client.
  void carried_by(Line& line, int32_t stream);
  void on_head(const ResponseHead& head);
  void on_body(ByteView content);
  void on_body(std::vector<uint8_t> content);
  void end(ExchangeEnd why);
  void end_later(ExchangeEnd why);

  bool overdue(LoopTime now) const;  // it has waited too long for its head, or for more of its body
  bool paused() const { return paused_; }
  // Once: whether it may be sent again.
  bool take_second_try() { return !std::exchange(sent_twice_, true); }

  const Ask ask;
  const std::string authority;  // Host and :authority
  const HeaderBlock fields;     // the others
  int32_t stream() const { return stream_; }

 private:
  enum class State : uint8_t { waiting, carried, over };

  std::shared_ptr<ClientCore> core() const;  // null: the client is gone
  void deliver();
  void finish(ClientCore& core, ExchangeEnd why);

  const std::weak_ptr<ClientCore> core_;
  net::Loop& loop_;
  ExchangeHandler* handler_;  // null: over, or cancelled
  State state_ = State::waiting;
  bool answered_ = false;
  bool paused_ = false;
  bool sent_twice_ = false;
  const LoopTime since_;
  LoopTime heard_;                  // when a part of the response last came
  std::weak_ptr<Line> line_;        // that carries it, or carried it and waits to hear that what is kept was taken
  int32_t stream_ = 0;              // there, in HTTP/2
  std::vector<uint8_t> kept_;       // while paused, or until deliver(); see Exchange::pause()
  std::optional<ExchangeEnd> end_;  // after what is kept
};

class Line : public net::ConnectionHandler, public std::enable_shared_from_this<Line> {
 public:
  Line(ClientCore& core, std::unique_ptr<net::Connection> connection);
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  void start() { connection_->start(*this); }
  bool open() const { return connection_ != nullptr; }
  void hang_up() { connection_.reset(); }

  virtual size_t room() const = 0;  // how many more calls it can carry now
  virtual bool idle() const = 0;
  virtual void begin(std::shared_ptr<Call> call) = 0;
  virtual void cancel(Call& call) = 0;  // its owner has let go of it
  virtual void pause(Call&) {}
  virtual void resume(Call&) {}
  virtual void on_taken(Call&, size_t) {}  // so much of what the call kept
  virtual void on_tick(LoopTime now) = 0;  // once a second: what has waited too long?

  void on_bytes(ByteView bytes) final;
  void on_closed(net::Closed why) final;

 protected:
  virtual void read(ByteView bytes) = 0;
  virtual void lost(net::Closed why) = 0;  // the connection is gone, and this line out of the core

  void drop();  // closes the connection; out of the core
  ClientCore& core() const { return core_; }
  net::Connection& connection() { return *connection_; }

  const bool encrypted_;
  bool proven_ = false;  // the peer has answered on it

 private:
  ClientCore& core_;
  std::unique_ptr<net::Connection> connection_;
};

std::shared_ptr<Line> make_http1_line(ClientCore& core, std::unique_ptr<net::Connection> connection);
std::shared_ptr<Line> make_http2_line(ClientCore& core, std::unique_ptr<net::Connection> connection);

std::string_view method_name(const Ask& ask);

// What a peer may have made of a request it did not answer.
enum class Processed : uint8_t { no, perhaps };

class ClientCore final : public std::enable_shared_from_this<ClientCore> {
 public:
  // Makes a connection to the peer; `done` is called once, in a later turn.
  using Done = std::move_only_function<void(Result<std::unique_ptr<net::Connection>>)>;
  using Connector = std::move_only_function<void(Done done)>;

  ClientCore(net::Loop& loop, Peer peer, const ClientLimits& limits, Metrics& metrics, Connector connector);
  ~ClientCore();

  std::unique_ptr<Exchange> ask(Ask ask, ExchangeHandler& handler);
  void shut();
  bool is_shut() const { return shut_; }
  size_t connections() const { return lines_.size(); }

  // For lines and calls.
  void settle();  // gives waiting calls to lines with room, and makes lines where there is none
  void remove(Line& line);
  void forget(const Call& call);  // one that waits
  // A call whose line is gone without a byte of its response: sent once more if that is safe, ended if not.
  void try_again(std::shared_ptr<Call> call, Processed processed);
  void drop_idle();
  void count(size_t outcome, Duration duration);
  static constexpr size_t cancelled = 6;  // the outcome beside those of ExchangeEnd

  void check_waits(LoopTime now);  // once a second: ends what has waited too long

  net::Loop& loop;
  const Peer peer;
  const ClientLimits limits;

 private:
  void connect();
  void connected(Result<std::unique_ptr<net::Connection>> made);
  void keep_ticking();

  Connector connector_;
  std::vector<std::shared_ptr<Line>> lines_;
  std::deque<std::shared_ptr<Call>> waiting_;  // at most waiting_max, and those that are sent again
  size_t connecting_ = 0;
  LoopTime complained_ = LoopTime::min();  // when the log last said that the peer cannot be reached
  size_t active_ = 0;
  bool shut_ = false;
  bool ticking_ = false;
  net::Timer ticker_;

  prometheus::Gauge& open_connections_;
  prometheus::Gauge& active_requests_;
  prometheus::Counter& sent_again_;
  std::array<prometheus::Histogram*, cancelled + 1> durations_{};
};

}  // namespace klieg::http

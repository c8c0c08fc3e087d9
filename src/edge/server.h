// Joins an Engine to HTTP: viewers' requests in, answers out, now or when they are there; topics to children.
//
//   GET anything                  from the cache, or through it
//   GET /t/TOKEN/live/NAME/...    the same without the token, of which nothing behind this sees anything
//   GET /t/TOKEN/live/NAME/renewed   {"token": ..., "for_s": ...}: the next token, good for so long (guests.h)
//   GET /t/TOKEN/@NAME            the page, which is the same for every address and no secret
//   GET /.klieg/topic/live/...    of a node that proves itself: the records of a topic, endless (wire/push_record.h)
//   anything else /.klieg/...     likewise: passed on to the parent
//
// What is marked as private (wire/path_token.h) goes to nodes that prove themselves and to viewers with a token for its
// channel. To others it is not there, whether it had to be fetched or lay in the cache. What waits for a guest whose
// token is revoked is answered 403 at once; what is being sent ends with its segment.
//
// Where the parents are nodes (sessions_go_to()), they are told as which server a viewer asked. What proves who he is,
// cookies and credentials, goes up with what is asked of the API, alone, and with nothing else.
//
// Every answer says in Cache-Status (RFC 9211) how it came about, with the outcome's name as its detail. Topics and
// other words between nodes are not shown to viewers.
//
// Thread and owner: those of the engine.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "edge/engine.h"
#include "edge/feed.h"
#include "edge/guests.h"
#include "edge/server_door.h"
#include "edge/server_load.h"
#include "http/selection.h"
#include "http/server.h"
#include "media/pass.h"
#include "net/loop.h"
#include "wire/path_token.h"

namespace klieg::edge {

struct LoopClock final : Clock {
  explicit LoopClock(net::Loop& owner) : loop(owner) {}
  LoopTime now() const override { return loop.now(); }
  WallTime wall_now() const override { return loop.wall_now(); }
  net::Loop& loop;
};

// Who a request comes from, as far as it was proved.
enum class Trust : uint8_t {
  viewer,
  guest,  // a viewer with a token for the channel that the request is for
  node,
};

class Gatekeeper {
 public:
  virtual ~Gatekeeper() = default;
  virtual Trust trust_in(const http::Request& request) = 0;
  virtual Guests& guests() = 0;
};

// A viewer's request that was let in.
struct Entry {
  std::string_view path;              // without its token; of the request
  std::unique_ptr<media::Pass> pass;  // null: he came with none
};

class Server final : public http::Handler {
 public:
  // `gatekeeper`: null where no node is believed. `door`: null where everybody may ask as often as they like. `load`:
  // null where nobody counts viewers.
  Server(net::Loop& loop, Engine& engine, Gatekeeper* gatekeeper, Metrics& metrics, Door* door = nullptr,
         LoopLoad* load = nullptr);
  ~Server() override;

  void serve(const http::Request& request, http::Responder responder) override;
  // For a viewer's request that another answers: whether its address may ask now, and its token is good. Counted if so,
  // answered if not.
  std::optional<Entry> enter(const http::Request& request, http::Responder& responder);
  bool admit(const http::Request& request, http::Responder& responder);  // of the address alone
  // Of a viewer who shows his token otherwise than in a path. Null: it is not good for the channel.
  std::unique_ptr<media::Pass> pass_of(std::string_view token, std::string_view channel);
  // Before anybody asks. `prefix`: of the paths of the API ("/api/v1/"); views what outlives the server.
  void sessions_go_to(std::string_view prefix) { api_prefix_ = prefix; }
  // Something outside a request changed the engine's deadlines.
  void arm();
  // The server stops: subscriptions of children end, so that they turn to another parent.
  void end_feeds();

 private:
  // What of a request the answer depends on, for as long as it is waited for.
  struct Waiting;

  // Thousands may have waited for one object. They are answered a few per turn, so that others are heard meanwhile, and
  // none in the turn of the answer itself: what comes right behind its head leaves with it.
  void answer_in_turn(std::shared_ptr<Waiting> waiting, Answer answer);
  void next_answers();
  void post_next_answers();
  std::optional<Entry> enter_guest(const wire::TokenPath& path, http::Responder& responder);
  std::unique_ptr<media::Pass> let_in(const wire::TokenPath& path);
  void serve_from_cache(const http::Request& request, Trust trust, std::unique_ptr<media::Pass> pass,
                        http::Responder responder);
  void serve_topic(std::string_view topic, http::Responder responder);
  http::Response respond(const Answer& answer, const http::Conditions& conditions, Trust trust);
  http::Response respond(const Served& served, const http::Conditions& conditions, Trust trust);
  http::Response respond(const Refused& refused);
  std::shared_ptr<const http::HeaderBlock> headers_of(const Object& object, Outcome how) const;
  std::string cache_status(Outcome how) const;
  void on_time();
  void arm_for_guests();

  net::Loop& loop_;
  Engine& engine_;
  Gatekeeper* gatekeeper_;
  Door* door_;
  LoopLoad* load_;
  std::string_view api_prefix_;  // empty: the parents are any origins
  std::array<prometheus::Counter*, outcomes> requests_{};
  std::array<prometheus::Counter*, flight_endings> flights_{};
  std::array<uint64_t, flight_endings> flights_told_{};
  prometheus::Gauge& bytes_;
  int64_t bytes_told_ = 0;
  std::map<std::string, std::unique_ptr<Feed>, std::less<>> feeds_;
  // x 1 KiB. They wait in the engine no more, so its limit is not theirs: each has a connection or a stream open.
  std::deque<std::pair<std::shared_ptr<Waiting>, Answer>> answers_;
  std::shared_ptr<Server*> self_ = std::make_shared<Server*>(this);  // for what is posted: it may outlive us
  net::Timer timer_;
  LoopTime armed_ = LoopTime::max();
  net::Timer guests_timer_;
};

}  // namespace klieg::edge

// Joins an Origin to HTTP: asks it, holds, answers (RFC 9110). And its feed to the loop, for nodes that subscribe.
//
//   GET /live/...   what the origin has to say (origin.h), held while it is about to be born
//   GET /time       the wall clock, for players to set theirs by (UTCTiming http-iso)
//
// Media is immutable: strong ETag from birth, Range, If-None-Match, If-Range. A growing segment is sent as it is born.
// The poster has its tag from the picture it is now, and may be reused for 2 s. What is said in front of each answer is
// in heads.h.
//
// What conditions and ranges select of a growing segment is said in http/selection.h.
//
// Thread and owner: those of the origin.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "base/metrics.h"
#include "http/server.h"
#include "net/loop.h"
#include "origin/feed.h"
#include "origin/origin.h"

namespace klieg::origin {

// How a held request ended: the label of klieg_origin_holds_total.
enum class HoldOutcome : uint8_t {
  served,       // ripe, and found
  refused,      // ripe, but what it waited for will never be
  overdue,      // the deadline passed
  viewer_gone,  // nobody is left to answer
  too_many,     // not held at all: the limit was reached
};

struct Clock {
  virtual ~Clock() = default;
  virtual LoopTime now() const = 0;
  virtual WallTime wall_now() const = 0;
};

// A request in, a response out, now or later.
class Answering final : public http::Handler {
 public:
  Answering(Origin& origin, const Clock& clock, Metrics& metrics);

  void serve(const http::Request& request, http::Responder responder) override;

 private:
  struct Question;
  struct HeldRequest;
  using DocumentHeaders = std::tuple<DocumentKind, Coding, Freshness, uint32_t>;

  void keep(const std::shared_ptr<HeldRequest>& request, Hold hold);
  void resume(const std::shared_ptr<HeldRequest>& request, HoldEnd end);
  void count(HoldOutcome outcome) { outcomes_[static_cast<size_t>(outcome)]->Increment(); }

  http::Response respond(const Answer& answer, const Question& question);
  http::Response respond_to_all(const Answer& answer, const Question& question);  // but for who may see it
  http::Response respond(const Object& object, const Question& question) const;
  http::Response respond(const Found& found, const Question& question);
  http::Response respond(const Refusal& refusal) const;
  http::Response time() const;

  Origin& origin_;
  const Clock& clock_;
  std::array<prometheus::Counter*, 5> outcomes_;
  std::map<DocumentHeaders, std::shared_ptr<const http::HeaderBlock>> document_headers_;  // kinds x codings x few
};

// The same on a loop: a timer keeps the origin's deadlines and the feed's. Made on that loop, or before it runs.
class Server final : public http::Handler {
 public:
  Server(net::Loop& loop, Origin& origin, Metrics& metrics);

  void serve(const http::Request& request, http::Responder responder) override;

  // What is told in one turn is flushed in the next.
  media::TopicSource& topics() { return feed_; }
  // A track of the channel's current broadcast is subscribed to.
  bool is_followed(const std::string& channel) const;

 private:
  struct LoopClock final : Clock {
    explicit LoopClock(net::Loop& owner) : loop(owner) {}
    LoopTime now() const override { return loop.now(); }
    WallTime wall_now() const override { return loop.wall_now(); }
    net::Loop& loop;
  };
  void arm();

  net::Loop& loop_;
  Origin& origin_;
  LoopClock clock_;
  Answering answering_;
  prometheus::Gauge& held_;
  size_t held_told_ = 0;
  Feed feed_;
  net::Timer flush_;
  net::Timer timer_;
  LoopTime armed_ = LoopTime::max();
};

}  // namespace klieg::origin

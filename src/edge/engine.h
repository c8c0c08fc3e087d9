// The cache of a node, on one loop: what it has, what it fetches, who waits. One engine for a proxy, a cache host and
// the cache before an origin; they differ in whom they ask (Routes) and what is pushed to them (TopicSource).
//
//   auto found = engine.ask(question);
//   if (auto* pending = std::get_if<Pending>(&found)) engine.wait(*pending, [...](Answer) { ... });
//   ... engine.on_time() no later than engine.next_deadline()
//
// The road of a request, its outcomes and the diagram of a flight: README.md.
//
// Owner: server.*. Thread: one loop. The clock and the randomness are given.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "base/random.h"
#include "edge/cadence.h"
#include "edge/flight.h"
#include "edge/freshness.h"
#include "edge/key.h"
#include "edge/object.h"
#include "edge/store.h"
#include "edge/topic.h"
#include "edge/upstream.h"
#include "media/push.h"
#include "wire/http_field.h"

namespace klieg::edge {

struct Clock {
  virtual ~Clock() = default;
  virtual LoopTime now() const = 0;
  virtual WallTime wall_now() const = 0;
};

// A request as the engine sees it. Views: valid during the call.
struct Question {
  std::string_view method;  // "GET"
  std::string_view path;
  std::string_view query;
  std::span<const wire::HeaderView> fields;
  Bytes body;
  std::string_view client_address;  // without port
  // As which server the viewer asked: "https", "klieg.example". No scheme: that is nothing to the parents; no
  // authority: he did not say.
  std::string_view scheme = {};
  std::string_view authority = {};
};

// How a request was answered. The names stand in the log, in the metrics and in Cache-Status.
enum class Outcome : uint8_t {
  hit,           // it was here, fresh
  hit_stale,     // it was here, stale, and is being validated (stale-while-revalidate)
  hit_on_error,  // it was here, stale, and no parent could say better (stale-if-error)
  pushed,        // it was waited for, and came by push
  joined,        // another viewer's request had begun the flight
  miss,          // this one began it
  revalidated,   // the parent said that what is here is still right
  uncacheable,   // it must not be shared; it went through for this one alone
  passed,        // neither GET nor HEAD, or this node knew already that it is uncacheable
  not_cached,    // only-if-cached, and it is not: 504
  unreachable,   // no parent answered: 502
  timed_out,     // no parent answered in time: 504
  bad_gateway,   // a parent answered what is not HTTP: 502
  looped,        // the request has been here before: 508
  too_many,      // more wait than may: 503
};
constexpr size_t outcomes = 15;
std::string_view name_of(Outcome outcome);

struct Served {
  std::shared_ptr<const Object> object;
  Outcome how = Outcome::hit;
};
struct Refused {
  uint16_t status = 502;
  Outcome how = Outcome::unreachable;
  std::string_view words;
};
using Answer = std::variant<Served, Refused>;

// Somebody who waits for an answer.
class Ticket;
using Pending = std::shared_ptr<Ticket>;

// What came of fetches: the label of klieg_edge_flights_total. One may count twice: landed, and resumed, aborted,
// abandoned (nobody read it any more) or too_large after.
enum class FlightEnding : uint8_t { landed, refreshed, resumed, failed, aborted, abandoned, too_large };
constexpr size_t flight_endings = 7;
std::string_view name_of(FlightEnding ending);

struct EngineSettings {
  std::string node = "klieg";   // as Cache-Status, Via and CDN-Loop name it
  std::string scheme = "http";  // of the parents, as references in their responses name them
  std::string authority;
  uint64_t bytes_max = uint64_t{1} << 30;
  // What is larger is not kept but passed to each viewer, as fast as that one reads. Four fill what there is. A body
  // whose size nobody says is shared until it is as large as all that is kept may be; then its readers are reset.
  uint64_t object_size_max() const { return bytes_max / 4; }
  // x 1 KiB (copy of the request, callback, entries): 64 MiB.
  size_t tickets_max = 65'536;
  FreshnessSettings freshness;
  // An answer that must not be shared makes viewers go alone for so long, instead of one after the other. One that says
  // that there is nothing says little about what will be there next.
  Duration uncacheable_for = 120s;
  Duration uncacheable_for_after_error = 1s;
  // Paths (a '*' stands for anything) whose 404 at the live edge is held, for parents that do not hold themselves.
  std::vector<std::string> hold_paths;
  Duration hold_max = 3s;
  // A name that was announced by push and does not come: a segment and a half, then it is asked for.
  Duration expect_max = 3s;
  // A topic is taken by push from when so many of its names were fetched within a second. 1 where the parent is a way
  // off, which a viewer would wait for.
  uint32_t topic_fetches_min = 1;
  // After its last viewer a topic is taken for so long: more than a player's longest wait between requests.
  Duration topic_kept = 30s;
  size_t topics_max = 1'000;  // x a few MB of live objects each: the store's limit comes first
};

class Engine final : private FlightHost, private TopicHost, public media::TopicSource {
 public:
  // `source`: null where nothing is pushed.
  Engine(EngineSettings settings, const Clock& clock, Routes& routes, media::TopicSource* source, uint64_t seed);
  ~Engine() override;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  using Found = std::variant<Served, Refused, Pending>;
  Found ask(const Question& question);
  // Calls `then` once, in a later call to the engine or from a flight's turn. `then` may ask again.
  // `gone`: whether he has left meanwhile; null: who waits stays.
  void wait(const Pending& pending, std::move_only_function<void(Answer)> then,
            std::move_only_function<bool()> gone = nullptr);

  // Topics for children: what is taken from the parent, subscribed to for them if need be.
  bool offers_topics() const { return source_ != nullptr; }
  std::unique_ptr<media::Subscription> subscribe(std::string_view topic, media::PushSink& sink) override;
  // What a child that joins now has to be told first. Empty: nothing is known of the topic.
  std::vector<media::PushRecord> snapshot(std::string_view topic) const;

  // Under what "/path?query" is kept here.
  std::string key_of(std::string_view target) const;
  // What is kept of "/path?query" is no longer right: somebody changed it.
  void forget(std::string_view target);
  // Whom to tell what was forgotten because of a request that was made here: the caches of the other loops. Null:
  // nobody.
  void when_forgotten(std::move_only_function<void(const std::string& target)> told) { forgotten_ = std::move(told); }
  // Is told what memory has no room for.
  void when_evicted(std::move_only_function<void(const Resource&)> told) { store_.when_evicted(std::move(told)); }

  void on_time();
  LoopTime next_deadline() const;  // LoopTime::max(): none
  // Whom to tell that next_deadline() has come nearer because of a parent's answer, not of a call made here; null:
  // nobody.
  void when_nearer(std::move_only_function<void()> told) { nearer_ = std::move(told); }

  const EngineSettings& settings() const { return settings_; }
  WallTime wall_now() const { return clock_.wall_now(); }
  size_t waiting() const { return tickets_; }
  size_t flying() const { return trips_.size(); }
  size_t topics() const { return topics_.size(); }
  const Store& store() const { return store_; }
  uint64_t ended(FlightEnding how) const { return endings_[static_cast<size_t>(how)]; }

 private:
  // A flight with those who wait for its head.
  struct Trip {
    std::shared_ptr<Flight> flight;
    std::vector<Pending> tickets;
    std::shared_ptr<const Object> validated;  // what the parent is asked about; null: nothing is here
    LoopTime departed;
    // At the live edge: what is not there yet and may be waited for.
    LoopTime held_until = LoopTime::min();
    LoopTime missing_at = LoopTime::min();  // a parent was asked for it last, and did not have it
    enum class Kind : uint8_t { shared, alone } kind = Kind::shared;
    // What it asks for was changed meanwhile: whoever waits has asked before, whoever comes has not.
    enum class Word : uint8_t { good, out_of_date } word = Word::good;
    std::string path;                                       // of the first request
    std::string awaits;                                     // the pushed playlist that will answer it; empty: none
    std::multimap<LoopTime, const Flight*>::iterator wake;  // in wakes_; its end: none
  };
  struct TopicEntry {
    std::shared_ptr<Topic> topic;                                                  // null: not subscribed to now
    std::shared_ptr<LoopTime> used = std::make_shared<LoopTime>(LoopTime::min());  // by a viewer
    LoopTime retry_at = LoopTime::min();
    uint32_t failures = 0;
    LoopTime fetches_since = LoopTime::min();
    uint32_t fetches = 0;  // since then
  };

  // Looking up.
  std::optional<Found> await_document(const BlockingReload& reload, const std::string& key, const Question& question);
  Found join(const std::string& key, const Question& question, std::shared_ptr<const Object> validated);
  Found pass(const std::string& key, const Question& question);
  Trip& depart(Resource& resource, const Question& question, std::shared_ptr<const Object> validated);
  Trip& add_trip(std::shared_ptr<Flight> flight);
  Pending board(Trip& trip, const Question& question, Outcome how);
  bool full();
  void use(const Object& object);
  bool holds(std::string_view path) const;
  std::optional<LoopTime> first_question(Trip& trip);
  std::optional<LoopTime> ask_again_at(Trip& trip);

  // Landing.
  Decision on_head(Flight& flight, const FetchHead& head, Chance chance) override;
  Decision take(Trip& trip, const FetchHead& head);
  Decision refresh(Trip& trip, const FetchHead& head);
  WallTime asked_at(const Flight& flight) const;
  void land(Trip& trip, const std::shared_ptr<const Object>& object, std::optional<Outcome> how);
  void land_unkept(Trip& trip, const std::shared_ptr<const Object>& object);
  void land_for_one(Trip& trip, const std::shared_ptr<const Object>& object);
  void land_uncacheable(Trip& trip, const std::shared_ptr<const Object>& object);
  void land_pushed(Flight& flight, const std::shared_ptr<const Object>& object);
  std::vector<Pending> take_tickets(Trip& trip);
  void answer(const Pending& ticket, Answer answer);
  void ask_anew(const Pending& ticket);
  void go_on(const Pending& ticket, Found found);
  void on_failed(Flight& flight, FlightFailure why) override;
  void on_wake_changed(Flight& flight) override;
  void on_resumed(Flight& flight) override;
  void on_over(Flight& flight, FlightEnd how) override;
  LoopTime now() const override { return clock_.now(); }
  uint64_t body_size_max() const override { return settings_.bytes_max; }
  Routes& routes() override { return routes_; }
  Random& random() override { return random_; }
  FlightHost& flight_host() { return *this; }
  TopicHost& topic_host() { return *this; }
  void count(const Flight& flight, FlightEnding how);

  // Keeping.
  void keep(const std::string& key, std::shared_ptr<const Object> object);
  void settle(const std::string& key);
  void outlive(Resource& resource);
  bool watch_lifetime(LoopTime end, const std::string& key);
  void invalidate(const Trip& trip, const FetchHead& head);

  // Topics.
  std::shared_ptr<LoopTime> want_topic(const std::string& name);
  bool is_worth_it(TopicEntry& entry) const;
  void start(std::string_view name, TopicEntry& entry);
  void tend_topics();
  void retry_topics();
  void forget_documents(const Topic& topic);
  std::shared_ptr<Object> pushed_object(const media::ObjectHead& head, const Topic& topic) override;
  void on_pushed(const std::string& name, std::shared_ptr<const Object> object) override;
  void on_pushed_whole(const std::string& name) override;
  void on_orphaned(const std::string& name, std::shared_ptr<const Object> object, std::shared_ptr<Log> log) override;
  void on_expected(const std::string& name) override;
  void on_unexpected(const std::string& name) override;
  void on_document(const std::string& name, Topic& topic) override;
  void on_document_lost(const std::string& name, const Topic& topic) override;
  void on_topic_over(Topic& topic, media::TopicEnd why) override;

  EngineSettings settings_;
  const Clock& clock_;
  Routes& routes_;
  media::TopicSource* source_;
  Random random_;
  Store store_;
  QueryRules query_rules_;
  Cadence cadence_;  // of what is held
  std::unordered_map<const Flight*, Trip> trips_;
  std::multimap<LoopTime, const Flight*> wakes_;
  std::move_only_function<void()> nearer_;
  std::move_only_function<void(const std::string&)> forgotten_;
  std::multimap<LoopTime, std::string> lifetimes_;  // of what goes at its end, whatever room there is
  std::vector<std::string> growing_;                // keys of what grew when it was weighed last
  size_t tickets_ = 0;
  LoopTime swept_ = LoopTime::min();  // of tickets whose viewers have left
  std::array<uint64_t, flight_endings> endings_{};

  std::map<std::string, TopicEntry, std::less<>> topics_;
  std::vector<std::shared_ptr<Topic>> topics_over_;  // until the next turn: one may be on the stack, or has to say so
  std::unordered_map<std::string, Topic*> documents_;
  std::unordered_set<std::string> expected_;
  // Blocking reloads that wait for a pushed playlist: its name, the flights in which they sit.
  struct Awaiting {
    uint64_t msn = 0;
    std::optional<uint64_t> part;
  };
  std::unordered_map<std::string, std::unordered_map<const Flight*, Awaiting>> awaiting_;
  std::multimap<LoopTime, std::string> topic_retries_;
  LoopTime tended_ = LoopTime::min();
  bool newcomers_ = false;  // children wait for their snapshot
};

}  // namespace klieg::edge

#include "edge/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "edge/forwarding.h"
#include "edge/invalidation.h"

namespace klieg::edge {
namespace {

constexpr Duration tend_every = 1s;
constexpr Duration poll_pause = 100ms;  // of a 404 that is held, when nothing says when it is born
constexpr Duration topic_pause_first = 100ms;
constexpr Duration topic_pause_max = 10s;

bool is_get_or_head(std::string_view method) { return method == "GET" || method == "HEAD"; }

// "/live/*.m4s"
bool fits(std::string_view pattern, std::string_view path) {
  const size_t star = pattern.find('*');
  if (star == pattern.npos) return pattern == path;
  if (!path.starts_with(pattern.substr(0, star))) return false;
  path.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  if (pattern.find('*') == pattern.npos) return path.size() >= pattern.size() && path.ends_with(pattern);
  for (size_t i = 0; i <= path.size(); ++i) {
    if (fits(pattern, path.substr(i))) return true;
  }
  return false;
}

bool answers(const Object& object, std::span<const wire::HeaderView> fields) {
  return object.facts.vary.names.empty() || variant_of(object.facts.vary, fields) == object.variant;
}

std::shared_ptr<const Object> choose(const Resource& resource, std::span<const wire::HeaderView> fields) {
  for (const auto& object : resource.variants) {
    // A log that is another's may have been aborted without our hearing.
    if (answers(*object, fields) && object->log->state() != LogEnd::aborted) return object;
  }
  return nullptr;
}

Duration remaining_lifetime(const ResponseFacts& facts, WallTime wall) {
  return facts.lifetime - current_age(facts, wall);
}

// Nobody will ask a parent whether it changed: beyond its lifetime it is worth nothing.
bool ends_with_its_lifetime(const Object& object) { return object.facts.immutable || !object.topic.empty(); }

}  // namespace

std::string_view name_of(Outcome outcome) {
  constexpr std::array<std::string_view, outcomes> names{
      "hit",    "hit_stale",  "hit_on_error", "pushed",    "joined",      "miss",   "revalidated", "uncacheable",
      "passed", "not_cached", "unreachable",  "timed_out", "bad_gateway", "looped", "too_many"};
  return names[static_cast<size_t>(outcome)];
}

std::string_view name_of(FlightEnding ending) {
  constexpr std::array<std::string_view, flight_endings> names{"landed", "refreshed", "resumed", "failed", "aborted"};
  return names[static_cast<size_t>(ending)];
}

// What a request was, for as long as it waits.
class Ticket {
 public:
  Ticket(const Question& question, Outcome how)
      : method(question.method),
        path(question.path),
        query(question.query),
        body(question.body),
        client_address(question.client_address),
        how(how) {
    for (const wire::HeaderView& field : question.fields) fields_.emplace_back(field.name, field.value);
    for (const auto& [name, value] : fields_) views_.push_back({name, value});
  }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;

  Question question() const { return {method, path, query, views_, body, client_address}; }
  std::span<const wire::HeaderView> fields() const { return views_; }

  const std::string method, path, query;
  const Bytes body;
  const std::string client_address;
  const Outcome how;  // if the flight brings what it is to bring
  std::move_only_function<void(Answer)> then;

 private:
  Fields fields_;
  std::vector<wire::HeaderView> views_;
};

Engine::Engine(EngineSettings settings, const Clock& clock, Routes& routes, media::TopicSource* source, uint64_t seed)
    : settings_(std::move(settings)),
      clock_(clock),
      routes_(routes),
      source_(source),
      random_(seed),
      store_(settings_.bytes_max) {}

Engine::~Engine() {
  topics_.clear();
  trips_.clear();
}

// --- Looking up -----------------------------------------------------------------------------------------------------

Engine::Found Engine::ask(const Question& question) {
  if (has_been_here(question.fields, settings_.node)) {
    return Refused{508, Outcome::looped, "this request has been here before: parents point at each other\n"};
  }
  if (!is_get_or_head(question.method)) return pass(question);
  const std::string query = query_rules_.key_of(question.path, question.query);
  if (const auto reload = blocking_reload_of(question.path, query)) {
    if (auto found = await_document(*reload, target_of(question.path, query), question)) return std::move(*found);
  }
  const std::string key = target_of(question.path, query);
  if (const auto pushed = documents_.find(key); pushed != documents_.end()) {
    const PushedDocument* document = pushed->second->document(key);
    if (document && answers(*document->object, question.fields)) {
      use(*document->object);
      return Served{document->object, Outcome::hit};
    }
  }
  const wire::RequestDirectives wishes = wire::request_directives(question.fields);
  Resource* resource = store_.find(key);
  std::shared_ptr<const Object> validated;
  if (resource) {
    if (auto object = choose(*resource, question.fields)) {
      switch (use_of(object->facts, wishes, clock_.wall_now())) {
        case Use::fresh:
        case Use::stale_allowed:
          use(*object);
          return Served{std::move(object), Outcome::hit};
        case Use::stale_while_revalidate:
          use(*object);
          if (!resource->flight) depart(*resource, question, object).flight->ask();
          return Served{std::move(object), Outcome::hit_stale};
        case Use::must_validate:
          validated = std::move(object);
          break;
        case Use::gateway_timeout:
          break;
      }
    }
  }
  if (wishes.only_if_cached)
    return Refused{504, Outcome::not_cached, "not here, and only what is here was asked for\n"};
  if (wishes.no_store || (resource && resource->uncacheable_until > clock_.now())) return pass(question);
  return join(resource ? *resource : store_.obtain(key), question, std::move(validated));
}

// A playlist that is pushed: as it is, or awaited. Empty: it is for the parent to answer.
std::optional<Engine::Found> Engine::await_document(const BlockingReload& reload, std::string key,
                                                    const Question& question) {
  const auto pushed = documents_.find(reload.name);
  if (pushed == documents_.end()) return std::nullopt;
  const Topic& topic = *pushed->second;
  const PushedDocument* document = topic.document(reload.name);
  if (!document || !answers(*document->object, question.fields)) return std::nullopt;
  if (document->answers(reload.msn, reload.part)) {
    use(*document->object);
    return Served{document->object, Outcome::hit};
  }
  if (!topic.live() || !document->nearly_answers(reload.msn, reload.part)) return std::nullopt;
  Resource& resource = store_.obtain(key);
  if (!resource.flight) {
    const Trip& trip = depart(resource, question, nullptr);
    trip.flight->expect(clock_.now() + settings_.expect_max);
    awaiting_.emplace(reload.name, Awaiting{reload.msn, reload.part, trip.flight.get()});
  }
  return board(trips_.at(resource.flight.get()), question, Outcome::pushed);
}

Engine::Found Engine::join(Resource& resource, const Question& question, std::shared_ptr<const Object> validated) {
  if (resource.flight) {
    const bool expected = resource.flight->state() == Flight::State::expecting;
    return board(trips_.at(resource.flight.get()), question, expected ? Outcome::pushed : Outcome::joined);
  }
  Trip& trip = depart(resource, question, std::move(validated));
  if (expected_.contains(resource.key)) {
    trip.flight->expect(clock_.now() + settings_.expect_max);
    return board(trip, question, Outcome::pushed);
  }
  trip.flight->ask();
  return board(trip, question, Outcome::miss);
}

Engine::Found Engine::pass(const Question& question) {
  auto flight = std::make_shared<Flight>(flight_host(), target_of(question.path, question.query),
                                         passed_request(question, settings_.node));
  Trip& trip = add_trip(flight);
  trip.kind = Trip::Kind::alone;
  flight->ask();
  return board(trip, question, Outcome::passed);
}

// A shared flight for a resource. It has not asked yet.
Engine::Trip& Engine::depart(Resource& resource, const Question& question, std::shared_ptr<const Object> validated) {
  FetchRequest request = shared_request(question, resource.key, validated.get(), settings_.node);
  resource.flight = std::make_shared<Flight>(flight_host(), resource.key, std::move(request));
  Trip& trip = add_trip(resource.flight);
  trip.validated = std::move(validated);
  trip.path = question.path;
  return trip;
}

Engine::Trip& Engine::add_trip(std::shared_ptr<Flight> flight) {
  Trip& trip = trips_[flight.get()];
  trip.flight = std::move(flight);
  trip.asked = clock_.wall_now();
  trip.wake = wakes_.end();
  return trip;
}

Engine::Found Engine::board(Trip& trip, const Question& question, Outcome how) {
  if (tickets_ >= settings_.tickets_max) {
    return Refused{503, Outcome::too_many, "too many requests wait here already; ask again\n"};
  }
  ++tickets_;
  trip.tickets.push_back(std::make_shared<Ticket>(question, how));
  return trip.tickets.back();
}

void Engine::wait(const Pending& pending, std::move_only_function<void(Answer)> then) {
  pending->then = std::move(then);
}

void Engine::use(const Object& object) {
  if (object.topic_used) *object.topic_used = clock_.now();
}

bool Engine::holds(std::string_view path) const {
  return std::ranges::any_of(settings_.hold_paths, [&](const std::string& pattern) { return fits(pattern, path); });
}

// --- Landing --------------------------------------------------------------------------------------------------------

FlightHost::Decision Engine::on_head(Flight& flight, const FetchHead& head, Chance chance) {
  Trip& trip = trips_.at(&flight);
  const bool parent_is_ill = head.status == 502 || head.status == 503 || head.status == 504;
  if (parent_is_ill && chance == Chance::more && is_get_or_head(flight.request().method)) {
    return {Verdict::try_elsewhere, Duration(0), nullptr};
  }
  if (trip.validated && head.status == 304) {
    return refresh(trip, head);
  }
  if (trip.validated && is_error(head.status) &&
      use_on_error(trip.validated->facts, clock_.wall_now()) == OnError::use) {
    land(trip, trip.validated, Outcome::hit_on_error);
    return {};
  }
  if (head.status == 404 && trip.kind == Trip::Kind::shared && holds(trip.path)) {
    if (trip.held_until == LoopTime::min()) trip.held_until = clock_.now() + settings_.hold_max;
    if (clock_.now() + poll_pause < trip.held_until) return {Verdict::ask_again_later, poll_pause, nullptr};
  }
  return take(trip, head);
}

FlightHost::Decision Engine::take(Trip& trip, const FetchHead& head) {
  Flight& flight = *trip.flight;
  auto object = std::make_shared<Object>();
  const std::vector<wire::HeaderView> asked = views_of(flight.request().fields);
  object->status = head.status;
  object->facts = facts_of({flight.request().method, asked}, {head.status, head.fields}, trip.asked, clock_.wall_now(),
                           settings_.freshness);
  object->fields = fields_to_store(head.fields, object->facts);
  object->variant = variant_of(object->facts.vary, asked);
  std::shared_ptr<Log> log;
  if (head.log) {
    object->log = head.log;
    object->offset = head.offset;
    object->end = head.end;
  } else {
    object->log = log = std::make_shared<Log>();
    object->end = head.size;
  }
  flight.identify({object->facts.etag, head.size});
  trip.object = object;
  count(FlightEnding::landed);
  if (const std::string_view topic = field_of(head.fields, media::topic_header); !topic.empty()) {
    object->topic = topic;
    object->topic_used = want_topic(object->topic);
  }
  if (trip.kind == Trip::Kind::alone) {
    invalidate(trip, head);
    land(trip, object, std::nullopt);
    return {Verdict::take, {}, log};
  }
  query_rules_.learn(trip.path, object->facts.query_variance);
  if (object->facts.storable == Storable::yes) {
    keep(flight.key(), object);
    land(trip, object, std::nullopt);
  } else if (object->facts.storable == Storable::no_freshness_no_validator) {
    land(trip, object, std::nullopt);  // not worth keeping, but it was asked for after all of them had come
  } else {
    land_uncacheable(trip, object);
  }
  return {Verdict::take, {}, log};
}

// A 304: what is here is still right, and has new fields.
FlightHost::Decision Engine::refresh(Trip& trip, const FetchHead& head) {
  const Object& old = *trip.validated;
  const std::vector<wire::HeaderView> asked = views_of(trip.flight->request().fields);
  const WallTime arrived = clock_.wall_now();
  auto object = std::make_shared<Object>(old);
  object->rendered.reset();
  object->fields = fields_after_validation(old.fields, head.fields, arrived);
  object->facts = facts_of({trip.flight->request().method, asked}, {old.status, views_of(object->fields)}, trip.asked,
                           arrived, settings_.freshness);
  count(FlightEnding::refreshed);
  if (object->facts.storable == Storable::yes) {
    keep(trip.flight->key(), object);
    land(trip, object, Outcome::revalidated);
  } else {  // from now on
    land_uncacheable(trip, object);
  }
  return {};
}

// Who waits is answered, or asks anew where this variant is not theirs.
void Engine::land(Trip& trip, const std::shared_ptr<const Object>& object, std::optional<Outcome> how) {
  for (const Pending& ticket : take_tickets(trip)) {
    if (trip.kind == Trip::Kind::alone || answers(*object, ticket->fields())) {
      answer(ticket, Served{object, how.value_or(ticket->how)});
    } else {
      ask_anew(ticket);
    }
  }
  use(*object);
}

// It is for the one who asked first. The others go alone, and all at once; so does whoever comes in a while.
void Engine::land_uncacheable(Trip& trip, const std::shared_ptr<const Object>& object) {
  std::vector<Pending> tickets = take_tickets(trip);
  Resource& resource = store_.obtain(trip.flight->key());
  resource.variants.clear();
  resource.uncacheable_until = clock_.now() + settings_.uncacheable_for;
  lifetimes_.emplace(resource.uncacheable_until, resource.key);
  store_.settle(resource);
  for (size_t i = 0; i < tickets.size(); ++i) {
    i == 0 ? answer(tickets[i], Served{object, Outcome::uncacheable}) : ask_anew(tickets[i]);
  }
}

std::vector<Pending> Engine::take_tickets(Trip& trip) {
  if (Resource* resource = trip.kind == Trip::Kind::shared ? store_.find(trip.flight->key()) : nullptr;
      resource && resource->flight == trip.flight) {
    resource->flight = nullptr;
    store_.settle(*resource);
  }
  tickets_ -= trip.tickets.size();
  return std::exchange(trip.tickets, {});
}

void Engine::answer(const Pending& ticket, Answer answer) {
  if (auto then = std::exchange(ticket->then, nullptr)) then(std::move(answer));
}

void Engine::ask_anew(const Pending& ticket) {
  auto found = ask(ticket->question());
  if (auto* pending = std::get_if<Pending>(&found)) return wait(*pending, std::exchange(ticket->then, nullptr));
  if (auto* served = std::get_if<Served>(&found)) return answer(ticket, std::move(*served));
  answer(ticket, std::get<Refused>(found));
}

void Engine::on_failed(Flight& flight, FlightFailure why) {
  Trip& trip = trips_.at(&flight);
  count(FlightEnding::failed);
  if (trip.validated && use_on_error(trip.validated->facts, clock_.wall_now()) == OnError::use) {
    return land(trip, trip.validated, Outcome::hit_on_error);
  }
  Refused refused{502, Outcome::unreachable, "no parent answered\n"};
  if (why == FlightFailure::timed_out) refused = {504, Outcome::timed_out, "no parent answered in time\n"};
  if (why == FlightFailure::bad_gateway) refused = {502, Outcome::bad_gateway, "a parent's answer was not HTTP\n"};
  for (const Pending& ticket : take_tickets(trip)) answer(ticket, refused);
}

void Engine::on_wake_changed(Flight& flight) {
  Trip& trip = trips_.at(&flight);
  if (trip.wake != wakes_.end()) wakes_.erase(trip.wake);
  trip.wake = flight.wake_at() == LoopTime::max() ? wakes_.end() : wakes_.emplace(flight.wake_at(), &flight);
  if (nearer_ && trip.wake != wakes_.end() && trip.wake == wakes_.begin()) nearer_();
}

void Engine::on_resumed(Flight&) { count(FlightEnding::resumed); }

void Engine::on_over(Flight& flight) {
  const auto found = trips_.find(&flight);
  const Trip trip = std::move(found->second);
  if (trip.wake != wakes_.end()) wakes_.erase(trip.wake);
  trips_.erase(found);
  if (!trip.object) return;
  const bool aborted = trip.object->log->state() == LogEnd::aborted;
  if (aborted) count(FlightEnding::aborted);
  settle(flight.key(), trip.object);
}

// An object has all its bytes, or never will have them.
void Engine::settle(const std::string& key, const std::shared_ptr<const Object>& object) {
  Resource* resource = store_.find(key);
  if (!resource) return;
  if (object->log->state() == LogEnd::aborted) std::erase(resource->variants, object);
  store_.settle(*resource);
}

void Engine::keep(const std::string& key, std::shared_ptr<const Object> object) {
  Resource& resource = store_.obtain(key);
  std::erase_if(resource.variants, [&](const auto& older) { return older->variant == object->variant; });
  // What is immutable is worth nothing beyond its lifetime: nobody will ask a parent whether it changed.
  if (ends_with_its_lifetime(*object)) {
    lifetimes_.emplace(clock_.now() + remaining_lifetime(object->facts, clock_.wall_now()), key);
  }
  resource.variants.insert(resource.variants.begin(), std::move(object));
  if (resource.variants.size() > variants_max) resource.variants.pop_back();
  resource.uncacheable_until = LoopTime::min();
  store_.settle(resource);
}

void Engine::invalidate(const Trip& trip, const FetchHead& head) {
  const FetchRequest& request = trip.flight->request();
  const Target target{settings_.scheme, settings_.authority, request.target};
  for (const std::string& name : invalidated_by(request.method, target, head.status, head.fields)) {
    forget(name);
    if (forgotten_) forgotten_(name);
  }
}

void Engine::forget(std::string_view target) {
  const std::string_view path = target.substr(0, target.find('?'));
  const std::string_view query = target.substr(std::min(path.size() + 1, target.size()));
  if (Resource* resource = store_.find(target_of(path, query_rules_.key_of(path, query)))) {
    resource->variants.clear();
    store_.settle(*resource);
  }
}

// --- Topics ---------------------------------------------------------------------------------------------------------

std::unique_ptr<media::Subscription> Engine::subscribe(std::string_view name, media::PushSink& sink) {
  KLIEG_ASSERT(source_, "who has no source offers no topics");
  want_topic(std::string(name));
  TopicEntry& entry = topics_.find(name)->second;
  if (!entry.topic) start(name, entry);
  newcomers_ = true;
  return entry.topic->subscribe(sink);
}

std::vector<media::PushRecord> Engine::snapshot(std::string_view name) const {
  const auto found = topics_.find(name);
  if (found == topics_.end() || !found->second.topic) return {};
  return found->second.topic->snapshot();
}

// When the topic was used last, shared by its objects. Null: nothing is taken by push.
std::shared_ptr<LoopTime> Engine::want_topic(const std::string& name) {
  if (!source_) return nullptr;
  TopicEntry& entry = topics_[name];
  *entry.used = clock_.now();
  if (!entry.topic && clock_.now() >= entry.retry_at) start(name, entry);
  return entry.used;
}

void Engine::start(std::string_view name, TopicEntry& entry) {
  entry.topic = std::make_shared<Topic>(topic_host(), std::string(name));
  entry.topic->join(*source_);
}

void Engine::tend_topics() {
  const LoopTime now = clock_.now();
  for (auto next = topics_.begin(); next != topics_.end();) {
    auto& [name, entry] = *next++;
    const bool watched = now - *entry.used < settings_.topic_kept || (entry.topic && entry.topic->has_children());
    if (entry.topic && !entry.topic->over() && !watched) entry.topic->leave();  // on_topic_over() lets go of it
    if (entry.topic && entry.topic->over() && !watched) forget_documents(*entry.topic);
    if (!watched) {
      topics_.erase(name);
    } else if (!entry.topic && now >= entry.retry_at) {
      start(name, entry);
    }
  }
}

std::shared_ptr<Object> Engine::pushed_object(const media::ObjectHead& head, const Topic& topic) {
  auto object = std::make_shared<Object>();
  std::vector<wire::HeaderView> views;
  for (const auto& [name, value] : head) views.push_back({name, value});
  const std::vector<wire::HeaderView> asked{{"accept-encoding", "gzip"}};  // the coding that documents come in
  const WallTime wall = clock_.wall_now();
  object->facts = facts_of({"GET", asked}, {200, views}, wall, wall, settings_.freshness);
  object->fields = fields_to_store(views, object->facts);
  object->variant = variant_of(object->facts.vary, asked);
  object->topic = topic.name();
  if (const auto entry = topics_.find(topic.name()); entry != topics_.end()) object->topic_used = entry->second.used;
  return object;
}

void Engine::on_pushed(const std::string& name, std::shared_ptr<const Object> object) {
  expected_.erase(name);
  const Resource* resource = store_.find(name);
  const std::shared_ptr<Flight> flight = resource ? resource->flight : nullptr;
  if (!resource || resource->variants.empty()) keep(name, object);
  if (flight) land_pushed(*flight, object);
}

// Whoever waited for a fetch has it now, and the fetch is over.
void Engine::land_pushed(Flight& flight, const std::shared_ptr<const Object>& object) {
  const auto keep_alive = flight.shared_from_this();
  Trip& trip = trips_.at(&flight);
  land(trip, object, Outcome::pushed);
  flight.give_up();
  on_over(flight);
}

void Engine::on_pushed_whole(const std::string& name) {
  if (const Resource* resource = store_.find(name); resource && !resource->variants.empty()) {
    settle(name, resource->variants.front());
  }
}

void Engine::on_orphaned(const std::string& name, std::shared_ptr<const Object> object, std::shared_ptr<Log> log) {
  FetchRequest request;
  request.target = name;
  auto flight = std::make_shared<Flight>(flight_host(), name, std::move(request));
  add_trip(flight).object = object;
  flight->resume(std::move(log), {object->facts.etag, std::nullopt});
}

void Engine::on_expected(const std::string& name, Topic& topic) { expected_[name] = &topic; }

void Engine::on_unexpected(const std::string& name) {
  expected_.erase(name);
  const Resource* resource = store_.find(name);
  if (resource && resource->flight && resource->flight->state() == Flight::State::expecting) resource->flight->ask();
}

void Engine::on_document(const std::string& name, Topic& topic) {
  documents_[name] = &topic;
  const PushedDocument& document = *topic.document(name);
  std::vector<std::shared_ptr<Flight>> ripe;
  const auto [first, last] = awaiting_.equal_range(name);
  for (auto one = first; one != last;) {
    const auto trip = trips_.find(one->second.flight);
    const bool gone = trip == trips_.end() || trip->second.flight->state() != Flight::State::expecting;
    const bool answered = !gone && document.answers(one->second.msn, one->second.part);
    if (answered) ripe.push_back(trip->second.flight);
    one = gone || answered ? awaiting_.erase(one) : std::next(one);
  }
  const std::shared_ptr<const Object> object = document.object;
  for (const auto& flight : ripe) land_pushed(*flight, object);
}

void Engine::on_document_lost(const std::string& name) {
  documents_.erase(name);
  std::vector<std::shared_ptr<Flight>> left;
  const auto [first, last] = awaiting_.equal_range(name);
  for (auto one = first; one != last; ++one) {
    if (const auto trip = trips_.find(one->second.flight); trip != trips_.end()) left.push_back(trip->second.flight);
  }
  awaiting_.erase(name);
  for (const auto& flight : left) {
    if (flight->state() == Flight::State::expecting) flight->ask();
  }
}

void Engine::forget_documents(const Topic& topic) {
  std::erase_if(documents_, [&](const auto& document) { return document.second == &topic; });
}

void Engine::on_topic_over(Topic& topic, media::TopicEnd why) {
  const auto found = topics_.find(topic.name());
  if (found == topics_.end() || why == media::TopicEnd::finished) return;  // its last playlists stay
  TopicEntry& entry = found->second;
  topics_over_.push_back(std::exchange(entry.topic, nullptr));  // it is on the stack
  const auto pause = why == media::TopicEnd::unknown || why == media::TopicEnd::refused
                         ? topic_pause_max
                         : std::min(topic_pause_max, topic_pause_first * (int64_t{1} << std::min(entry.failures, 7u)));
  ++entry.failures;
  entry.retry_at = clock_.now() + pause;
}

// --- Time -----------------------------------------------------------------------------------------------------------

void Engine::on_time() {
  const LoopTime now = clock_.now();
  topics_over_.clear();
  if (std::exchange(newcomers_, false)) {
    for (auto& [_, entry] : topics_) {
      if (entry.topic) entry.topic->tell_newcomers();
    }
  }
  while (!wakes_.empty() && wakes_.begin()->first <= now) {
    const std::shared_ptr<Flight> flight = trips_.at(wakes_.begin()->second).flight;
    trips_.at(flight.get()).wake = wakes_.end();
    wakes_.erase(wakes_.begin());
    flight->on_time(now);
  }
  while (!lifetimes_.empty() && lifetimes_.begin()->first <= now) {
    const std::string key = std::move(lifetimes_.begin()->second);
    lifetimes_.erase(lifetimes_.begin());
    if (Resource* resource = store_.find(key)) outlive(*resource);
  }
  if (now >= tended_ + tend_every) {
    tended_ = now;
    tend_topics();
  }
}

// What is over its lifetime and cannot be validated goes.
void Engine::outlive(Resource& resource) {
  const WallTime wall = clock_.wall_now();
  std::erase_if(resource.variants, [&](const auto& object) {
    return ends_with_its_lifetime(*object) && remaining_lifetime(object->facts, wall) <= Duration(0);
  });
  if (resource.uncacheable_until <= clock_.now()) resource.uncacheable_until = LoopTime::min();
  store_.settle(resource);
}

LoopTime Engine::next_deadline() const {
  if (newcomers_ || !topics_over_.empty()) return clock_.now();
  LoopTime next = LoopTime::max();
  if (!wakes_.empty()) next = wakes_.begin()->first;
  if (!lifetimes_.empty()) next = std::min(next, lifetimes_.begin()->first);
  if (!topics_.empty()) next = std::min(next, tended_ + tend_every);
  return next;
}

}  // namespace klieg::edge

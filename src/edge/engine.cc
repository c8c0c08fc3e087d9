#include "edge/engine.h"

// long: one class, whose flights, waiters and topics change each other; what can be decided apart from them is in files
// of its own beside this one.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "edge/forwarding.h"
#include "edge/invalidation.h"
#include "edge/topic_path.h"

namespace klieg::edge {
namespace {

// Beyond it what need not be validated goes by eviction: a year's worth of deadlines would outgrow what they are about.
constexpr Duration lifetime_watched_max = std::chrono::hours(1);
// A deadline outlives what it is about, and any viewer can make a name. 65,536 x 512 bytes: 32 MiB. What has none goes
// by eviction, or is asked upward once more.
constexpr size_t lifetimes_max = 65'536;
constexpr size_t lifetime_key_size_max = 512;
// Tickets of who has left are looked for where there is no room for another: 65,536 in a millisecond.
constexpr Duration swept_every = 1s;
// Of a request that is made for all who wait. What is larger a parent may refuse for its size (nginx and Apache take 8
// KiB of a line), and so goes alone: else one viewer's cookies would keep an object from everybody.
constexpr size_t shared_head_size_max = size_t{8} << 10;

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
    if (!object->lost() && answers(*object, fields)) return object;
  }
  return nullptr;
}

// The fetch that will bring what such a request is answered with, as far as can be known before.
std::shared_ptr<Flight> flight_for(const Resource& resource, std::span<const wire::HeaderView> fields) {
  if (resource.flights.empty()) return nullptr;
  if (resource.variants.empty()) return resource.flights.front();
  const wire::Vary& vary = resource.variants.front()->facts.vary;
  for (const auto& flight : resource.flights) {
    if (variant_of(vary, fields) == variant_of(vary, views_of(flight->request().fields))) return flight;
  }
  return nullptr;
}

size_t head_size_of(const Question& question) {
  size_t size = question.path.size() + question.query.size();
  for (const wire::HeaderView& field : question.fields)
    size += field.name.size() + field.value.size() + 4;  // ": " CRLF
  return size;
}

// What was asked for each viewer as it came may be in a coding that others do not take.
bool is_for_all(const FetchHead& head) {
  const std::string_view coding = field_of(head.fields, "content-encoding");
  return coding.empty() || coding == "gzip";
}

// What is said of the request rather than of what it asks for, so that the next one's may fare better: a loop that one
// viewer made up (508), a precondition, a header that is too long.
bool is_about_the_request(uint16_t status) {
  constexpr std::array<uint16_t, 6> about_the_object{404, 410, 500, 502, 503, 504};
  return status >= 400 && std::ranges::find(about_the_object, status) == about_the_object.end();
}

// Whether anybody said how it may be kept. Who says nothing does not think of caches, and what is made for a viewer who
// shows who he is may be his alone.
bool is_thoughtless(const FetchHead& head, std::span<const wire::HeaderView> asked) {
  const bool knows_who = !field_of(asked, "cookie").empty() || !field_of(asked, "authorization").empty();
  return knows_who && std::ranges::none_of(head.fields, [](const wire::HeaderView& field) {
           return field.name == "expires" || field.name == "surrogate-control" || field.name.ends_with("cache-control");
         });
}

// Not worth keeping, but good for all who wait: it was asked for after they had come. A parent's trouble is everybody's
// whatever it says, unless there is something of one viewer in it.
bool is_everybodys(const FetchHead& head, Storable storable) {
  const bool trouble = head.status >= 500 && storable == Storable::no_store;
  return (trouble || storable == Storable::no_freshness_no_validator) && field_of(head.fields, "set-cookie").empty();
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
  constexpr std::array<std::string_view, flight_endings> names{"landed",  "refreshed", "resumed",  "failed",
                                                               "aborted", "abandoned", "too_large"};
  return names[static_cast<size_t>(ending)];
}

namespace {
constexpr Refused too_many{503, Outcome::too_many, "too many requests wait here already; ask again\n"};
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
        scheme(question.scheme),
        authority(question.authority),
        how(how) {
    for (const wire::HeaderView& field : question.fields) fields_.emplace_back(field.name, field.value);
    for (const auto& [name, value] : fields_) views_.push_back({name, value});
  }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;

  Question question() const { return {method, path, query, views_, body, client_address, scheme, authority}; }
  std::span<const wire::HeaderView> fields() const { return views_; }

  const std::string method, path, query;
  const Bytes body;
  const std::string client_address, scheme, authority;
  const Outcome how;  // if the flight brings what it is to bring
  std::move_only_function<void(Answer)> then;
  std::move_only_function<bool()> gone;

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
  const std::string query = query_rules_.key_of(question.path, question.query);
  const std::string key = target_of(question.path, query);
  if (!is_get_or_head(question.method)) return pass(key, question);
  if (const auto reload = blocking_reload_of(question.path, query)) {
    if (auto found = await_document(*reload, key, question)) return std::move(*found);
  }
  if (const auto pushed = documents_.find(key); pushed != documents_.end()) {
    const PushedDocument* document = pushed->second->document(key);
    if (auto object = document ? document->coded_for(question.fields) : nullptr) {
      use(*object);
      return Served{std::move(object), Outcome::hit};
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
          if (resource->flights.size() < variants_max && !flight_for(*resource, question.fields)) {
            depart(*resource, question, object).flight->ask();
          }
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
  if (wishes.no_store || (resource && resource->uncacheable_until > clock_.now())) return pass(key, question);
  return join(key, question, std::move(validated));
}

// A playlist that is pushed: as it is, or awaited. Empty: it is for the parent to answer.
std::optional<Engine::Found> Engine::await_document(const BlockingReload& reload, const std::string& key,
                                                    const Question& question) {
  const auto pushed = documents_.find(reload.name);
  if (pushed == documents_.end()) return std::nullopt;
  const Topic& topic = *pushed->second;
  const PushedDocument* document = topic.document(reload.name);
  auto object = document ? document->coded_for(question.fields) : nullptr;
  if (!object) return std::nullopt;
  if (document->answers(reload.msn, reload.part)) {
    use(*object);
    return Served{std::move(object), Outcome::hit};
  }
  if (!topic.live() || !document->nearly_answers(reload.msn, reload.part)) return std::nullopt;
  if (full()) return too_many;
  Resource& resource = store_.obtain(key);
  if (const auto flight = flight_for(resource, question.fields)) {
    return board(trips_.at(flight.get()), question, Outcome::joined);
  }
  Trip& trip = depart(resource, question, nullptr);
  trip.flight->expect(clock_.now() + settings_.expect_max);
  trip.awaits = reload.name;
  awaiting_[reload.name].emplace(trip.flight.get(), Awaiting{reload.msn, reload.part});
  return board(trip, question, Outcome::miss);
}

Engine::Found Engine::join(const std::string& key, const Question& question, std::shared_ptr<const Object> validated) {
  if (full()) return too_many;
  if (const Resource* here = store_.peek(key)) {
    if (const auto flight = flight_for(*here, question.fields)) {
      return board(trips_.at(flight.get()), question, Outcome::joined);
    }
  }
  if (head_size_of(question) > shared_head_size_max) return pass(key, question);
  Resource& resource = store_.obtain(key);
  if (resource.flights.size() >= variants_max) return pass(key, question);
  Trip& trip = depart(resource, question, std::move(validated));
  if (expected_.contains(key)) {
    trip.flight->expect(clock_.now() + settings_.expect_max);
  } else if (const auto later = first_question(trip)) {
    trip.flight->expect(*later);
  } else {
    trip.flight->ask();
  }
  return board(trip, question, Outcome::miss);
}

Engine::Found Engine::pass(const std::string& key, const Question& question) {
  if (full()) return too_many;
  Trip& trip = add_trip(std::make_shared<Flight>(flight_host(), key, passed_request(question, settings_.node)));
  trip.kind = Trip::Kind::alone;
  trip.flight->ask();
  return board(trip, question, Outcome::passed);
}

// A shared flight for a resource. It has not asked yet.
Engine::Trip& Engine::depart(Resource& resource, const Question& question, std::shared_ptr<const Object> validated) {
  // Whole: what does not matter here may matter there (a token). What players tell of themselves never does.
  std::string target = target_of(question.path, wire::without_cmcd(question.query));
  FetchRequest request = shared_request(question, std::move(target), validated.get(), settings_.node);
  resource.flights.push_back(std::make_shared<Flight>(flight_host(), resource.key, std::move(request)));
  Trip& trip = add_trip(resource.flights.back());
  trip.validated = std::move(validated);
  trip.path = question.path;
  return trip;
}

Engine::Trip& Engine::add_trip(std::shared_ptr<Flight> flight) {
  Trip& trip = trips_[flight.get()];
  trip.flight = std::move(flight);
  trip.wake = wakes_.end();
  trip.departed = clock_.now();
  return trip;
}

Pending Engine::board(Trip& trip, const Question& question, Outcome how) {
  ++tickets_;
  trip.tickets.push_back(std::make_shared<Ticket>(question, how));
  return trip.tickets.back();
}

void Engine::wait(const Pending& pending, std::move_only_function<void(Answer)> then,
                  std::move_only_function<bool()> gone) {
  pending->then = std::move(then);
  pending->gone = std::move(gone);
}

// After another look at who has left: a parent that says nothing for two minutes keeps every ticket as long.
bool Engine::full() {
  if (tickets_ < settings_.tickets_max) return false;
  if (swept_ != LoopTime::min() && clock_.now() - swept_ < swept_every) return true;
  swept_ = clock_.now();
  for (auto& [_, trip] : trips_) {
    tickets_ -= std::erase_if(trip.tickets, [](const Pending& ticket) { return ticket->gone && ticket->gone(); });
  }
  return tickets_ >= settings_.tickets_max;
}

void Engine::use(const Object& object) {
  if (object.topic_used) *object.topic_used = clock_.now();
}

bool Engine::holds(std::string_view path) const {
  return std::ranges::any_of(settings_.hold_paths, [&](const std::string& pattern) { return fits(pattern, path); });
}

// Where it is surely not there yet. Empty: a parent is asked at once.
std::optional<LoopTime> Engine::first_question(Trip& trip) {
  if (trip.validated || !holds(trip.path)) return std::nullopt;
  const auto expected = cadence_.expected(trip.path, trip.departed);
  if (!expected) return std::nullopt;
  const LoopTime when = Cadence::first_question(*expected, trip.departed, random_);
  if (when <= trip.departed || when >= trip.departed + settings_.hold_max) return std::nullopt;
  trip.held_until = std::min(trip.departed + settings_.hold_max, expected->until);
  return when;
}

// Where what a parent does not have yet is worth waiting for. Another loop of ours has waited already when it says so.
std::optional<LoopTime> Engine::ask_again_at(Trip& trip) {
  if (trip.kind == Trip::Kind::alone || !holds(trip.path)) return std::nullopt;
  const LoopTime now = clock_.now();
  const auto expected = cadence_.expected(trip.path, now);
  if (trip.held_until == LoopTime::min()) {
    trip.held_until = std::min(trip.departed + settings_.hold_max, expected ? expected->until : LoopTime::max());
  }
  trip.missing_at = now;
  const LoopTime again = expected ? Cadence::ask_at(*expected, now, random_) : Cadence::poll_at(trip.departed, now);
  return again < trip.held_until ? std::optional(again) : std::nullopt;
}

// --- Landing --------------------------------------------------------------------------------------------------------

FlightHost::Decision Engine::on_head(Flight& flight, const FetchHead& head, Chance chance) {
  Trip& trip = trips_.at(&flight);
  const bool asked_for =
      trip.kind == Trip::Kind::alone || (head.status != 206 && (head.status != 304 || trip.validated));
  if (!asked_for) return {Verdict::refuse, Duration(0), nullptr};
  const bool parent_is_ill = head.status == 502 || head.status == 503 || head.status == 504;
  if (parent_is_ill && chance == Chance::more && is_get_or_head(flight.request().method)) {
    return {Verdict::try_elsewhere, Duration(0), nullptr};
  }
  if (trip.validated && head.status == 304) return refresh(trip, head);
  if (trip.validated && is_error(head.status) &&
      use_on_error(trip.validated->facts, clock_.wall_now()) == OnError::use) {
    land(trip, trip.validated, Outcome::hit_on_error);
    return {};
  }
  if (head.status == 404) {
    if (const auto again = ask_again_at(trip)) return {Verdict::ask_again_later, *again - clock_.now(), nullptr};
  } else if (head.status == 200 && trip.held_until != LoopTime::min()) {
    const bool seen = trip.missing_at != LoopTime::min();
    seen ? cadence_.on_born(trip.path, trip.missing_at, clock_.now()) : cadence_.on_found(trip.path, clock_.now());
  }
  return take(trip, head);
}

FlightHost::Decision Engine::take(Trip& trip, const FetchHead& head) {
  Flight& flight = *trip.flight;
  auto object = std::make_shared<Object>();
  const std::vector<wire::HeaderView> asked = views_of(flight.request().fields);
  object->status = head.status;
  object->facts = facts_of({flight.request().method, asked}, {head.status, head.fields}, asked_at(flight),
                           clock_.wall_now(), settings_.freshness);
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
  // Only a whole can be resumed, and of these no body follows whose size is told.
  const bool bodiless = flight.request().method == "HEAD" || head.status == 204 || head.status == 304;
  flight.identify({head.status == 200 ? object->facts.etag : "", bodiless ? std::nullopt : head.size});
  count(flight, FlightEnding::landed);
  if (const std::string_view topic = field_of(head.fields, media::topic_header); is_topic(topic)) {
    object->topic = topic;
    object->topic_used = want_topic(object->topic);
  }
  const auto& names = object->facts.vary.names;
  const bool by_client = std::ranges::find(names, "x-forwarded-for") != names.end();
  const bool large = head.size.value_or(0) > settings_.object_size_max() && !head.log;
  const bool thoughtless = is_thoughtless(head, asked);
  const bool storable = object->facts.storable == Storable::yes && !by_client && !large && !thoughtless;
  const bool kept = storable && trip.word == Trip::Word::good;
  if (trip.kind == Trip::Kind::alone) {
    invalidate(trip, head);
    if (kept && is_for_all(head)) {
      keep(flight.key(), object);  // it is no longer uncacheable
    } else if (log) {
      object->progress = flight.let_one_read();
    }
    land(trip, object, std::nullopt);
    return {Verdict::take, {}, log};
  }
  query_rules_.learn(trip.path, object->facts.query_variance);
  if (storable) {
    if (kept) keep(flight.key(), object);
    land(trip, object, std::nullopt);
  } else if (is_about_the_request(head.status)) {
    land_for_one(trip, object);
  } else if (!thoughtless && is_everybodys(head, object->facts.storable)) {
    land_unkept(trip, object);
  } else {
    if (log) object->progress = flight.let_one_read();
    land_uncacheable(trip, object);
  }
  return {Verdict::take, {}, log};
}

WallTime Engine::asked_at(const Flight& flight) const { return clock_.wall_now() - (clock_.now() - flight.asked_at()); }

// A 304: what is here is still right, and has new fields.
FlightHost::Decision Engine::refresh(Trip& trip, const FetchHead& head) {
  const Object& old = *trip.validated;
  if (old.lost()) {  // it broke meanwhile
    for (const Pending& ticket : take_tickets(trip)) ask_anew(ticket);
    return {};
  }
  const std::vector<wire::HeaderView> asked = views_of(trip.flight->request().fields);
  const WallTime arrived = clock_.wall_now();
  auto object = std::make_shared<Object>(old);
  object->rendered.reset();
  object->fields = fields_after_validation(old.fields, head.fields, arrived);
  object->facts = facts_of({trip.flight->request().method, asked}, {old.status, views_of(object->fields)},
                           asked_at(*trip.flight), arrived, settings_.freshness);
  count(*trip.flight, FlightEnding::refreshed);
  if (object->facts.storable == Storable::yes) {
    if (trip.word == Trip::Word::good) keep(trip.flight->key(), object);
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

// Nothing is kept by which flights for variants could be told from each other: whose this is not goes alone.
void Engine::land_unkept(Trip& trip, const std::shared_ptr<const Object>& object) {
  const bool trouble = object->status >= 500;
  if (Resource* resource = store_.peek(trip.flight->key()); resource && !trouble) {
    std::erase(resource->variants, trip.validated);
  }
  for (const Pending& ticket : take_tickets(trip)) {
    if (trouble || answers(*object, ticket->fields())) {
      answer(ticket, Served{object, ticket->how});
    } else {
      go_on(ticket, pass(trip.flight->key(), ticket->question()));
    }
  }
}

// It is for the one who asked first, and says nothing of what others get: they go alone, all at once, and whoever comes
// next is shared with again.
void Engine::land_for_one(Trip& trip, const std::shared_ptr<const Object>& object) {
  const std::vector<Pending> tickets = take_tickets(trip);
  for (size_t i = 0; i < tickets.size(); ++i) {
    i == 0 ? answer(tickets[i], Served{object, Outcome::uncacheable})
           : go_on(tickets[i], pass(trip.flight->key(), tickets[i]->question()));
  }
}

// It is for the one who asked first. The others go alone, and all at once; so does whoever comes in a while.
void Engine::land_uncacheable(Trip& trip, const std::shared_ptr<const Object>& object) {
  std::vector<Pending> tickets = take_tickets(trip);
  Resource& resource = store_.obtain(trip.flight->key());
  const bool error = object->status >= 400;
  if (!error) resource.variants.clear();
  const LoopTime until = clock_.now() + (error ? settings_.uncacheable_for_after_error : settings_.uncacheable_for);
  resource.uncacheable_until = watch_lifetime(until, resource.key) ? until : LoopTime::min();
  store_.settle(resource);
  for (size_t i = 0; i < tickets.size(); ++i) {
    i == 0 ? answer(tickets[i], Served{object, Outcome::uncacheable}) : ask_anew(tickets[i]);
  }
}

std::vector<Pending> Engine::take_tickets(Trip& trip) {
  if (Resource* resource = store_.peek(trip.flight->key());
      resource && std::erase(resource->flights, trip.flight) > 0) {
    store_.settle(*resource);
  }
  tickets_ -= trip.tickets.size();
  return std::exchange(trip.tickets, {});
}

void Engine::answer(const Pending& ticket, Answer answer) {
  if (auto then = std::exchange(ticket->then, nullptr)) then(std::move(answer));
}

void Engine::ask_anew(const Pending& ticket) { go_on(ticket, ask(ticket->question())); }

void Engine::go_on(const Pending& ticket, Found found) {
  if (auto* pending = std::get_if<Pending>(&found)) {
    return wait(*pending, std::exchange(ticket->then, nullptr), std::exchange(ticket->gone, nullptr));
  }
  if (auto* served = std::get_if<Served>(&found)) return answer(ticket, std::move(*served));
  answer(ticket, std::get<Refused>(found));
}

// Of this loop alone; so what several loops want is one.
void Engine::count(const Flight& flight, FlightEnding how) {
  if (routes_.home(flight.key()) == Routes::Home::here) ++endings_[static_cast<size_t>(how)];
}

void Engine::on_failed(Flight& flight, FlightFailure why) {
  Trip& trip = trips_.at(&flight);
  count(flight, FlightEnding::failed);
  if (trip.validated && use_on_error(trip.validated->facts, clock_.wall_now()) == OnError::use) {
    return land(trip, trip.validated, Outcome::hit_on_error);
  }
  Refused refused{502, Outcome::unreachable, "no parent answered\n"};
  if (why == FlightFailure::too_many) refused = too_many;
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

void Engine::on_resumed(Flight& flight) { count(flight, FlightEnding::resumed); }

void Engine::on_over(Flight& flight, FlightEnd how) {
  const auto found = trips_.find(&flight);
  if (found->second.wake != wakes_.end()) wakes_.erase(found->second.wake);
  KLIEG_ASSERT(found->second.tickets.empty(), "who waits for a flight is answered before it is over");
  if (const auto waits = awaiting_.find(found->second.awaits); waits != awaiting_.end()) {
    waits->second.erase(&flight);
    if (waits->second.empty()) awaiting_.erase(waits);
  }
  trips_.erase(found);
  if (how == FlightEnd::aborted) count(flight, FlightEnding::aborted);
  if (how == FlightEnd::abandoned) count(flight, FlightEnding::abandoned);
  if (how == FlightEnd::too_large) count(flight, FlightEnding::too_large);
  settle(flight.key());
}

// An object has more bytes than before, all of them, or never will have.
void Engine::settle(const std::string& key) {
  Resource* resource = store_.peek(key);
  if (!resource) return;
  std::erase_if(resource->variants, [](const auto& object) { return object->lost(); });
  store_.settle(*resource);
}

void Engine::keep(const std::string& key, std::shared_ptr<const Object> object) {
  if (!object->alias_of.empty()) {
    Resource* whole = store_.peek(object->alias_of);
    if (!whole) return;  // nobody would weigh its bytes
    whole->aliases.push_back(key);
  }
  Resource& resource = store_.obtain(key);
  std::erase_if(resource.variants, [&](const auto& older) { return older->variant == object->variant; });
  // What is immutable is worth nothing beyond its lifetime: nobody will ask a parent whether it changed.
  const Duration remaining = remaining_lifetime(object->facts, clock_.wall_now());
  if (ends_with_its_lifetime(*object) && remaining <= lifetime_watched_max) {
    watch_lifetime(clock_.now() + remaining, key);
  }
  if (object->log->growing()) growing_.push_back(key);
  resource.variants.insert(resource.variants.begin(), std::move(object));
  if (resource.variants.size() > variants_max) resource.variants.pop_back();
  resource.uncacheable_until = LoopTime::min();
  store_.settle(resource);
}

// False: there are too many deadlines already.
bool Engine::watch_lifetime(LoopTime end, const std::string& key) {
  if (lifetimes_.size() >= lifetimes_max || key.size() > lifetime_key_size_max) return false;
  lifetimes_.emplace(end, key);
  return true;
}

void Engine::invalidate(const Trip& trip, const FetchHead& head) {
  const FetchRequest& request = trip.flight->request();
  const Target target{settings_.scheme, settings_.authority, request.target};
  for (const std::string& name : invalidated_by(request.method, target, head.status, head.fields)) {
    forget(name);
    if (forgotten_) forgotten_(name);
  }
}

std::string Engine::key_of(std::string_view target) const {
  const std::string_view path = target.substr(0, target.find('?'));
  const std::string_view query = target.substr(std::min(path.size() + 1, target.size()));
  return target_of(path, query_rules_.key_of(path, query));
}

void Engine::forget(std::string_view target) {
  const std::string key = key_of(target);
  for (auto& [flight, trip] : trips_) {
    if (flight->key() == key) trip.word = Trip::Word::out_of_date;
  }
  if (Resource* resource = store_.peek(key)) {
    resource->variants.clear();
    resource->flights.clear();  // they go on, for those who wait
    store_.settle(*resource);
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

}  // namespace klieg::edge

// The engine's topics: what comes by push and who waits for it, subscriptions and children.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "edge/engine.h"
#include "edge/forwarding.h"

namespace klieg::edge {
namespace {

constexpr Duration topic_pause_first = 100ms;
constexpr Duration topic_pause_max = 10s;

}  // namespace

std::unique_ptr<media::Subscription> Engine::subscribe(std::string_view name, media::PushSink& sink) {
  KLIEG_ASSERT(source_, "who has no source offers no topics");
  newcomers_ = true;
  if (!want_topic(std::string(name))) {
    topics_over_.push_back(std::make_shared<Topic>(topic_host(), std::string(name)));
    topics_over_.back()->refuse();
    return topics_over_.back()->subscribe(sink);
  }
  TopicEntry& entry = topics_.find(name)->second;
  if (!entry.topic) start(name, entry);
  return entry.topic->subscribe(sink);
}

std::vector<media::PushRecord> Engine::snapshot(std::string_view name) const {
  const auto found = topics_.find(name);
  if (found == topics_.end() || !found->second.topic) return {};
  return found->second.topic->snapshot();
}

// When the topic was used last, shared by its objects. Null: nothing is taken by push, or no more than is.
std::shared_ptr<LoopTime> Engine::want_topic(const std::string& name) {
  if (!source_ || (topics_.size() >= settings_.topics_max && !topics_.contains(name))) return nullptr;
  TopicEntry& entry = topics_[name];
  *entry.used = clock_.now();
  if (!entry.topic && clock_.now() >= entry.retry_at && is_worth_it(entry)) start(name, entry);
  return entry.used;
}

bool Engine::is_worth_it(TopicEntry& entry) const {
  const LoopTime now = clock_.now();
  if (entry.fetches_since == LoopTime::min() || now - entry.fetches_since >= 1s) {
    entry.fetches_since = now;
    entry.fetches = 0;
  }
  return ++entry.fetches >= settings_.topic_fetches_min;
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
    if (!watched) topics_.erase(name);
  }
}

void Engine::retry_topics() {
  const LoopTime now = clock_.now();
  while (!topic_retries_.empty() && topic_retries_.begin()->first <= now) {
    const auto found = topics_.find(topic_retries_.begin()->second);
    topic_retries_.erase(topic_retries_.begin());
    if (found == topics_.end() || found->second.topic || now < found->second.retry_at) continue;
    if (now - *found->second.used < settings_.topic_kept) start(found->first, found->second);
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
  const Resource* resource = store_.peek(name);
  const auto flights = resource ? resource->flights : std::vector<std::shared_ptr<Flight>>();
  // The same bytes, if it was fetched before; what said that there is nothing is out of date.
  const bool here = resource && std::ranges::any_of(resource->variants, [](const auto& object) {
                      return object->status == 200 && !object->lost();
                    });
  if (!here) keep(name, object);
  for (const auto& flight : flights) land_pushed(*flight, object);
}

// Whoever waited for a fetch has it now, and the fetch is over.
void Engine::land_pushed(Flight& flight, const std::shared_ptr<const Object>& object) {
  if (flight.state() == Flight::State::over) return;
  const auto keep_alive = flight.shared_from_this();
  land(trips_.at(&flight), object, Outcome::pushed);
  flight.give_up();
  on_over(flight, FlightEnd::no_body);
}

void Engine::on_pushed_whole(const std::string& name) { settle(name); }

void Engine::on_orphaned(const std::string& name, std::shared_ptr<const Object> object, std::shared_ptr<Log> log) {
  Question question;
  question.method = "GET";
  auto flight = std::make_shared<Flight>(flight_host(), name, shared_request(question, name, nullptr, settings_.node));
  add_trip(flight);
  flight->resume(std::move(log), {object->facts.etag, std::nullopt});
}

void Engine::on_expected(const std::string& name) { expected_.insert(name); }

void Engine::on_unexpected(const std::string& name) {
  expected_.erase(name);
  const Resource* resource = store_.peek(name);
  if (!resource) return;
  for (const auto& flight : resource->flights) {
    if (flight->state() == Flight::State::expecting) flight->ask();
  }
}

void Engine::on_document(const std::string& name, Topic& topic) {
  const PushedDocument& document = *topic.document(name);
  // What lists all tracks comes in the topic of each, and one may be behind another.
  Topic*& teller = documents_[name];
  const PushedDocument* other = teller && teller != &topic ? teller->document(name) : nullptr;
  if (other && document.as_it_came.version < other->as_it_came.version) return;
  teller = &topic;
  std::vector<std::shared_ptr<Flight>> ripe;
  if (const auto waits = awaiting_.find(name); waits != awaiting_.end()) {
    for (const auto& [flight, awaiting] : waits->second) {
      const bool expects = flight->state() == Flight::State::expecting;
      if (expects && document.answers(awaiting.msn, awaiting.part)) ripe.push_back(trips_.at(flight).flight);
    }
  }
  const std::shared_ptr<const Object> object = document.object;
  for (const auto& flight : ripe) land_pushed(*flight, object);
}

void Engine::on_document_lost(const std::string& name, const Topic& topic) {
  const auto document = documents_.find(name);
  if (document == documents_.end() || document->second != &topic) return;
  documents_.erase(document);
  for (const auto& [_, entry] : topics_) {
    if (entry.topic && entry.topic.get() != &topic && entry.topic->live() && entry.topic->document(name)) {
      return on_document(name, *entry.topic);
    }
  }
  std::vector<std::shared_ptr<Flight>> left;
  if (const auto waits = awaiting_.find(name); waits != awaiting_.end()) {
    for (const auto& [flight, _] : waits->second) left.push_back(trips_.at(flight).flight);
  }
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
  if (topic.begun()) entry.failures = 0;
  topics_over_.push_back(std::exchange(entry.topic, nullptr));  // it is on the stack
  Duration pause = topic_pause_max;
  if (why != media::TopicEnd::unknown && why != media::TopicEnd::refused) {
    // What was live a moment ago is asked for at once, of whoever is next: meanwhile viewers are served by pull.
    pause = entry.failures == 0
                ? Duration(0)
                : std::min(topic_pause_max, topic_pause_first * (int64_t{1} << std::min(entry.failures - 1, 7u)));
  }
  ++entry.failures;
  entry.retry_at = clock_.now() + pause;
  topic_retries_.emplace(entry.retry_at, found->first);
}

}  // namespace klieg::edge

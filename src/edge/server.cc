#include "edge/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "edge/forwarding.h"
#include "edge/topic_path.h"
#include "wire/live_path.h"

namespace klieg::edge {
namespace {

constexpr Duration feeds_looked_at_every = 1s;

// x 10 us, head and write: a turn of a millisecond.
constexpr size_t answers_per_turn_max = 100;

constexpr std::string_view renewal_path_end = "/renewed";

// RFC 9211 section 2: what the outcome is called there.
std::string_view standing_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::hit:
    case Outcome::hit_stale:
    case Outcome::hit_on_error:
    case Outcome::pushed:
      return "hit";
    case Outcome::joined:
      return "fwd=uri-miss; collapsed";
    case Outcome::miss:
      return "fwd=uri-miss";
    case Outcome::revalidated:
      return "fwd=stale";
    case Outcome::uncacheable:
      return "fwd=uri-miss; stored=?0";
    case Outcome::passed:
      return "fwd=bypass";
    case Outcome::not_cached:
    case Outcome::unreachable:
    case Outcome::timed_out:
    case Outcome::bad_gateway:
    case Outcome::looped:
    case Outcome::too_many:
      return "fwd=uri-miss; fwd-status=0";
  }
  return "";
}

// The http server says these itself, and what is between nodes is not for viewers.
bool is_for_viewers(std::string_view name) { return name != "content-length" && !name.starts_with("klieg-"); }

bool is_private(const Object& object) {
  return std::ranges::any_of(object.fields, [](const auto& field) { return field.first == wire::private_header; });
}

// For this viewer alone. For whoever debugs a player on another site, readable there.
http::Response refusal(uint16_t status, std::string_view words) {
  http::Response response = http::Response::text(status, std::string(words));
  response.own_headers.add("cache-control", "no-store").add("access-control-allow-origin", "*");
  return response;
}

http::Response refusal_of_guest(Guests::Verdict verdict) {
  switch (verdict) {
    case Guests::Verdict::expired:
      return refusal(403, "this link has expired: ask for another\n");
    case Guests::Verdict::revoked:
      return refusal(403, "this link was taken back: ask for another\n");
    case Guests::Verdict::trusted:
    case Guests::Verdict::wrong:
      break;
  }
  return refusal(403, "this link is not for what was asked for\n");
}

http::Response renewal(const Guests::Renewed& renewed, WallTime now) {
  const auto for_s = std::chrono::floor<std::chrono::seconds>(renewed.expires - now).count();
  http::Response response;
  response.own_headers.add("content-type", "application/json")
      .add("cache-control", "no-store")
      .add("access-control-allow-origin", "*");
  response.body = Bytes::take(fmt::format("{{\"token\":\"{}\",\"for_s\":{}}}\n", renewed.token, for_s));
  return response;
}

bool proves_who_asks(const wire::HeaderView& field) { return field.name == "cookie" || field.name == "authorization"; }

// Somebody's own question of the API is not joined to another's: it may be held for 25 s, and says nothing to him.
std::vector<wire::HeaderView> fields_for_nodes(const http::Request& request, std::string_view api_prefix) {
  std::vector<wire::HeaderView> fields = request.headers;
  if (request.path.starts_with(api_prefix)) {
    fields.push_back({"cache-control", "no-store"});
  } else {
    std::erase_if(fields, proves_who_asks);
  }
  return fields;
}

std::string_view host_of(std::string_view address_and_port) {
  const std::string_view host = address_and_port.substr(0, address_and_port.rfind(':'));
  return host.starts_with('[') && host.ends_with(']') ? host.substr(1, host.size() - 2) : host;
}

}  // namespace

struct Server::Waiting {
  Waiting(const http::Request& request, Trust from, std::unique_ptr<media::Pass> pass, http::Responder permit)
      : trust(from), responder_(std::move(permit)), pass_(std::move(pass)) {
    const http::Conditions now = http::Conditions::of(request);
    if_none_match_ = now.if_none_match;
    if_modified_since_ = now.if_modified_since;
    range_ = now.range;
    if_range_ = now.if_range;
    if (pass_) pass_->when_over([this] { answer(refusal_of_guest(Guests::Verdict::revoked)); });
  }
  http::Conditions conditions() const { return {if_none_match_, if_modified_since_, range_, if_range_}; }
  bool answered() const { return !responder_; }
  bool gone() const { return answered() || responder_->viewer_gone(); }
  void answer(http::Response response) { std::exchange(responder_, std::nullopt)->respond(std::move(response)); }

  const Trust trust;

 private:
  std::optional<http::Responder> responder_;
  std::unique_ptr<media::Pass> pass_;
  std::string if_none_match_, if_modified_since_, range_, if_range_;
};

Server::Server(net::Loop& loop, Engine& engine, Gatekeeper* gatekeeper, Metrics& metrics, Door* door, LoopLoad* load)
    : loop_(loop),
      engine_(engine),
      gatekeeper_(gatekeeper),
      door_(door),
      load_(load),
      bytes_(metrics.gauge("klieg_edge_cache_bytes", "Bytes kept by the caches of all loops.")),
      timer_(loop, [this] { on_time(); }),
      guests_timer_(loop, [this] {
        gatekeeper_->guests().expire(loop_.wall_now());
        arm_for_guests();
      }) {
  for (size_t i = 0; i < outcomes; ++i) {
    requests_[i] = &metrics.counter("klieg_edge_requests_total", "Viewers' requests, by how they were answered.",
                                    {{"outcome", std::string(name_of(static_cast<Outcome>(i)))}});
  }
  for (size_t i = 0; i < flight_endings; ++i) {
    flights_[i] = &metrics.counter("klieg_edge_flights_total", "Fetches from parents, by what came of them.",
                                   {{"outcome", std::string(name_of(static_cast<FlightEnding>(i)))}});
  }
  engine_.when_nearer([this] { arm(); });
  arm();
}

Server::~Server() { engine_.when_nearer(nullptr); }

void Server::serve(const http::Request& request, http::Responder responder) {
  const Trust trust = gatekeeper_ ? gatekeeper_->trust_in(request) : Trust::viewer;
  if (trust == Trust::node) {
    if (const auto topic = topic_of(request.path)) return serve_topic(*topic, std::move(responder));
    return serve_from_cache(request, trust, nullptr, std::move(responder));
  }
  auto entry = enter(request, responder);
  if (!entry) return;
  // What nodes ask of each other: also not of a parent, who would believe this node.
  if (entry->path.starts_with(between_nodes_prefix)) {
    return responder.respond(http::Response::text(403, "this is for nodes that prove themselves"));
  }
  if (entry->path == request.path) return serve_from_cache(request, Trust::viewer, nullptr, std::move(responder));
  http::Request asked = request;
  asked.path = entry->path;
  const Trust proved = entry->pass ? Trust::guest : Trust::viewer;
  serve_from_cache(asked, proved, std::move(entry->pass), std::move(responder));
}

std::optional<Entry> Server::enter(const http::Request& request, http::Responder& responder) {
  const auto path = gatekeeper_ ? wire::parse_token_path(request.path) : std::nullopt;
  if (!path) return admit(request, responder) ? std::optional(Entry{request.path, nullptr}) : std::nullopt;
  http::Request asked = request;
  asked.path = path->path;
  return admit(asked, responder) ? enter_guest(*path, responder) : std::nullopt;
}

std::optional<Entry> Server::enter_guest(const wire::TokenPath& path, http::Responder& responder) {
  if (wire::is_page_of(path)) return Entry{"/", nullptr};
  if (path.name.empty()) {
    responder.respond(refusal(404, "a link is for a channel\n"));
    return std::nullopt;
  }
  Guests& guests = gatekeeper_->guests();
  const WallTime now = loop_.wall_now();
  if (const auto verdict = guests.judge(path, now); verdict != Guests::Verdict::trusted) {
    responder.respond(refusal_of_guest(verdict));
    return std::nullopt;
  }
  if (!wire::live_channel_of(path.path, renewal_path_end).empty()) {
    responder.respond(renewal(guests.renew(path, now), now));
    return std::nullopt;
  }
  return Entry{path.path, let_in(path)};
}

std::unique_ptr<media::Pass> Server::pass_of(std::string_view token, std::string_view channel) {
  const wire::TokenPath path{token, channel, {}};
  const bool good = gatekeeper_ && gatekeeper_->guests().judge(path, loop_.wall_now()) == Guests::Verdict::trusted;
  return good ? let_in(path) : nullptr;
}

std::unique_ptr<media::Pass> Server::let_in(const wire::TokenPath& path) {
  auto pass = gatekeeper_->guests().let_in(path);
  arm_for_guests();
  return pass;
}

void Server::arm_for_guests() {
  // A clock on a wall may be set: it is looked at again.
  constexpr Duration looked_at_every = 60s;
  const auto next = gatekeeper_->guests().next_end();
  if (next) guests_timer_.arm(loop_.now() + std::clamp(*next - loop_.wall_now(), Duration(0), looked_at_every));
}

void Server::serve_from_cache(const http::Request& request, Trust trust, std::unique_ptr<media::Pass> pass,
                              http::Responder responder) {
  // Of the first node that was asked.
  const auto first = [&](std::string_view field, std::string_view here) {
    return trust == Trust::node ? request.header(field).value_or(here) : here;
  };
  Question question{request.method_name, request.path, request.query,
                    request.headers,     request.body, first("x-forwarded-for", host_of(request.peer))};
  std::vector<wire::HeaderView> fields;
  if (!api_prefix_.empty()) {
    question.scheme = first("x-forwarded-proto", request.scheme);
    question.authority = first("x-forwarded-host", request.authority);
    if (std::ranges::any_of(request.headers, proves_who_asks)) {
      fields = fields_for_nodes(request, api_prefix_);
      question.fields = fields;
    }
  }
  Engine::Found found = engine_.ask(question);
  if (const Pending* pending = std::get_if<Pending>(&found)) {
    auto waiting = std::make_shared<Waiting>(request, trust, std::move(pass), std::move(responder));
    engine_.wait(
        *pending, [this, waiting](Answer answer) mutable { answer_in_turn(std::move(waiting), std::move(answer)); },
        [waiting] { return waiting->gone(); });
  } else if (const Served* served = std::get_if<Served>(&found)) {
    responder.respond(respond(*served, http::Conditions::of(request), trust));
  } else {
    responder.respond(respond(std::get<Refused>(found)));
  }
  arm();
}

bool Server::admit(const http::Request& request, http::Responder& responder) {
  if (door_ && door_->asks(request.peer) != Admission::allowed) {
    http::Response response = http::Response::text(429, "too many requests from this address; ask again in a second");
    response.own_headers.add("retry-after", "1");
    responder.respond(std::move(response));
    return false;
  }
  if (load_) load_->saw(request, host_of(request.peer));
  return true;
}

void Server::answer_in_turn(std::shared_ptr<Waiting> waiting, Answer answer) {
  if (answers_.empty()) post_next_answers();
  answers_.emplace_back(std::move(waiting), std::move(answer));
}

void Server::post_next_answers() {
  loop_.post([weak = std::weak_ptr(self_)] {
    if (const auto self = weak.lock()) (*self)->next_answers();
  });
}

void Server::next_answers() {
  for (size_t i = 0; i < answers_per_turn_max && !answers_.empty(); ++i) {
    const auto [waiting, answer] = std::move(answers_.front());
    answers_.pop_front();
    if (!waiting->answered()) waiting->answer(respond(answer, waiting->conditions(), waiting->trust));
  }
  if (!answers_.empty()) post_next_answers();
}

std::string Server::cache_status(Outcome how) const {
  return fmt::format("{}; {}; detail={}", engine_.settings().node, standing_of(how), name_of(how));
}

// The same for all hits of one second, so rendered once for them.
std::shared_ptr<const http::HeaderBlock> Server::headers_of(const Object& object, Outcome how) const {
  const Duration age = current_age(object.facts, loop_.wall_now());
  const int64_t age_s = std::chrono::floor<std::chrono::seconds>(age).count();
  const int64_t wanted = age_s * static_cast<int64_t>(outcomes) + static_cast<int64_t>(how);
  if (object.rendered && object.rendered_for == wanted) return object.rendered;
  auto block = std::make_shared<http::HeaderBlock>();
  for (const auto& [name, value] : object.fields) {
    if (is_for_viewers(name)) block->add(name, value);
  }
  if (how != Outcome::miss || age_s > 0) block->add("age", fmt::format_int(age_s).c_str());
  block->add("cache-status", cache_status(how));
  object.rendered_for = wanted;
  return object.rendered = std::move(block);
}

http::Response Server::respond(const Answer& answer, const http::Conditions& conditions, Trust trust) {
  if (const Served* served = std::get_if<Served>(&answer)) return respond(*served, conditions, trust);
  return respond(std::get<Refused>(answer));
}

http::Response Server::respond(const Refused& refused) {
  requests_[static_cast<size_t>(refused.how)]->Increment();
  http::Response response = refusal(refused.status, refused.words);
  response.own_headers.add("cache-status", cache_status(refused.how));
  if (refused.status == 503) response.own_headers.add("retry-after", "1");
  return response;
}

http::Response Server::respond(const Served& served, const http::Conditions& conditions, Trust trust) {
  const Object& object = *served.object;
  requests_[static_cast<size_t>(served.how)]->Increment();
  if (trust == Trust::viewer && is_private(object)) return refusal(404, "no such channel\n");
  http::Response response;
  response.status = object.status;
  const bool as_it_came = served.how == Outcome::passed || object.status != 200;
  auto selected = http::Selected::whole;
  if (as_it_came) {
    response.body = http::LogRange{object.log, object.offset, object.end};
  } else {
    selected = http::select({object.facts.etag, object.facts.changed_by, object.log, object.offset, object.end},
                            conditions, response);
  }
  if (auto* body = std::get_if<http::LogRange>(&response.body)) {
    body->progress = object.progress;
    if (trust == Trust::node) body->haste = http::Haste::yes;  // others wait behind it
  }
  if (selected == http::Selected::nothing) {
    response.own_headers.add("cache-status", cache_status(served.how));
  } else {
    response.headers = headers_of(object, served.how);
  }
  if (trust == Trust::node) {
    for (const auto& [name, value] : object.fields) {
      if (name.starts_with("klieg-")) response.own_headers.add(name, value);
    }
  }
  return response;
}

void Server::serve_topic(std::string_view topic, http::Responder responder) {
  if (!engine_.offers_topics()) return responder.respond(http::Response::text(404, "there are no topics here"));
  std::unique_ptr<Feed>& feed = feeds_[std::string(topic)];
  if (!feed || feed->over()) feed = std::make_unique<Feed>(engine_, topic);
  http::Response response;
  response.own_headers.add("content-type", "application/vnd.klieg.push").add("cache-control", "no-store");
  // A feed that has said something has said its snapshot: who comes later needs one of its own.
  const bool begun = feed->log()->size() > 0;
  Bytes opening = opening_of(begun ? engine_.snapshot(topic) : std::vector<media::PushRecord>());
  http::LogRange records{feed->log(), feed->log()->size(), std::nullopt, std::move(opening)};
  records.haste = http::Haste::yes;
  response.body = std::move(records);
  responder.respond(std::move(response));
  arm();
}

void Server::end_feeds() { feeds_.clear(); }

void Server::on_time() {
  armed_ = LoopTime::max();
  engine_.on_time();
  std::erase_if(feeds_, [](const auto& feed) { return feed.second->over() || feed.second->read_by_nobody(); });
  arm();
}

// At the engine's next deadline. The counts are told on the way: they are for people.
void Server::arm() {
  for (size_t i = 0; i < flight_endings; ++i) {
    const uint64_t ended = engine_.ended(static_cast<FlightEnding>(i)), told = std::exchange(flights_told_[i], ended);
    if (ended > told) flights_[i]->Increment(static_cast<double>(ended - told));
  }
  const auto bytes = static_cast<int64_t>(engine_.store().bytes()), told = std::exchange(bytes_told_, bytes);
  if (bytes != told) bytes_.Increment(static_cast<double>(bytes - told));
  LoopTime due = std::min(engine_.next_deadline(), loop_.now() + 10s);
  if (!feeds_.empty()) due = std::min(due, loop_.now() + feeds_looked_at_every);
  if (due >= armed_) return;
  armed_ = due;
  timer_.arm(due);
}

}  // namespace klieg::edge

#include "origin/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "http/selection.h"
#include "origin/heads.h"
#include "wire/http_range.h"
#include "wire/path_token.h"
#include "wire/utc.h"

namespace klieg::origin {
namespace {

void add(http::HeaderBlock& headers, const media::ObjectHead& head) {
  for (const auto& [name, value] : head) headers.add(name, value);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Calls `see` with each element of a comma-separated list until it returns true.
template <class See>
bool any_of_list(std::string_view list, See see) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (see(trimmed(list.substr(0, comma)))) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

Coding coding_for(std::string_view accept_encoding) {
  const bool gzip = any_of_list(accept_encoding, [](std::string_view element) {
    const size_t semicolon = std::min(element.find(';'), element.size());
    const std::string_view name = trimmed(element.substr(0, semicolon));
    const std::string_view weight = trimmed(element.substr(std::min(semicolon + 1, element.size())));
    const bool refused = weight.starts_with("q=0") && weight.find_first_not_of("0.", 3) == weight.npos;
    return (name == "gzip" || name == "*") && !refused;
  });
  return gzip ? Coding::gzip : Coding::identity;
}

std::shared_ptr<const http::HeaderBlock> headers_of(const Object& object, std::string_view path) {
  if (!object.headers) {
    auto headers = std::make_shared<http::HeaderBlock>();
    add(*headers, *head_of(object, path));
    object.headers = std::move(headers);
  }
  return object.headers;
}

http::Response preflight() {
  static const auto headers = std::make_shared<const http::HeaderBlock>(
      http::HeaderBlock{{"access-control-allow-origin", "*"},
                        {"access-control-allow-methods", "GET, HEAD, OPTIONS"},
                        {"access-control-allow-headers", "range, if-none-match, if-range, cache-control, content-type"},
                        {"access-control-max-age", "86400"},
                        {"allow", "GET, HEAD, OPTIONS"}});
  http::Response response;
  response.status = 204;
  response.headers = headers;
  return response;
}

}  // namespace

// What matters of a request. The views point into the connection's buffer or into a HeldRequest.
struct Answering::Question {
  std::string_view path;
  std::string_view query;
  std::string_view range;
  std::string_view if_none_match;
  std::string_view if_range;
  Coding coding = Coding::identity;
};

struct Answering::HeldRequest {
  HeldRequest(const Question& asked, LoopTime until, http::Responder permit)
      : path(asked.path),
        query(asked.query),
        range(asked.range),
        if_none_match(asked.if_none_match),
        if_range(asked.if_range),
        coding(asked.coding),
        deadline(until),
        responder(std::move(permit)) {}
  Question question() const { return {path, query, range, if_none_match, if_range, coding}; }

  std::string path;
  std::string query;
  std::string range;
  std::string if_none_match;
  std::string if_range;
  Coding coding;
  LoopTime deadline;
  http::Responder responder;
};

Answering::Answering(Origin& origin, const Clock& clock, Metrics& metrics) : origin_(origin), clock_(clock) {
  constexpr std::array<const char*, 5> names{"served", "refused", "overdue", "viewer_gone", "too_many"};
  for (size_t i = 0; i < names.size(); ++i) {
    outcomes_[i] =
        &metrics.counter("klieg_origin_holds_total", "Requests held for what was about to be born, by how that ended.",
                         {{"outcome", names[i]}});
  }
}

void Answering::serve(const http::Request& request, http::Responder responder) {
  if (request.method == http::Method::options) return responder.respond(preflight());
  if (request.method != http::Method::get && request.method != http::Method::head) {
    return responder.respond(http::Response::not_allowed("GET, HEAD, OPTIONS"));
  }
  if (request.path == "/time") return responder.respond(time());

  const http::Conditions conditions = http::Conditions::of(request);
  const Question question{request.path,        request.query,
                          conditions.range,    conditions.if_none_match,
                          conditions.if_range, coding_for(request.header("accept-encoding").value_or(""))};
  const Answer answer = origin_.find(question.path, question.query, clock_.now(), clock_.wall_now());
  if (const Hold* hold = std::get_if<Hold>(&answer)) {
    return keep(std::make_shared<HeldRequest>(question, hold->deadline, std::move(responder)), *hold);
  }
  responder.respond(respond(answer, question));
}

void Answering::keep(const std::shared_ptr<HeldRequest>& request, Hold hold) {
  // Waiting for a second thing does not begin the patience anew.
  hold.deadline = request->deadline = std::min(hold.deadline, request->deadline);
  const Held held = origin_.hold(hold, [this, request](HoldEnd end) { resume(request, end); });
  if (held == Held::yes) return;
  count(HoldOutcome::too_many);
  const Refusal refusal{503, "too many requests are held already\n", 0s, Duration(1s)};
  request->responder.respond(respond(refusal, request->question()));
}

void Answering::resume(const std::shared_ptr<HeldRequest>& request, HoldEnd end) {
  if (request->responder.viewer_gone()) return count(HoldOutcome::viewer_gone);
  const Question question = request->question();
  const Patience patience = end == HoldEnd::ripe ? Patience::may_wait : Patience::exhausted;
  const Answer answer = origin_.find(question.path, question.query, clock_.now(), clock_.wall_now(), patience);
  if (const Hold* hold = std::get_if<Hold>(&answer)) return keep(request, *hold);
  if (end == HoldEnd::overdue) {
    count(HoldOutcome::overdue);
  } else {
    count(std::holds_alternative<Refusal>(answer) ? HoldOutcome::refused : HoldOutcome::served);
  }
  request->responder.respond(respond(answer, question));
}

http::Response Answering::respond(const Answer& answer, const Question& question) {
  http::Response response = respond_to_all(answer, question);
  const std::optional<Name> name = parse_name(question.path);
  if (name && origin_.audience_of(*name) == Audience::guests) {
    response.own_headers.add(wire::private_header, "?1");
  }
  return response;
}

http::Response Answering::respond_to_all(const Answer& answer, const Question& question) {
  if (const auto* object = std::get_if<std::shared_ptr<const Object>>(&answer)) return respond(**object, question);
  if (const Found* found = std::get_if<Found>(&answer)) return respond(*found, question);
  return respond(std::get<Refusal>(answer));
}

http::Response Answering::respond(const Object& object, const Question& question) const {
  http::Response response;
  const auto selected = http::select({object.etag, "", object.log, object.offset, object.end},
                                     {question.if_none_match, "", question.range, question.if_range}, response);
  if (selected == http::Selected::nothing) {
    // Not the object's headers: a cache must not keep the refusal of what may be born in a moment for a year.
    response.own_headers.add("cache-control", "no-store");
    add(response.own_headers, cors_head());
  } else {
    response.headers = headers_of(object, question.path);
  }
  return response;
}

http::Response Answering::respond(const Found& found, const Question& question) {
  const Document& document = *found.document;
  auto& headers = document_headers_[{document.kind(), question.coding, found.freshness, found.target_duration_s}];
  if (!headers) {
    auto made = std::make_shared<http::HeaderBlock>();
    add(*made, head_of(document.kind(), question.coding, found.freshness, found.target_duration_s));
    headers = std::move(made);
  }
  http::Response response;
  response.headers = headers;
  add(response.own_headers, own_head_of(document, question.coding, question.path));
  if (wire::matches_any(question.if_none_match, document.etag(question.coding))) {
    response.status = 304;
  } else {
    response.body = document.content(question.coding);
  }
  return response;
}

http::Response Answering::respond(const Refusal& refusal) const {
  http::Response response;
  response.status = refusal.status;
  const int64_t fresh_s = std::chrono::floor<std::chrono::seconds>(refusal.fresh).count();
  response.own_headers.add("content-type", "text/plain; charset=utf-8")
      .add("cache-control", fresh_s > 0 ? fmt::format("public, max-age={}", fresh_s) : "no-store");
  // What is not there may be born in a moment: a node that has been told so must not tell it to whoever comes after.
  if (refusal.status == 404) response.own_headers.add(our_cache_control, "max-age=0");
  if (refusal.retry_after) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*refusal.retry_after);
    response.own_headers.add("retry-after", fmt::format("{}", seconds.count()));
  }
  add(response.own_headers, cors_head());
  response.body = Bytes::copy_of(refusal.words);
  return response;
}

http::Response Answering::time() const {
  http::Response response;
  response.own_headers.add("content-type", "text/plain; charset=utf-8").add("cache-control", "no-store");
  add(response.own_headers, cors_head());
  response.body = Bytes::take(wire::utc_text(clock_.wall_now()));
  return response;
}

Server::Server(net::Loop& loop, Origin& origin, Metrics& metrics)
    : loop_(loop),
      origin_(origin),
      clock_(loop),
      answering_(origin, clock_, metrics),
      held_(metrics.gauge("klieg_origin_held", "Requests being held now.")),
      feed_(origin, [this] { flush_.arm(loop_.now()); }),
      flush_(loop,
             [this] {
               feed_.flush(loop_.now());
               arm();
             }),
      timer_(loop, [this] {
        armed_ = LoopTime::max();
        origin_.expire(loop_.now());
        feed_.flush(loop_.now());
        arm();
      }) {
  arm();
}

void Server::serve(const http::Request& request, http::Responder responder) {
  answering_.serve(request, std::move(responder));
  arm();
}

// At the next deadline, and never much later than that: a broadcast that ended sets a deadline without our hearing.
void Server::arm() {
  // All loops share the gauge, so each adds its own changes.
  const size_t held = origin_.held();
  held_.Increment(static_cast<double>(held) - static_cast<double>(held_told_));
  held_told_ = held;
  const LoopTime due = std::min({origin_.next_deadline(), feed_.next_deadline(), loop_.now() + 10s});
  if (due >= armed_) return;
  armed_ = due;
  timer_.arm(due);
}

bool Server::is_followed(const std::string& channel) const {
  const Window* window = origin_.window(channel);
  return window && feed_.follows(*window);
}

}  // namespace klieg::origin

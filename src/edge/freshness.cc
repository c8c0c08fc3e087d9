#include "edge/freshness.h"

#include <algorithm>

#include "wire/http_date.h"

namespace klieg::edge {
namespace {

using wire::HeaderView;
using wire::ResponseDirectives;

std::optional<std::string_view> first_line(std::span<const HeaderView> fields, std::string_view name) {
  const auto found = std::ranges::find(fields, name, &HeaderView::name);
  return found == fields.end() ? std::nullopt : std::optional(found->value);
}

// RFC 9110 section 15.1.
bool is_heuristically_cacheable(uint16_t status) {
  switch (status) {
    case 200:
    case 203:
    case 204:
    case 300:
    case 301:
    case 308:
    case 404:
    case 405:
    case 410:
    case 414:
    case 501:
      return true;
    default:
      return false;  // 206 too: we keep no ranges
  }
}

// The statuses of RFC 9110 that can be kept whole: what must-understand asks for (RFC 9111 section 5.2.2.3).
bool is_understood(uint16_t status) {
  switch (status) {
    case 206:
    case 304:
      return false;
    case 421:
    case 422:
    case 426:
    case 451:
      return true;
    default:
      return (status >= 200 && status <= 205) || (status >= 300 && status <= 308) || (status >= 400 && status <= 417) ||
             (status >= 500 && status <= 505);
  }
}

struct Head {
  const RequestHead& request;
  const ResponseHead& response;
  bool targeted = false;
  ResponseDirectives directives;
  WallTime date;  // of its making: Date, or when it arrived
  WallTime arrived;

  std::optional<std::string_view> field(std::string_view name) const { return first_line(response.fields, name); }
  bool says_for_everybody() const { return directives.public_ || directives.s_maxage.has_value(); }
};

// Section 4.2.1, in its order. A date that cannot be read is in the past (section 5.3).
std::optional<Duration> explicit_lifetime(const Head& head) {
  const ResponseDirectives& directives = head.directives;
  if (directives.s_maxage) return directives.s_maxage;
  if (directives.max_age) return directives.max_age;
  const auto expires = head.targeted ? std::nullopt : head.field("expires");
  if (!expires) return std::nullopt;
  const auto time = wire::parse_http_date(*expires, head.arrived);
  return time ? std::clamp<Duration>(*time - head.date, 0s, wire::delta_max) : Duration(0s);
}

// Section 4.2.2.
std::optional<Duration> heuristic_lifetime(const Head& head, const FreshnessSettings& settings) {
  const uint16_t status = head.response.status;
  if (!is_heuristically_cacheable(status) && !head.directives.public_) return std::nullopt;
  if (const auto last_modified = head.field("last-modified")) {
    if (const auto time = wire::parse_http_date(*last_modified, head.arrived)) {
      return std::clamp<Duration>((head.date - *time) / 10, 0s, settings.heuristic_max);
    }
  }
  return status == 404 ? std::optional(settings.negative_ttl) : std::nullopt;
}

Duration age_field(const Head& head) {
  const auto lines = std::ranges::count(head.response.fields, "age", &HeaderView::name);
  if (lines == 0) return 0s;
  if (lines > 1) return wire::delta_max;
  return wire::parse_delta(*head.field("age")).value_or(wire::delta_max);
}

// Section 4.2.3.
Duration initial_age(const Head& head, WallTime asked) {
  // Date is cut to whole seconds: the response may have been made until just before the next one. Counting from its
  // beginning would make a response that lives for a second stale on arrival.
  const Duration apparent = head.arrived - head.date - 1s + 1ns;
  const Duration response_delay = std::max<Duration>(head.arrived - asked, 0s);
  return std::clamp<Duration>(std::max(apparent, age_field(head) + response_delay), 0s, wire::delta_max);
}

Storable storable_of(const Head& head, const ResponseFacts& facts) {
  const ResponseDirectives& said = head.directives;
  const uint16_t status = head.response.status;
  const bool understood = is_understood(status);
  if (head.request.method != "GET") return Storable::method;
  if (wire::request_directives(head.request.fields).no_store) return Storable::request_no_store;
  if (status == 206) return Storable::partial;
  if (status < 200 || status == 304 || (said.must_understand && !understood)) return Storable::status_not_understood;
  // Section 5.2.2.3: no-store is then for those who do not understand.
  if (said.no_store && !said.must_understand) return Storable::no_store;
  if (said.private_) return Storable::private_;
  // Section 3.5.
  if (first_line(head.request.fields, "authorization") && !head.says_for_everybody() && !said.must_revalidate) {
    return Storable::authorization;
  }
  if (facts.vary.anything) return Storable::vary_star;
  if (head.field("set-cookie") && facts.basis != LifetimeBasis::explicit_ && !said.public_) return Storable::set_cookie;
  const bool usable_alone =
      !facts.no_cache && facts.basis != LifetimeBasis::none &&
      (facts.lifetime > 0s || said.stale_while_revalidate.has_value() || said.stale_if_error.has_value());
  return usable_alone || facts.has_validator() ? Storable::yes : Storable::no_freshness_no_validator;
}

}  // namespace

std::string_view name_of(Storable storable) {
  switch (storable) {
    case Storable::yes:
      return "yes";
    case Storable::method:
      return "method";
    case Storable::request_no_store:
      return "request_no_store";
    case Storable::status_not_understood:
      return "status_not_understood";
    case Storable::partial:
      return "partial";
    case Storable::no_store:
      return "no_store";
    case Storable::private_:
      return "private";
    case Storable::authorization:
      return "authorization";
    case Storable::vary_star:
      return "vary_star";
    case Storable::set_cookie:
      return "set_cookie";
    case Storable::no_freshness_no_validator:
      return "no_freshness_no_validator";
  }
}

ResponseFacts facts_of(const RequestHead& request, const ResponseHead& response, WallTime asked, WallTime arrived,
                       const FreshnessSettings& settings) {
  Head head{request, response, false, {}, arrived, arrived};
  if (auto targeted = wire::targeted_directives(response.fields)) {
    head.targeted = true;
    head.directives = *std::move(targeted);
  } else {
    head.directives = wire::response_directives(response.fields);
  }
  if (const auto date = head.field("date")) head.date = wire::parse_http_date(*date, arrived).value_or(arrived);
  const ResponseDirectives& said = head.directives;

  ResponseFacts facts;
  facts.status = response.status;
  facts.arrived = arrived;
  if (const auto lifetime = explicit_lifetime(head)) {
    facts.basis = LifetimeBasis::explicit_;
    facts.lifetime = *lifetime;
  } else if (const auto guess = heuristic_lifetime(head, settings)) {
    facts.basis = LifetimeBasis::heuristic;
    facts.lifetime = *guess;
  }
  facts.initial_age = initial_age(head, asked);
  facts.no_cache = said.no_cache;
  facts.immutable = said.immutable;
  const bool must_ask = said.no_cache || said.must_revalidate || said.proxy_revalidate;
  facts.forbids_stale = must_ask || said.s_maxage.has_value();
  if (!must_ask) {
    const bool silent = facts.forbids_stale || facts.basis != LifetimeBasis::explicit_;
    facts.stale_while_revalidate = said.stale_while_revalidate.value_or(0s);
    facts.stale_if_error = said.stale_if_error.value_or(silent ? Duration(0s) : settings.stale_if_error);
  }
  facts.etag = head.field("etag").value_or("");
  if (const auto date = head.field("last-modified"); date && wire::parse_http_date(*date, arrived)) {
    facts.last_modified = *date;
  }
  facts.changed_by = facts.last_modified.empty() ? wire::http_date_text(head.date) : facts.last_modified;
  facts.vary = wire::parse_vary(response.fields);
  facts.query_variance = wire::no_vary_search(response.fields);
  facts.storable = storable_of(head, facts);
  return facts;
}

Duration current_age(const ResponseFacts& facts, WallTime now) {
  const Duration resident = std::clamp<Duration>(now - facts.arrived, 0s, wire::delta_max);
  return facts.initial_age + resident;
}

Use use_of(const ResponseFacts& facts, const wire::RequestDirectives& request, WallTime now) {
  const Use ask = request.only_if_cached ? Use::gateway_timeout : Use::must_validate;
  const Duration age = current_age(facts, now);
  const Duration fresh_for = facts.lifetime - age;  // negative: stale for as long
  if (facts.no_cache) return ask;
  if (facts.immutable && fresh_for > 0s) return Use::fresh;
  if (request.no_cache || (request.max_age && age > *request.max_age)) return ask;
  if (fresh_for > 0s) return fresh_for >= request.min_fresh.value_or(0s) ? Use::fresh : ask;
  if (request.max_stale && !facts.forbids_stale && -fresh_for <= *request.max_stale) return Use::stale_allowed;
  // Section 5.2.1.1 and 5.2.1.3: who asks for freshness takes nothing stale.
  if (request.max_age || request.min_fresh) return ask;
  return -fresh_for < facts.stale_while_revalidate ? Use::stale_while_revalidate : ask;
}

OnError use_on_error(const ResponseFacts& facts, WallTime now) {
  if (facts.no_cache) return OnError::fail;
  const Duration fresh_for = facts.lifetime - current_age(facts, now);
  return fresh_for > 0s || -fresh_for < facts.stale_if_error ? OnError::use : OnError::fail;
}

}  // namespace klieg::edge

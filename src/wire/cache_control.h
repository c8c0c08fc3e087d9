// What messages say about their caching: Cache-Control (RFC 9111 section 5.2; RFC 5861 stale-*; RFC 8246 immutable) and
// its targeted form for a CDN (RFC 9213).
//
// Caches must understand what servers really send: directives twice, in capitals, with junk. What cannot be read is
// read as the careful reading (section 4.2.1): a lifetime that is there but makes no sense is zero, a permission is not
// given.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "wire/http_field.h"

namespace klieg::wire {

// More seconds than this are this many (RFC 9111 section 1.2.2): 68 years.
constexpr Duration delta_max = 1s * (int64_t{1} << 31);

// A number of seconds; what does not fit is delta_max. nullopt: not digits alone.
std::optional<Duration> parse_delta(std::string_view digits);

struct ResponseDirectives {
  bool public_ = false;
  bool private_ = false;
  bool no_store = false;
  bool no_cache = false;
  bool no_transform = false;
  bool must_revalidate = false;
  bool proxy_revalidate = false;
  bool must_understand = false;
  bool immutable = false;
  std::optional<Duration> max_age;
  std::optional<Duration> s_maxage;
  std::optional<Duration> stale_while_revalidate;
  std::optional<Duration> stale_if_error;

  bool operator==(const ResponseDirectives&) const = default;
};

struct RequestDirectives {
  bool no_cache = false;  // also by "Pragma: no-cache" where there is no Cache-Control (RFC 9111 section 5.4)
  bool no_store = false;
  bool only_if_cached = false;
  std::optional<Duration> max_age;
  std::optional<Duration> min_fresh;
  std::optional<Duration> max_stale;  // delta_max: however stale

  bool operator==(const RequestDirectives&) const = default;
};

// Of all lines of Cache-Control together.
ResponseDirectives response_directives(std::span<const HeaderView> headers);
RequestDirectives request_directives(std::span<const HeaderView> headers);

// What we are called in Surrogate-Capability, and in the Surrogate-Control that is meant for us.
constexpr std::string_view surrogate_name = "klieg";

// The targeted fields that speak to us, the most particular first (RFC 9213 section 2.2).
constexpr std::string_view targets[] = {"klieg-cache-control", "cdn-cache-control"};

// What the first of `targets` that is valid says; it replaces Cache-Control and Expires altogether. Where there is none
// (a structured dictionary with a member in it), what their ancestor Surrogate-Control says to everybody or to us,
// which Varnish and Fastly obey too (https://www.w3.org/TR/edge-arch/ section 2.3). nullopt: none of them.
std::optional<ResponseDirectives> targeted_directives(std::span<const HeaderView> headers);

}  // namespace klieg::wire

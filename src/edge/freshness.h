// What a shared cache may do with a response, and with a request for it (RFC 9111).
//
//   facts_of(request, response, ...)      once, when a head arrives: may it be kept, how long is it fresh
//   use_of(facts, directives, now)        for each request that a kept response could answer
//   use_on_error(facts, directives, now)  when the parent could not say better
//
// Where the standard leaves a choice:
//   * Set-Cookie: such a response is kept only if it says itself for how long, or that it is public. Section 7.3 leaves
//   it at
//     that; some caches keep none, but who says max-age with a cookie has read what it means. Nothing is kept by
//     guessing.
//   * s-maxage forbids stale use like proxy-revalidate (section 5.2.2.10), unless the response itself says how long
//     (stale-while-revalidate, stale-if-error): who wrote both meant both.
//   * Without a word about errors a response that was explicitly fresh may be used a little longer when no parent
//   answers:
//     a player takes an unchanged playlist calmly, and a 502 as the end.
//   * An Age that is not one number counts as very old. Section 5.1 would rather ignore it; but somebody did say that
//   time
//     has passed, and the only harm is a validation.
//   * What is immutable (RFC 8246) and fresh is not validated, whatever the request says: its bytes cannot have
//   changed.
//
// Pure: no socket, no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "wire/cache_control.h"
#include "wire/http_field.h"
#include "wire/query_key.h"
#include "wire/vary.h"

namespace klieg::edge {

struct FreshnessSettings {
  // A 404 that says nothing of its freshness: whoever polls for what is about to be born asks upward four times a
  // second per node, however many viewers there are.
  Duration negative_ttl = 250ms;
  // Heuristic freshness is a tenth of what has passed since Last-Modified, and no more than this.
  Duration heuristic_max = std::chrono::hours(24);
  // A parent is restarted within this.
  Duration stale_if_error = 10s;
};

// Views: valid during the call. Header names are in lower case.
struct RequestHead {
  std::string_view method;
  std::span<const wire::HeaderView> fields;
};
struct ResponseHead {
  uint16_t status = 200;
  std::span<const wire::HeaderView> fields;
};

// May a response be kept (section 3)? Each no has its reason, for logs and metrics.
enum class Storable : uint8_t {
  yes,
  method,                     // only GET is kept
  request_no_store,           // the viewer forbids it
  status_not_understood,      // not final, or must-understand and we do not
  partial,                    // 206: only for a cache that keeps ranges
  no_store,                   // the origin forbids it
  private_,                   // for one viewer alone
  authorization,              // asked with credentials, and not said to be for everybody
  vary_star,                  // no other request is known to be answered by it
  set_cookie,                 // see above
  no_freshness_no_validator,  // it could never be used
};
std::string_view name_of(Storable storable);

enum class LifetimeBasis : uint8_t { none, explicit_, heuristic };

// Everything about a response that later requests need.
struct ResponseFacts {
  uint16_t status = 200;
  Storable storable = Storable::yes;

  LifetimeBasis basis = LifetimeBasis::none;
  Duration lifetime{0};     // section 4.2.1
  Duration initial_age{0};  // when it arrived (section 4.2.3)
  WallTime arrived;

  bool no_cache = false;       // never without asking the parent
  bool forbids_stale = false;  // once stale, never without asking the parent (max-stale included)
  bool immutable = false;
  Duration stale_while_revalidate{0};  // from the end of freshness; what is forbidden is zero
  Duration stale_if_error{0};

  std::string etag;           // as sent; empty: none
  std::string last_modified;  // as sent, if it is a date; empty: none
  std::string changed_by;     // last_modified, else when it was made: no later change (section 4.3.2)
  wire::Vary vary;
  wire::QueryVariance query_variance;

  bool has_validator() const { return !etag.empty() || !last_modified.empty(); }
};

// `asked` and `arrived`: when the request had been sent and when the head came. After a 304 call it with the merged
// fields (stored_fields.h), the status of what is kept, and the times of the validation.
ResponseFacts facts_of(const RequestHead& request, const ResponseHead& response, WallTime asked, WallTime arrived,
                       const FreshnessSettings& settings);

// Section 4.2.3; what goes into Age, in whole seconds. Never negative, whatever the wall clock does.
Duration current_age(const ResponseFacts& facts, WallTime now);

enum class Use : uint8_t {
  fresh,                   // send it
  stale_while_revalidate,  // send it, and validate it meanwhile
  stale_allowed,           // send it: the viewer takes it as old as this
  must_validate,           // ask the parent, conditionally if there is a validator
  gateway_timeout,         // only-if-cached, and it would have to be validated: 504
};
Use use_of(const ResponseFacts& facts, const wire::RequestDirectives& request, WallTime now);

enum class OnError : uint8_t { use, fail };
// The parent did not answer, or with what is_error() says.
OnError use_on_error(const ResponseFacts& facts, WallTime now);
// RFC 5861 section 4.
constexpr bool is_error(uint16_t status) { return status == 500 || (status >= 502 && status <= 504); }

}  // namespace klieg::edge

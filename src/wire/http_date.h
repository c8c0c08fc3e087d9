// HTTP-date (RFC 9110 section 5.6.7): Date, Expires, Last-Modified, If-Modified-Since.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace klieg::wire {

// The dates that can be told: later and earlier ones are told as these. Sums and differences of a few of them, and of
// spans as long, stay inside WallTime's 64 bits, whose own end is in 2262.
constexpr WallTime http_date_min{};
constexpr WallTime http_date_max{std::chrono::seconds(1) * (int64_t{1} << 32)};  // 2106

// All three forms: "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994". The
// case of letters does not matter, and the day's name is not checked against the date; anything else is nullopt. A year
// of two digits is the one that is not more than 50 years after `now`.
std::optional<WallTime> parse_http_date(std::string_view text, WallTime now);

// The first form, to the second, rounded down.
std::string http_date_text(WallTime time);

}  // namespace klieg::wire

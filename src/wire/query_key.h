// Which queries ask for the same thing: the part that a URL's query has in a cache's key.
//
// A query differs by its bytes, with two exceptions:
//   * CMCD, by which players tell how they fare (CTA-5004), as the query's parameter of that name: it is about the
//   viewer,
//     so it never makes another object of anything. Nor do the fields CMCD-* (see vary.h).
//   * No-Vary-Search (draft-ietf-httpbis-no-vary-search), by which a response says what of its query did not matter.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wire/http_field.h"

namespace klieg::wire {

// What matters of a query. Of the three, one that breaks the rules makes the whole field say nothing.
struct QueryVariance {
  enum class Parameters : uint8_t { all_matter, listed_do_not, only_listed_do };
  enum class Order : uint8_t { matters, does_not };

  Parameters parameters = Parameters::all_matter;
  std::vector<std::string> listed;  // decoded names
  Order order = Order::matters;

  bool operator==(const QueryVariance&) const = default;
};

QueryVariance no_vary_search(std::span<const HeaderView> headers);

// Without the parameters named CMCD; everything else byte for byte.
std::string without_cmcd(std::string_view query);

// Equal for two queries (without '?') if and only if they do not differ in what matters. Where all of it does, this is
// without_cmcd(); else a normal form of the parameters, names and values percent-encoded.
std::string query_key(std::string_view query, const QueryVariance& variance = {});

}  // namespace klieg::wire

// What a request that changes something makes worthless in a cache (RFC 9111 section 4.4).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wire/http_field.h"

namespace klieg::edge {

// GET, HEAD, OPTIONS and TRACE change nothing (RFC 9110 section 9.2.1). A method nobody knows may change anything.
bool is_safe(std::string_view method);

struct Target {
  std::string_view scheme;     // "http" or "https"
  std::string_view authority;  // as in Host
  std::string_view path_and_query;
};

// The targets ("/path?query") that are to be forgotten after `method` was answered: the request's own, and those that
// Location and Content-Location name, as far as they are of the same origin. Empty: nothing, because the method is safe
// or it failed.
std::vector<std::string> invalidated_by(std::string_view method, const Target& target, uint16_t status,
                                        std::span<const wire::HeaderView> response);

// The path and query that a reference (RFC 3986 section 5.2) means, seen from `base`; empty: one of another origin, or
// none at all.
std::string resolved(const Target& base, std::string_view reference);

}  // namespace klieg::edge

// The fields of a response on its way through a cache: what is kept, what is passed on, what a 304 changes (RFC 9111
// sections 3.1, 3.2, 4.3; RFC 9110 section 7.6.1).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "edge/freshness.h"
#include "wire/http_field.h"

namespace klieg::edge {

using Fields = std::vector<std::pair<std::string, std::string>>;  // names in lower case

std::vector<wire::HeaderView> views_of(const Fields& fields);

// Without what is for the next hop alone: Connection and what it lists, Transfer-Encoding, Upgrade, and what is between
// a client and its proxy. For requests as for responses.
Fields end_to_end(std::span<const wire::HeaderView> fields);

// What to keep of a response: end to end, without Age (it is reckoned anew), and with a Date: who receives a response
// without one adds when it came (RFC 9110 section 6.6.1).
Fields fields_to_store(std::span<const wire::HeaderView> response, const ResponseFacts& facts);

// What is kept, brought up to date by a 304: its fields replace those of the same names, except those that describe the
// bytes which are here and stay (Content-Length must not change; nor do ETag, Content-Encoding, Content-Range and
// Content-MD5 then). Reckon the facts of the result anew.
Fields fields_after_validation(const Fields& stored, std::span<const wire::HeaderView> not_modified, WallTime arrived);

// If-None-Match and If-Modified-Since of a validation (section 4.3.1); empty: there is no validator, ask for it whole.
Fields conditions_of(const ResponseFacts& facts);

}  // namespace klieg::edge

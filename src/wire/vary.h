// Vary (RFC 9110 section 12.5.5, RFC 9111 section 4.1): which fields of a request chose this response.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "wire/http_field.h"

namespace klieg::wire {

struct Vary {
  bool anything = false;           // "*": no other request is known to be answered by it
  std::vector<std::string> names;  // lower case, sorted, each once

  bool operator==(const Vary&) const = default;
};

// Of all lines together. Fields named CMCD-* are left out: what a player tells about itself (CTA-5004) chooses nothing.
Vary parse_vary(std::span<const HeaderView> headers);

// Two requests have equal keys if and only if, in all fields that `vary` names, they are the same but for what a list
// does not care about: how it is cut into lines, the white space around its commas, and in languages and codings the
// case. A field that is missing is not one that is empty.
std::string variant_key(const Vary& vary, std::span<const HeaderView> request);

}  // namespace klieg::wire

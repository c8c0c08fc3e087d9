// A header field of HTTP, whatever version carries it.
#pragma once

#include <string_view>

namespace klieg::wire {

struct HeaderView {
  std::string_view name;  // lower case
  std::string_view value;
};

}  // namespace klieg::wire

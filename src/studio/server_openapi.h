// The description of the API for programs and people: openapi.json, which the tests hold against the server.
#pragma once

#include <string_view>

namespace klieg::studio {

std::string_view openapi();  // lives as long as the program

}  // namespace klieg::studio

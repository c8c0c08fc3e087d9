// What people and their things are called, in the bounds that the schema has.
//
// An account's name is an address (/@anna): 2 to 30 of a-z, 0-9 and '_', beginning with a letter, so that no two look
// alike, and none of the words that addresses begin with. What people are shown as, and titles, may be any text; how it
// is made safe to show - invisible and turning characters, marks upon marks - is for who knows Unicode, in cli/; here
// only what never belongs into a line is refused.
//
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace klieg::studio {

constexpr size_t name_size_min = 2;
constexpr size_t name_size_max = 30;
constexpr size_t display_name_characters_max = 50;
constexpr size_t title_characters_max = 140;
constexpr size_t label_characters_max = 50;  // of a key, a token

// As it is kept: in lower case. nullopt: it is none.
std::optional<std::string> account_name_of(std::string_view typed);

enum class Emptiness : uint8_t { refused, allowed };
// UTF-8 of one line: no control characters, no spaces at its ends, so many code points at most.
bool is_line(std::string_view text, size_t characters_max, Emptiness emptiness);

}  // namespace klieg::studio

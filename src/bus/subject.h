// What a message is about, and which messages somebody wants: the subjects and wildcards of NATS.
//
//   load.fra-1     a subject: words of letters, digits, '-' and '_', with dots between them
//   load.*         a pattern: '*' stands for one word
//   load.>         '>', the last word only, for one or more
//
// A subject is a pattern too, of itself. Names that come from outside (of channels, of nodes) become words by
// as_word().
#pragma once

#include <string>
#include <string_view>

namespace klieg::bus {

constexpr size_t subject_size_max = 255;  // what every NATS server takes

bool is_subject(std::string_view text);
bool is_pattern(std::string_view text);
// Both are what they should be.
bool matches(std::string_view pattern, std::string_view subject);

// Different for different texts, and readable where it can be: "fra-1" stays, "a.b" becomes "a_2Eb".
std::string as_word(std::string_view text);

}  // namespace klieg::bus

// The #rule of HTTP (RFC 9110 section 5.6.1): fields that are lists, cut at commas wherever those are not inside
// quotation marks.
#pragma once

#include <string>
#include <string_view>

namespace klieg::wire {

// Without spaces and tabs at both ends.
std::string_view trimmed(std::string_view text);
std::string lower_case(std::string_view text);

// Takes the next element off the front of a list; it may be empty, which the rule says to skip. A quotation mark that
// is never closed holds everything behind it, so that nothing in it is taken for an element.
std::string_view take_element(std::string_view& list);

template <class Visit>
void each_element(std::string_view list, Visit visit) {
  while (!list.empty()) {
    if (const std::string_view element = take_element(list); !element.empty()) visit(element);
  }
}

}  // namespace klieg::wire

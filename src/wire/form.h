// Parameters of a query (application/x-www-form-urlencoded, https://url.spec.whatwg.org/#urlencoded-parsing).
#pragma once

#include <string>
#include <string_view>

namespace klieg::wire {

// Of one name or value. A '%' that no two digits follow stands for itself.
std::string form_decoded(std::string_view text);

inline std::string_view parameter_name(std::string_view parameter) { return parameter.substr(0, parameter.find('=')); }
inline std::string_view parameter_value(std::string_view parameter) {
  const size_t equals = parameter.find('=');
  return equals == parameter.npos ? std::string_view() : parameter.substr(equals + 1);
}

// Empty ones too, so that what is joined again is what was cut.
template <class Visit>
void each_parameter(std::string_view query, Visit visit) {
  for (;;) {
    const size_t end = query.find('&');
    visit(query.substr(0, end));
    if (end == query.npos) return;
    query.remove_prefix(end + 1);
  }
}

}  // namespace klieg::wire

// How what nodes tell each other over the bus is read, with the same bounds everywhere: a name, an address, a count.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace klieg::bus {

constexpr size_t text_size_max = 255;

// False: it is not there, of another kind, too long or negative.
inline bool read(const nlohmann::json& object, const char* name, std::string& text) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return false;
  text = found->get<std::string>();
  return text.size() <= text_size_max;
}

inline bool read(const nlohmann::json& object, const char* name, int64_t& number) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_integer()) return false;
  number = found->get<int64_t>();
  return number >= 0;
}

}  // namespace klieg::bus

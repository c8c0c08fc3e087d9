// For tests: holds what the API is asked and answers against openapi.json.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

#include "studio/server_call.h"
#include "studio/server_openapi.h"

namespace klieg::studio {

class Description {
 public:
  Description() : all_(Json::parse(openapi())) {}

  const Json& all() const { return all_; }
  // Null: there is no such route.
  const Json* operation(std::string method, std::string_view path) const {
    std::ranges::transform(method, method.begin(), [](unsigned char c) { return std::tolower(c); });
    for (const auto& [pattern, operations] : all_["paths"].items()) {
      if (is_of(path, pattern) && operations.contains(method)) return &operations[method];
    }
    return nullptr;
  }
  // What is wrong with the value, as the place where it is; empty: nothing.
  std::string fault(const Json& schema, const Json& value, const std::string& at = "body") const {
    if (schema.contains("$ref")) return fault(all_.at(pointer_of(schema["$ref"])), value, at);
    if (schema.contains("anyOf")) {
      const bool fits =
          std::ranges::any_of(schema["anyOf"], [&](const Json& one) { return fault(one, value, at).empty(); });
      return fits ? "" : at;
    }
    if (!is_of_type(schema["type"], value)) return at + " is " + value.type_name();
    if (schema.contains("enum") && std::ranges::find(schema["enum"], value) == schema["enum"].end())
      return at + " is " + value.dump();
    if (value.is_array()) {
      for (const Json& item : value) {
        if (std::string found = fault(schema["items"], item, fmt::format("{}[]", at)); !found.empty()) return found;
      }
    }
    if (!value.is_object() || !schema.contains("properties")) return "";
    for (const Json& name : schema["required"]) {
      if (!value.contains(name)) return at + " lacks " + name.dump();
    }
    for (const auto& [name, field] : value.items()) {
      if (!schema["properties"].contains(name)) return fmt::format("{}.{} is not described", at, name);
      if (std::string found = fault(schema["properties"][name], field, fmt::format("{}.{}", at, name)); !found.empty())
        return found;
    }
    return "";
  }

 private:
  static bool is_of(std::string_view path, std::string_view pattern) {
    const size_t brace = pattern.find('{');
    if (brace == pattern.npos) return path == pattern;
    const std::string_view rest = pattern.substr(pattern.find('}') + 1);
    if (!path.starts_with(pattern.substr(0, brace)) || !path.ends_with(rest)) return false;
    path.remove_prefix(brace);
    path.remove_suffix(std::min(rest.size(), path.size()));
    return !path.empty() && path.find('/') == path.npos;
  }
  static Json::json_pointer pointer_of(const Json& reference) {
    return Json::json_pointer(reference.get<std::string>().substr(1));
  }
  static bool is_of_type(const Json& type, const Json& value) {
    if (type.is_array()) return std::ranges::any_of(type, [&](const Json& one) { return is_of_type(one, value); });
    const std::string word = type;
    if (word == "integer") return value.is_number_integer();
    return word == value.type_name();  // of the same names
  }

  const Json all_;
};

}  // namespace klieg::studio

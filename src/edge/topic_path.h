// The path under which a node offers a topic to its children.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace klieg::edge {

constexpr std::string_view between_nodes_prefix = "/.klieg/";  // what viewers do not ask
constexpr std::string_view topic_path_prefix = "/.klieg/topic";

// Whether a parent's word for a topic is one: a path of letters that may stand in a request's target. What else it says
// there it may mean for somebody else.
inline bool is_topic(std::string_view text) {
  constexpr size_t topic_size_max = 1024;  // a fourth of a name's (wire/push_record.h)
  return text.starts_with('/') && text.size() <= topic_size_max &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~' && c != '?' && c != '#'; });
}

// A topic is itself a path ("/live/ada/x7f.1/video").
inline std::string topic_path_of(std::string_view topic) { return std::string(topic_path_prefix).append(topic); }
inline std::optional<std::string_view> topic_of(std::string_view path) {
  if (!path.starts_with(topic_path_prefix)) return std::nullopt;
  path.remove_prefix(topic_path_prefix.size());
  if (!path.starts_with('/')) return std::nullopt;
  return path;
}

}  // namespace klieg::edge

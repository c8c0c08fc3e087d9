// The path under which a node offers a topic to its children.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace klieg::edge {

constexpr std::string_view topic_path_prefix = "/.klieg/topic";

// A topic is itself a path ("/live/ada/x7f.1/video").
inline std::string topic_path_of(std::string_view topic) { return std::string(topic_path_prefix).append(topic); }
inline std::optional<std::string_view> topic_of(std::string_view path) {
  if (!path.starts_with(topic_path_prefix)) return std::nullopt;
  path.remove_prefix(topic_path_prefix.size());
  if (!path.starts_with('/')) return std::nullopt;
  return path;
}

}  // namespace klieg::edge

// What is spoken about a broadcast beside its media, at "/live/NAME/push" and the like. The names of the media are
// origin/names.h.
#pragma once

#include <string_view>

namespace klieg::wire {

constexpr std::string_view live_prefix = "/live/";

// NAME of "/live/NAME" + `end`; empty: the path is another.
constexpr std::string_view live_channel_of(std::string_view path, std::string_view end) {
  if (!path.starts_with(live_prefix) || !path.ends_with(end) || path.size() < live_prefix.size() + end.size())
    return {};
  path = path.substr(live_prefix.size(), path.size() - live_prefix.size() - end.size());
  return path.contains('/') ? std::string_view() : path;
}

}  // namespace klieg::wire

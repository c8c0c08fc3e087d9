// What is spoken about a broadcast beside its media, at "/live/NAME/push" and the like. The names of the media are
// origin/names.h.
#pragma once

#include <algorithm>
#include <string_view>

namespace klieg::wire {

constexpr std::string_view live_prefix = "/live/";

// A channel's name: 1 to 64 letters, digits, '_' or '-'. So it stands in paths, file names and logs as it is.
constexpr size_t channel_name_size_max = 64;
constexpr bool is_channel_name(std::string_view name) {
  return !name.empty() && name.size() <= channel_name_size_max && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

// NAME of "/live/NAME" + `end`; empty: the path is another.
constexpr std::string_view live_channel_of(std::string_view path, std::string_view end) {
  if (!path.starts_with(live_prefix) || !path.ends_with(end) || path.size() < live_prefix.size() + end.size())
    return {};
  path = path.substr(live_prefix.size(), path.size() - live_prefix.size() - end.size());
  return is_channel_name(path) ? path : std::string_view();
}

}  // namespace klieg::wire

#include "ingest/stream_address.h"

#include <array>
#include <optional>

namespace klieg::ingest {
namespace {

struct Location {
  std::string_view path;  // without slashes at either end
  std::string_view query;
};

Location split(std::string_view text) {
  const size_t mark = text.find('?');
  Location location{text.substr(0, mark), mark == std::string_view::npos ? "" : text.substr(mark + 1)};
  while (location.path.starts_with('/')) location.path.remove_prefix(1);
  while (location.path.ends_with('/')) location.path.remove_suffix(1);
  return location;
}

std::string_view without_authority(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  const size_t path = url.find_first_of("/?", scheme + 3);
  return path == std::string_view::npos ? "" : url.substr(path);
}

std::string_view last_segment(std::string_view path) { return path.substr(path.rfind('/') + 1); }
bool has_several_segments(std::string_view path) { return path.find('/') != std::string_view::npos; }

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const std::optional<int> high = hex_digit(text[i + 1]);
      const std::optional<int> low = hex_digit(text[i + 2]);
      if (high && low) {
        decoded += static_cast<char>(*high << 4 | *low);
        i += 2;
        continue;
      }
    }
    decoded += text[i];
  }
  return decoded;
}

std::string key_parameter(std::string_view query) {
  constexpr std::array<std::string_view, 3> names = {"key", "token", "streamkey"};
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? "" : query.substr(end + 1);
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    for (std::string_view name : names) {
      if (pair.substr(0, equals) == name && equals + 1 < pair.size()) return percent_decoded(pair.substr(equals + 1));
    }
  }
  return {};
}

}  // namespace

StreamAddress read_stream_address(std::string_view tc_url, std::string_view app, std::string_view name) {
  const Location first_box = split(app);
  const Location whole_url = split(without_authority(tc_url));
  const Location second_box = split(name);

  const std::string_view app_path = first_box.path.empty() ? whole_url.path : first_box.path;
  StreamAddress address{std::string(app_path.substr(0, app_path.find('/'))), {}, std::string(second_box.query)};
  for (std::string_view query : {second_box.query, first_box.query, whole_url.query}) {
    address.key = key_parameter(query);
    if (!address.key.empty()) return address;
  }
  if (!second_box.path.empty()) {
    // With no app at all the second box holds it as well: "live/KEY".
    address.key = app_path.empty() ? last_segment(second_box.path) : second_box.path;
  } else if (has_several_segments(first_box.path)) {
    address.key = last_segment(first_box.path);
  } else if (has_several_segments(whole_url.path)) {
    address.key = last_segment(whole_url.path);
  }
  return address;
}

}  // namespace klieg::ingest

#include "wire/hls_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace klieg::wire::hls {
namespace {

class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  // The next that is not blank, without its end (CR LF or LF).
  std::optional<std::string_view> next() {
    while (!rest_.empty()) {
      const size_t end = std::min(rest_.find('\n'), rest_.size());
      std::string_view line = rest_.substr(0, end);
      rest_.remove_prefix(std::min(end + 1, rest_.size()));
      ++number_;
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (!line.empty()) return line;
    }
    return std::nullopt;
  }
  std::unexpected<Error> fault(std::string_view what) const { return fail(fmt::format("line {}: {}", number_, what)); }

 private:
  std::string_view rest_;
  size_t number_ = 0;
};

// What stands behind "#EXT-X-NAME:"; nothing: the line is another.
std::optional<std::string_view> value_of(std::string_view line, std::string_view tag) {
  if (!line.starts_with(tag)) return std::nullopt;
  return line.substr(tag.size());
}

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// An attribute of an attribute list (4.2), without quotes; empty: it is not there.
std::string_view attribute(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const size_t equals = list.find('=');
    if (equals == list.npos) return {};
    const std::string_view key = list.substr(0, equals);
    list.remove_prefix(equals + 1);
    const bool quoted = list.starts_with('"');
    if (quoted) list.remove_prefix(1);
    const size_t end = std::min(list.find(quoted ? '"' : ','), list.size());
    if (key == name) return list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    if (quoted && list.starts_with(',')) list.remove_prefix(1);
  }
  return {};
}

Result<void> read_head(Lines& lines) {
  const auto first = lines.next();
  if (!first || *first != "#EXTM3U") return lines.fault("a playlist begins with #EXTM3U");
  return {};
}

}  // namespace

Result<std::vector<ListedVariant>> read_multivariant_playlist(std::string_view text) {
  struct Group {
    std::string_view id, uri;
  };
  Lines lines(text);
  if (auto head = read_head(lines); !head) return std::unexpected(head.error());
  std::vector<ListedVariant> variants;
  std::vector<std::string_view> groups_wanted;  // by variant
  std::vector<Group> groups;
  std::optional<std::string_view> stream;
  while (const auto line = lines.next()) {
    if (const auto media = value_of(*line, "#EXT-X-MEDIA:")) {
      const std::string_view uri = attribute(*media, "URI"), id = attribute(*media, "GROUP-ID");
      if (attribute(*media, "TYPE") != "AUDIO" || uri.empty()) continue;
      const bool by_default = attribute(*media, "DEFAULT") == "YES";
      groups.insert(by_default ? groups.begin() : groups.end(), Group{id, uri});
    } else if (const auto attributes = value_of(*line, "#EXT-X-STREAM-INF:")) {
      stream = attributes;
    } else if (!line->starts_with('#')) {
      if (!stream) return lines.fault("a URI without EXT-X-STREAM-INF");
      variants.push_back({.uri = *line,
                          .codecs = attribute(*stream, "CODECS"),
                          .bandwidth = number(attribute(*stream, "BANDWIDTH")).value_or(0),
                          .audio_uri = {}});
      groups_wanted.push_back(attribute(*stream, "AUDIO"));
      stream.reset();
    }
  }
  for (size_t i = 0; i < variants.size(); ++i) {
    if (groups_wanted[i].empty()) continue;
    const auto group = std::ranges::find(groups, groups_wanted[i], &Group::id);
    if (group != groups.end()) variants[i].audio_uri = group->uri;
  }
  return variants;
}

Result<MediaListing> read_media_playlist(std::string_view text) {
  Lines lines(text);
  if (auto head = read_head(lines); !head) return std::unexpected(head.error());
  MediaListing listing;
  ListedSegment segment;
  bool duration_given = false;
  while (const auto line = lines.next()) {
    if (const auto sequence = value_of(*line, "#EXT-X-MEDIA-SEQUENCE:")) {
      const auto value = number(*sequence);
      if (!value) return lines.fault("EXT-X-MEDIA-SEQUENCE is a decimal number");
      listing.media_sequence = *value;
    } else if (line->starts_with("#EXTINF:")) {
      duration_given = true;
    } else if (line->starts_with("#EXT-X-PART:")) {
      ++listing.open_parts;
    } else if (*line == "#EXT-X-GAP") {
      segment.gap = Gap::yes;
    } else if (*line == "#EXT-X-ENDLIST") {
      listing.ended = Ended::yes;
    } else if (line->starts_with("#EXT-X-SKIP:")) {
      return lines.fault("a delta update was not asked for");
    } else if (!line->starts_with('#')) {
      if (!duration_given) return lines.fault("a URI without EXTINF");
      segment.uri = *line;
      listing.segments.push_back(std::exchange(segment, {}));
      listing.open_parts = 0;  // its own
      duration_given = false;
    }
  }
  return listing;
}

}  // namespace klieg::wire::hls

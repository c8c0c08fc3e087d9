#include "origin/names.h"

#include <fmt/format.h>

#include <charconv>

namespace klieg::origin {
namespace {

std::optional<uint64_t> number(std::string_view digits) {
  if (digits.empty() || (digits.size() > 1 && digits[0] == '0')) return std::nullopt;
  uint64_t value = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || stop != digits.data() + digits.size()) return std::nullopt;
  return value;
}

bool take_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

// Cuts "a/b" into a and b; without a slash everything is `head`.
std::string_view cut_head(std::string_view& path) {
  const size_t slash = path.find('/');
  const std::string_view head = path.substr(0, slash);
  path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  return head;
}

// The part of a file name behind "TRACK-".
bool take_track(std::string_view& file, Name& name) {
  const size_t dash = file.rfind('-');
  if (dash == std::string_view::npos || dash == 0) return false;
  name.track = file.substr(0, dash);
  file.remove_prefix(dash + 1);
  return true;
}

bool parse_header(std::string_view file, Name& name) {
  name.kind = NameKind::header;
  if (!take_track(file, name) || !file.starts_with('h')) return false;
  const auto version = number(file.substr(1));
  name.number = version.value_or(0);
  return version.has_value();
}

bool parse_thumbnail(std::string_view file, Name& name) {
  name.kind = NameKind::thumbnail;
  constexpr std::string_view prefix = "thumb-";
  if (!file.starts_with(prefix)) return false;
  const auto ms = number(file.substr(prefix.size()));
  name.number = ms.value_or(0);
  return ms.has_value();
}

bool parse_media(std::string_view file, Name& name) {
  if (!take_track(file, name)) return false;
  const size_t dot = file.find('.');
  const auto msn = number(file.substr(0, dot));
  if (!msn) return false;
  name.number = *msn;
  name.kind = NameKind::segment;
  if (dot == std::string_view::npos) return true;
  const auto part = number(file.substr(dot + 1));
  name.kind = NameKind::part;
  name.part = part.value_or(0);
  return part.has_value();
}

}  // namespace

std::optional<Name> parse_name(std::string_view path) {
  constexpr std::string_view root = "/live/";
  if (!path.starts_with(root)) return std::nullopt;
  path.remove_prefix(root.size());
  Name name;
  name.channel = cut_head(path);
  if (name.channel.empty()) return std::nullopt;

  if (path.find('/') == std::string_view::npos) {
    if (path == "index.m3u8") {
      name.kind = NameKind::multivariant;
    } else if (path == "manifest.mpd") {
      name.kind = NameKind::manifest;
    } else if (path == "status.json") {
      name.kind = NameKind::status;
    } else if (path == "poster.jpg") {
      name.kind = NameKind::poster;
    } else {
      return std::nullopt;
    }
    return name;
  }

  name.broadcast = cut_head(path);
  if (name.broadcast.empty() || path.find('/') != std::string_view::npos) return std::nullopt;
  if (path == "storyboard.vtt") {
    name.kind = NameKind::storyboard;
    return name;
  }
  if (take_suffix(path, ".jpg")) return parse_thumbnail(path, name) ? std::optional(name) : std::nullopt;
  if (take_suffix(path, ".m3u8")) {
    name.kind = NameKind::playlist;
    name.track = path;
    if (name.track.empty()) return std::nullopt;
    return name;
  }
  if (take_suffix(path, ".mp4")) return parse_header(path, name) ? std::optional(name) : std::nullopt;
  if (take_suffix(path, ".m4s")) return parse_media(path, name) ? std::optional(name) : std::nullopt;
  return std::nullopt;
}

std::string_view topic_of(std::string_view path) {
  const std::optional<Name> name = parse_name(path);
  if (!name || name->track.empty()) return {};
  return path.substr(0, static_cast<size_t>(name->track.data() + name->track.size() - path.data()));
}

std::string broadcast_name(const std::string& id, uint32_t epoch) { return fmt::format("{}.{}", id, epoch); }
std::string multivariant_path(std::string_view channel) { return fmt::format("/live/{}/index.m3u8", channel); }

std::string manifest_path(std::string_view channel) { return fmt::format("/live/{}/manifest.mpd", channel); }
std::string playlist_name(std::string_view track) { return fmt::format("{}.m3u8", track); }
std::string header_name(std::string_view track, uint32_t version) { return fmt::format("{}-h{}.mp4", track, version); }
std::string segment_name(std::string_view track, media::Msn msn) { return fmt::format("{}-{}.m4s", track, msn); }
std::string part_name(std::string_view track, media::Msn msn, uint64_t part) {
  return fmt::format("{}-{}.{}.m4s", track, msn, part);
}
std::string thumbnail_name(uint64_t ms) { return fmt::format("thumb-{}.jpg", ms); }

}  // namespace klieg::origin

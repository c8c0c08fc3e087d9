#include "wire/hls_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "wire/utc.h"

namespace klieg::wire::hls {
namespace {

constexpr double duration_s_max = 86'400;

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Duration> seconds(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (end != text.data() + text.size() || error != std::errc() || !(value >= 0 && value <= duration_s_max))
    return std::nullopt;
  return Duration(std::llround(value * 1e9));
}

// The value of an attribute (4.2), without its quotes. Names in quoted values do not count.
std::optional<std::string_view> attribute(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const size_t equals = list.find('=');
    if (equals == list.npos) return std::nullopt;
    const std::string_view key = list.substr(0, equals);
    list.remove_prefix(equals + 1);
    std::string_view value;
    if (list.starts_with('"')) {
      const size_t end = list.find('"', 1);
      if (end == list.npos) return std::nullopt;
      value = list.substr(1, end - 1);
      list.remove_prefix(end + 1);
      list.remove_prefix(std::min(list.find(','), list.size()));
    } else {
      value = list.substr(0, list.find(','));
      list.remove_prefix(value.size());
    }
    if (list.starts_with(',')) list.remove_prefix(1);
    if (key == name) return value;
  }
  return std::nullopt;
}

class Reader {
 public:
  Result<Playlist> read(std::string_view text) {
    if (take_line(text) != "#EXTM3U") return fail("line 1: a playlist begins with #EXTM3U");
    while (!text.empty() && !wrong_) {
      const std::string_view line = take_line(text);
      if (line.starts_with('#')) {
        tag(line);
      } else if (!line.empty()) {
        uri(line);
      }
    }
    if (wrong_) return std::unexpected(*wrong_);
    if (!multivariant_.variants.empty()) return multivariant();
    if (!has_target_) return fail("it has neither EXT-X-TARGETDURATION nor EXT-X-STREAM-INF");
    if (!next_.parts.empty()) {
      place(next_);
      media_.open = std::move(next_);
    }
    return std::move(media_);
  }

 private:
  // Off the front, without its end (CR LF or LF).
  std::string_view take_line(std::string_view& text) {
    ++line_;
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  // Empty where the line is another tag.
  static std::optional<std::string_view> after(std::string_view line, std::string_view name) {
    if (!line.starts_with(name)) return std::nullopt;
    return line.substr(name.size());
  }

  void tag(std::string_view line) {
    if (auto duration = after(line, "#EXTINF:")) {
      next_.duration = or_wrong(seconds(duration->substr(0, duration->find(','))), line);
      has_duration_ = true;
    } else if (auto target = after(line, "#EXT-X-TARGETDURATION:")) {
      media_.target_duration_s = static_cast<uint32_t>(std::min<uint64_t>(or_wrong(number(*target), line), 86'400));
      has_target_ = true;
    } else if (auto sequence = after(line, "#EXT-X-MEDIA-SEQUENCE:")) {
      media_.media_sequence = or_wrong(number(*sequence), line);
    } else if (auto info = after(line, "#EXT-X-PART-INF:")) {
      media_.part_target = or_wrong(seconds(attribute(*info, "PART-TARGET").value_or("")), line);
    } else if (auto part = after(line, "#EXT-X-PART:")) {
      add_part(*part, line);
    } else if (auto skip = after(line, "#EXT-X-SKIP:")) {
      skipped_ = or_wrong(number(attribute(*skip, "SKIPPED-SEGMENTS").value_or("")), line);
      media_.media_sequence += skipped_;
    } else if (auto date = after(line, "#EXT-X-PROGRAM-DATE-TIME:")) {
      next_.begins = or_wrong(read_utc(*date), line);
      dated_ = true;
    } else if (auto map = after(line, "#EXT-X-MAP:")) {
      map_uri_ = attribute(*map, "URI").value_or("");
    } else if (auto variant = after(line, "#EXT-X-STREAM-INF:")) {
      variant_ = Variant{};
      variant_->bandwidth = number(attribute(*variant, "BANDWIDTH").value_or("")).value_or(0);
      variant_->codecs = attribute(*variant, "CODECS").value_or("");
      group_ = attribute(*variant, "AUDIO").value_or("");
    } else if (auto media = after(line, "#EXT-X-MEDIA:")) {
      add_rendition(*media);
    } else if (auto hint = after(line, "#EXT-X-PRELOAD-HINT:")) {
      if (attribute(*hint, "TYPE") == "PART") media_.hint = {std::string(attribute(*hint, "URI").value_or("")), {}};
    } else if (line.starts_with("#EXT-X-GAP")) {
      next_.gap = Gap::yes;
    } else if (line == "#EXT-X-DISCONTINUITY") {
      next_.break_before = Break::discontinuity;
    } else if (line == "#EXT-X-ENDLIST") {
      media_.ended = Ended::yes;
    }
  }

  void add_part(std::string_view attributes, std::string_view line) {
    if (++parts_ > parts_max) return wrong("it has too many parts");
    Part part;
    part.duration = or_wrong(seconds(attribute(attributes, "DURATION").value_or("")), line);
    part.uri = attribute(attributes, "URI").value_or("");
    if (const auto range = attribute(attributes, "BYTERANGE")) {
      const size_t at = range->find('@');
      if (at == range->npos) return wrong("a part's BYTERANGE has no offset");
      part.range = {or_wrong(number(range->substr(at + 1)), line), or_wrong(number(range->substr(0, at)), line)};
    }
    if (attribute(attributes, "INDEPENDENT") == "YES") part.independent = Independent::yes;
    if (attribute(attributes, "GAP") == "YES") part.gap = Gap::yes;
    next_.parts.push_back(std::move(part));
  }

  void add_rendition(std::string_view attributes) {
    const auto uri = attribute(attributes, "URI");
    if (attribute(attributes, "TYPE") != "AUDIO" || !uri) return;
    if (++parts_ > parts_max) return wrong("it has too many renditions");
    const auto channels = number(attribute(attributes, "CHANNELS").value_or(""));
    Rendition rendition{std::string(attribute(attributes, "GROUP-ID").value_or("")),
                        {.name = std::string(attribute(attributes, "NAME").value_or("")),
                         .uri = std::string(*uri),
                         .channels = static_cast<uint32_t>(std::min<uint64_t>(channels.value_or(0), UINT32_MAX))}};
    rendition.by_default = attribute(attributes, "DEFAULT") == "YES";
    renditions_.push_back(std::move(rendition));
  }

  void uri(std::string_view line) {
    if (variant_) {
      if (++parts_ > parts_max) return wrong("it has too many variants");
      variant_->uri = line;
      multivariant_.variants.push_back(*std::exchange(variant_, std::nullopt));
      groups_.push_back(std::exchange(group_, {}));
      return;
    }
    if (!std::exchange(has_duration_, false)) return wrong("a URI without EXTINF or EXT-X-STREAM-INF");
    if (media_.segments.size() == segments_max) return wrong("it has too many segments");
    next_.uri = line;
    place(next_);
    before_end_ = next_.begins + next_.duration;
    media_.segments.push_back(std::exchange(next_, Segment{}));
    dated_ = false;
  }

  // Which group it is that variants play with is known at the end alone.
  MultivariantPlaylist multivariant() {
    const auto named = std::ranges::find_if(groups_, [](const std::string& group) { return !group.empty(); });
    for (size_t i = 0; i < groups_.size(); ++i) {
      const bool of_group = named != groups_.end() && groups_[i] == *named;
      multivariant_.variants[i].audio = of_group ? Audio::of_group : Audio::own;
    }
    for (const bool by_default : {true, false}) {
      for (Rendition& rendition : renditions_) {
        const bool of_group = named != groups_.end() && rendition.group == *named;
        if (of_group && rendition.by_default == by_default) multivariant_.audio.push_back(std::move(rendition.audio));
      }
    }
    return std::move(multivariant_);
  }

  void place(Segment& segment) {
    segment.map_uri = map_uri_;
    if (!dated_ && before_end_.time_since_epoch() > 0s) segment.begins = before_end_;
  }

  template <class T>
  T or_wrong(std::optional<T> value, std::string_view line) {
    if (!value) wrong("cannot be understood: " + std::string(line.substr(0, 80)));
    return value.value_or(T{});
  }
  void wrong(std::string words) {
    if (!wrong_) wrong_ = Error{fmt::format("line {}: {}", line_, words)};
  }

  struct Rendition {
    std::string group;
    AudioRendition audio;
    bool by_default = false;
  };

  size_t line_ = 0;
  MediaPlaylist media_;
  MultivariantPlaylist multivariant_;
  Segment next_;  // being read
  bool dated_ = false;
  bool has_target_ = false;
  bool has_duration_ = false;  // the segment being read
  uint64_t skipped_ = 0;
  std::string map_uri_;
  std::optional<Variant> variant_;   // whose URI comes next
  std::string group_;                // its
  std::vector<std::string> groups_;  // of the variants
  std::vector<Rendition> renditions_;
  WallTime before_end_;  // of the segment before; 1970: not known
  size_t parts_ = 0;
  std::optional<Error> wrong_;
};

}  // namespace

Result<Playlist> read_playlist(std::string_view text) { return Reader().read(text); }

Result<MediaPlaylist> read_media_playlist(std::string_view text) {
  auto playlist = read_playlist(text);
  if (!playlist) return std::unexpected(playlist.error());
  if (auto* media = std::get_if<MediaPlaylist>(&*playlist)) return std::move(*media);
  return fail("it is a multivariant playlist");
}

Result<MultivariantPlaylist> read_multivariant_playlist(std::string_view text) {
  auto playlist = read_playlist(text);
  if (!playlist) return std::unexpected(playlist.error());
  if (auto* multivariant = std::get_if<MultivariantPlaylist>(&*playlist)) return std::move(*multivariant);
  return fail("it is a media playlist");
}

}  // namespace klieg::wire::hls

#include "cli/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "net/listener.h"

namespace klieg::cli {
namespace {

using Text = std::string_view;

template <uint32_t ServeConfig::* Field, uint32_t least, uint32_t most>
Result<void> set_number(ServeConfig& config, Text text) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < least || number > most) {
    return fail(fmt::format("'{}' is not a whole number from {} to {}", text, least, most));
  }
  config.*Field = number;
  return {};
}

template <std::string ServeConfig::* Field>
Result<void> set_text(ServeConfig& config, Text text) {
  config.*Field = text;
  return {};
}

template <std::string ServeConfig::* Field>
Result<void> set_endpoint(ServeConfig& config, Text text) {
  if (!text.empty()) {
    if (auto endpoint = net::Endpoint::parse(text); !endpoint) return std::unexpected(endpoint.error());
  }
  config.*Field = text;
  return {};
}

template <class Enum, Enum ServeConfig::* Field>
Result<void> set_choice(ServeConfig& config, Text text, std::initializer_list<std::pair<Text, Enum>> choices) {
  std::string names;
  for (const auto& [name, value] : choices) {
    if (text == name) {
      config.*Field = value;
      return {};
    }
    names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  }
  return fail(fmt::format("'{}' is none of: {}", text, names));
}

Result<void> set_takeover(ServeConfig& config, Text text) {
  using ingest::Takeover;
  return set_choice<Takeover, &ServeConfig::takeover>(config, text,
                                                      {{"refuse", Takeover::refused}, {"replace", Takeover::allowed}});
}
Result<void> set_ladder_rungs(ServeConfig& config, Text text) {
  auto rungs = transcoder::parse_rungs(text);
  if (!rungs) return std::unexpected(rungs.error());
  config.ladder_rungs = std::move(*rungs);
  return {};
}
Result<void> set_ladder_start(ServeConfig& config, Text text) {
  using transcoder::Start;
  return set_choice<Start, &ServeConfig::ladder_start>(
      config, text, {{"always", Start::always}, {"first_viewer", Start::first_viewer}});
}
Result<void> set_hls_parts(ServeConfig& config, Text text) {
  using origin::HlsParts;
  return set_choice<HlsParts, &ServeConfig::hls_parts>(config, text,
                                                       {{"file", HlsParts::file}, {"range", HlsParts::range}});
}
Result<void> set_log_level(ServeConfig& config, Text text) {
  using logging::Level;
  return set_choice<Level, &ServeConfig::log_level>(
      config, text,
      {{"debug", Level::debug}, {"info", Level::info}, {"warning", Level::warning}, {"error", Level::error}});
}
Result<void> set_log_format(ServeConfig& config, Text text) {
  using logging::Format;
  return set_choice<Format, &ServeConfig::log_format>(config, text, {{"text", Format::text}, {"json", Format::json}});
}

// Comma-separated where one text must hold several; flags and TOML lists call it once per channel.
Result<void> add_channels(ServeConfig& config, Text text) {
  while (!text.empty()) {
    const size_t comma = text.find(',');
    auto channel = parse_channel(text.substr(0, comma));
    if (!channel) return std::unexpected(channel.error());
    config.channels.push_back(std::move(*channel));
    text = comma == Text::npos ? Text() : text.substr(comma + 1);
  }
  return {};
}

using C = ServeConfig;
constexpr Setting table[] = {
    {"server.data", "--data", "DIR", "directory for what must survive a restart", set_text<&C::data>},
    {"server.loops", "", "N", "event loops; 0: one per core", set_number<&C::loops, 0, 256>},
    {"server.channels", "--channel", "NAME:KEY", "a channel and its stream key; repeat for more", add_channels},
    {"http.listen", "--http", "HOST:PORT", "pages and playback; port 0 picks a free one", set_endpoint<&C::http>},
    {"http.connections_max", "", "N", "open connections per loop; more wait in the kernel",
     set_number<&C::connections_max, 1, 1'000'000>},
    {"http.congestion_control", "", "NAME", "TCP congestion control for viewers, e.g. bbr or cubic",
     set_text<&C::congestion_control>},
    {"https.listen", "--https", "HOST:PORT", "the same over TLS", set_endpoint<&C::https>},
    {"tls.cert", "--tls-cert", "FILE", "certificate chain, PEM; read again on SIGHUP", set_text<&C::tls_cert>},
    {"tls.key", "--tls-key", "FILE", "its private key, PEM", set_text<&C::tls_key>},
    {"rtmp.listen", "--rtmp", "HOST:PORT", "where encoders publish", set_endpoint<&C::rtmp>},
    {"rtmps.listen", "--rtmps", "HOST:PORT", "the same over TLS", set_endpoint<&C::rtmps>},
    {"admin.listen", "--admin", "HOST:PORT", "/livez /readyz /metrics; keep it local", set_endpoint<&C::admin>},
    {"ingest.takeover", "", "refuse|replace", "what a second publisher with the right key gets", set_takeover},
    {"ingest.rejoin_window_s", "", "SECONDS", "how long a dropped publisher may take to continue its broadcast",
     set_number<&C::rejoin_window_s, 0, 3'600>},
    {"ladder.rungs", "--ladder", "RUNG,...|none", "renditions made beside the source: 720p, 480p30, 360p:700k, audio",
     set_ladder_rungs},
    {"ladder.start", "", "always|first_viewer", "when rungs are made: at once, or once somebody wants one",
     set_ladder_start},
    {"ladder.source_kbps_max", "", "KBIT/S", "a source with more is encoded anew for viewers",
     set_number<&C::ladder_source_kbps_max, 100, 1'000'000>},
    {"ladder.cores_percent", "", "PERCENT", "how much of the machine may be busy with it; what has no room gets none",
     set_number<&C::ladder_cores_percent, 1, 100>},
    {"packager.part_duration_ms", "", "MS", "nominal duration of a part", set_number<&C::part_duration_ms, 50, 1'000>},
    {"origin.live_window_s", "", "SECONDS", "how far back a viewer can go", set_number<&C::live_window_s, 10, 3'600>},
    {"hls.parts", "", "file|range", "parts as their own URLs, or as byte ranges of the segment", set_hls_parts},
    {"hls.part_hold_back_ms", "", "MS", "how far behind the live edge an HLS player stays; 0: chosen from the parts",
     set_number<&C::hls_part_hold_back_ms, 0, 10'000>},
    {"dash.target_latency_ms", "", "MS", "the delay a DASH player aims at; 0: chosen from the chunks",
     set_number<&C::dash_target_latency_ms, 0, 30'000>},
    {"log.level", "--log-level", "debug|info|warning|error", "least important line that is written", set_log_level},
    {"log.format", "--log-format", "text|json", "shape of the lines on standard error", set_log_format},
};

const Setting* find_setting(Text name) {
  const auto* found = std::ranges::find(table, name, &Setting::name);
  return found == std::end(table) ? nullptr : found;
}

std::string did_you_mean(Text word, const std::vector<std::string>& candidates) {
  const std::string near = nearest(word, candidates);
  return near.empty() ? "" : fmt::format("; did you mean '{}'?", near);
}

std::vector<std::string> setting_names() {
  std::vector<std::string> names;
  for (const Setting& setting : table) names.emplace_back(setting.name);
  return names;
}

// A TOML scalar as the text that the environment or a flag would have given.
std::optional<std::string> scalar_text(const toml::node& node) {
  if (node.is_string()) return node.value<std::string>();
  if (auto number = node.value<int64_t>(); number && node.is_integer()) return fmt::to_string(*number);
  return std::nullopt;
}

class TomlReader {
 public:
  TomlReader(ServeConfig& config, const std::string& file_name) : config_(config), file_name_(file_name) {}

  Result<void> read(const toml::table& document) {
    for (const auto& [section, node] : document) {
      const toml::table* keys = node.as_table();
      if (!keys)
        return error_at(node, fmt::format("'{}' stands outside a [section]{}", section.str(),
                                          did_you_mean(section.str(), setting_names())));
      for (const auto& [key, value] : *keys) {
        if (auto done = read_key(fmt::format("{}.{}", section.str(), key.str()), value); !done) return done;
      }
    }
    return {};
  }

 private:
  Result<void> read_key(const std::string& name, const toml::node& value) {
    const Setting* setting = find_setting(name);
    if (!setting) {
      return error_at(value, fmt::format("unknown key '{}'{}", name, did_you_mean(name, setting_names())));
    }
    if (const toml::array* list = value.as_array()) {
      for (const toml::node& item : *list) {
        if (auto done = set(*setting, item); !done) return done;
      }
      return {};
    }
    return set(*setting, value);
  }

  Result<void> set(const Setting& setting, const toml::node& value) {
    const std::optional<std::string> text = scalar_text(value);
    if (!text) return error_at(value, fmt::format("{} wants {} as a text or a number", setting.name, setting.value));
    if (auto done = setting.set(config_, *text); !done) {
      return error_at(value, fmt::format("{}: {}", setting.name, done.error().message));
    }
    return {};
  }

  Result<void> error_at(const toml::node& node, const std::string& what) {
    return fail(fmt::format("{}:{}: {}", file_name_, node.source().begin.line, what));
  }

  ServeConfig& config_;
  const std::string& file_name_;
};

}  // namespace

std::span<const Setting> settings() { return table; }

std::string environment_name(const Setting& setting) {
  std::string name = "KLIEG_";
  for (char c : setting.name) name += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return name;
}

std::string flag_name(const Setting& setting) {
  std::string name = "--";
  for (char c : setting.name) name += c == '.' || c == '_' ? '-' : c;
  return name;
}

Result<void> read_toml(ServeConfig& config, std::string_view document, const std::string& file_name) {
  const toml::parse_result parsed = toml::parse(document, file_name);
  if (!parsed) {
    return fail(fmt::format("{}:{}: {}", file_name, parsed.error().source().begin.line, parsed.error().description()));
  }
  return TomlReader(config, file_name).read(parsed.table());
}

Result<void> read_environment(ServeConfig& config, const std::vector<std::pair<std::string, std::string>>& variables) {
  std::vector<std::string> names;
  for (const Setting& setting : table) names.push_back(environment_name(setting));
  for (const auto& [name, value] : variables) {
    if (!name.starts_with("KLIEG_") || name == "KLIEG_CONFIG" || name == "KLIEG_SHARED_DATA") continue;
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) {
      return fail(fmt::format("unknown environment variable {}{}", name, did_you_mean(name, names)));
    }
    if (auto done = table[found - names.begin()].set(config, value); !done) {
      return fail(fmt::format("{}: {}", name, done.error().message));
    }
  }
  return {};
}

Result<Channel> parse_channel(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == Text::npos) return fail(fmt::format("'{}' is not NAME:KEY", text));
  Channel channel{std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
  const auto allowed = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-'; };
  if (channel.name.empty() || channel.name.size() > 64 || !std::ranges::all_of(channel.name, allowed)) {
    return fail(fmt::format("channel name '{}' must be 1 to 64 letters, digits, '_' or '-'", channel.name));
  }
  // The key itself is never repeated in an error: errors end up in logs.
  const auto printable = [](char c) { return c > ' ' && c < 0x7f; };
  if (channel.key.empty() || channel.key.size() > 128 || !std::ranges::all_of(channel.key, printable)) {
    return fail(fmt::format("the key of channel '{}' must be 1 to 128 printable characters", channel.name));
  }
  if (channel.key == channel.name) {
    return fail(
        fmt::format("the key of channel '{0}' is its public name; make one: openssl rand -hex 16", channel.name));
  }
  return channel;
}

Result<void> validate(const ServeConfig& config) {
  if ((!config.https.empty() || !config.rtmps.empty()) && (config.tls_cert.empty() || config.tls_key.empty())) {
    return fail("TLS needs a certificate: give --tls-cert FILE and --tls-key FILE, or leave out --https and --rtmps");
  }
  if (config.http.empty() && config.https.empty()) return fail("nobody could watch: give --http or --https");
  if (config.rtmp.empty() && config.rtmps.empty()) return fail("nobody could publish: give --rtmp or --rtmps");
  std::set<std::string> names;
  std::set<std::string> keys;
  for (const Channel& channel : config.channels) {
    if (!names.insert(channel.name).second) return fail(fmt::format("channel '{}' is given twice", channel.name));
    if (!keys.insert(channel.key).second) {
      return fail(fmt::format("channel '{}' has the key of another channel: the key alone says which channel is meant",
                              channel.name));
    }
  }
  return {};
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  const auto distance = [](Text a, Text b) {  // Levenshtein
    std::vector<size_t> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
      size_t diagonal = std::exchange(row[0], i);
      for (size_t j = 1; j <= b.size(); ++j) {
        const size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
      }
    }
    return row[b.size()];
  };
  std::string best;
  size_t best_distance = std::max<size_t>(word.size() / 2, 2) + 1;
  for (const std::string& candidate : candidates) {
    if (const size_t d = distance(word, candidate); d < best_distance) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

}  // namespace klieg::cli

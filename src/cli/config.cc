#include "cli/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "bus/nats.h"
#include "edge/client.h"
#include "net/listener.h"
#include "store/open.h"
#include "wire/live_path.h"

namespace klieg::cli {
namespace {

using Text = std::string_view;

Result<uint32_t> number_in(Text text, uint32_t least, uint32_t most) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < least || number > most) {
    return fail(fmt::format("'{}' is not a whole number from {} to {}", text, least, most));
  }
  return number;
}

template <uint32_t Config::* Field, uint32_t least, uint32_t most>
Result<void> set_number(Config& config, Text text) {
  const auto number = number_in(text, least, most);
  if (!number) return std::unexpected(number.error());
  config.*Field = *number;
  return {};
}

template <uint32_t edge::DoorLimits::* Field>
Result<void> set_address_limit(Config& config, Text text) {
  const auto number = number_in(text, 0, 1'000'000);
  if (!number) return std::unexpected(number.error());
  config.address_limits.*Field = *number;
  return {};
}

template <std::string Config::* Field>
Result<void> set_text(Config& config, Text text) {
  config.*Field = text;
  return {};
}

template <std::string Config::* Field>
Result<void> set_endpoint(Config& config, Text text) {
  if (!text.empty()) {
    if (auto endpoint = net::Endpoint::parse(text); !endpoint) return std::unexpected(endpoint.error());
  }
  config.*Field = text;
  return {};
}

template <class Enum, Enum Config::* Field>
Result<void> set_choice(Config& config, Text text, std::initializer_list<std::pair<Text, Enum>> choices) {
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

Result<void> set_takeover(Config& config, Text text) {
  using ingest::Takeover;
  return set_choice<Takeover, &Config::takeover>(config, text,
                                                 {{"refuse", Takeover::refused}, {"replace", Takeover::allowed}});
}
Result<void> set_ladder_rungs(Config& config, Text text) {
  auto rungs = transcoder::parse_rungs(text);
  if (!rungs) return std::unexpected(rungs.error());
  config.ladder_rungs = std::move(*rungs);
  return {};
}
Result<void> set_ladder_start(Config& config, Text text) {
  using transcoder::Start;
  return set_choice<Start, &Config::ladder_start>(config, text,
                                                  {{"always", Start::always}, {"first_viewer", Start::first_viewer}});
}
Result<void> set_hls_parts(Config& config, Text text) {
  using origin::HlsParts;
  return set_choice<HlsParts, &Config::hls_parts>(config, text, {{"file", HlsParts::file}, {"range", HlsParts::range}});
}
Result<void> set_log_level(Config& config, Text text) {
  using logging::Level;
  return set_choice<Level, &Config::log_level>(
      config, text,
      {{"debug", Level::debug}, {"info", Level::info}, {"warning", Level::warning}, {"error", Level::error}});
}
Result<void> set_log_format(Config& config, Text text) {
  using logging::Format;
  return set_choice<Format, &Config::log_format>(config, text, {{"text", Format::text}, {"json", Format::json}});
}

// Comma-separated where one text must hold several; flags and TOML lists call it once per channel.
Result<void> add_channels(Config& config, Text text) {
  while (!text.empty()) {
    const size_t comma = text.find(',');
    auto channel = parse_channel(text.substr(0, comma));
    if (!channel) return std::unexpected(channel.error());
    config.channels.push_back(std::move(*channel));
    text = comma == Text::npos ? Text() : text.substr(comma + 1);
  }
  return {};
}

Result<void> set_room_anonymous(Config& config, Text text) {
  using enum RoomAnonymous;
  return set_choice<RoomAnonymous, &Config::room_anonymous>(
      config, text, {{"watch", watch}, {"hearts", hearts}, {"comments", comments}});
}

Result<void> set_sign_up(Config& config, Text text) {
  using enum SignUp;
  return set_choice<SignUp, &Config::sign_up>(config, text,
                                              {{"off", off}, {"closed", closed}, {"invite", invite}, {"open", open}});
}

Result<void> set_notices_reach(Config& config, Text text) {
  using enum studio::Reach;
  return set_choice<studio::Reach, &Config::notices_reach>(config, text,
                                                           {{"public", public_internet}, {"anywhere", anywhere}});
}
// RFC 8292 section 2.1; Apple's push service takes nothing without.
Result<void> set_contact(Config& config, Text text) {
  if (!text.empty() && !text.starts_with("mailto:") && !text.starts_with("https://")) {
    return fail(fmt::format("'{}' is no contact: it is like mailto:me@example.org or https://example.org/", text));
  }
  config.contact = text;
  return {};
}

Result<void> set_roles(Config& config, Text text) {
  using bus::Role;
  constexpr std::pair<Text, Role> roles[] = {{"studio", Role::studio}, {"home", Role::home}, {"edge", Role::edge}};
  config.roles = 0;
  while (!text.empty()) {
    const Text one = text.substr(0, text.find(','));
    const auto* role = std::ranges::find(roles, one, &std::pair<Text, Role>::first);
    if (role == std::end(roles)) return fail(fmt::format("'{}' is none of: studio, home, edge", one));
    config.roles |= static_cast<uint8_t>(role->second);
    text.remove_prefix(std::min(one.size() + 1, text.size()));
  }
  return config.roles != 0 ? Result<void>() : fail("a node is something: studio, home, edge, or several of them");
}
Result<void> set_nats(Config& config, Text text) {
  if (auto url = bus::nats_settings_of(text); !text.empty() && !url) return std::unexpected(url.error());
  config.bus_nats = text;
  return {};
}
Result<void> set_push_admit(Config& config, Text text) {
  using Rule = push::AdmissionRule;
  return set_choice<Rule, &Config::push_admit>(
      config, text, {{"first", Rule::first}, {"headroom", Rule::headroom}, {"followers", Rule::followers}});
}

Result<void> set_layer(Config& config, Text text) {
  return set_choice<Layer, &Config::layer>(config, text,
                                           {{"proxy", Layer::proxy}, {"cache", Layer::cache}, {"both", Layer::both}});
}

// Comma-separated where one text must hold several, like channels.
template <std::vector<std::string> Config::* Field, Result<void> (*check)(Text)>
Result<void> add_texts(Config& config, Text text) {
  while (!text.empty()) {
    const Text one = text.substr(0, text.find(','));
    if (auto done = check(one); !done) return done;
    (config.*Field).emplace_back(one);
    text.remove_prefix(std::min(one.size() + 1, text.size()));
  }
  return {};
}

Result<void> check_parent(Text text) {
  auto peer = edge::parse_parent_url(text);
  return peer ? Result<void>() : std::unexpected(peer.error());
}
Result<void> check_nothing(Text) { return {}; }  // here; validate() knows the channels
Result<void> check_endpoint(Text text) {
  auto endpoint = net::Endpoint::parse(text);
  return endpoint ? Result<void>() : std::unexpected(endpoint.error());
}
Result<void> check_path_pattern(Text text) {
  if (text.starts_with('/') || text.starts_with('*')) return {};
  return fail(fmt::format("'{}' is no path: it begins with '/' or '*', as in /hls/*.ts", text));
}
Result<void> add_trusted_addresses(Config& config, Text text) {
  while (!text.empty()) {
    const Text one = text.substr(0, text.find(','));
    const auto range = edge::AddressRange::parse(one);
    if (!range) return fail(fmt::format("'{}' is neither an address nor a range of them, as 10.0.0.0/8 is", one));
    config.trusted_addresses.push_back(*range);
    text.remove_prefix(std::min(one.size() + 1, text.size()));
  }
  return {};
}
// A token (RFC 9110 section 5.6.2): it stands in Via and Cache-Status.
Result<void> set_node_name(Config& config, Text text) {
  const auto allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
  };
  if (text.empty()) return {};
  if (text.size() > 64 || !std::isalpha(static_cast<unsigned char>(text[0])) || !std::ranges::all_of(text, allowed)) {
    return fail(fmt::format("'{}' is no node name: a letter, then up to 63 letters, digits, '_', '-' or '.'", text));
  }
  config.node_name = text;
  return {};
}
// Never repeated in an error: errors end up in logs.
Result<void> set_node_secret(Config& config, Text text) {
  if (!text.empty() && text.size() < 16)
    return fail("the nodes' secret has fewer than 16 characters; make one: openssl rand -hex 16");
  config.node_secret = text;
  return {};
}

using C = Config;
using Of = Setting::Of;
constexpr Setting table[] = {
    {"server.data", "--data", "DIR", "directory for what must survive a restart", set_text<&C::data>},
    {"server.loops", "", "N", "event loops; 0: one per core", set_number<&C::loops, 0, 256>, Of::both},
    {"server.channels", "--channel", "NAME:KEY", "a channel and its stream key; repeat for more", add_channels},
    {"server.private", "--private", "NAME",
     "a channel for guests alone: `klieg token NAME` makes links; repeat for more",
     add_texts<&C::private_channels, check_nothing>},
    {"http.listen", "--http", "HOST:PORT", "pages and playback; port 0 picks a free one", set_endpoint<&C::http>,
     Of::both},
    {"http.connections_max", "", "N", "open connections per loop; more wait in the kernel",
     set_number<&C::connections_max, 1, 1'000'000>, Of::both},
    {"http.connections_per_address_max", "", "N", "of them from one client's address, per loop; 0: no limit",
     set_address_limit<&edge::DoorLimits::connections_max>, Of::both},
    {"http.requests_per_address_max", "", "N", "requests per second from one client's address, per loop; 0: no limit",
     set_address_limit<&edge::DoorLimits::requests_per_s_max>, Of::both},
    {"http.trusted_addresses", "", "RANGE,...",
     "who, beside this machine, has no limits, of RTMP neither: load balancers, e.g. 10.0.0.0/8", add_trusted_addresses,
     Of::both},
    {"http.congestion_control", "", "NAME", "TCP congestion control for viewers, e.g. bbr or cubic",
     set_text<&C::congestion_control>, Of::both},
    {"https.listen", "--https", "HOST:PORT", "the same over TLS", set_endpoint<&C::https>, Of::both},
    {"tls.cert", "--tls-cert", "FILE", "certificate chain, PEM; read again on SIGHUP", set_text<&C::tls_cert>,
     Of::both},
    {"tls.key", "--tls-key", "FILE", "its private key, PEM", set_text<&C::tls_key>, Of::both},
    {"rtmp.listen", "--rtmp", "HOST:PORT", "where encoders publish and players play", set_endpoint<&C::rtmp>},
    {"rtmp.connections_per_address_max", "", "N",
     "open connections from one client's address, encoders' and players', per loop; 0: no limit",
     set_number<&C::rtmp_connections_per_address_max, 0, 1'000'000>, Of::both},
    {"rtmps.listen", "--rtmps", "HOST:PORT", "the same over TLS", set_endpoint<&C::rtmps>},
    {"admin.listen", "--admin", "HOST:PORT", "/livez /readyz /metrics; keep it local", set_endpoint<&C::admin>,
     Of::both},
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
    {"push.viewers_max", "", "NUMBER", "how many this node pushes to; others play low-latency HTTP. 0: nobody",
     set_number<&C::push_viewers_max, 0, 10'000'000>, Of::both},
    {"push.admit", "", "first|headroom|followers",
     "the first so many; as many as there is headroom for; so, and followers first", set_push_admit, Of::both},
    {"room.anonymous", "", "watch|hearts|comments", "what somebody without an account may do in a room",
     set_room_anonymous, Of::both},
    {"room.comments_per_s", "", "N", "that a viewer is shown, a fair sample when more are said; 0: all of them",
     set_number<&C::room_comments_per_s, 0, 1'000>, Of::both},
    {"studio.database", "--database", "FILE|postgresql://...",
     "where people and what they say are kept; klieg.db in the data directory if not given", set_text<&C::database>},
    {"studio.sign_up", "", "off|closed|invite|open",
     "who may make an account; off: there are none, as where channels are given and this is not", set_sign_up},
    {"studio.notices", "", "public|anywhere",
     "where push notices and webhooks may go; anywhere: to private addresses and over http, too", set_notices_reach},
    {"studio.contact", "", "mailto:|https://", "of who runs this server, for push services", set_contact},
    {"server.roles", "--roles", "studio,home,edge",
     "what this node is of several: answers the API, carries broadcasts, shows those of other nodes", set_roles},
    {"bus.nats", "--bus", "nats://HOST:PORT", "how nodes hear of each other; this node is alone if not given",
     set_nats},
    {"node.name", "", "NAME", "how this node names itself to others; made at each start if not given", set_node_name,
     Of::both},
    {"node.secret", "", "SECRET", "what nodes prove themselves with to each other; the same on all of them",
     set_node_secret, Of::both},
    {"node.address", "", "HOST", "by which other nodes reach this one; the host of --http if not given",
     set_text<&C::node_address>},
    {"edge.parents", "--parent", "URL", "where objects come from, http://HOST:PORT; repeat for more, the best first",
     add_texts<&C::parents, check_parent>, Of::edge},
    {"edge.parent_ca", "", "FILE", "whose word is taken for the parents' certificates, PEM; empty: the system's",
     set_text<&C::parent_ca>, Of::edge},
    {"edge.peers", "--peers", "HOST:PORT,...", "the cache hosts of this PoP; this one, if it is one, as in --http",
     add_texts<&C::peers, check_endpoint>, Of::edge},
    {"edge.rtmp", "--rtmp", "HOST:PORT", "where players play over RTMP; closed if not given",
     set_endpoint<&C::edge_rtmp>, Of::edge},
    {"edge.rtmps", "--rtmps", "HOST:PORT", "the same over TLS", set_endpoint<&C::edge_rtmps>, Of::edge},
    {"edge.layer", "--layer", "proxy|cache|both", "what this node is in its PoP", set_layer, Of::edge},
    {"edge.cache_mb", "", "MB", "memory for what is kept", set_number<&C::cache_mb, 16, 1'000'000>, Of::both},
    {"edge.disk", "", "DIR", "folder for what memory has no room for and is good for long; empty: none",
     set_text<&C::disk>, Of::edge},
    {"edge.disk_mb", "", "MB", "room in that folder", set_number<&C::disk_mb, 16, 100'000'000>, Of::edge},
    {"edge.hold_paths", "", "PATTERN,...", "paths whose 404 at the live edge is held, for parents that hold nothing",
     add_texts<&C::hold_paths, check_path_pattern>, Of::edge},
    {"edge.hold_max_ms", "", "MS", "how long it is held", set_number<&C::hold_max_ms, 100, 30'000>, Of::edge},
    {"edge.topic_kept_s", "", "S", "how long after its last viewer a rendition is still taken by push",
     set_number<&C::topic_kept_s, 1, 3'600>, Of::edge},
    {"edge.egress_capacity_mbps", "", "MBIT/S", "what this node's line and plan allow; its headroom is counted from it",
     set_number<&C::egress_capacity_mbps, 1, 10'000'000>, Of::both},
    {"log.level", "--log-level", "debug|info|warning|error", "least important line that is written", set_log_level,
     Of::both},
    {"log.format", "--log-format", "text|json", "shape of the lines on standard error", set_log_format, Of::both},
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

std::vector<std::string> section_names() {
  std::vector<std::string> names;
  for (const Setting& setting : table) {
    const Text section = setting.name.substr(0, setting.name.find('.'));
    if (names.empty() || names.back() != section) names.emplace_back(section);
  }
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
  TomlReader(Config& config, const std::string& file_name) : config_(config), file_name_(file_name) {}

  Result<void> read(const toml::table& document) {
    for (const auto& [section, node] : document) {
      const toml::table* keys = node.as_table();
      if (!keys)
        return error_at(node, fmt::format("'{}' stands outside a [section]{}", section.str(),
                                          did_you_mean(section.str(), setting_names())));
      const std::vector<std::string> known = section_names();
      if (keys->empty() && std::ranges::find(known, section.str()) == known.end()) {
        return error_at(node, fmt::format("unknown section '{}'{}", section.str(), did_you_mean(section.str(), known)));
      }
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

  Config& config_;
  const std::string& file_name_;
};

Result<void> validate_edge(const Config& config) {
  if (config.parents.empty() && config.layer != Layer::proxy) {
    return fail("there is nothing to fetch from: give --parent http://HOST:PORT");
  }
  if (config.layer == Layer::proxy && config.peers.empty()) {
    return fail("a proxy asks its PoP's cache hosts: give --peers HOST:PORT,..., or leave out --layer");
  }
  if (config.layer == Layer::both && !config.peers.empty() &&
      std::ranges::find(config.peers, config.http) == config.peers.end()) {
    return fail(fmt::format("none of --peers is this node: name it there as in --http ({}), or say --layer proxy",
                            config.http));
  }
  return {};
}

// What several machines that are one Klieg need of each.
Result<void> validate_roles(const Config& config) {
  using bus::Role;
  if (config.bus_nats.empty()) {
    if (config.roles == all_roles) return {};
    return fail(
        "a node with some --roles needs others with the rest: give --bus nats://HOST:PORT, or leave out --roles");
  }
  if (config.node_secret.empty()) {
    return fail("nodes believe who knows their secret: give all of them the same --node-secret");
  }
  if (config.http.empty()) return fail("other nodes reach this one over --http: open it, to them at least");
  if (reached_at(config).empty()) {
    return fail("other nodes have to reach this one: give --node-address HOST, its address in their network");
  }
  if (config.is(Role::home) && config.rtmp.empty()) {
    return fail(
        "a home is published to over --rtmp: open it, to the other nodes at least, or leave home out of --roles");
  }
  if (config.asks_database() && !store::is_postgresql(config.database)) {
    return fail(
        "several machines share a database: give --database postgresql://..., or --roles edge, which asks none");
  }
  return {};
}

// Kubernetes says into every container where services are; of one named "klieg": KLIEG_PORT, KLIEG_PORT_80_TCP_ADDR,
// KLIEG_SERVICE_HOST.
bool is_of_kubernetes(std::string_view name) {
  return name == "KLIEG_PORT" || name.starts_with("KLIEG_PORT_") || name.starts_with("KLIEG_SERVICE_");
}

}  // namespace

std::span<const Setting> settings() { return table; }

std::string reached_at(const Config& config) {
  if (!config.node_address.empty()) return config.node_address;
  const auto http = net::Endpoint::parse(config.http);
  const bool anywhere =
      !http || http->host.empty() || http->host == "*" || http->host == "0.0.0.0" || http->host == "::";
  return anywhere ? "" : http->host;
}

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

Result<void> read_toml(Config& config, std::string_view document, const std::string& file_name) {
  const toml::parse_result parsed = toml::parse(document, file_name);
  if (!parsed) {
    return fail(fmt::format("{}:{}: {}", file_name, parsed.error().source().begin.line, parsed.error().description()));
  }
  return TomlReader(config, file_name).read(parsed.table());
}

Result<void> read_environment(Config& config, const std::vector<std::pair<std::string, std::string>>& variables) {
  std::vector<std::string> names;
  for (const Setting& setting : table) names.push_back(environment_name(setting));
  for (const auto& [name, value] : variables) {
    if (!name.starts_with("KLIEG_") || name == "KLIEG_CONFIG" || name == "KLIEG_SHARED_DATA") continue;
    if (is_of_kubernetes(name)) continue;
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
  if (!wire::is_channel_name(channel.name)) {
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

bool Config::is_private(std::string_view channel) const {
  return std::ranges::find(private_channels, channel) != private_channels.end();
}

Result<void> validate(const Config& config, Command command) {
  const std::string& rtmps = command == Command::edge ? config.edge_rtmps : config.rtmps;
  if ((!config.https.empty() || !rtmps.empty()) && (config.tls_cert.empty() || config.tls_key.empty())) {
    return fail("TLS needs a certificate: give --tls-cert FILE and --tls-key FILE, or leave out --https and --rtmps");
  }
  if (config.http.empty() && config.https.empty()) return fail("nobody could watch: give --http or --https");
  if (command == Command::edge) return validate_edge(config);
  if (auto done = validate_roles(config); !done) return done;
  if (config.rtmp.empty() && config.rtmps.empty() && config.is(bus::Role::home)) {
    return fail("nobody could publish: give --rtmp or --rtmps");
  }
  std::set<std::string> names;
  std::set<std::string> keys;
  for (const Channel& channel : config.channels) {
    if (!names.insert(channel.name).second) return fail(fmt::format("channel '{}' is given twice", channel.name));
    if (!keys.insert(channel.key).second) {
      return fail(fmt::format("channel '{}' has the key of another channel: the key alone says which channel is meant",
                              channel.name));
    }
  }
  for (const std::string& name : config.private_channels) {
    if (!names.contains(name)) {
      return fail(fmt::format("--private {}: there is no such channel; give --channel {}:KEY", name, name));
    }
    if (config.node_secret.empty()) {
      return fail(fmt::format("--private {}: links are signed with the nodes' secret; give --node-secret", name));
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

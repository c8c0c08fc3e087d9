// What the servers among the commands, `klieg serve` and `klieg edge`, can be told, from three places that know the
// same names.
//
//   TOML          [rtmp]  listen = "0.0.0.0:1935"
//   environment   KLIEG_RTMP_LISTEN=0.0.0.0:1935
//   flag          --rtmp-listen 0.0.0.0:1935     (and the short form --rtmp)
//
// A later place overrides an earlier one. All three are read through one table of settings (settings()), so a name
// exists everywhere or nowhere, and the sample in deploy/klieg.toml is checked against the same table. A command has
// flags for its own settings alone; in a file and in the environment it passes over those of another, so that both may
// share them.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audience/sample.h"
#include "base/logging.h"
#include "base/result.h"
#include "bus/members.h"
#include "edge/client_address.h"
#include "edge/server_door.h"
#include "ingest/slots.h"
#include "origin/manifests.h"
#include "push/admission.h"
#include "studio/password.h"
#include "studio/receiver.h"
#include "transcoder/ladder.h"
#include "transcoder/transcoder.h"

namespace klieg::cli {

using ingest::Channel;

// Which part of a PoP a node is: one that viewers reach, one that keeps objects for such, or both in one.
enum class Layer : uint8_t { proxy, cache, both };

// What who is not signed in may do in a room; each more than the one before. Who speaks is a guest (media/room.h).
enum class RoomAnonymous : uint8_t { watch, hearts, comments };

// Who may make an account; off: there are none. unsaid: closed, or off where channels are given, which are the way
// without accounts.
enum class SignUp : uint8_t { unsaid, off, closed, invite, open };

// What a node of several is; alone it is all (bus::Role).
constexpr uint8_t all_roles = 7;

struct Config {
  std::string data = "klieg-data";  // directory for what must survive: the generated stream key
  uint32_t loops = 0;               // 0: one per core

  std::string http = "0.0.0.0:8080";
  std::string https;  // empty: closed
  std::string tls_cert;
  std::string tls_key;
  std::string rtmp = "0.0.0.0:1935";
  std::string rtmps;  // empty: closed
  std::string admin = "127.0.0.1:8090";
  uint32_t connections_max = 10'000;  // per loop and listener
  edge::DoorLimits address_limits;    // of one client address, over HTTP
  // The same of RTMP, where a player or an encoder has one: 300 viewers behind the one address of an office, and those
  // who come again before their last connection is known to be gone.
  uint32_t rtmp_connections_per_address_max = 500;
  std::vector<edge::AddressRange> trusted_addresses;
  std::string congestion_control;  // empty: the kernel's default

  ingest::Takeover takeover = ingest::Takeover::refused;  // of a second publisher with the right key
  uint32_t rejoin_window_s = 15;

  std::vector<transcoder::RungWish> ladder_rungs = *transcoder::parse_rungs(transcoder::default_rungs);
  transcoder::Start ladder_start = transcoder::Start::always;
  uint32_t ladder_source_kbps_max = 12'000;  // of a source that is passed on as it came
  uint32_t ladder_cores_percent = 75;        // of the machine's cores: so much of it is for transcoding

  uint32_t part_duration_ms = 200;
  uint32_t live_window_s = 60;
  origin::HlsParts hls_parts = origin::HlsParts::file;
  uint32_t hls_part_hold_back_ms = 0;   // 0: chosen by origin/manifests.h
  uint32_t dash_target_latency_ms = 0;  // 0: origin's default

  uint32_t push_viewers_max = push::AdmissionSettings().viewers_max;
  push::AdmissionRule push_admit = push::AdmissionSettings().rule;

  RoomAnonymous room_anonymous = RoomAnonymous::hearts;
  uint32_t room_comments_per_s = audience::SampleSettings().per_second_max;

  std::string database;  // as store::open() has it; empty: klieg.db in `data`
  SignUp sign_up = SignUp::unsaid;
  studio::Reach notices_reach = studio::Reach::public_internet;
  std::string contact;                 // of who runs this server, for push services
  studio::PasswordCost password_cost;  // no setting

  logging::Level log_level = logging::Level::info;
  logging::Format log_format = logging::Format::text;

  std::vector<Channel> channels;
  std::vector<std::string> private_channels;  // of them: for who has a link of `klieg token` alone
  bool is_private(std::string_view channel) const;
  std::optional<Channel> own_channel;  // no setting: made, or found, because none was given

  std::string node_name;     // empty: made at each start
  std::string node_secret;   // empty: nodes are not believed
  std::string node_address;  // host by which other nodes reach this one; empty: the one of --http
  std::string bus_nats;      // URL; empty: this node is alone
  uint8_t roles = all_roles;
  bool is(bus::Role role) const { return (roles & static_cast<uint8_t>(role)) != 0; }
  bool asks_database() const { return is(bus::Role::studio) || is(bus::Role::home); }

  std::vector<std::string> parents;  // URLs, best first
  std::string edge_rtmp;             // an edge's own doors for players; empty: closed
  std::string edge_rtmps;
  std::string parent_ca;           // PEM; empty: the system's authorities
  std::vector<std::string> peers;  // HOST:PORT of the PoP's cache hosts
  Layer layer = Layer::both;
  uint32_t cache_mb = 1024;  // per process
  std::string disk;          // folder for what memory has no room for; empty: none
  uint32_t disk_mb = 10'240;
  std::vector<std::string> hold_paths;
  uint32_t hold_max_ms = 3'000;
  uint32_t topic_kept_s = 30;
  uint32_t egress_capacity_mbps = 1'000;
};

enum class Command : uint8_t { serve, edge };

// One row of the table.
struct Setting {
  std::string_view name;        // "rtmp.listen": the TOML key; the environment and flag names follow from it
  std::string_view short_flag;  // "--rtmp"; empty: none
  std::string_view value;       // shape of the value, for help and errors: "HOST:PORT", "SECONDS"
  std::string_view help;
  Result<void> (*set)(Config&, std::string_view text);
  enum class Of : uint8_t { serve, edge, both } of = Of::serve;

  bool is_of(Command command) const { return of == Of::both || (command == Command::serve) == (of == Of::serve); }
};
std::span<const Setting> settings();

// The host by which other nodes reach this one; empty: none is known.
std::string reached_at(const Config& config);

std::string environment_name(const Setting& setting);  // "KLIEG_RTMP_LISTEN"
std::string flag_name(const Setting& setting);         // "--rtmp-listen"

// Reads a TOML document into `config`. The error names file, line and, for an unknown key, the nearest right one.
Result<void> read_toml(Config& config, std::string_view document, const std::string& file_name);

// Reads KLIEG_* variables, given as name and value. An unknown KLIEG_ name is an error with the nearest right one.
Result<void> read_environment(Config& config, const std::vector<std::pair<std::string, std::string>>& variables);

// "NAME:KEY". A name is 1 to 64 of a-z A-Z 0-9 _ - and a key 1 to 128 printable characters, different
// from the name (`serve` warns when it is short enough to be guessed).
Result<Channel> parse_channel(std::string_view text);

// What must hold among settings, once all places are read: https needs a certificate, names are unique...
Result<void> validate(const Config& config, Command command);

// The candidate that `word` most likely meant; empty when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace klieg::cli

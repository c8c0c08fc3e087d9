#include "cli/shard.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/logging.h"
#include "cli/first_run.h"
#include "cli/world.h"
#include "wire/path_token.h"

namespace klieg::cli {
namespace {

// Longer than any held request or playlist interval, so whoever still watches has asked within it.
constexpr Duration unwatched_max = 60s;
// How often the registry hears that media flows: often enough for SlotPolicy::silent_after.
constexpr Duration touch_every = 1s;
// While draining, what is held waits this long for ends that come from other shards, a few posts away. A publisher may
// take 3 s before (ingest::ServerLimits) of the 4 s in which a server drains.
constexpr Duration ends_travel_max = 200ms;

// Of a private channel nobody is told that it is there.
std::vector<std::string> public_names_of(const Config& config) {
  std::vector<std::string> names;
  for (const ingest::Channel& channel : config.channels) {
    if (!config.is_private(channel.name)) names.push_back(channel.name);
  }
  return names;
}

origin::Settings origin_settings(const Config& config) {
  origin::Settings settings;
  settings.window.live = std::chrono::seconds(config.live_window_s);
  settings.manifests.hls_parts = config.hls_parts;
  settings.manifests.part_hold_back = std::chrono::milliseconds(config.hls_part_hold_back_ms);
  settings.manifests.target_latency = std::chrono::milliseconds(config.dash_target_latency_ms);
  return settings;
}

edge::EngineSettings engine_settings(const Config& config) {
  edge::EngineSettings settings;
  settings.node = node_name_of(config);
  settings.bytes_max = (uint64_t{config.cache_mb} << 20) / loops_of(config);
  // The origin is in this process: an answer of it costs some 80 us, and telling all that a track becomes, playlists
  // rendered for everybody in every part, 800 us a second.
  settings.topic_fetches_min = 10;
  return settings;
}

std::string_view name_of(origin::ChannelState state) {
  switch (state) {
    case origin::ChannelState::offline:
      return "offline";
    case origin::ChannelState::live:
      return "live";
    case origin::ChannelState::paused:
      return "paused";
    case origin::ChannelState::ended:
      return "ended";
  }
}

// A room may come home while viewers of this loop are in it from afar, and others come: two nodes of the room.
std::string far_node_of(const Config& config, ShardIndex index) {
  return fmt::format("{}/{}/far", config.node_name, index);
}

// A publisher's way from its connection's loop to its broadcast's home.
class ToHome final : public ingest::Publication {
 public:
  ToHome(World& world, net::Loop& loop, Registry::Place place)
      : world_(world), loop_(loop), place_(std::make_shared<const Registry::Place>(std::move(place))) {}

  void on_message(ingest::MediaMessage message, ingest::Delivery delivery) override {
    world_.on_shard(place_->home, [place = place_, message = std::move(message), delivery = std::move(delivery)](
                                      Shard& home) { home.on_message(place->channel, place->publisher, message); });
    if (loop_.now() < touched_at_ + touch_every) return;
    touched_at_ = loop_.now();
    world_.on_registry([publisher = place_->publisher](Registry& registry) { registry.touch(publisher); });
  }

  void on_gone(ingest::Departure why) override {
    world_.on_registry([publisher = place_->publisher, why](Registry& registry) { registry.gone(publisher, why); });
    world_.on_shard(place_->home,
                    [place = place_](Shard& home) { home.publisher_gone(place->channel, place->publisher); });
  }

 private:
  World& world_;
  net::Loop& loop_;
  std::shared_ptr<const Registry::Place> place_;
  LoopTime touched_at_{};
};

}  // namespace

Shard::Shard(World& world, ShardIndex index, const Config& config, const SipKey& key, Metrics& metrics)
    : world_(world),
      index_(index),
      config_(config),
      origin_(origin_settings(config), this, nullptr),
      live_(loop_, origin_, metrics),
      node_(config, loop_, metrics),
      clock_(loop_),
      door_(loop_, "http", config.address_limits, config.trusted_addresses, key, metrics),
      rtmp_door_(loop_, "rtmp", {.connections_max = config.rtmp_connections_per_address_max, .requests_per_s_max = 0},
                 config.trusted_addresses, key, metrics),
      load_(loop_, key),
      revocations_(loop_, node_.guests(), live_.topics()),
      at_home_(*this),
      home_(loop_, at_home_),
      hosts_([this] { return loop_.now(); }, random_seed()),
      routes_(loop_, hosts_, node_, metrics),
      engine_(engine_settings(config), clock_, routes_, &routes_, random_seed()),
      edge_(loop_, engine_, &node_, metrics, &door_, &load_),
      push_(loop_, engine_, edge_, load_, world.push_admission(), metrics),
      rooms_(world, index, loop_, config, *this, metrics),
      room_gate_(world, index, loop_, rooms_, *this, node_, revocations_),
      api_(world, index, config, node_),
      site_(public_names_of(config), *this, has_accounts(config) && config.is(bus::Role::studio) ? &api_ : nullptr),
      http_(http::Server::make(loop_, site_, http::Limits(), metrics, {&door_, &load_})),
      broadcast_metrics_(metrics),
      workers_(config.ladder_rungs.empty()
                   ? nullptr
                   : std::make_unique<transcoder::WorkerPool>(loop_, std::vector{transcoder::codec_program_beside_us()},
                                                              world.room(), metrics)),
      relays_(loop_, node_.secret(), node_name_of(config), random_seed()),
      ingest_(loop_, *this, &rtmp_door_, metrics, ingest::ServerLimits(), random_seed()),
      unwatched_(loop_, [this] { let_go_of_unwatched(); }),
      let_go_(loop_, [this] { origin_.release_held(); }) {
  push_.ask_for_standing(rooms_);
  hosts_.add_parent("origin", home_, &room_gate_);
  if (!config.bus_nats.empty()) {
    edge_.sessions_go_to(api_prefix);  // which is answered here
    far_rooms_ = std::make_unique<EdgeRooms>(loop_, far_node_of(config, index), config, engine_, edge_, metrics,
                                             [this](const http::Request& request, std::string_view channel, auto then) {
                                               rooms_.identify(request, channel, std::move(then));
                                             });
  }
  for (const ingest::Channel& channel : config.channels) {
    origin_.add_channel(channel.name,
                        config.is_private(channel.name) ? media::Audience::guests : media::Audience::everybody);
  }
}

Shard::~Shard() = default;

Result<net::Endpoint> Shard::open(Door door, const net::Endpoint& endpoint, std::shared_ptr<net::TlsServer> tls,
                                  const net::ListenerLimits& limits) {
  net::Listener::OnAccept on_accept;
  if (door == Door::http || door == Door::https) {
    on_accept = [this](std::unique_ptr<net::Connection> connection) { http_->accept(std::move(connection)); };
  } else {
    on_accept = [this](std::unique_ptr<net::Connection> connection) { ingest_.take(std::move(connection)); };
  }
  auto listener = net::Listener::listen(loop_, endpoint, std::move(tls), limits, std::move(on_accept));
  if (!listener) return std::unexpected(listener.error());
  listeners_.push_back(std::move(*listener));
  if (door == Door::rtmp) api_.set_rtmp_port(listeners_.back()->local().port);
  return listeners_.back()->local();
}

void Shard::drain(std::function<void()> drained) {
  listeners_.clear();
  rooms_.going();
  edge_.end_feeds();
  end_broadcasts();  // not after the publishers: the slowest would have viewers wait for an end they then miss
  ingest_.stop([this, drained = std::move(drained)]() mutable {
    end_broadcasts();  // of publishers who were on their way in
    let_go_.arm(loop_.now() + ends_travel_max);
    // Both at once: each may take its time of the 5 s.
    const auto gone = [this, left = std::make_shared<int>(far_rooms_ ? 3 : 2), drained = std::move(drained)] {
      if (--*left == 0) http_->drain(drained);
    };
    push_.stop(gone);
    rooms_.stop(gone);
    if (far_rooms_) far_rooms_->stop(gone);
  });
}

void Shard::end_broadcasts() {
  for (auto& [_, home] : homes_) home.broadcast->end();
}

// Publishers.

void Shard::claim(ingest::PublishRequest request, ingest::ClaimAnswer answer) {
  Hop hop = Hop::on;
  if (const auto passed_on = passed_on_of(request.key, request.parameters, node_.secret(), loop_.wall_now())) {
    if (!*passed_on) {
      return answer(std::unexpected(ingest::Refusal{ingest::RefusalReason::wrong_key, passed_on->error().message}));
    }
    request.peer = (*passed_on)->peer;
    hop = (*passed_on)->hop;
  }
  auto claimed = [this, request, answer = std::move(answer)](auto where) mutable {
    if (!where) return answer(std::unexpected(where.error()));
    if (auto* to = std::get_if<RelayTo>(&*where)) {
      loop_.post([this, request = std::move(request), to = std::move(*to), answer = std::move(answer)]() mutable {
        relays_.begin(std::move(request), std::move(to), std::move(answer));
      });
      return;
    }
    const auto& place = std::get<Registry::Place>(*where);
    // The home hears of the publisher before the connection may send: posts arrive in order.
    world_.on_shard(place.home, [place, port = request.publisher](Shard& home) { home.publisher_began(place, port); });
    answer(ingest::Accepted{place.channel, std::make_unique<ToHome>(world_, loop_, place)});
  };
  world_.on_registry(
      [index = index_, hop, request = std::move(request), claimed = std::move(claimed)](Registry& registry) mutable {
        registry.claim(std::move(request), index, hop, std::move(claimed));
      });
}

void Shard::play(wire::rtmp::PlayRequest request, std::unique_ptr<net::Connection> connection) {
  push_.play(std::move(request), std::move(connection));
}

void Shard::publisher_began(const Registry::Place& place, std::shared_ptr<ingest::Publisher> port) {
  const std::string& channel = place.channel;
  Home& home = homes_[channel];
  if (place.audience) {
    // Who watches what is for everybody has nothing by which he could go on watching.
    const bool other = home.broadcast && !home.broadcast->ended() && origin_.audience_of(channel) != *place.audience;
    if (other) home.broadcast->end();
    origin_.add_channel(channel, *place.audience);
  }
  if (!home.broadcast || home.broadcast->ended()) {
    home.broadcast =
        std::make_unique<BroadcastHome>(loop_, origin_, channel, config_, place.epoch, place.goes_on,
                                        broadcast_metrics_, workers_.get(), [this, channel] { bury(channel); });
  } else if (home.publisher != 0) {
    home.broadcast->publisher_gone();  // displaced by this one
  }
  home.publisher = home.last_publisher = place.publisher;
  home.port = std::move(port);
  home.broadcast->publisher_began();
}

void Shard::on_message(const std::string& channel, ingest::PublisherId publisher, const ingest::MediaMessage& message) {
  const auto found = homes_.find(channel);
  if (found == homes_.end() || found->second.publisher != publisher) return;
  BroadcastHome& broadcast = *found->second.broadcast;
  const MediaTime newest = broadcast.newest();
  if (auto refusal = broadcast.on_message(message)) found->second.port->refuse(std::move(*refusal));
  if (broadcast.newest() > newest) rooms_.stamp(channel, broadcast.newest());
}

void Shard::publisher_gone(const std::string& channel, ingest::PublisherId publisher) {
  const auto found = homes_.find(channel);
  if (found == homes_.end() || found->second.publisher != publisher) return;
  found->second.publisher = 0;
  found->second.port = nullptr;
  found->second.broadcast->publisher_gone();
}

void Shard::end_broadcast(const std::string& channel) {
  const auto found = homes_.find(channel);
  if (found == homes_.end() || !found->second.broadcast || found->second.broadcast->ended()) return;
  found->second.publisher = 0;  // who was told to go may still be speaking
  found->second.port = nullptr;
  found->second.broadcast->end();
}

void Shard::bury(const std::string& channel) {
  // In a later turn: the broadcast is still on the stack.
  loop_.post([this, channel] {
    const auto found = homes_.find(channel);
    if (found == homes_.end() || !found->second.broadcast->ended()) return;  // the next one lives here already
    world_.on_registry([channel, publisher = found->second.last_publisher](Registry& registry) {
      registry.ended(channel, publisher);
    });
    homes_.erase(found);
    logging::info("broadcast over", {{"channel", channel}});
  });
}

// Mirrors: broadcasts that live on other shards.

void Shard::on_status(const std::string& channel, const origin::Status& status) {
  elsewhere_.erase(channel);
  if (status.state == origin::ChannelState::ended) {
    rooms_.end(channel);
  } else if (!status.broadcast.empty()) {
    rooms_.begin(channel, status.broadcast);
  }
  world_.on_studio([channel, status](Studio& studio) { studio.on_status(channel, status); });
  world_.on_cluster([channel, status, audience = origin_.audience_of(channel)](Cluster& cluster) {
    cluster.on_status(channel, status, audience);
  });
  for (ShardIndex other = 0; other < world_.shards(); ++other) {
    if (other == index_) continue;
    world_.on_shard(other, [channel, status, audience = origin_.audience_of(channel), home = index_](Shard& shard) {
      shard.announce(channel, home, status, audience);
    });
  }
}

void Shard::announce(const std::string& channel, ShardIndex home, const origin::Status& status,
                     media::Audience audience) {
  origin_.add_channel(channel, audience);
  Elsewhere& elsewhere = elsewhere_[channel];
  if (elsewhere.home != home || elsewhere.broadcast != status.broadcast) {
    elsewhere = {.home = home, .broadcast = status.broadcast};
  }
  origin_.announce(channel, status);
}

void Shard::on_elsewhere(const std::string& channel, const std::string& node, origin::Status status,
                         media::Audience audience) {
  routes_.place(channel, node);
  // What began here since then is told by its home.
  if (const auto here = homes_.find(channel); here != homes_.end() && !here->second.broadcast->ended()) return;
  if (node.empty() && elsewhere_.contains(channel)) return;
  const bool given = std::ranges::find(config_.channels, channel, &Channel::name) != config_.channels.end();
  // An account's: when it is over, too, it is not there for who may not watch it.
  if (!origin_.has_channel(channel) || (!given && !node.empty())) origin_.add_channel(channel, audience);
  status.version = origin_.status(channel).version + 1;
  origin_.announce(channel, status);
}

void Shard::hear_revocations_of(const std::string& node) {
  heard_revocations_.reset();
  heard_revocations_ = std::make_unique<HeardRevocations>(
      loop_, [this, node](media::PushSink& sink) { return routes_.subscribe_at(node, edge::revocations_topic, sink); },
      [this](const media::GuestsRevoked& revoked) { revocations_.apply(revoked); });
}

void Shard::mirror_wanted(const std::string& channel) {
  const auto found = elsewhere_.find(channel);
  if (found == elsewhere_.end() || found->second.mirror != Mirror::none) return;
  found->second.mirror = Mirror::joining;
  world_.on_shard(found->second.home, [channel, follower = index_](Shard& home) { home.follow(channel, follower); });
  unwatched_.arm(loop_.now() + unwatched_max);
}

void Shard::follow(const std::string& channel, ShardIndex follower) {
  auto send = [this, channel, follower](std::vector<media::Record> records) {
    world_.on_shard(follower, [channel, home = index_, records = std::move(records)](Shard& shard) {
      shard.on_mirrored(channel, home, records);
    });
  };
  if (const auto found = homes_.find(channel); found != homes_.end()) {
    found->second.broadcast->follow(follower, std::move(send));
  } else if (const origin::Window* ended = origin_.window(channel)) {
    send(replay_of(*ended));
  }
}

void Shard::unfollow(const std::string& channel, ShardIndex follower) {
  if (const auto found = homes_.find(channel); found != homes_.end()) found->second.broadcast->unfollow(follower);
}

void Shard::rung_wanted(const std::string& channel) {
  const auto found = elsewhere_.find(channel);
  // In a later turn: a rung that comes back writes records.
  if (found == elsewhere_.end()) return loop_.post([this, channel] { want_ladder(channel); });
  world_.on_shard(found->second.home, [channel](Shard& home) { home.want_ladder(channel); });
}

void Shard::want_ladder(const std::string& channel) {
  if (const auto found = homes_.find(channel); found != homes_.end()) found->second.broadcast->want_ladder();
}

void Shard::on_mirrored(const std::string& channel, ShardIndex home, const std::vector<media::Record>& records) {
  const auto found = elsewhere_.find(channel);
  if (found == elsewhere_.end() || found->second.home != home || records.empty()) return;
  Mirror& mirror = found->second.mirror;
  if (mirror == Mirror::joining && std::holds_alternative<media::BroadcastBegun>(records.front())) {
    mirror = Mirror::present;
    origin_.begin_mirror(channel, records, loop_.now());
  } else if (mirror == Mirror::present) {
    for (const media::Record& record : records) origin_.apply(channel, record, loop_.now());
  }
}

void Shard::on_engine(std::move_only_function<void(edge::Engine&)> work) {
  work(engine_);
  edge_.arm();
}

void Shard::let_go_of_unwatched() {
  bool any_left = false;
  for (auto& [name, elsewhere] : elsewhere_) {
    if (elsewhere.mirror != Mirror::present) continue;
    if (loop_.now() - origin_.last_asked(name) < unwatched_max || live_.is_followed(name)) {
      any_left = true;
      continue;
    }
    elsewhere.mirror = Mirror::none;
    origin_.drop_mirror(name);
    world_.on_shard(elsewhere.home,
                    [channel = name, follower = index_](Shard& home) { home.unfollow(channel, follower); });
  }
  if (any_left) unwatched_.arm(loop_.now() + unwatched_max / 4);
}

// Viewers.

void Shard::serve(const http::Request& request, http::Responder responder) {
  if (request.path == "/live/index.json") return responder.respond(list());
  const bool elsewhere = routes_.is_elsewhere(channel_of_target(wire::path_behind_token(request.path)));
  if (RoomGate::is_its(request.path) && !elsewhere) return room_gate_.serve(request, std::move(responder));
  if (request.path.starts_with(revocation_prefix)) return serve_revocation(request, std::move(responder));
  if (!rooms_.is_its(wire::path_behind_token(request.path))) return push_.serve(request, std::move(responder));
  auto entry = edge_.enter(request, responder);
  if (!entry) return;
  http::Request asked = request;
  asked.path = entry->path;
  if (elsewhere) return far_rooms_->serve(asked, std::move(entry->pass), std::move(responder));
  rooms_.serve(asked, std::move(entry->pass), std::move(responder));
}

// Whoever comes to the cache from elsewhere with something for a room has proved that he is a node (edge/server.h).
void Shard::AtHome::serve(const http::Request& request, http::Responder responder) {
  if (RoomGate::is_its(request.path)) return shard_.room_gate_.take(request, std::move(responder));
  shard_.live_.serve(request, std::move(responder));
}

// Asked by `klieg token --revoke`, which proves itself as a node does: the proof covers the target.
void Shard::serve_revocation(const http::Request& request, http::Responder responder) {
  if (request.method != http::Method::post) {
    return responder.respond(http::Response::not_allowed("POST"));
  }
  if (node_.trust_in(request) != edge::Trust::node) {
    return responder.respond(http::Response::text(403, "this is for who has the nodes' secret\n"));
  }
  auto revoked = read_revocation(request.path, request.query);
  if (!revoked || !config_.is_private(revoked->channel)) {
    return responder.respond(http::Response::text(404, "there is no such private channel\n"));
  }
  world_.revoke(*revoked, [&world = world_, index = index_,
                           kept = std::move(responder)](const store::Outcome<void>& outcome) mutable {
    http::Response answer = outcome ? http::Response::text(200, "revoked\n")
                                    : http::Response::text(503, "it was not done: " + outcome.error().message + "\n");
    world.post_to_shard(index, [kept = std::move(kept), answer = std::move(answer)](Shard&) mutable {
      kept.respond(std::move(answer));
    });
  });
}

std::string Shard::broadcast_of(std::string_view channel) const {
  const std::string name(channel);
  if (!origin_.has_channel(name)) return "";
  const origin::Status& status = origin_.status(name);
  const bool on_air = status.state == origin::ChannelState::live || status.state == origin::ChannelState::paused;
  return on_air ? status.broadcast : "";
}

ShardIndex Shard::home_of(std::string_view channel) const {
  const auto found = elsewhere_.find(channel);
  return found == elsewhere_.end() ? index_ : found->second.home;
}

studio::Proof Shard::proof_of(const http::Request& request) const {
  return studio::proof_of(call_of(request, config_.trusted_addresses));
}

http::Response Shard::list() const {
  nlohmann::json channels = nlohmann::json::array();
  for (const std::string& name : public_names_of(config_)) {
    channels.push_back({{"name", name}, {"state", name_of(origin_.status(name).state)}});
  }
  static const auto headers = std::make_shared<const http::HeaderBlock>(http::HeaderBlock{
      {"content-type", "application/json"}, {"cache-control", "no-store"}, {"access-control-allow-origin", "*"}});
  http::Response response;
  response.headers = headers;
  response.body = Bytes::take(nlohmann::json{{"channels", std::move(channels)}}.dump() + "\n");
  return response;
}

}  // namespace klieg::cli

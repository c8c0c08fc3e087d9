#include "cli/world.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/assert.h"
#include "bus/in_process.h"
#include "bus/nats.h"
#include "cli/database.h"
#include "cli/first_run.h"
#include "cli/node.h"
#include "studio/revocation_records.h"

namespace klieg::cli {
namespace {

ingest::SlotPolicy slot_policy(const Config& config) {
  ingest::SlotPolicy policy;
  policy.takeover = config.takeover;
  policy.return_within = std::chrono::seconds(config.rejoin_window_s);
  return policy;
}

constexpr Duration hear_revoked_again_after = 1s;

std::unique_ptr<bus::Bus> make_bus(net::Loop& loop, const Config& config, Metrics& metrics) {
  if (config.bus_nats.empty()) return std::make_unique<bus::InProcess>();
  auto settings = bus::nats_settings_of(config.bus_nats);
  KLIEG_ASSERT(settings, "settings were read and found right");
  settings->name = config.node_name;
  return std::make_unique<bus::Nats>(loop, std::move(*settings), random_seed(), metrics);
}

}  // namespace

World::World(const Config& config)
    : room_(config.ladder_cores_percent / 100.0 * std::max(1u, std::thread::hardware_concurrency())),
      push_admission_({config.push_viewers_max, config.push_admit}),
      config_(config),
      process_(config, metrics_) {
  const SipKey key{random_seed(), random_seed()};
  std::vector<edge::LoopLoad*> loads;
  for (ShardIndex i = 0; i < loops_of(config); ++i) {
    shards_.push_back(std::make_unique<Shard>(*this, i, config, key, metrics_));
    process_.add(*shards_.back());
    loads.push_back(&shards_.back()->load());
  }
  bus_ = make_bus(shards_.front()->loop(), config, metrics_);
  load_ = std::make_unique<edge::NodeLoad>(std::move(loads), node_name_of(config),
                                           uint64_t{config.egress_capacity_mbps} * 1'000'000, *bus_, metrics_);
  registry_ = std::make_unique<Registry>(shards_.front()->loop(), config.channels, slot_policy(config));
}

World::~World() {
  process_.stop();
  stopped_ = true;
}

Result<std::string> World::start() {
  if (auto opened = open_store(); !opened) return std::unexpected(opened.error());
  if (!config_.bus_nats.empty()) {
    cluster_ = std::make_unique<Cluster>(*this, shards_.front()->loop(), *bus_, store_.get(), config_, metrics_);
    registry_->ask(*cluster_);
  }
  auto ready = process_.start({Door::http, Door::https, Door::rtmp, Door::rtmps});
  if (!ready) return ready;
  const auto reached = [this](Door door) {
    const net::Endpoint* place = process_.place_of(door);
    return place ? net::Endpoint{reached_at(config_), place->port}.text() : "";
  };
  on_cluster([http = reached(Door::http), rtmp = reached(Door::rtmp)](Cluster& cluster) { cluster.open(http, rtmp); });
  return ready;
}

Drained World::drain(Duration time_max) {
  on_cluster([](Cluster& cluster) { cluster.leave(); });
  on_studio([](Studio& studio) { studio.hold_no_more(); });
  return process_.drain(time_max);
}

Result<void> World::open_store() {
  auto directory = DataDirectory::take(config_.data);
  if (!directory) return std::unexpected(directory.error());
  directory_ = std::move(*directory);
  if (!config_.asks_database()) return {};
  auto opened = open_database(config_);
  if (!opened) return std::unexpected(opened.error());
  told_once_ = std::move(opened->told_once);
  if (auto given = give_path_secret(); !given) return given;
  for (const media::GuestsRevoked& one : opened->revoked) {
    for (const auto& shard : shards_) shard->on_revoked(one);  // their loops do not run yet
  }
  registry_->go_on(std::move(opened->lives));
  const bool comes_later = static_cast<bool>(opened->begin);
  store_ = std::make_unique<store::Worker>(std::move(opened->database), std::move(opened->begin));
  asker_ = std::make_unique<store::Asker>(shards_.front()->loop(), *store_);
  hear_revoked_again_.emplace(shards_.front()->loop(), [this] { hear_revoked(); });
  if (comes_later) post_to_shard(0, [this](Shard&) { hear_revoked(); });
  if (has_accounts(config_)) {
    studio_ = std::make_unique<Studio>(*this, shards_.front()->loop(), *store_, metrics_, config_, path_secret_);
    registry_->ask(*studio_);
  }
  return {};
}

// The loops do not run yet.
Result<void> World::give_path_secret() {
  path_secret_ = config_.node_secret;
  if (path_secret_.empty() && has_accounts(config_)) {
    auto secret = path_secret_of(config_.data);
    if (!secret) return std::unexpected(secret.error());
    path_secret_ = std::move(*secret);
  }
  for (const auto& shard : shards_) shard->set_path_secret(path_secret_);
  return {};
}

// Of a database that came later: until then links that were taken back are good, for nobody knows of it.
void World::hear_revoked(const std::optional<std::string>& channel) {
  const auto work = [channel, now = shards_.front()->loop().wall_now()](store::Database& database) {
    return channel ? studio::list_revocations(database, *channel) : studio::list_revocations(database, now);
  };
  asker_->ask<std::vector<media::GuestsRevoked>>(work, [this](auto revoked) {
    if (!revoked) return hear_revoked_again_->arm(shards_.front()->loop().now() + hear_revoked_again_after);
    for (const media::GuestsRevoked& one : *revoked) on_revoked(one);
  });
}

void World::tell_revoked(const media::GuestsRevoked& revoked) {
  on_revoked(revoked);
  on_cluster([channel = revoked.channel](Cluster& cluster) { cluster.admission_changed(channel); });
}

void World::on_revoked(const media::GuestsRevoked& revoked) {
  on_every_shard([revoked](Shard& shard) { shard.on_revoked(revoked); });
}

void World::on_every_shard(const std::function<void(Shard&)>& work) {
  for (ShardIndex index = 0; index < shards(); ++index) on_shard(index, work);
}

void World::on_shard(ShardIndex index, std::move_only_function<void(Shard&)> work) {
  if (stopped_) return;
  Shard& shard = *shards_.at(index);
  shard.loop().dispatch([&shard, work = std::move(work)]() mutable { work(shard); });
}

void World::post_to_shard(ShardIndex index, std::move_only_function<void(Shard&)> work) {
  if (stopped_) return;
  Shard& shard = *shards_.at(index);
  shard.loop().post([&shard, work = std::move(work)]() mutable { work(shard); });
}

void World::on_studio(std::move_only_function<void(Studio&)> work) {
  if (stopped_ || !studio_) return;
  shards_.front()->loop().dispatch([this, work = std::move(work)]() mutable { work(*studio_); });
}

void World::revoke(const media::GuestsRevoked& revoked, Revoked done) {
  on_shard(0, [this, revoked, done = std::move(done)](Shard&) mutable {
    if (!asker_) return done(store::failed(store::FailureKind::unavailable, "this node asks no database; ask another"));
    asker_->ask<void>([revoked](store::Database& database) { return studio::write_revocation(database, revoked); },
                      [this, revoked, done = std::move(done)](store::Outcome<void> kept) mutable {
                        if (kept) tell_revoked(revoked);
                        done(std::move(kept));
                      });
  });
}

void World::on_cluster(std::move_only_function<void(Cluster&)> work) {
  if (stopped_ || !cluster_) return;
  shards_.front()->loop().dispatch([this, work = std::move(work)]() mutable { work(*cluster_); });
}

void World::end_carried_by(int64_t key) { end_at(registry_->end_carried_by(key)); }

void World::end_broadcast(const std::string& channel, const ingest::Refusal& why) {
  end_at(registry_->end(channel, why));
}

void World::lose_broadcast(const std::string& channel, const ingest::Refusal& why) {
  const auto place = registry_->end(channel, why);
  if (!place) return;
  on_shard(place->home, [channel](Shard& home) {
    home.rooms().lose(channel);
    home.end_broadcast(channel);
  });
}

void World::end_at(const std::optional<Registry::Place>& place) {
  if (!place) return;
  on_shard(place->home, [channel = place->channel](Shard& home) { home.end_broadcast(channel); });
}

void World::on_registry(std::move_only_function<void(Registry&)> work) {
  if (stopped_) return;
  shards_.front()->loop().dispatch([this, work = std::move(work)]() mutable { work(*registry_); });
}

}  // namespace klieg::cli

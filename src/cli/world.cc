#include "cli/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "cli/first_run.h"
#include "cli/node.h"
#include "store/migrate.h"
#include "store/sqlite.h"
#include "studio/broadcast_records.h"
#include "wire/http_list.h"

namespace klieg::cli {
namespace {

ingest::SlotPolicy slot_policy(const Config& config) {
  ingest::SlotPolicy policy;
  policy.takeover = config.takeover;
  policy.return_within = std::chrono::seconds(config.rejoin_window_s);
  return policy;
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
  load_ = std::make_unique<edge::NodeLoad>(std::move(loads), node_name_of(config),
                                           uint64_t{config.egress_capacity_mbps} * 1'000'000, bus_, metrics_);
  registry_ = std::make_unique<Registry>(shards_.front()->loop(), config.channels, slot_policy(config));
}

World::~World() {
  process_.stop();
  stopped_ = true;
}

Result<std::string> World::start() {
  if (auto opened = open_store(); !opened) return std::unexpected(opened.error());
  return process_.start({Door::http, Door::https, Door::rtmp, Door::rtmps});
}

Result<void> World::open_store() {
  auto directory = DataDirectory::take(config_.data);
  if (!directory) return std::unexpected(directory.error());
  directory_ = std::move(*directory);
  auto database = store::open_sqlite(config_.data + "/klieg.db");
  if (!database) return fail(database.error().message);
  const WallTime now = read_wall_clock();
  if (const auto migrated = store::migrate(**database, now); !migrated) return fail(migrated.error().message);
  if (const auto done = RoomJournal::forget_old(**database, now); !done) return fail(done.error().message);
  if (has_accounts(config_)) {
    if (const auto begun = begin_accounts(**database, now); !begun) return begun;
  }
  const auto revoked = kept_revocations(**database, now);
  if (!revoked) return fail(revoked.error().message);
  for (const media::GuestsRevoked& one : *revoked) {
    for (const auto& shard : shards_) shard->on_revoked(one);  // their loops do not run yet
  }
  store_ = std::make_unique<store::Worker>(std::move(*database));
  asker_ = std::make_unique<store::Asker>(shards_.front()->loop(), *store_);
  if (has_accounts(config_)) {
    studio_ = std::make_unique<Studio>(*this, shards_.front()->loop(), *store_, config_);
    registry_->ask(*studio_);
  }
  return {};
}

Result<void> World::begin_accounts(store::Database& database, WallTime now) {
  for (const Channel& channel : config_.channels) {
    const auto account = studio::find_account(database, wire::lower_case(channel.name));
    if (!account) return fail(account.error().message);
    if (*account) return fail(fmt::format("channel '{}' has the name of an account; give it another", channel.name));
  }
  if (const auto ended = studio::end_all(database, now); !ended) return fail(ended.error().message);
  const auto first =
      studio::make_first_account_once(database, std::string(first_account_name), config_.password_cost, now);
  if (!first) return fail(first.error().message);
  if (!*first) return {};
  if (config_.log_format == logging::Format::text) {
    told_once_ = account_lines(**first);
    return {};
  }
  return keep_first_account(config_.data, **first);
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
    asker_->ask<void>([revoked](store::Database& database) { return keep(database, revoked); },
                      [this, revoked, done = std::move(done)](store::Outcome<void> kept) mutable {
                        for (ShardIndex i = 0; kept && i < shards(); ++i) {
                          on_shard(i, [revoked](Shard& shard) { shard.on_revoked(revoked); });
                        }
                        done(std::move(kept));
                      });
  });
}

void World::on_registry(std::move_only_function<void(Registry&)> work) {
  if (stopped_) return;
  shards_.front()->loop().dispatch([this, work = std::move(work)]() mutable { work(*registry_); });
}

}  // namespace klieg::cli

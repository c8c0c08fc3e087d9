#include "cli/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <semaphore>
#include <utility>

#include "base/logging.h"

namespace klieg::cli {
namespace {

ingest::SlotPolicy slot_policy(const ServeConfig& config) {
  ingest::SlotPolicy policy;
  policy.takeover = config.takeover;
  policy.return_within = std::chrono::seconds(config.rejoin_window_s);
  return policy;
}

net::ListenerLimits listener_limits(const ServeConfig& config, net::PortUse port_use) {
  net::ListenerLimits limits;
  limits.port_use = port_use;
  limits.connections_max = config.connections_max;
  limits.congestion_control = config.congestion_control;
  return limits;
}

}  // namespace

World::World(const ServeConfig& config)
    : config_(config),
      room_(config.ladder_cores_percent / 100.0 * std::max(1u, std::thread::hardware_concurrency())),
      admin_(metrics_, readiness_) {
  const uint32_t loops = config.loops != 0 ? config.loops : std::max(1u, std::thread::hardware_concurrency());
  for (ShardIndex i = 0; i < loops; ++i) shards_.push_back(std::make_unique<Shard>(*this, i, config, metrics_));
  registry_ = std::make_unique<Registry>(shards_.front()->loop(), config.channels, slot_policy(config));
}

World::~World() {
  for (auto& shard : shards_) shard->loop().stop();
  for (std::thread& thread : threads_) thread.join();
  stopped_ = true;
}

Result<std::string> World::start() {
  if (auto opened = open_doors(); !opened) return std::unexpected(opened.error());
  for (auto& shard : shards_) threads_.emplace_back([&loop = shard->loop()] { loop.run(); });
  readiness_ = Readiness::ready;
  return ready_line_;
}

Result<void> World::open_doors() {
  if (!config_.tls_cert.empty()) {
    auto https = net::TlsServer::load(config_.tls_cert, config_.tls_key, {"h2", "http/1.1"});
    if (!https) return std::unexpected(https.error());
    https_certificate_ = *https;
    auto rtmps = net::TlsServer::load(config_.tls_cert, config_.tls_key, {});
    if (!rtmps) return std::unexpected(rtmps.error());
    rtmps_certificate_ = *rtmps;
  }
  for (const auto& [door, name, where] :
       {std::tuple(Shard::Door::http, "http", &config_.http), std::tuple(Shard::Door::https, "https", &config_.https),
        std::tuple(Shard::Door::rtmp, "rtmp", &config_.rtmp),
        std::tuple(Shard::Door::rtmps, "rtmps", &config_.rtmps)}) {
    if (where->empty()) continue;
    if (auto opened = open(door, name, *where); !opened) return opened;
  }
  return config_.admin.empty() ? Result<void>() : open_admin();
}

Result<void> World::open(Shard::Door door, std::string_view name, const std::string& where) {
  auto endpoint = net::Endpoint::parse(where);
  if (!endpoint) return std::unexpected(endpoint.error());
  const auto tls = door == Shard::Door::https   ? https_certificate_
                   : door == Shard::Door::rtmps ? rtmps_certificate_
                                                : nullptr;
  if (shards_.size() > 1) {
    // Shards share the port. Taking it alone first finds out whether another program has it, and picks one for port 0.
    auto probe = net::Listener::listen(shards_.front()->loop(), *endpoint, nullptr,
                                       listener_limits(config_, net::PortUse::exclusive), [](auto) {});
    if (!probe) return fail(fmt::format("{} {}: {}", name, where, probe.error().message));
    endpoint->port = (*probe)->local().port;
  }
  const auto port_use = shards_.size() > 1 ? net::PortUse::shared : net::PortUse::exclusive;
  for (auto& shard : shards_) {
    auto local = shard->open(door, *endpoint, tls, listener_limits(config_, port_use));
    if (!local) return fail(fmt::format("{} {}: {}", name, where, local.error().message));
    *endpoint = *local;
  }
  ready_line_ += fmt::format(" {}={}", name, endpoint->text());
  return {};
}

Result<void> World::open_admin() {
  auto endpoint = net::Endpoint::parse(config_.admin);
  if (!endpoint) return std::unexpected(endpoint.error());
  net::Loop& loop = shards_.front()->loop();
  admin_http_ = http::Server::make(loop, admin_, http::Limits(), metrics_);
  auto listener = net::Listener::listen(loop, *endpoint, nullptr, listener_limits(config_, net::PortUse::exclusive),
                                        [this](auto connection) { admin_http_->accept(std::move(connection)); });
  if (!listener) return fail(fmt::format("admin {}: {}", config_.admin, listener.error().message));
  admin_listener_ = std::move(*listener);
  ready_line_ += fmt::format(" admin={}", admin_listener_->local().text());
  return {};
}

void World::reload_certificates() {
  for (const auto& certificate : {https_certificate_, rtmps_certificate_}) {
    if (!certificate) continue;
    if (auto reloaded = certificate->reload(); !reloaded) {
      logging::error("certificate not reloaded, the old one stays", {{"why", reloaded.error().message}});
    } else {
      logging::info("certificate reloaded");
    }
  }
}

Drained World::drain(Duration time_max) {
  readiness_ = Readiness::draining;
  // Shared with the callbacks: one that comes after the time is up finds it still there.
  auto drained = std::make_shared<std::counting_semaphore<>>(0);
  for (auto& shard : shards_) {
    shard->loop().post([&shard, drained] { shard->drain([drained] { drained->release(); }); });
  }
  const auto deadline = std::chrono::steady_clock::now() + time_max;
  for (size_t i = 0; i < shards_.size(); ++i) {
    if (!drained->try_acquire_until(deadline)) return Drained::out_of_time;
  }
  return Drained::completely;
}

void World::on_shard(ShardIndex index, std::move_only_function<void(Shard&)> work) {
  if (stopped_) return;
  Shard& shard = *shards_.at(index);
  shard.loop().dispatch([&shard, work = std::move(work)]() mutable { work(shard); });
}

void World::on_registry(std::move_only_function<void(Registry&)> work) {
  if (stopped_) return;
  shards_.front()->loop().dispatch([this, work = std::move(work)]() mutable { work(*registry_); });
}

}  // namespace klieg::cli

#include "cli/process.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <semaphore>
#include <utility>

#include "base/logging.h"

namespace klieg::cli {
namespace {

Error no_place(std::string_view door, const Error& error) {
  return Error{fmt::format("--{}: {}", door, error.message)};
}

net::ListenerLimits listener_limits(const Config& config, net::PortUse port_use) {
  net::ListenerLimits limits;
  limits.port_use = port_use;
  limits.connections_max = config.connections_max;
  limits.congestion_control = config.congestion_control;
  return limits;
}

std::string_view name_of(Door door) {
  constexpr std::array<std::string_view, 4> names{"http", "https", "rtmp", "rtmps"};
  return names[static_cast<size_t>(door)];
}

const std::string& wished_place_of(const Config& config, Door door) {
  switch (door) {
    case Door::http:
      return config.http;
    case Door::https:
      return config.https;
    case Door::rtmp:
      return config.rtmp;
    case Door::rtmps:
      return config.rtmps;
  }
  return config.http;
}

}  // namespace

size_t loops_of(const Config& config) {
  return config.loops != 0 ? config.loops : std::max(1u, std::thread::hardware_concurrency());
}

Process::Process(const Config& config, Metrics& metrics)
    : config_(config), metrics_(metrics), admin_(metrics, readiness_) {}

Process::~Process() { stop(); }

void Process::stop() {
  for (LoopHouse* house : houses_) house->loop().stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

Result<std::string> Process::start(const std::vector<Door>& doors) {
  if (auto loaded = load_certificates(); !loaded) return std::unexpected(loaded.error());
  for (const Door door : doors) {
    if (wished_place_of(config_, door).empty()) continue;
    if (auto opened = open(door); !opened) return std::unexpected(opened.error());
  }
  if (!config_.admin.empty()) {
    if (auto opened = open_admin(); !opened) return std::unexpected(opened.error());
  }
  for (LoopHouse* house : houses_) threads_.emplace_back([&loop = house->loop()] { loop.run(); });
  readiness_ = Readiness::ready;
  return ready_line_;
}

const net::Endpoint* Process::place_of(Door door) const {
  const auto found = places_.find(door);
  return found == places_.end() ? nullptr : &found->second;
}

Result<void> Process::load_certificates() {
  if (config_.tls_cert.empty()) return {};
  auto https = net::TlsServer::load(config_.tls_cert, config_.tls_key, {"h2", "http/1.1"});
  if (!https) return std::unexpected(https.error());
  https_certificate_ = *https;
  auto rtmps = net::TlsServer::load(config_.tls_cert, config_.tls_key, {});
  if (!rtmps) return std::unexpected(rtmps.error());
  rtmps_certificate_ = *rtmps;
  return {};
}

Result<void> Process::open(Door door) {
  const std::string& place = wished_place_of(config_, door);
  auto endpoint = net::Endpoint::parse(place);
  if (!endpoint) return std::unexpected(endpoint.error());
  const auto tls = door == Door::https ? https_certificate_ : door == Door::rtmps ? rtmps_certificate_ : nullptr;
  if (houses_.size() > 1) {
    // Shards share the port. Taking it alone first finds out whether another program has it, and picks one for port 0.
    auto probe = net::Listener::listen(houses_.front()->loop(), *endpoint, nullptr,
                                       listener_limits(config_, net::PortUse::exclusive), [](auto) {});
    if (!probe) return std::unexpected(no_place(name_of(door), probe.error()));
    endpoint->port = (*probe)->local().port;
  }
  const auto port_use = houses_.size() > 1 ? net::PortUse::shared : net::PortUse::exclusive;
  for (LoopHouse* house : houses_) {
    auto local = house->open(door, *endpoint, tls, listener_limits(config_, port_use));
    if (!local) return std::unexpected(no_place(name_of(door), local.error()));
    *endpoint = *local;
  }
  places_.insert_or_assign(door, *endpoint);
  ready_line_ += fmt::format(" {}={}", name_of(door), endpoint->text());
  return {};
}

Result<void> Process::open_admin() {
  auto endpoint = net::Endpoint::parse(config_.admin);
  if (!endpoint) return std::unexpected(endpoint.error());
  net::Loop& loop = houses_.front()->loop();
  admin_http_ = http::Server::make(loop, admin_, http::Limits(), metrics_);
  auto listener = net::Listener::listen(loop, *endpoint, nullptr, listener_limits(config_, net::PortUse::exclusive),
                                        [this](auto connection) { admin_http_->accept(std::move(connection)); });
  if (!listener) return std::unexpected(no_place("admin", listener.error()));
  admin_listener_ = std::move(*listener);
  ready_line_ += fmt::format(" admin={}", admin_listener_->local().text());
  return {};
}

void Process::reload_certificates() {
  for (const auto& certificate : {https_certificate_, rtmps_certificate_}) {
    if (!certificate) continue;
    if (auto reloaded = certificate->reload(); !reloaded) {
      logging::error("certificate not reloaded, the old one stays", {{"why", reloaded.error().message}});
    } else {
      logging::info("certificate reloaded");
    }
  }
}

Drained Process::drain(Duration time_max) {
  readiness_ = Readiness::draining;
  // Shared with the callbacks: one that comes after the time is up finds it still there.
  auto drained = std::make_shared<std::counting_semaphore<>>(0);
  for (LoopHouse* house : houses_) {
    house->loop().post([house, drained] { house->drain([drained] { drained->release(); }); });
  }
  const auto deadline = std::chrono::steady_clock::now() + time_max;
  for (size_t i = 0; i < houses_.size(); ++i) {
    if (!drained->try_acquire_until(deadline)) return Drained::out_of_time;
  }
  return Drained::completely;
}

}  // namespace klieg::cli

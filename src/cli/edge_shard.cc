#include "cli/edge_shard.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "cli/api_door.h"
#include "cli/first_run.h"
#include "wire/path_token.h"

namespace klieg::cli {
namespace {

edge::EngineSettings engine_settings(const Config& config) {
  edge::EngineSettings settings;
  settings.node = config.node_name;
  settings.bytes_max = (uint64_t{config.cache_mb} << 20) / loops_of(config);
  settings.hold_paths = config.hold_paths;
  settings.hold_max = std::chrono::milliseconds(config.hold_max_ms);
  settings.topic_kept = std::chrono::seconds(config.topic_kept_s);
  const auto parent =
      edge::parse_parent_url(config.parents.empty() ? "http://" + config.peers.front() : config.parents.front());
  KLIEG_ASSERT(parent, "settings were read and found right");
  settings.scheme = parent->tls == net::TlsClient::none ? "http" : "https";
  settings.authority = parent->authority;
  return settings;
}

}  // namespace

EdgeShard::EdgeShard(const Config& config, const SipKey& key, push::Admission& push_admission, Metrics& metrics)
    : config_(config),
      push_admission_(push_admission),
      metrics_(metrics),
      node_(config, loop_, metrics),
      clock_(loop_),
      door_(loop_, "http", config.address_limits, config.trusted_addresses, key, metrics),
      rtmp_door_(loop_, "rtmp", {.connections_max = config.rtmp_connections_per_address_max, .requests_per_s_max = 0},
                 config.trusted_addresses, key, metrics),
      load_(loop_, key),
      hosts_([this] { return loop_.now(); }, random_seed()) {}

edge::Parent& EdgeShard::add_parent(const std::string& url, const std::shared_ptr<const net::TlsCredentials>& trust) {
  auto peer = edge::parse_parent_url(url);
  KLIEG_ASSERT(peer, "settings were read and found right");
  peer->credentials = trust;
  return *parents_.emplace_back(
      std::make_unique<edge::Parent>(loop_, *peer, believed_here() ? &node_ : nullptr, metrics_));
}

void EdgeShard::join(const std::vector<std::unique_ptr<EdgeShard>>& all,
                     std::shared_ptr<const net::TlsCredentials> trust, edge::Disk* disk) {
  if (config_.layer != Layer::cache) {
    for (const std::string& host : config_.peers) {
      const bool ourselves = config_.layer == Layer::both && host == config_.http;
      edge::Parent* peer = ourselves ? nullptr : &add_parent("http://" + host, trust);
      hosts_.add_cache_host(host, peer, peer);
    }
  }
  for (const std::string& url : config_.parents) {
    edge::Parent& parent = add_parent(url, trust);
    hosts_.add_parent(url, parent, &parent);
  }
  std::vector<edge::LoopParent*> by_loop;
  std::vector<EdgeShard*> others;
  for (const auto& shard : all) {
    auto& sibling = siblings_.emplace_back();
    if (shard.get() != this) {
      others.push_back(shard.get());
      sibling = std::make_unique<edge::LoopParent>(
          loop_, [home = shard.get()](auto work) { home->on_engine(std::move(work)); });
    }
    by_loop.push_back(sibling.get());
  }
  // Without a secret no parent believes us, so none would let us subscribe.
  media::TopicSource* topics = believed_here() ? &hosts_ : nullptr;
  edge::Routes* upward = &hosts_;
  if (disk) {
    disk_ = std::make_unique<edge::DiskRoutes>(loop_, *disk, (uint64_t{config_.disk_mb} << 20) / all.size(), clock_,
                                               hosts_);
    upward = disk_.get();
  }
  routes_ = std::make_unique<edge::LoopRoutes>(std::move(by_loop), *upward, topics);
  engine_ = std::make_unique<edge::Engine>(engine_settings(config_), clock_, *routes_, topics ? routes_.get() : nullptr,
                                           random_seed());
  engine_->when_forgotten([this, others = std::move(others)](const std::string& target) {
    if (disk_) disk_->forget(engine_->key_of(target));
    for (EdgeShard* other : others) {
      other->on_engine([other, target](edge::Engine& engine) {
        engine.forget(target);
        if (other->disk_) other->disk_->forget(engine.key_of(target));
      });
    }
  });
  if (disk_) {
    // Each object once: what its home loop has to let go of.
    engine_->when_evicted([this, ours = by_loop_index(all), loops = all.size()](const edge::Resource& resource) {
      if (edge::home_loop_of(resource.key, loops) != ours) return;
      for (const auto& object : resource.variants) disk_->keep(resource.key, object);
    });
  }
  edge_ = std::make_unique<edge::Server>(loop_, *engine_, &node_, metrics_, &door_, &load_);
  if (topics) {
    edge_->sessions_go_to(api_prefix);
    const auto listen = [this](media::PushSink& sink) {
      auto subscription = engine_->subscribe(edge::revocations_topic, sink);
      edge_->arm();  // keeps the engine's deadlines
      return subscription;
    };
    const auto hear = [this](const media::GuestsRevoked& revoked) { node_.guests().revoke(revoked); };
    revocations_ = std::make_unique<HeardRevocations>(loop_, listen, hear);
  }
  http::Handler& handler = *this;
  http_ = http::Server::make(loop_, handler, http::Limits(), metrics_, http::Attendants{&door_, &load_});
  push_ = std::make_unique<Pushing>(loop_, *engine_, *edge_, load_, push_admission_, metrics_);
  if (topics) {
    rooms_ = std::make_unique<EdgeRooms>(loop_, fmt::format("{}/{}", config_.node_name, by_loop_index(all)), config_,
                                         *engine_, *edge_, metrics_);
  }
  ingest::Gate& gate = *this;
  rtmp_ = std::make_unique<ingest::Server>(loop_, gate, &rtmp_door_, metrics_, ingest::ServerLimits(), random_seed());
}

size_t EdgeShard::by_loop_index(const std::vector<std::unique_ptr<EdgeShard>>& all) const {
  return static_cast<size_t>(std::ranges::find(all, this, &std::unique_ptr<EdgeShard>::get) - all.begin());
}

void EdgeShard::leave() {
  listeners_.clear();
  rtmp_.reset();
  rooms_.reset();
  push_.reset();
  http_.reset();
  revocations_.reset();
  edge_.reset();
  engine_.reset();
}

void EdgeShard::on_engine(std::move_only_function<void(edge::Engine&)> work) {
  loop_.post([this, work = std::move(work)]() mutable {
    work(*engine_);
    edge_->arm();
  });
}

EdgeShard::~EdgeShard() = default;

Result<net::Endpoint> EdgeShard::open(Door door, const net::Endpoint& endpoint, std::shared_ptr<net::TlsServer> tls,
                                      const net::ListenerLimits& limits) {
  net::Listener::OnAccept on_accept;
  if (door == Door::http || door == Door::https) {
    on_accept = [this](std::unique_ptr<net::Connection> connection) { http_->accept(std::move(connection)); };
  } else {
    on_accept = [this](std::unique_ptr<net::Connection> connection) { rtmp_->take(std::move(connection)); };
  }
  auto listener = net::Listener::listen(loop_, endpoint, std::move(tls), limits, std::move(on_accept));
  if (!listener) return std::unexpected(listener.error());
  listeners_.push_back(std::move(*listener));
  return listeners_.back()->local();
}

void EdgeShard::claim(ingest::PublishRequest, ingest::ClaimAnswer answer) {
  answer(std::unexpected(ingest::Refusal{ingest::RefusalReason::publish_elsewhere,
                                         "this is an edge, for viewers: publish to its parent"}));
}

void EdgeShard::play(wire::rtmp::PlayRequest request, std::unique_ptr<net::Connection> connection) {
  push_->play(std::move(request), std::move(connection));
}

void EdgeShard::serve(const http::Request& request, http::Responder responder) {
  if (!rooms_ || !EdgeRooms::is_its(wire::path_behind_token(request.path))) {
    http::Request asked = request;
    asked.scheme = scheme_of(request, config_.trusted_addresses);
    return push_->serve(asked, std::move(responder));
  }
  auto entry = edge_->enter(request, responder);
  if (!entry) return;
  http::Request asked = request;
  asked.path = entry->path;
  rooms_->serve(asked, std::move(entry->pass), std::move(responder));
}

void EdgeShard::drain(std::function<void()> drained) {
  listeners_.clear();
  edge_->end_feeds();
  rtmp_->stop([this, drained = std::move(drained)]() mutable {
    // Both at once: each may take its time of the 5 s.
    const auto gone = [this, left = std::make_shared<int>(rooms_ ? 2 : 1), drained = std::move(drained)] {
      if (--*left == 0) http_->drain(drained);
    };
    push_->stop(gone);
    if (rooms_) rooms_->stop(gone);
  });
}

}  // namespace klieg::cli

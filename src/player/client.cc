#include "player/client.h"

#include <memory>
#include <optional>
#include <utility>

#include "base/metrics.h"
#include "net/loop.h"
#include "player/client_clock.h"
#include "player/client_push.h"
#include "player/client_requests.h"
#include "player/dash_viewer.h"
#include "player/hls_viewer.h"

namespace klieg::player {
namespace {

constexpr Duration look_every = 100ms;
constexpr Duration say_every = 1s;
// Playlists round: the date to a millisecond, parts to 10 us. What is this near to the piece before continues it.
constexpr Duration seam_max = 10ms;

// First the server's clock, then what the tier wants.
class Watcher final : public Sink {
 public:
  Watcher(const ProbeOptions& options, const std::function<void(const ProbeReport&)>& each_second)
      : options_(options),
        manifest_(options.manifest.value_or(manifest_of(options.address))),
        each_second_(each_second),
        playout_(options.policy, options.tier == Tier::push ? of_chunks : of_parts),
        client_(http::Client::make(loop_, asked().peer, http::ClientLimits{}, metrics_)),
        look_timer_(loop_, [this] { look(); }) {}

  Result<void> run() {
    loop_.post([this] {
      began_ = said_ = loop_.now();
      look();
      clock_.emplace(loop_, *client_, asked().peer.authority, options_.address.peer.endpoint,
                     [this](Result<ClockRelation> clocks) {
                       if (!clocks) return stop_with(std::unexpected(clocks.error()));
                       clocks_ = *clocks;
                       begin();
                     });
    });
    loop_.run();
    clock_.reset();
    requests_.reset();
    pushed_.reset();
    return outcome_;
  }

  ProbeReport report() {
    breakdown_.set_buffer(playout_.account().buffering_delay());
    const auto behind = looks_ > 0 ? std::optional(behind_sum_ / looks_) : std::nullopt;
    return {breakdown_, playout_.account(), clocks_, behind};
  }

 private:
  // Whom the requests go to.
  const Address& asked() const { return options_.tier == Tier::push ? manifest_ : options_.address; }

  void begin() {
    switch (options_.tier) {
      case Tier::push:
        pushed_.emplace(loop_, *client_, options_.address, manifest_, clocks_, *this);
        return;
      case Tier::ll_dash:
      case Tier::dash:
        requests_.emplace(
            loop_, *client_,
            std::make_unique<DashViewer>(options_.address.path, options_.tier, clocks_, options_.poll_every), *this);
        return;
      case Tier::ll_hls:
      case Tier::hls:
        requests_.emplace(loop_, *client_,
                          std::make_unique<HlsViewer>(options_.address.path, options_.tier, options_.poll_every),
                          *this);
        return;
    }
  }

  void on_received(const Received& received) override {
    breakdown_.add(received, clocks_);
    MediaTime from(received.begins.time_since_epoch());
    const MediaTime to = from + received.duration;
    if (end_ && std::chrono::abs(from - *end_) <= seam_max) from = *end_;
    playout_.arrived({from, to}, loop_.now());
    end_ = to;
  }

  void on_over(Result<void> how) override { stop_with(std::move(how)); }

  void look() {
    const LoopTime now = loop_.now();
    playout_.advance(now);
    if (const auto at = playout_.position()) {
      behind_sum_ += clocks_.server_wall(now) - WallTime(at->time_since_epoch());
      ++looks_;
    }
    if (options_.duration > 0s && now >= began_ + options_.duration) return stop_with({});
    if (now >= said_ + say_every) {
      said_ = now;
      each_second_(report());
    }
    look_timer_.arm(now + look_every);
  }

  void stop_with(Result<void> outcome) {
    outcome_ = std::move(outcome);
    if (outcome_ && breakdown_.pieces() == 0) outcome_ = fail("nothing came: is it live?");
    look_timer_.cancel();
    loop_.stop();
  }

  const ProbeOptions& options_;
  const Address manifest_;
  const std::function<void(const ProbeReport&)>& each_second_;
  net::Loop loop_;
  Metrics metrics_;
  Playout playout_;
  Breakdown breakdown_;
  ClockRelation clocks_;
  std::unique_ptr<http::Client> client_;
  std::optional<ClockQuestion> clock_;
  std::optional<Requests> requests_;
  std::optional<PushedTo> pushed_;
  std::optional<MediaTime> end_;  // of what arrived
  Duration behind_sum_{0};
  int64_t looks_ = 0;
  LoopTime began_;
  LoopTime said_;
  Result<void> outcome_;
  net::Timer look_timer_;
};

}  // namespace

Result<void> probe(const ProbeOptions& options, const std::function<void(const ProbeReport&)>& each_second,
                   const std::function<void(const ProbeReport&)>& finally) {
  Watcher watcher(options, each_second);
  auto outcome = watcher.run();
  if (outcome) finally(watcher.report());
  return outcome;
}

}  // namespace klieg::player

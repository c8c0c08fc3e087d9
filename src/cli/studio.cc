#include "cli/studio.h"

#include <algorithm>

#include "cli/first_run.h"
#include "cli/world.h"
#include "studio/secret.h"
#include "wire/http_list.h"

namespace klieg::cli {
namespace {

// As often as pages that show the list ask for it.
constexpr Duration count_every = 5s;

studio::SignUpPolicy policy_of(SignUp sign_up) {
  switch (sign_up) {
    case SignUp::open:
      return studio::SignUpPolicy::open;
    case SignUp::invite:
      return studio::SignUpPolicy::invite;
    case SignUp::unsaid:
    case SignUp::off:
    case SignUp::closed:
      return studio::SignUpPolicy::closed;
  }
}

studio::Server::Options options_of(const Config& config, const std::string& path_secret) {
  studio::Server::Options options{.accounts = {.policy = policy_of(config.sign_up),
                                               .cost = config.password_cost,
                                               .key = {random_seed(), random_seed()}},
                                  .herald = {.reach = config.notices_reach, .contact = config.contact},
                                  .seed = random_seed(),
                                  .path_secret = path_secret};
  for (const Channel& channel : config.channels) options.accounts.not_free.insert(wire::lower_case(channel.name));
  return options;
}

}  // namespace

Studio::Studio(World& world, net::Loop& loop, store::Worker& store, Metrics& metrics, const Config& config,
               const std::string& path_secret)
    : world_(world),
      config_(config),
      loop_(loop),
      server_(loop, store, *this, metrics, options_of(config, path_secret)),
      counting_(loop, [this] { count(); }) {
  counting_.arm(loop.now() + count_every);
}

void Studio::on_status(const std::string& channel, const origin::Status& status) {
  switch (status.state) {
    case origin::ChannelState::live:
    case origin::ChannelState::paused:
      return server_.on_live(channel, status.started.value_or(loop_.wall_now()),
                             config_.is_private(channel) ? studio::Listing::unlisted : studio::Listing::listed);
    case origin::ChannelState::offline:
    case origin::ChannelState::ended:
      return server_.on_ended(channel);
  }
}

void Studio::on_elsewhere(const std::string& channel, const origin::Status& status, media::Audience audience,
                          uint64_t viewers) {
  const bool on_air = status.state == origin::ChannelState::live || status.state == origin::ChannelState::paused;
  if (!on_air) return server_.on_ended(channel);
  const bool given = std::ranges::find(config_.channels, channel, &Channel::name) != config_.channels.end();
  const bool listed = given && audience == media::Audience::everybody;
  server_.on_live_elsewhere(channel, status.started.value_or(loop_.wall_now()),
                            listed ? studio::Listing::listed : studio::Listing::unlisted);
  server_.on_viewers(channel, viewers);
}

void Studio::count() {
  world_.on_every_shard([&world = world_](Shard& shard) {
    auto figures = shard.rooms().figures();
    if (figures.empty()) return;
    world.on_cluster([figures](Cluster& cluster) {
      for (const Rooms::Figures& one : figures) cluster.on_viewers(one.channel, one.viewers);
    });
    world.on_studio([figures = std::move(figures)](Studio& studio) {
      for (const Rooms::Figures& one : figures) studio.on_figures(one);
    });
  });
  counting_.arm(loop_.now() + count_every);
}

void Studio::on_figures(const Rooms::Figures& figures) {
  server_.on_viewers(figures.channel, figures.viewers);
  server_.on_said(figures.channel, figures.comments, figures.hearts);
}

void Studio::room_people_changed(const std::string& channel) {
  world_.on_every_shard([channel](Shard& shard) { shard.rooms().room_people_changed(channel); });
  world_.on_cluster([channel](Cluster& cluster) { cluster.admission_changed(channel); });
}

bool Studio::may_know(std::string_view key) const { return studio::is_secret(studio::SecretKind::stream_key, key); }

void Studio::holder_of(const std::string& key, HolderDone done) {
  server_.use_key(key, [done = std::move(done)](store::Outcome<std::optional<studio::KeyHolder>> found) mutable {
    if (!found) return done(std::unexpected(KeyIs::not_known_now));
    if (!*found) return done(std::unexpected(KeyIs::nobodys));
    done(std::move(**found));
  });
}

void Studio::end_carried_by(int64_t key) {
  world_.end_carried_by(key);
  world_.on_cluster([key](Cluster& cluster) { cluster.end_carried_by(key); });
}

void Studio::end(const std::string& channel) {
  world_.end_broadcast(channel, {ingest::RefusalReason::ended_elsewhere, "the broadcast was ended", channel});
  world_.on_cluster([channel](Cluster& cluster) { cluster.end(channel); });
}

void Studio::revoked(const media::GuestsRevoked& revoked) { world_.tell_revoked(revoked); }

}  // namespace klieg::cli

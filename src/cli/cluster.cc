#include "cli/cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/logging.h"
#include "bus/json_field.h"
#include "bus/subject.h"
#include "cli/first_run.h"
#include "cli/world.h"
#include "studio/broadcast_records.h"
#include "studio/room_life_records.h"

namespace klieg::cli {
namespace {

using bus::BroadcastNews;
using bus::Role;
using ingest::Refusal;
using ingest::RefusalReason;

constexpr size_t process_id_bytes = 9;
// Longer than a node that is there may be without the bus before it is gone.
constexpr Duration wished_for = 10s;
constexpr size_t wishes_max = 1'000;

constexpr const char* beats = "klieg_lease_beats_total";
constexpr const char* beats_help = "Signs of life of this node that were taken, by whom; one of the two is enough.";

std::unexpected<Refusal> refused(RefusalReason why, std::string words, const std::string& channel) {
  return std::unexpected(Refusal{why, std::move(words), channel});
}

// What a page is told of a broadcast elsewhere.
origin::Status status_of(const BroadcastNews& news) {
  origin::Status status;
  switch (news.state) {
    case BroadcastNews::State::live:
      status.state = origin::ChannelState::live;
      break;
    case BroadcastNews::State::paused:
      status.state = origin::ChannelState::paused;
      break;
    case BroadcastNews::State::claimed:
    case BroadcastNews::State::over:
      status.state = origin::ChannelState::ended;
      return status;
  }
  status.broadcast = news.broadcast;
  status.started = news.started;
  return status;
}

media::Audience audience_of(const BroadcastNews& news) {
  return news.is_for == BroadcastNews::For::guests ? media::Audience::guests : media::Audience::everybody;
}

BroadcastNews::State state_of(origin::ChannelState state) {
  return state == origin::ChannelState::live     ? BroadcastNews::State::live
         : state == origin::ChannelState::paused ? BroadcastNews::State::paused
                                                 : BroadcastNews::State::claimed;
}

}  // namespace

Cluster::Cluster(World& world, net::Loop& loop, bus::Bus& bus, store::Worker* store, const Config& config,
                 Metrics& metrics)
    : world_(world),
      loop_(loop),
      bus_(bus),
      config_(config),
      process_(config.node_name + "/" + random_text(process_id_bytes)),
      started_(read_wall_clock()),
      ownership_(*this, *this),
      nodes_(metrics.gauge("klieg_nodes", "Nodes that are there, this one among them.")),
      homes_(metrics.gauge("klieg_homes", "Channels that this node is the home of.")),
      taken_(metrics.counter("klieg_homes_lost_total", "Channels that this node had to give up, by why.",
                             {{"why", std::string(name_of(LostLease::taken))}})),
      expired_(metrics.counter("klieg_homes_lost_total", "Channels that this node had to give up, by why.",
                               {{"why", std::string(name_of(LostLease::expired))}})),
      beats_by_bus_(metrics.counter(beats, beats_help, {{"by", "bus"}})),
      beats_by_database_(metrics.counter(beats, beats_help, {{"by", "database"}})),
      timer_(loop, [this] { wake(); }) {
  if (store) asker_.emplace(loop, *store);
  announcements_heard_ = bus.subscribe(loop, bus::announcement_subjects, bus::Loss::superseded,
                                       [this](const bus::Message& message) { on_announcement(message); });
  news_heard_ = bus.subscribe(loop, bus::broadcast_subjects, bus::Loss::superseded,
                              [this](const bus::Message& message) { on_news(message); });
  ends_heard_ =
      bus.subscribe(loop, "end.>", bus::Loss::oldest, [this](const bus::Message& message) { on_end(message); });
  admissions_heard_ = bus.subscribe(loop, "admission.*", bus::Loss::superseded,
                                    [this](const bus::Message& message) { on_admission(message); });
}

Cluster::~Cluster() = default;

void Cluster::open(std::string http, std::string rtmp) {
  http_ = std::move(http);
  rtmp_ = std::move(rtmp);
  open_ = true;
  wake();
}

void Cluster::leave() {
  leaves_ = true;
  announce(bus::Announcement::Stays::leaves);
}

// --- what is said ---

void Cluster::wake() {
  // While the bus is away nobody is heard, and nobody is gone for it.
  const LoopTime woke_at = std::exchange(woke_at_, loop_.now());
  if (certainty_ && bus_.certainty()) listened_ += loop_.now() - woke_at;
  // What the bus had at the last wake has been heard by now.
  const auto certainty = std::exchange(certainty_, bus_.certainty());
  // What was said while it was away is heard no more.
  if (asker_ && certainty_ && (!certainty || certainty->since != certainty_->since)) {
    world_.hear_revoked();
    world_.on_every_shard([](Shard& shard) { shard.rooms().room_people_changed(); });
  }
  ownership_.wake(certainty);
  say_admissions();
  asker_ ? end_unheld() : find_knower();
  for (const BroadcastNews& gone : broadcasts_.expire(listened_)) tell(gone.channel);
  nodes_.Set(static_cast<double>(members_.alive(listened_)));
  homes_.Set(static_cast<double>(ownership_.all_held().size()));
  beats_by_bus_.Increment(static_cast<double>(ownership_.beats_by_bus()) - beats_by_bus_.Value());
  beats_by_database_.Increment(static_cast<double>(ownership_.beats_by_database()) - beats_by_database_.Value());
  if (announced_at_ == LoopTime::min() || loop_.now() >= announced_at_ + bus::announce_every) {
    announced_at_ = loop_.now();
    announce(leaves_ ? bus::Announcement::Stays::leaves : bus::Announcement::Stays::yes);
    for (const auto& [_, news] : ours_) say(news);
    std::erase_if(wishes_, [&](const Wish& wish) { return loop_.now() >= wish.until; });
    for (const Wish& wish : wishes_) bus_.publish(wish.subject, wish.payload);
    for (const auto& [channel, told] : told_) tell_studio(channel, told);
  }
  timer_.arm(loop_.now() + Ownership::wake_every);
}

void Cluster::announce(bus::Announcement::Stays stays) {
  bus::Announcement announcement{.node = config_.node_name,
                                 .process = process_,
                                 .started = started_,
                                 .sequence = ++announcements_,
                                 .roles = config_.roles,
                                 .http = http_,
                                 .rtmp = rtmp_,
                                 .stays = stays};
  // Who leaves still carries what has not ended.
  ownership_.said();
  bus_.publish(bus::announcement_subject(config_.node_name), bus::json_of(announcement));
}

void Cluster::say(const BroadcastNews& news) { bus_.publish(bus::broadcast_subject(news.channel), bus::json_of(news)); }

void Cluster::on_status(const std::string& channel, const origin::Status& status, media::Audience audience) {
  const auto ours = ours_.find(channel);
  if (ours == ours_.end()) return;
  BroadcastNews& news = ours->second;
  news.state = state_of(status.state);
  news.broadcast = news.state == BroadcastNews::State::claimed ? "" : status.broadcast;
  news.started = status.started;
  news.is_for = audience == media::Audience::guests ? BroadcastNews::For::guests : BroadcastNews::For::everybody;
  say(news);
}

void Cluster::on_viewers(const std::string& channel, uint64_t viewers) {
  if (const auto ours = ours_.find(channel); ours != ours_.end()) ours->second.viewers = viewers;
}

void Cluster::wish(std::string subject, Bytes payload) {
  bus_.publish(subject, payload);
  const auto known = std::ranges::find(wishes_, subject, &Wish::subject);
  if (known != wishes_.end()) {
    *known = {std::move(subject), std::move(payload), loop_.now() + wished_for};
  } else if (wishes_.size() < wishes_max) {
    wishes_.push_back({std::move(subject), std::move(payload), loop_.now() + wished_for});
  }
}

void Cluster::end_carried_by(int64_t key) {
  wish(fmt::format("end.key.{}", key), Bytes::take(nlohmann::json{{"key", key}}.dump()));
}

// This broadcast of the channel's: who goes live again meanwhile is not meant.
void Cluster::end(const std::string& channel) {
  const BroadcastNews* news = broadcasts_.find(channel, listened_);
  if (!news || news->broadcast.empty()) return;
  const nlohmann::json meant{{"channel", channel}, {"broadcast", news->broadcast}};
  wish("end.channel." + bus::as_word(channel), Bytes::take(meant.dump()));
}

void Cluster::admission_changed(const std::string& channel) { admissions_.insert(channel); }

void Cluster::say_admissions() {
  for (const std::string& channel : std::exchange(admissions_, {})) {
    const nlohmann::json changed{{"channel", channel}, {"process", process_}};
    wish("admission." + bus::as_word(channel), Bytes::take(changed.dump()));
  }
}

// One that this node stays with: what it has heard there it need not hear again.
void Cluster::find_knower() {
  const bus::Announcement* home = members_.find(knower_.node, listened_);
  if (!home) home = members_.home_of(config_.node_name, listened_);
  if (!home || home->http.empty() || home->http == knower_.address) return;
  knower_ = {home->node, home->http};
  world_.on_every_shard([address = home->http](Shard& shard) { shard.hear_revocations_of(address); });
}

// --- what is heard ---

void Cluster::on_end(const bus::Message& message) {
  const auto wish = nlohmann::json::parse(message.payload.text(), nullptr, false);
  if (!wish.is_object()) return;
  if (const auto key = wish.find("key"); key != wish.end() && key->is_number_integer()) {
    return world_.end_carried_by(key->get<int64_t>());
  }
  const auto channel = wish.find("channel"), broadcast = wish.find("broadcast");
  if (channel == wish.end() || !channel->is_string() || broadcast == wish.end()) return;
  const auto ours = ours_.find(channel->get<std::string>());
  if (ours == ours_.end() || *broadcast != ours->second.broadcast) return;
  world_.end_broadcast(ours->first, {RefusalReason::ended_elsewhere, "the broadcast was ended", ours->first});
}

// Who asks no database hears of it from a node that does, once that has read it.
void Cluster::on_admission(const bus::Message& message) {
  const auto changed = nlohmann::json::parse(message.payload.text(), nullptr, false);
  std::string channel, process;
  if (!asker_ || !changed.is_object() || !bus::read(changed, "channel", channel) ||
      !bus::read(changed, "process", process) || process == process_) {
    return;
  }
  world_.hear_revoked(channel);
  world_.on_every_shard([channel](Shard& shard) { shard.rooms().room_people_changed(channel); });
}

void Cluster::on_announcement(const bus::Message& message) {
  const auto announcement = bus::announcement_of(message.payload);
  if (!announcement) return;
  const std::string node = announcement->node, process = announcement->process;
  if (node == config_.node_name && process != process_) {
    logging::error("another node has the name of this one: give each its own --node-name", {{"node", node}});
    return;
  }
  if (process != process_) ownership_.heard(process);
  switch (members_.heard(*announcement, listened_)) {
    case bus::Members::Heard::joined:
      if (process != process_) logging::info("a node is there", {{"node", node}, {"http", announcement->http}});
      break;
    case bus::Members::Heard::left:
      logging::info("a node leaves", {{"node", node}});
      break;
    default:
      break;
  }
  for (const std::string& channel : std::exchange(unplaced_, {})) tell(channel);
}

void Cluster::on_news(const bus::Message& message) {
  auto news = bus::broadcast_news_of(message.payload);
  if (!news) return;
  const std::string channel = news->channel;
  if (broadcasts_.heard(std::move(*news), listened_) == bus::Broadcasts::Heard::changed) tell(channel);
}

// Tells the shards and the studio where the channel is, if that is not what they know. Who is no edge shows viewers its
// own alone.
void Cluster::tell(const std::string& channel) {
  const BroadcastNews* news = broadcasts_.find(channel, listened_);
  const bool elsewhere = news && news->node != config_.node_name && news->state != BroadcastNews::State::claimed;
  const bus::Announcement* home = elsewhere ? members_.find(news->node, listened_) : nullptr;
  if (elsewhere && (!home || home->http.empty())) {
    unplaced_.insert(channel);
    return;
  }
  const auto told = told_.find(channel);
  if (!elsewhere && told == told_.end()) return;
  Told next{elsewhere ? home->http : "", status_of(elsewhere ? *news : BroadcastNews{.channel = channel}),
            audience_of(elsewhere ? *news : BroadcastNews())};
  if (told != told_.end() && told->second == next) return;
  if (config_.is(Role::edge)) {
    world_.on_every_shard(
        [channel, next](Shard& shard) { shard.on_elsewhere(channel, next.address, next.status, next.audience); });
  }
  tell_studio(channel, next);
  if (elsewhere) {
    told_.insert_or_assign(channel, std::move(next));
  } else {
    told_.erase(channel);
  }
}

void Cluster::tell_studio(const std::string& channel, const Told& told) {
  if (ours_.contains(channel)) return;  // what has begun here meanwhile is ours to tell of
  const BroadcastNews* news = broadcasts_.find(channel, listened_);
  world_.on_studio([channel, told, viewers = news ? news->viewers : 0](Studio& studio) {
    studio.on_elsewhere(channel, told.status, told.audience, viewers);
  });
}

// --- whose home a channel is ---

std::optional<RelayTo> Cluster::way_to(const std::string& channel, std::string_view node) const {
  const bus::Announcement* there = members_.find(node, listened_);
  if (!there || there->process == process_) return std::nullopt;
  auto rtmp = net::Endpoint::parse(there->rtmp);
  if (!rtmp) return std::nullopt;
  return RelayTo{channel, there->node, std::move(*rtmp), Hop::last};
}

void Cluster::home_of(const std::string& channel, Hop hop, HomeDone done) {
  const bool may_be_here = config_.is(Role::home) && !leaves_;
  if (hop != Hop::last && !ownership_.held(channel)) {
    const BroadcastNews* news = broadcasts_.find(channel, listened_);
    auto way = news ? way_to(channel, news->node) : std::nullopt;
    const bus::Announcement* home = members_.home_of(channel, listened_);
    if (!way && home && !(may_be_here && home->process == process_)) way = way_to(channel, home->node);
    if (way) return done(std::move(*way));
  }
  if (!may_be_here) {
    return done(refused(RefusalReason::home_not_known,
                        "no server that could carry this broadcast is there just now; connect again", channel));
  }
  ownership_.claim(channel, [this, channel, hop, done = std::move(done)](Ownership::Claimed claimed) mutable {
    settle(channel, hop, std::move(done), std::move(claimed));
  });
}

void Cluster::settle(const std::string& channel, Hop hop, HomeDone done, Ownership::Claimed claimed) {
  switch (claimed.end) {
    case Ownership::End::here: {
      const auto ours = ours_.find(channel);
      if (ours != ours_.end() && ours->second.number == claimed.number) {
        return done(Here{static_cast<uint32_t>(claimed.number)});
      }
      return asker_->ask<std::optional<studio::RoomLife>>(
          [channel, number = claimed.number, now = loop_.wall_now()](store::Database& database) {
            return studio::find_room_that_goes_on(database, channel, number, now);
          },
          [this, channel, number = claimed.number, done = std::move(done)](auto life) mutable {
            begin_here(channel, std::move(done), number, std::move(life));
          });
    }
    case Ownership::End::elsewhere: {
      auto way = hop == Hop::last ? std::nullopt : way_to(channel, claimed.node);
      if (way) return done(std::move(*way));
      return done(
          refused(RefusalReason::home_not_known, "another server carries this broadcast; connect again", channel));
    }
    case Ownership::End::silent:
      return done(refused(RefusalReason::home_not_known,
                          "the server that carried this broadcast has fallen silent, and may still carry it; "
                          "connect again in a few seconds",
                          channel));
    case Ownership::End::unknown:
      return done(refused(RefusalReason::home_not_known,
                          "which server is to carry this broadcast cannot be looked up just now; try again soon",
                          channel));
  }
}

// What was said in a room that goes on is acknowledged: without it nothing begins.
void Cluster::begin_here(const std::string& channel, HomeDone done, int64_t number,
                         store::Outcome<std::optional<studio::RoomLife>> life) {
  const bool held = ownership_.held(channel) == number;
  if (!held || !life) {
    if (held && !ours_.contains(channel)) ownership_.give_back(channel);
    return done(refused(RefusalReason::home_not_known,
                        "what was live on this channel cannot be looked up just now; try again soon", channel));
  }
  Here here{static_cast<uint32_t>(number)};
  BroadcastNews& news = ours_[channel];
  if (news.number != number) {
    news = {.channel = channel, .node = config_.node_name, .number = number};
    say(news);
    here.goes_on = std::move(*life);
  }
  done(std::move(here));
}

std::optional<Result<RelayTo, Refusal>> Cluster::knower_of(std::string_view key) {
  if (asker_) return std::nullopt;
  // Any home knows keys; by the key, so that one publisher comes back to the same.
  const bus::Announcement* home = members_.home_of(key, listened_);
  auto way = home ? way_to("", home->node) : std::nullopt;
  if (!way) {
    return refused(RefusalReason::home_not_known, "no server that knows stream keys is there just now; connect again",
                   "");
  }
  way->hop = Hop::on;
  return std::move(*way);
}

void Cluster::over(const std::string& channel) {
  ownership_.give_back(channel);
  auto ours = ours_.extract(channel);
  if (ours.empty()) return;
  ours.mapped().state = BroadcastNews::State::over;
  say(ours.mapped());
}

void Cluster::on_lost(const std::string& channel, LostLease why) {
  (why == LostLease::taken ? taken_ : expired_).Increment();
  logging::error("this node is no longer the home of a channel", {{"channel", channel}, {"why", name_of(why)}});
  if (auto ours = ours_.extract(channel); !ours.empty()) {
    ours.mapped().state = BroadcastNews::State::over;
    say(ours.mapped());
  }
  world_.lose_broadcast(
      channel, {RefusalReason::home_lost,
                why == LostLease::taken ? "another server carries this broadcast now; connect again"
                                        : "this server has lost touch with the others, and another may carry this "
                                          "broadcast soon; connect again",
                channel});
}

// Broadcasts of homes that died.
void Cluster::end_unheld() {
  if (!has_accounts(config_) || loop_.now() < end_unheld_at_) return;
  end_unheld_at_ = loop_.now() + Ownership::look_every;
  asker_->ask<void>([now = loop_.wall_now()](
                        store::Database& database) { return studio::end_unheld(database, lease_name_of(""), now); },
                    [](const store::Outcome<void>&) {});
}

std::string Cluster::node_of(const std::string& process) const {
  const bus::Announcement* member = members_.find_process(process, listened_);
  return member ? member->node : "";
}

// --- leases ---

void Cluster::attempt(const std::string& name, std::optional<store::Lease> seen, Attempted done) {
  asker_->ask<store::Attempt>([name, seen = std::move(seen), process = process_](
                                  store::Database& database) { return store::attempt(database, name, seen, process); },
                              std::move(done));
}

void Cluster::renew_all(Renewed done) {
  asker_->ask<std::vector<store::Lease>>(
      [process = process_](store::Database& database) { return store::renew_all(database, process); }, std::move(done));
}

void Cluster::release(const store::Lease& lease, Released done) {
  asker_->ask<store::Granted>([lease](store::Database& database) { return store::release(database, lease); },
                              std::move(done));
}

void Cluster::list_held(Listed done) {
  if (!asker_) return done(std::vector<store::Lease>());
  asker_->ask<std::vector<store::Lease>>([](store::Database& database) { return store::list_held(database); },
                                         std::move(done));
}

void Cluster::take_away(const store::Lease& seen, Released done) {
  logging::warning("the home of a channel is silent, and is it no longer", {{"lease", seen.name}});
  asker_->ask<store::Granted>([seen](store::Database& database) { return store::take_away(database, seen); },
                              std::move(done));
}

}  // namespace klieg::cli

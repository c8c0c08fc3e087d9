#include "cli/rooms.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "cli/database.h"
#include "cli/first_run.h"
#include "cli/node.h"
#include "cli/ownership.h"
#include "cli/world.h"
#include "studio/moderation_records.h"
#include "wire/hmac.h"
#include "wire/room_record.h"

namespace klieg::cli {
namespace {

// A room that is over was over for its viewers, too, a second later.
constexpr Duration sweep_every = 5s;
// A room that is not written down as live is not found when its home dies.
constexpr Duration write_live_again_after = 1s;

}  // namespace

std::string room_topic_of(std::string_view channel, std::string_view broadcast) {
  return fmt::format("/live/{}/{}/room", channel, broadcast);
}

namespace {

// Of "x7f.1".
studio::RoomLife life_of(const std::string& channel, const std::string& broadcast, WallTime now) {
  studio::RoomLife life{.channel = channel, .broadcast = broadcast, .epoch = 1, .seen = now};
  const size_t dot = broadcast.rfind('.');
  if (dot == broadcast.npos) return life;
  life.broadcast.resize(dot);
  std::from_chars(broadcast.data() + dot + 1, broadcast.data() + broadcast.size(), life.epoch);
  return life;
}

}  // namespace

std::string_view channel_of_room(std::string_view topic) {
  constexpr std::string_view begin = "/live/", end = "/room";
  if (!topic.starts_with(begin) || !topic.ends_with(end)) return {};
  topic.remove_prefix(begin.size());
  return topic.substr(0, topic.find('/'));
}

media::Person nobody_of(const Config& config) {
  if (config.room_anonymous != RoomAnonymous::comments) return {};
  constexpr uint64_t names = 10'000;
  const uint64_t number = random_seed() % media::guest_id_min;
  return {media::AccountId{media::guest_id_min + number}, fmt::format("guest {:04}", number % names),
          media::Standing::stranger};
}

audience::GallerySettings gallery_settings_of(const Config& config) {
  audience::GallerySettings settings;
  settings.sample.per_second_max = config.room_comments_per_s;
  settings.hearts_of =
      config.room_anonymous == RoomAnonymous::watch ? audience::HeartsOf::accounts : audience::HeartsOf::everybody;
  return settings;
}

// From a loop to the one on which the room lives; both are this process's.
class Rooms::ToHome final : public audience::WayUp {
 public:
  ToHome(World& world, ShardIndex home, std::string topic, std::string node)
      : world_(world), home_(home), topic_(std::move(topic)), node_(std::move(node)) {}
  ~ToHome() override {
    world_.post_to_shard(home_, [topic = topic_, node = node_](Shard& shard) { shard.rooms().on_leave(topic, node); });
  }
  void send(std::vector<media::Batch> batches) override {
    world_.post_to_shard(home_, [topic = topic_, batches = std::move(batches)](Shard& shard) {
      shard.rooms().on_batches(topic, batches);
    });
  }

 private:
  World& world_;
  const ShardIndex home_;
  const std::string topic_;
  const std::string node_;
};

Rooms::Rooms(World& world, ShardIndex index, net::Loop& loop, const Config& config, const RoomPlaces& places,
             Metrics& metrics)
    : world_(world),
      index_(index),
      loop_(loop),
      config_(config),
      places_(places),
      sweep_(loop, [this] { close_those_over(); }),
      seen_(loop, [this] { write_live(); }),
      server_(loop, *this, fmt::format("{}/{}", node_name_of(config), index), gallery_settings_of(config), metrics) {}

Rooms::~Rooms() = default;

// --- rooms that live here ---

void Rooms::begin(const std::string& channel, const std::string& broadcast) {
  const std::string topic = room_topic_of(channel, broadcast);
  if (const auto live = live_here_.find(channel); live != live_here_.end() && live->second.topic == topic) {
    return;  // paused, or live again
  }
  end(channel);
  live_here_[channel] = {topic, life_of(channel, broadcast, loop_.wall_now()), {}};
  write_live();
}

void Rooms::stamp(const std::string& channel, MediaTime newest) {
  const auto live = live_here_.find(channel);
  if (live == live_here_.end()) return;
  live->second.newest = newest;
  const auto home = homes_.find(live->second.topic);
  if (home != homes_.end() && home->second.open) home->second.room->stamp(newest);
}

void Rooms::end(const std::string& channel) {
  const auto live = live_here_.find(channel);
  if (live == live_here_.end()) return;
  const studio::RoomLife life = live->second.life;
  if (going_) return write_live();  // its polls stay open, and who is in it is told by the server that goes
  world_.on_studio([last = figures_of(channel, live->second.topic)](Studio& studio) { studio.on_figures(last); });
  if (live->second.lost) {
    abandon(live->second.topic);
    live_here_.erase(live);
    return;  // who has it now writes of it
  }
  at_home_if_there(live->second.topic, [](audience::HomeServer& room) { room.end(); });
  live_here_.erase(live);
  // Not written: the channel's next broadcast may go on with this room, if its server dies within room_seen_every.
  store().ask<void>([life, now = loop_.wall_now()](store::Database& open) { return write_room_over(open, life, now); },
                    [](const store::Outcome<void>&) {});
}

void Rooms::lose(const std::string& channel) {
  if (const auto live = live_here_.find(channel); live != live_here_.end()) live->second.lost = true;
}

// Whoever waits for it is told so, too.
void Rooms::abandon(const std::string& topic) {
  const auto home = homes_.extract(topic);
  if (!home) return;
  home.mapped().room->abandon();
  for (WithRoom& then : home.mapped().waiting) then(*home.mapped().room);
}

// Now, and while there is something live; a write that fails is followed by the next.
void Rooms::write_live() {
  std::vector<studio::RoomLife> lives;
  for (auto& [_, live] : live_here_) {
    if (live.lost) continue;
    live.life.seen = loop_.wall_now();
    lives.push_back(live.life);
  }
  if (lives.empty()) return;
  store().ask<void>(
      [lives, node = name_among_rooms(config_)](store::Database& open) { return write_live_rooms(open, node, lives); },
      [this](const store::Outcome<void>& written) {
        if (!written) seen_.arm(loop_.now() + write_live_again_after);
      });
  seen_.arm(loop_.now() + studio::room_seen_every);
}

store::Asker& Rooms::store() {
  if (!store_) store_.emplace(loop_, world_.store());
  return *store_;
}

std::vector<Rooms::Figures> Rooms::figures() const {
  std::vector<Figures> all;
  for (const auto& [channel, live] : live_here_) all.push_back(figures_of(channel, live.topic));
  return all;
}

Rooms::Figures Rooms::figures_of(const std::string& channel, const std::string& topic) const {
  const auto home = homes_.find(topic);
  if (home == homes_.end()) return {channel};
  const audience::Room& room = home->second.room->room();
  return {channel, room.presence().viewers(), room.comments(), room.hearts().total()};
}

Rooms::Home& Rooms::open(const Live& live) {
  Home& home = homes_[live.topic];
  if (is_hosted(live.life.channel)) home.host = live.life.channel;
  home.journal = std::make_unique<RoomJournal>(loop_, world_.store(), audience::name_of_room(live.topic), home.host,
                                               [this, topic = live.topic](uint64_t number) {
                                                 if (const auto found = homes_.find(topic); found != homes_.end())
                                                   found->second.room->safe_up_to(number);
                                               });
  if (!config_.bus_nats.empty()) {
    // In a later turn: the journal is on the stack.
    home.journal->write_under(
        {lease_name_of(live.life.channel), live.life.epoch}, [this, channel = live.life.channel, topic = live.topic] {
          loop_.post([this, channel, topic] {
            if (const auto lost = live_here_.find(channel); lost != live_here_.end() && lost->second.topic == topic) {
              lost->second.lost = true;
            }
            abandon(topic);
          });
        });
  }
  home.room = std::make_unique<audience::HomeServer>(loop_, live.topic, audience::RoomSettings(), *home.journal);
  sweep_.arm(loop_.now() + sweep_every);
  if (live.life.epoch == 1) {
    restored(live.topic);  // there was nothing before
  } else {
    home.room->restoring();
    home.journal->restore([&room = *home.room](audience::JournalEntry entry) { room.restore(std::move(entry)); },
                          [this, topic = live.topic] {
                            homes_.at(topic).room->restored();
                            restored(topic);
                          });
  }
  return home;
}

void Rooms::restored(const std::string& topic) {
  Home& home = homes_.at(topic);
  home.restored = true;
  home.host.empty() ? opened(topic) : ask_for_people(topic);
}

// What the store cannot say now is asked again by the next sweep; until then nobody is let in.
void Rooms::ask_for_people(const std::string& topic) {
  using People = studio::RoomPeople;
  store().ask<People>([host = homes_.at(topic).host, now = loop_.wall_now()](
                          store::Database& open) { return studio::people_of_rooms(open, host, now); },
                      [this, topic](const store::Outcome<People>& people) {
                        const auto home = homes_.find(topic);
                        if (!people || home == homes_.end()) return;
                        home->second.room->set_people(people->barred, people->moderators);
                        if (!home->second.open) opened(topic);
                      });
}

void Rooms::room_people_changed(const std::string& channel) {
  for (const auto& [topic, home] : homes_) {
    if (home.host == channel && home.restored) ask_for_people(topic);
  }
}

void Rooms::room_people_changed() {
  for (const auto& [topic, home] : homes_) {
    if (!home.host.empty() && home.restored) ask_for_people(topic);
  }
}

bool Rooms::is_hosted(const std::string& channel) const {
  return has_accounts(config_) &&
         std::ranges::find(config_.channels, channel, &Channel::name) == config_.channels.end();
}

void Rooms::opened(const std::string& topic) {
  Home& home = homes_.at(topic);
  home.open = true;
  const auto live = std::ranges::find(live_here_, topic, [](const auto& entry) { return entry.second.topic; });
  if (live != live_here_.end()) home.room->stamp(live->second.newest);
  for (WithRoom& then : std::exchange(home.waiting, {})) then(*home.room);
}

Rooms::Home* Rooms::home_of(const std::string& topic) {
  if (const auto found = homes_.find(topic); found != homes_.end()) return &found->second;
  const auto live = std::ranges::find(live_here_, topic, [](const auto& entry) { return entry.second.topic; });
  return live == live_here_.end() || live->second.lost ? nullptr : &open(live->second);
}

bool Rooms::at_home(const std::string& topic, WithRoom then) {
  Home* home = home_of(topic);
  if (!home) return false;
  home->open ? then(*home->room) : home->waiting.push_back(std::move(then));
  return true;
}

void Rooms::at_home_if_there(const std::string& topic, WithRoom then) {
  if (homes_.contains(topic)) at_home(topic, std::move(then));
}

media::TopicSource* Rooms::log_at_home(const std::string& topic) {
  Home* home = home_of(topic);
  return home ? &home->room->log() : nullptr;
}

void Rooms::close_those_over() {
  std::erase_if(homes_, [](const auto& home) { return home.second.room->over(); });
  // At another node; it says so by the bus, which may be away.
  const bool others_change_it = !config_.bus_nats.empty();
  for (const auto& [topic, home] : homes_) {
    const bool due = !home.open || (others_change_it && !home.host.empty());
    if (home.restored && due) ask_for_people(topic);
  }
  if (!homes_.empty()) sweep_.arm(loop_.now() + sweep_every);
}

void Rooms::on_join(const std::string& topic, const std::string& node, ShardIndex from) {
  const auto tell = [this, topic, from](std::vector<audience::Told> told) {
    // In a later turn, also on this loop: a gallery is told of nothing while it speaks.
    world_.post_to_shard(from, [topic, told = std::move(told)](Shard& shard) { shard.rooms().on_told(topic, told); });
  };
  if (at_home(topic, [node, tell](audience::HomeServer& room) { room.join(node, tell); })) return;
  // It was over before this was heard.
  tell({audience::ObjectOpened(),
        audience::ObjectContinued{wire::room::record_of(media::RoomEvent(media::RoomEnded()))}});
}

void Rooms::on_leave(const std::string& topic, const std::string& node) {
  at_home_if_there(topic, [node](audience::HomeServer& room) { room.leave(node); });
}

void Rooms::on_batches(const std::string& topic, const std::vector<media::Batch>& batches) {
  at_home_if_there(topic, [batches](audience::HomeServer& room) { room.take(batches); });
}

// --- viewers who are here ---

void Rooms::admit(const http::Request& request, std::string_view channel, audience::Shown shown, Admit then) {
  const std::string broadcast = places_.broadcast_of(channel);
  const bool hidden = shown.invited == audience::Invited::no && places_.audience_of(channel) == media::Audience::guests;
  if (broadcast.empty() || hidden) return then(std::unexpected(http::Response::text(404, "not live")));
  if (shown.person) return then(audience::Admitted{room_topic_of(channel, broadcast), std::move(*shown.person)});
  identify(request, channel,
           [topic = room_topic_of(channel, broadcast), then = std::move(then)](media::Person person) mutable {
             then(audience::Admitted{topic, std::move(person)});
           });
}

void Rooms::identify(const http::Request& request, std::string_view channel,
                     std::move_only_function<void(media::Person)> then) {
  media::Person person = who_asks(request, channel);
  const studio::Proof proof = places_.proof_of(request);
  const bool proves = !proof.token.empty() || !proof.session.empty();
  if (!has_accounts(config_) || !proves || person.standing == media::Standing::broadcaster) {
    return then(std::move(person));
  }
  find_person(proof, std::string(channel),
              [person = std::move(person), then = std::move(then)](std::optional<media::Person> known) mutable {
                then(known ? std::move(*known) : std::move(person));
              });
}

void Rooms::standing_of(const http::Request& request, const std::string& channel,
                        std::move_only_function<void(push::Standing)> then) {
  const studio::Proof proof = places_.proof_of(request);
  const bool proves = !proof.token.empty() || !proof.session.empty();
  if (!has_accounts(config_) || !proves) return then(push::Standing::stranger);
  find_person(proof, channel, [then = std::move(then)](const std::optional<media::Person>& known) mutable {
    const bool near = known && known->standing != media::Standing::stranger;
    then(near ? push::Standing::follower : push::Standing::stranger);
  });
}

void Rooms::find_person(const studio::Proof& proof, const std::string& channel, Found then) {
  if (!identities_) identities_.emplace(loop_, world_.store());
  identities_->of(proof, [this, channel, then = std::move(then)](studio::Whose whose) mutable {
    if (!whose || (whose->scopes && !whose->scopes->allow(studio::Scope::rooms_write))) return then(std::nullopt);
    const auto of = is_hosted(channel) ? studio::ChannelOf::account : studio::ChannelOf::server;
    store().ask<media::Person>(
        [account = whose->account, channel, of](store::Database& open) {
          return studio::person_in_room(open, account, channel, of);
        },
        [then = std::move(then), so_far = studio::person_before_records(whose->account, channel, of)](
            store::Outcome<media::Person> person) mutable { then(person ? std::move(*person) : std::move(so_far)); });
  });
}

media::Person Rooms::who_asks(const http::Request& request, std::string_view channel) const {
  constexpr std::string_view bearer = "Bearer ";
  const std::string_view said = request.header("authorization").value_or("");
  const auto known = std::ranges::find(config_.channels, channel, &Channel::name);
  // Account 1 of a server without accounts: who has the channel's key.
  if (known != config_.channels.end() && said.starts_with(bearer) &&
      wire::equal_in_constant_time(as_bytes(said.substr(bearer.size())), as_bytes(known->key))) {
    return {media::AccountId{1}, known->name, media::Standing::broadcaster};
  }
  return nobody_of(config_);
}

std::unique_ptr<audience::WayUp> Rooms::join(std::string_view channel, const std::string& topic,
                                             const std::string& node) {
  const ShardIndex home = places_.home_of(channel);
  world_.post_to_shard(home, [topic, node, from = index_](Shard& shard) { shard.rooms().on_join(topic, node, from); });
  return std::make_unique<ToHome>(world_, home, topic, node);
}

}  // namespace klieg::cli

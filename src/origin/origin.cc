#include "origin/origin.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <compare>
#include <deque>

#include "origin/storyboard.h"
#include "wire/utc.h"

namespace klieg::origin {
namespace {

namespace hls = wire::hls;

// How far past what is being born a name may lie and still be waited for. DASH players ask up to
// availabilityTimeOffset early, LL-HLS players for the first part of the next segment.
constexpr media::Msn segments_ahead_max = 2;
constexpr uint64_t whole_segment = UINT64_MAX;  // as a part number: until the segment has ended

std::string_view name_of(ChannelState state) {
  constexpr std::array<std::string_view, 4> names{"offline", "live", "paused", "ended"};
  return names[static_cast<size_t>(state)];
}

ChannelState state_of(media::BroadcastState state) {
  switch (state) {
    case media::BroadcastState::live:
      return ChannelState::live;
    case media::BroadcastState::paused:
      return ChannelState::paused;
    case media::BroadcastState::ended:
      return ChannelState::ended;
  }
  return ChannelState::ended;
}

Refusal not_found(std::string words) { return {404, std::move(words), 1s, std::nullopt}; }
Refusal not_live(const std::string& channel) { return {404, channel + " is not live\n", 1s, Duration(2s)}; }
Refusal overdue(std::string words) { return {503, std::move(words), 0s, Duration(1s)}; }
Refusal bad_request(std::string words) { return {400, std::move(words), 1s, std::nullopt}; }

std::string text_of(const Status& status, const std::string& channel, Duration latency, WallTime wall) {
  auto quoted_or_null = [](bool present, const std::string& text) { return present ? '"' + text + '"' : "null"; };
  // Channel names and broadcast ids hold nothing that JSON would have to escape.
  return fmt::format(
      "{{\"channel\":\"{}\",\"state\":\"{}\",\"version\":{},\"broadcast\":{},\"started_at\":{},"
      "\"target_latency_ms\":{},\"server_time\":\"{}\"}}\n",
      channel, name_of(status.state), status.version, quoted_or_null(!status.broadcast.empty(), status.broadcast),
      quoted_or_null(status.started.has_value(), status.started ? wire::utc_text(*status.started) : ""), to_ms(latency),
      wire::utc_text(wall));
}

std::optional<uint64_t> parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (!pair.starts_with(name) || pair.size() == name.size() || pair[name.size()] != '=') continue;
    pair.remove_prefix(name.size() + 1);
    uint64_t value = 0;
    const auto [stop, error] = std::from_chars(pair.data(), pair.data() + pair.size(), value);
    if (error == std::errc() && stop == pair.data() + pair.size()) return value;
  }
  return std::nullopt;
}

// A rung follows the source, so that what the source has is about to be born in the rung, however far behind it is.
media::Msn furthest_of(const Window& window, const TrackWindow& track, media::Msn own) {
  const TrackWindow* main = track.is_rung() ? window.main_track() : nullptr;
  return main ? std::max(own, main->live_msn()) : own;
}

// What requests of one broadcast wait for. Ordered so that what one record makes ripe is a range.
enum class WantKind : uint8_t { playable, playlist, segment, part };
struct Want {
  WantKind kind = WantKind::playable;
  media::TrackId track = 0;
  media::Msn msn = 0;
  uint64_t part = 0;
  auto operator<=>(const Want&) const = default;
};

}  // namespace

struct Origin::Broadcast {
  Broadcast(const media::BroadcastBegun& begun, Role is, const Origin& origin)
      : window(begun, origin.settings_.window, is == Role::home ? origin.departed_ : nullptr),
        role(is),
        owner(origin) {}
  ~Broadcast() {
    if (owner.witness_) owner.witness_->on_window_gone(window);
  }
  Broadcast(const Broadcast&) = delete;
  Broadcast& operator=(const Broadcast&) = delete;

  Duration patience() const { return std::chrono::seconds(3 * window.begun().target_duration_s); }

  Hold wait_for(const Want& want, LoopTime now) {
    std::shared_ptr<Log>& gate = gates[want];
    if (!gate) gate = std::make_shared<Log>();
    return {gate, now + patience()};
  }

  // Opens the gates of everything of this kind and track up to (msn, part).
  void ripen(WantKind kind, media::TrackId track, media::Msn msn, uint64_t part) {
    open(gates.lower_bound({kind, track, 0, 0}), gates.upper_bound({kind, track, msn, part}));
  }
  void ripen_all() { open(gates.begin(), gates.end()); }

  std::shared_ptr<const Document> playlist(const TrackWindow& track, media::TrackId id, hls::Skip skip,
                                           const ManifestSettings& settings) {
    Version& cached = playlists[{id, skip}];
    if (!cached.document || cached.of != track.version) {
      cached = {track.version, std::make_shared<Document>(DocumentKind::playlist,
                                                          hls::render(playlist_of(window, track, settings), skip))};
    }
    return cached.document;
  }

  std::shared_ptr<const Document> stable(NameKind kind, const Settings& settings) {
    Version& cached = kind == NameKind::manifest ? manifest : multivariant;
    if (cached.document && cached.of == window.version()) return cached.document;
    cached.of = window.version();
    std::string text = kind == NameKind::multivariant
                           ? hls::render(multivariant_of(window))
                           : wire::dash::render(manifest_of(window, settings.manifests, settings.window.live));
    // What reads the same as before is the same version, compressed already.
    if (cached.document && cached.document->content(Coding::identity).text() == text) return cached.document;
    const auto document_kind = kind == NameKind::manifest ? DocumentKind::manifest : DocumentKind::playlist;
    cached.document = std::make_shared<Document>(document_kind, std::move(text));
    return cached.document;
  }

  std::shared_ptr<const Document> storyboard() {
    if (!board.document || board.of != window.thumbnails_version()) {
      board = {window.thumbnails_version(),
               std::make_shared<Document>(DocumentKind::storyboard, storyboard_of(window))};
    }
    return board.document;
  }

  Window window;
  Role role;
  Audience audience = Audience::everybody;
  const Origin& owner;
  std::optional<LoopTime> ended;
  std::map<Want, std::shared_ptr<Log>> gates;

 private:
  struct Version {
    uint64_t of = 0;
    std::shared_ptr<const Document> document;
  };

  void open(std::map<Want, std::shared_ptr<Log>>::iterator first, std::map<Want, std::shared_ptr<Log>>::iterator last) {
    std::vector<std::shared_ptr<Log>> ripe;
    for (auto gate = first; gate != last; ++gate) ripe.push_back(std::move(gate->second));
    gates.erase(first, last);
    // Whoever is woken may wait again, behind a new gate.
    for (const auto& gate : ripe) gate->end(LogEnd::complete);
  }

  std::map<std::pair<media::TrackId, hls::Skip>, Version> playlists;
  Version multivariant;
  Version manifest;
  Version board;
};

struct Origin::Channel {
  Audience audience = Audience::everybody;
  Status status;
  std::unique_ptr<Broadcast> current;
  std::deque<std::unique_ptr<Broadcast>> past;  // oldest first
  std::shared_ptr<Log> status_gate = std::make_shared<Log>();
  std::shared_ptr<Log> window_gate = std::make_shared<Log>();
  LoopTime last_asked = LoopTime::min();

  Broadcast* find(std::string_view broadcast) const {
    if (current && current->window.name() == broadcast) return current.get();
    for (const auto& one : past) {
      if (one->window.name() == broadcast) return one.get();
    }
    return nullptr;
  }
};

struct Origin::Waiting final : LogWaiter {
  Waiting(Origin& origin, const Hold& hold, std::move_only_function<void(HoldEnd)> callback)
      : owner(origin), gate(hold.gate), then(std::move(callback)) {}
  void on_log_grew() override { owner.wake(place, HoldEnd::ripe); }

  Origin& owner;
  std::shared_ptr<Log> gate;
  std::move_only_function<void(HoldEnd)> then;
  WaitingByDeadline::iterator place;
};

namespace {
void open_gate(std::shared_ptr<Log>& gate) {
  const std::shared_ptr<Log> ripe = std::exchange(gate, std::make_shared<Log>());
  ripe->end(LogEnd::complete);
}
}  // namespace

Origin::Origin(const Settings& settings, Peers* peers, media::DepartedSink* departed)
    : settings_(settings), peers_(peers), departed_(departed) {}
Origin::~Origin() = default;

void Origin::add_channel(const std::string& name, Audience audience) { channels_[name].audience = audience; }

Audience Origin::audience_of(std::string_view channel) const {
  const auto found = channels_.find(channel);
  if (found == channels_.end()) return Audience::everybody;
  const Channel& known = found->second;
  const bool is_told = known.current && known.current->window.name() == known.status.broadcast;
  return is_told ? known.current->audience : known.audience;
}

Audience Origin::audience_of(const Name& name) const {
  const auto found = channels_.find(name.channel);
  const Broadcast* broadcast = found == channels_.end() ? nullptr : found->second.find(name.broadcast);
  return broadcast ? broadcast->audience : audience_of(name.channel);
}

bool Origin::has_channel(std::string_view name) const { return channels_.contains(name); }

Window& Origin::begin(const std::string& name, const media::BroadcastBegun& begun, WallTime wall, LoopTime now) {
  Channel& channel = channels_.at(name);
  put_current(name, channel, std::make_unique<Broadcast>(begun, Role::home, *this), now);
  channel.status.broadcast = channel.current->window.name();
  channel.status.started = wall;
  change_status(name, channel, ChannelState::live);
  return channel.current->window;
}

Window& Origin::begin_mirror(const std::string& name, std::span<const media::Record> replayed, LoopTime now) {
  KLIEG_ASSERT(!replayed.empty() && std::holds_alternative<media::BroadcastBegun>(replayed.front()),
               "a replay begins with its broadcast");
  const auto& begun = std::get<media::BroadcastBegun>(replayed.front());
  auto broadcast = std::make_unique<Broadcast>(begun, Role::mirror, *this);
  for (const media::Record& record : replayed.subspan(1)) broadcast->window.on_record(record);
  if (broadcast->window.state() == media::BroadcastState::ended) note_end(name, *broadcast, now);
  Channel& channel = channels_.at(name);
  put_current(name, channel, std::move(broadcast), now);
  open_gate(channel.window_gate);
  return channel.current->window;
}

void Origin::put_current(const std::string& name, Channel& channel, std::unique_ptr<Broadcast> broadcast,
                         LoopTime now) {
  if (channel.current && !channel.current->ended) {
    apply(name, media::StateChanged{media::BroadcastState::ended}, now);
  }
  if (channel.current) channel.past.push_back(std::move(channel.current));
  while (channel.past.size() > settings_.ended_kept_max) channel.past.pop_front();
  broadcast->audience = channel.audience;
  channel.current = std::move(broadcast);
  if (witness_) witness_->on_window();
}

void Origin::note_end(const std::string& name, Broadcast& broadcast, LoopTime now) {
  broadcast.ended = now;
  retirements_.emplace(now + settings_.ended_kept, name);
}

void Origin::apply(const std::string& name, const media::Record& record, LoopTime now) {
  Channel& channel = channels_.at(name);
  KLIEG_ASSERT(channel.current && !channel.current->ended,
               "records belong to a broadcast that has begun and not ended");
  Broadcast& broadcast = *channel.current;
  broadcast.window.on_record(record);
  if (witness_) witness_->on_applied(broadcast.window, record);
  if (const auto* begun = std::get_if<media::SegmentBegun>(&record)) {
    // A rung's segment may turn out to be a gap: whoever waits for it waits for its first byte.
    if (!broadcast.window.tracks().at(begun->track).is_rung()) {
      broadcast.ripen(WantKind::segment, begun->track, begun->msn, 0);
    }
  } else if (const auto* chunk = std::get_if<media::ChunkBorn>(&record)) {
    const TrackWindow& track = broadcast.window.tracks().at(chunk->track);
    if (track.is_rung()) broadcast.ripen(WantKind::segment, chunk->track, track.live_msn(), 0);
  } else if (const auto* part = std::get_if<media::PartEnded>(&record)) {
    broadcast.ripen(WantKind::part, part->track, part->msn, part->index);
    broadcast.ripen(WantKind::playlist, part->track, part->msn, part->index);
  } else if (const auto* segment = std::get_if<media::SegmentEnded>(&record)) {
    broadcast.ripen(WantKind::segment, segment->track, segment->msn, 0);
    broadcast.ripen(WantKind::part, segment->track, segment->msn, whole_segment);
    broadcast.ripen(WantKind::playlist, segment->track, segment->msn, whole_segment);
    if (broadcast.window.playable()) broadcast.ripen(WantKind::playable, 0, 0, 0);
  } else if (std::holds_alternative<media::HeaderBorn>(record) ||
             std::holds_alternative<media::TracksAnnounced>(record)) {
    if (broadcast.window.playable()) broadcast.ripen(WantKind::playable, 0, 0, 0);
  } else if (const auto* changed = std::get_if<media::StateChanged>(&record)) {
    if (changed->state == media::BroadcastState::ended) {
      note_end(name, broadcast, now);
      broadcast.ripen_all();
    }
    const ChannelState state = state_of(changed->state);
    if (broadcast.role == Role::home && channel.status.state != state) change_status(name, channel, state);
  }
}

void Origin::change_status(const std::string& name, Channel& channel, ChannelState state) {
  channel.status.state = state;
  ++channel.status.version;
  if (peers_) peers_->on_status(name, channel.status);
  open_gate(channel.status_gate);
}

void Origin::announce(const std::string& name, const Status& status) {
  Channel& channel = channels_.at(name);
  channel.status = status;
  open_gate(channel.status_gate);
}

void Origin::drop_mirror(const std::string& name) {
  Channel& channel = channels_.at(name);
  KLIEG_ASSERT(!channel.current || channel.current->role == Role::mirror, "only a mirror is dropped");
  const std::unique_ptr<Broadcast> dropped = std::move(channel.current);
  if (dropped) dropped->ripen_all();
}

Held Origin::hold(const Hold& hold, std::move_only_function<void(HoldEnd)> then) {
  KLIEG_ASSERT(hold.gate->growing(), "what is ripe is not waited for");
  if (waiting_.size() >= settings_.holds_max) return Held::too_many;
  const auto place = waiting_.emplace(hold.deadline, std::make_unique<Waiting>(*this, hold, std::move(then)));
  place->second->place = place;
  hold.gate->wake_me(*place->second);
  return Held::yes;
}

void Origin::wake(WaitingByDeadline::iterator place, HoldEnd end) {
  const std::unique_ptr<Waiting> waiting = std::move(place->second);
  waiting_.erase(place);
  waiting->stop_waiting();
  waiting->then(end);
}

void Origin::expire(LoopTime now) {
  while (!waiting_.empty() && waiting_.begin()->first <= now) wake(waiting_.begin(), HoldEnd::overdue);
  while (!retirements_.empty() && retirements_.begin()->first <= now) {
    const std::string name = std::move(retirements_.begin()->second);
    retirements_.erase(retirements_.begin());
    forget(name, channels_.at(name), now);
  }
}

void Origin::release_held() {
  while (!waiting_.empty()) wake(waiting_.begin(), HoldEnd::overdue);
}

void Origin::forget(const std::string& name, Channel& channel, LoopTime now) {
  auto is_old = [&](const std::unique_ptr<Broadcast>& broadcast) {
    return broadcast && broadcast->ended && *broadcast->ended + settings_.ended_kept <= now;
  };
  std::erase_if(channel.past, is_old);
  if (!is_old(channel.current)) return;
  const Role role = channel.current->role;
  channel.current.reset();
  if (role != Role::home) return;
  channel.status.broadcast.clear();
  channel.status.started.reset();
  change_status(name, channel, channel.status.state);
}

LoopTime Origin::next_deadline() const {
  LoopTime next = LoopTime::max();
  if (!waiting_.empty()) next = waiting_.begin()->first;
  if (!retirements_.empty()) next = std::min(next, retirements_.begin()->first);
  return next;
}

const Window* Origin::window(const std::string& name) const {
  const Channel& channel = channels_.at(name);
  return channel.current ? &channel.current->window : nullptr;
}

const Window* Origin::window(std::string_view name, std::string_view broadcast) const {
  const auto found = channels_.find(name);
  const Broadcast* here = found == channels_.end() ? nullptr : found->second.find(broadcast);
  return here ? &here->window : nullptr;
}

bool Origin::want_window(std::string_view name, std::string_view broadcast) {
  const auto found = channels_.find(name);
  if (found == channels_.end() || found->second.status.broadcast != broadcast || broadcast.empty()) return false;
  if (found->second.find(broadcast)) return false;
  if (peers_) peers_->mirror_wanted(found->first);
  return true;
}

void Origin::note_asked(std::string_view name, LoopTime now) {
  if (const auto found = channels_.find(name); found != channels_.end()) found->second.last_asked = now;
}

const Status& Origin::status(const std::string& name) const { return channels_.at(name).status; }
LoopTime Origin::last_asked(const std::string& name) const { return channels_.at(name).last_asked; }

Answer Origin::find(std::string_view path, std::string_view query, LoopTime now, WallTime wall, Patience patience) {
  const std::optional<Name> name = parse_name(path);
  if (!name) return not_found("no such name\n");
  const auto found = channels_.find(name->channel);
  if (found == channels_.end()) return not_found("no such channel\n");
  Channel& channel = found->second;
  if (name->kind == NameKind::status) return find_status(found->first, channel, query, now, wall, patience);
  channel.last_asked = now;
  if (name->kind == NameKind::multivariant || name->kind == NameKind::manifest || name->kind == NameKind::poster) {
    return find_stable(found->first, channel, name->kind, now, patience);
  }
  Broadcast* broadcast = channel.find(name->broadcast);
  if (!broadcast) {
    if (name->broadcast == channel.status.broadcast) return await_window(found->first, channel, now, patience);
    return not_found("this broadcast is over, or never was\n");
  }
  if (name->kind == NameKind::storyboard) {
    return Found{broadcast->storyboard(), Freshness::playlist, broadcast->window.begun().target_duration_s};
  }
  if (name->kind == NameKind::thumbnail) {
    if (auto object = broadcast->window.thumbnail(name->number)) return object;
    return not_found("no such picture\n");
  }
  if (const TrackWindow* track = broadcast->window.track(name->track); peers_ && track && track->lost()) {
    peers_->rung_wanted(found->first);
  }
  if (name->kind == NameKind::playlist) return find_playlist(*broadcast, *name, query, now, patience);
  return find_media(*broadcast, *name, now, patience);
}

Answer Origin::find_status(const std::string& name, Channel& channel, std::string_view query, LoopTime now,
                           WallTime wall, Patience patience) {
  const std::optional<uint64_t> after = parameter(query, "after");
  // A version from before a restart may be ahead of ours: only the very one we have is worth waiting with.
  if (after && *after == channel.status.version && patience == Patience::may_wait) {
    return Hold{channel.status_gate, now + settings_.status_hold};
  }
  auto document = std::make_shared<Document>(DocumentKind::status,
                                             text_of(channel.status, name, target_latency(settings_.manifests), wall));
  return Found{std::move(document), Freshness::never};
}

Answer Origin::await_window(const std::string& name, Channel& channel, LoopTime now, Patience patience) {
  if (patience == Patience::exhausted) return overdue(name + " is not here yet\n");
  if (peers_) peers_->mirror_wanted(name);
  return Hold{channel.window_gate, now + 3s};
}

Answer Origin::find_stable(const std::string& name, Channel& channel, NameKind kind, LoopTime now, Patience patience) {
  Broadcast* broadcast = channel.current.get();
  if (!broadcast || (!channel.status.broadcast.empty() && broadcast->window.name() != channel.status.broadcast)) {
    if (channel.status.broadcast.empty()) return not_live(name);
    return await_window(name, channel, now, patience);
  }
  if (kind == NameKind::poster) {
    if (auto object = broadcast->window.poster()) return object;
    return not_found("there is no picture of it yet\n");
  }
  if (!broadcast->window.playable()) {
    if (broadcast->ended || patience == Patience::exhausted) return not_live(name);
    return broadcast->wait_for({}, now);
  }
  // A multivariant playlist lists every rung whatever happens; a manifest does not.
  const auto lost = [](const auto& track) { return track.second.lost(); };
  if (peers_ && kind == NameKind::manifest && std::ranges::any_of(broadcast->window.tracks(), lost)) {
    peers_->rung_wanted(name);
  }
  return Found{broadcast->stable(kind, settings_), Freshness::stable, broadcast->window.begun().target_duration_s};
}

Answer Origin::find_playlist(Broadcast& broadcast, const Name& name, std::string_view query, LoopTime now,
                             Patience patience) {
  const Window& window = broadcast.window;
  const TrackWindow* track = window.track(name.track);
  if (!track) return not_found("no such track\n");
  const Result<hls::Directives> asked = hls::parse_directives(query);
  if (!asked) return bad_request(asked.error().message + '\n');

  const media::TrackId id = track->newest().track;
  auto as_it_is = [&](Freshness freshness) -> Answer {
    return Found{broadcast.playlist(*track, id, asked->skip, settings_.manifests), freshness,
                 window.begun().target_duration_s};
  };
  // A playlist that has ended answers every directive (6.2.5.2).
  if (broadcast.ended) return as_it_is(Freshness::playlist);

  const Segment* open = track->open();
  const media::Msn live = track->live_msn();
  const uint64_t live_parts = open ? open->parts.size() : 0;
  media::Msn msn = asked->msn.value_or(0);
  std::optional<uint64_t> part = asked->part;
  if (asked->msn) {
    if (msn > furthest_of(window, *track, live) + 1) return bad_request("_HLS_msn lies too far ahead\n");
    if (part && msn >= live &&
        *part >= (msn == live ? live_parts : 0) + hls::advance_part_limit(window.begun().part_target)) {
      return bad_request("_HLS_part lies too far ahead\n");
    }
    // A part past the last one of a finished segment is the first of the next (6.2.5.2).
    if (const Segment* segment = track->find(msn);
        part && segment && !segment->open() && *part >= segment->parts.size()) {
      ++msn;
      part = 0;
    }
  } else if (live == 0 || track->segments.empty()) {
    part = 0;  // nothing to list yet
  }
  const bool wants_nothing = !asked->msn && !part;
  const bool exists = wants_nothing || msn < live || (msn == live && part && *part < live_parts);
  if (exists) return as_it_is(asked->msn ? Freshness::blocking : Freshness::playlist);
  if (patience == Patience::may_wait) {
    return broadcast.wait_for({WantKind::playlist, id, msn, part.value_or(whole_segment)}, now);
  }
  // Nothing is late while the publisher is away: the playlist simply has not changed.
  if (window.state() == media::BroadcastState::paused) return as_it_is(Freshness::stable);
  return overdue("the broadcast did not get this far in time\n");
}

Answer Origin::find_media(Broadcast& broadcast, const Name& name, LoopTime now, Patience patience) {
  const Window& window = broadcast.window;
  const TrackWindow* track = window.track(name.track);
  if (!track) return not_found("no such track\n");
  const media::TrackId id = track->newest().track;
  if (name.kind == NameKind::header) {
    if (auto object = window.header(*track, name.number)) return object;
    return not_found("no such header\n");
  }

  const media::Msn msn = name.number;
  const bool wants_part = name.kind == NameKind::part;
  if (auto object = wants_part ? window.part(*track, msn, name.part) : window.segment(*track, msn)) return object;

  const Segment* segment = track->find(msn);
  if (segment && segment->gap()) return not_found("the segment is a gap: this rendition has not all of it\n");
  if (segment && !segment->open()) return not_found("the segment has no such part\n");
  if (!segment && msn < track->next_msn()) return Refusal{410, "this segment has left the window\n", 60s, std::nullopt};
  if (broadcast.ended) return not_found("the broadcast has ended\n");
  if (msn >= furthest_of(window, *track, track->next_msn()) + segments_ahead_max)
    return not_found("this segment lies too far ahead\n");
  const uint64_t parts = segment ? segment->parts.size() : 0;
  if (wants_part && name.part >= parts + hls::advance_part_limit(window.begun().part_target)) {
    return not_found("this part lies too far ahead\n");
  }
  if (patience == Patience::exhausted) return overdue("the broadcast did not get this far in time\n");
  if (wants_part) return broadcast.wait_for({WantKind::part, id, msn, name.part}, now);
  return broadcast.wait_for({WantKind::segment, id, msn, 0}, now);
}

}  // namespace klieg::origin

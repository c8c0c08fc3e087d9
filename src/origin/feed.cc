#include "origin/feed.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "origin/heads.h"
#include "wire/push_record.h"

namespace klieg::origin {
namespace {

// As long as a viewer's request waits for the same (Origin::find).
constexpr Duration mirror_wait_max = 3s;

media::DocumentChanged as_pushed(const Found& found, const std::string& name, const media::DocumentVersion& version,
                                 Audience audience) {
  const Document& document = *found.document;
  media::ObjectHead head = head_of(document.kind(), Coding::gzip, found.freshness, found.target_duration_s);
  std::ranges::move(own_head_of(document, Coding::gzip, name), std::back_inserter(head));
  if (audience == Audience::guests) mark_as_private(head);
  media::DocumentChanged changed;
  changed.name = name;
  changed.head = std::make_shared<const media::ObjectHead>(std::move(head));
  changed.version = version;
  changed.content = document.content(Coding::gzip);
  return changed;
}

}  // namespace

class Feed::Handle final : public media::Subscription {
 public:
  explicit Handle(std::shared_ptr<Subscriber> subscriber) : subscriber_(std::move(subscriber)) {}
  ~Handle() override { subscriber_->sink = nullptr; }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

 private:
  std::shared_ptr<Subscriber> subscriber_;
};

Feed::Feed(Origin& origin, std::function<void()> flush_wanted)
    : origin_(origin), flush_wanted_(std::move(flush_wanted)) {
  origin_.watch(this);
}

Feed::~Feed() { origin_.watch(nullptr); }

std::unique_ptr<media::Subscription> Feed::subscribe(std::string_view topic, media::PushSink& sink) {
  auto subscriber = std::make_shared<Subscriber>(std::string(topic) + ".m3u8", &sink, std::nullopt);
  newcomers_.push_back(subscriber);
  want_flush();
  return std::make_unique<Handle>(std::move(subscriber));
}

bool Feed::follows(const Window& window) const {
  const auto first = topics_.lower_bound({&window, media::TrackId{0}});
  return first != topics_.end() && first->first.first == &window;
}

void Feed::want_flush() {
  if (!std::exchange(flush_asked_, true)) flush_wanted_();
}

void Feed::on_window() {
  if (!newcomers_.empty()) want_flush();
}

void Feed::on_applied(const Window& window, const media::Record& record) {
  for (auto at = topics_.lower_bound({&window, 0}); at != topics_.end() && at->first.first == &window; ++at) {
    Topic& topic = at->second;
    topic.on_applied(record);
    // A record of another track may have moved what this one's playlist lists.
    if (topic.playlists_changed() || topic.overviews_changed()) want_flush();
  }
}

void Feed::on_window_gone(const Window& window) {
  auto at = topics_.lower_bound({&window, 0});
  while (at != topics_.end() && at->first.first == &window) {
    std::ranges::move(at->second.take_subscribers(), std::back_inserter(cut_off_));
    at = topics_.erase(at);
  }
  if (!cut_off_.empty()) want_flush();
}

void Feed::flush(LoopTime now) {
  flush_asked_ = false;
  for (const auto& subscriber : std::exchange(cut_off_, {})) subscriber->end(media::TopicEnd::lost);
  // Who subscribes meanwhile is a newcomer of the next flush.
  for (const auto& newcomer : std::exchange(newcomers_, {})) {
    if (begin(newcomer, now) == Begin::waits) newcomers_.push_back(newcomer);
  }
  for (auto at = topics_.begin(); at != topics_.end();) {
    Topic& topic = at->second;
    if (!topic.abandoned()) update_documents(topic, now);
    if (topic.ended()) topic.end(media::TopicEnd::finished);
    at = topic.abandoned() ? topics_.erase(at) : std::next(at);
  }
}

LoopTime Feed::next_deadline() const {
  LoopTime next = LoopTime::max();
  for (const auto& newcomer : newcomers_) next = std::min(next, newcomer->deadline.value_or(next));
  return next;
}

Feed::Begin Feed::begin(const std::shared_ptr<Subscriber>& newcomer, LoopTime now) {
  if (!newcomer->sink) return Begin::done;
  const std::optional<Name> name = parse_name(newcomer->playlist);
  const bool is_topic = name && name->kind == NameKind::playlist;
  const Window* window = is_topic ? origin_.window(name->channel, name->broadcast) : nullptr;
  const TrackWindow* track = window ? window->track(name->track) : nullptr;
  if (track) {
    const media::TrackId id = track->newest().track;
    Topic& topic =
        topics_.try_emplace({window, id}, *window, id, newcomer->playlist, origin_.audience_of(*name)).first->second;
    update_documents(topic, now);
    topic.add(newcomer);
    return Begin::done;
  }
  const bool may_come = is_topic && !window && origin_.want_window(name->channel, name->broadcast);
  if (!newcomer->deadline) newcomer->deadline = now + mirror_wait_max;
  if (may_come && now < *newcomer->deadline) return Begin::waits;
  newcomer->end(media::TopicEnd::unknown);
  return Begin::done;
}

// And says that somebody is there: a mirror that nobody asks is dropped.
void Feed::update_documents(Topic& topic, LoopTime now) {
  origin_.note_asked(topic.channel(), now);
  update_overviews(topic, now);
  if (!topic.playlists_changed()) return;
  Topic::Playlists playlists;
  for (size_t i = 0; i < playlists.size(); ++i) {
    const std::string_view query = Topic::playlist_queries[i];
    const Answer answer = origin_.find(topic.playlist(), query, now, WallTime(), Patience::exhausted);
    const Found* found = std::get_if<Found>(&answer);
    if (!found) continue;  // there is nothing to list yet
    const Document& document = *found->document;
    if (document.content(Coding::gzip).size() > wire::push::document_size_max) continue;  // who wants it asks for it
    media::DocumentChanged& changed =
        playlists[i].emplace(as_pushed(*found, topic.playlist(), topic.version(), topic.audience()));
    if (!query.empty()) changed.name.append("?").append(query);
    if (topic.ended()) changed.finality = media::Finality::is_final;
  }
  topic.tell_playlists(std::move(playlists));
}

// Their names are the channel's, not the broadcast's: they are told of the one that the channel shows, and only while
// that is on air. What comes after has to be asked for.
void Feed::update_overviews(Topic& topic, LoopTime now) {
  if (!topic.overviews_changed()) return;
  const std::string channel(topic.channel());
  Topic::Overviews overviews;
  if (topic.ended() || origin_.window(channel) != &topic.window()) return topic.tell_overviews(std::move(overviews));
  const auto lost = [](const auto& track) { return track.second.lost(); };
  const bool lists_all = std::ranges::none_of(topic.window().tracks(), lost);
  const std::array names{multivariant_path(channel), lists_all ? manifest_path(channel) : ""};
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) continue;
    const Answer answer = origin_.find(names[i], "", now, WallTime(), Patience::exhausted);
    const Found* found = std::get_if<Found>(&answer);
    if (!found || found->document->content(Coding::gzip).size() > wire::push::document_size_max) continue;
    overviews[i] = as_pushed(*found, names[i], {.msn = topic.window().version()}, topic.audience());
  }
  topic.tell_overviews(std::move(overviews));
}

}  // namespace klieg::origin

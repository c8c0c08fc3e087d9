#include "origin/window.h"

#include <algorithm>

#include "origin/names.h"

namespace klieg::origin {
namespace {

std::string_view content_type(media::TrackKind kind) {
  return kind == media::TrackKind::video ? "video/mp4" : "audio/mp4";
}

}  // namespace

const Segment* TrackWindow::find(media::Msn msn) const {
  if (segments.empty() || msn < segments.front().begun.msn || msn > segments.back().begun.msn) return nullptr;
  return &segments[msn - segments.front().begun.msn];
}

Window::Window(const media::BroadcastBegun& begun, const WindowLimits& limits, media::DepartedSink* departed)
    : begun_(begun), name_(broadcast_name(begun.id, begun.epoch)), limits_(limits), departed_(departed) {}

Window::~Window() { abandon_open_segments(); }

void Window::on_record(const media::Record& record) {
  KLIEG_ASSERT(state_ != media::BroadcastState::ended, "nothing follows the end of a broadcast");
  std::visit([this](const auto& it) { apply(it); }, record);
}

void Window::apply(const media::BroadcastBegun& begun) {
  KLIEG_ASSERT(begun.id == begun_.id && begun.epoch == begun_.epoch, "a window is of one broadcast");
}

void Window::apply(const media::TracksAnnounced& announced) {
  announced_ = announced.names;
  ++version_;
}

void Window::apply(const media::PictureBorn& born) {
  const media::Picture& picture = born.picture;
  const auto ms = static_cast<uint64_t>(std::max<int64_t>(0, to_ms(picture.at.time_since_epoch())));
  const bool poster = picture.use == media::PictureUse::poster;
  auto object = new_object(poster ? "poster-" + std::to_string(ms) : thumbnail_name(ms), "image/jpeg");
  object->log = Log::complete(picture.jpeg);
  object->end = picture.jpeg.size();
  if (poster) {
    object->lasting = Lasting::a_moment;
    object->kept_s = 0;
    poster_ = Picture{picture, std::move(object)};
    return;
  }
  thumbnails_.emplace(ms, Picture{picture, std::move(object)});  // the first stays: its name means its bytes for ever
  ++thumbnails_version_;
  drop_thumbnails();
}

void Window::apply(const media::PeriodBegun& period) {
  const uint32_t before = periods_.empty() ? 0 : periods_.back().discontinuities;
  KLIEG_ASSERT(periods_.empty() || period.index > periods_.back().index, "periods come in order");
  periods_.push_back(period);
  // A packager does not count; a window that replays does (see record.h).
  const uint32_t counted = before + (period.why == media::PeriodStart::discontinuity ? 1 : 0);
  periods_.back().discontinuities = std::max(period.discontinuities, counted);
  ++version_;
}

void Window::apply(const media::HeaderBorn& header) {
  auto object = new_object(header_name(header.name, header.version), content_type(header.info.kind));
  object->log = Log::complete(header.content);
  object->end = header.content.size();
  tracks_[header.track].headers.insert_or_assign(header.version, Header{header, std::move(object)});
  ++version_;
}

void Window::apply(const media::SegmentBegun& begun) {
  TrackWindow& track = tracks_.at(begun.track);
  KLIEG_ASSERT(track.headers.contains(begun.header_version), "a header is born before its segments");
  KLIEG_ASSERT(!track.open(), "a track has one open segment");
  KLIEG_ASSERT(track.segments.empty() || begun.msn >= track.next_msn(), "sequence numbers increase");
  // A playlist numbers its segments by their place in it, so a track that was absent for a while starts afresh.
  if (begun.msn != track.next_msn()) {
    while (!track.segments.empty()) drop_front(begun.track, track);
  }
  Segment& segment = track.segments.emplace_back();
  segment.begun = begun;
  segment.log = std::make_shared<Log>();
  ++version_;
  drop_unused();
}

Segment& Window::open_segment(media::TrackId id) {
  TrackWindow& track = tracks_.at(id);
  KLIEG_ASSERT(track.open(), "chunks and parts belong to an open segment");
  return track.segments.back();
}

void Window::apply(const media::ChunkBorn& chunk) {
  Segment& segment = open_segment(chunk.track);
  bytes_ += chunk.content.size();
  segment.log->append(chunk.content);
}

void Window::apply(const media::PartEnded& ended) {
  Segment& segment = open_segment(ended.track);
  KLIEG_ASSERT(ended.msn == segment.begun.msn && ended.index == segment.parts.size(), "parts come in order");
  KLIEG_ASSERT(ended.offset == segment.parts_size() && ended.offset + ended.size <= segment.log->size(),
               "a part lies behind the one before and within what was appended");
  segment.parts.push_back({ended.offset, ended.size, ended.duration, ended.independence});
  segment.duration += ended.duration;
  ++tracks_.at(ended.track).version;
}

void Window::apply(const media::SegmentEnded& ended) {
  Segment& segment = open_segment(ended.track);
  KLIEG_ASSERT(ended.msn == segment.begun.msn, "the open segment ends");
  segment.duration = ended.duration;
  segment.presence = ended.presence;
  ++tracks_.at(ended.track).version;
  ++version_;
  const std::shared_ptr<Log> log = segment.log;
  slide();
  // Last: it wakes readers, and they may ask this window. A reader of a gap must not take it for the whole.
  log->end(ended.presence == media::Presence::gap ? LogEnd::aborted : LogEnd::complete);
}

void Window::apply(const media::StateChanged& changed) {
  state_ = changed.state;
  if (state_ == media::BroadcastState::ended) abandon_open_segments();
  for (auto& [id, track] : tracks_) ++track.version;
  ++version_;
}

// What was begun and never ends: its readers are cut off, and no playlist mentions it again.
void Window::abandon_open_segments() {
  for (auto& [id, track] : tracks_) {
    if (!track.open()) continue;
    const std::shared_ptr<Log> log = track.segments.back().log;
    bytes_ -= log->size();
    track.segments.pop_back();
    log->end(LogEnd::aborted);
  }
}

// Moves the window over what just ended. A function of the segments alone, so that mirrors agree.
void Window::slide() {
  const TrackWindow* main = main_track();
  if (!main || main->segments.empty()) return;
  Duration span{0};
  media::Msn listed = main->next_msn();
  media::Msn held = listed;
  uint64_t finished = 0;
  for (auto segment = main->segments.rbegin(); segment != main->segments.rend(); ++segment) {
    span += segment->duration;
    if (span > kept() && finished > 0) break;
    held = segment->begun.msn;
    if (span <= limits_.live || finished == 0) listed = held;
    if (segment->duration > Duration(0)) ++finished;
  }
  auto drop_before = [this](media::Msn msn) {
    for (auto& [id, track] : tracks_) {
      while (!track.segments.empty() && track.segments.front().begun.msn < msn && !track.segments.front().open()) {
        drop_front(id, track);
      }
    }
  };
  drop_before(held);
  while (bytes_ > limits_.bytes_max && main->segments.size() > 2) {
    drop_before(main->segments.front().begun.msn + 1);
  }
  listed = std::max(listed, main->segments.front().begun.msn);
  if (listed != first_listed_) {
    first_listed_ = listed;
    for (auto& [id, track] : tracks_) ++track.version;
  }
  drop_unused();
  drop_thumbnails();
}

void Window::drop_thumbnails() {
  const size_t before = thumbnails_.size();
  const TrackWindow* main = main_track();
  const Segment* first = main ? main->find(first_listed_) : nullptr;
  while (!thumbnails_.empty()) {
    const bool left = first && thumbnails_.begin()->second.born.at < first->begun.start;
    if (!left && thumbnails_.size() <= limits_.thumbnails_max) break;
    thumbnails_.erase(thumbnails_.begin());
  }
  if (thumbnails_.size() != before) ++thumbnails_version_;
}

void Window::drop_front(media::TrackId id, TrackWindow& track) {
  const Segment& segment = track.segments.front();
  bytes_ -= segment.log->size();
  if (departed_ && !segment.gap()) departed_->on_departed(id, segment.begun.msn, segment.log);
  track.segments.pop_front();
}

void Window::drop_unused() {
  uint32_t oldest_period = UINT32_MAX;
  for (auto& [id, track] : tracks_) {
    if (track.segments.empty()) continue;  // its first segment, being replayed, may need any header
    const media::SegmentBegun& oldest = track.segments.front().begun;
    oldest_period = std::min(oldest_period, oldest.period);
    while (track.headers.begin()->first < oldest.header_version) track.headers.erase(track.headers.begin());
  }
  // The first period is what availabilityStartTime is reckoned from, so it stays for ever.
  while (periods_.size() > 2 && periods_[1].index < oldest_period) periods_.erase(periods_.begin() + 1);
}

void Window::replay(media::RecordSink& sink) const {
  sink.on_record(begun_);
  if (!announced_.empty()) sink.on_record(media::TracksAnnounced{announced_});
  for (const media::PeriodBegun& period : periods_) sink.on_record(period);
  for (const auto& [id, track] : tracks_) {
    for (const auto& [version, header] : track.headers) sink.on_record(header.born);
  }
  media::Msn first = UINT64_MAX;
  media::Msn next = 0;
  for (const auto& [id, track] : tracks_) {
    if (track.segments.empty()) continue;
    first = std::min(first, track.segments.front().begun.msn);
    next = std::max(next, track.next_msn());
  }
  for (media::Msn msn = first; msn < next; ++msn) {
    for (const auto& [id, track] : tracks_) {
      const Segment* segment = track.find(msn);
      if (!segment) continue;
      sink.on_record(segment->begun);
      for (uint32_t i = 0; i < segment->parts.size(); ++i) {
        const Part& part = segment->parts[i];
        sink.on_record(media::ChunkBorn{id, segment->log->read(part.offset, part.size)});
        sink.on_record(media::PartEnded{id, msn, i, part.offset, part.size, part.duration, part.independence});
      }
      const uint64_t rest = segment->log->size() - segment->parts_size();
      if (rest > 0) sink.on_record(media::ChunkBorn{id, segment->log->read(segment->parts_size(), rest)});
      if (!segment->open()) sink.on_record(media::SegmentEnded{id, msn, segment->duration, segment->presence});
    }
  }
  for (const auto& [ms, thumbnail] : thumbnails_) sink.on_record(media::PictureBorn{thumbnail.born});
  if (poster_) sink.on_record(media::PictureBorn{poster_->born});
  if (state_ != media::BroadcastState::live) sink.on_record(media::StateChanged{state_});
}

const media::PeriodBegun& Window::period(uint32_t index) const {
  const auto found = std::ranges::find(periods_, index, &media::PeriodBegun::index);
  KLIEG_ASSERT(found != periods_.end(), "a period stays as long as a segment of it");
  return *found;
}

const TrackWindow* Window::track(std::string_view track_name) const {
  for (const auto& [id, track] : tracks_) {
    if (track.name() == track_name) return &track;
  }
  return nullptr;
}

namespace {
// In segments: a track further behind another than this is no longer sent, or will not be.
constexpr media::Msn interleaving_max = 2;
}  // namespace

const TrackWindow* Window::main_track() const {
  media::Msn furthest = 0;
  for (const auto& [id, track] : tracks_) furthest = std::max(furthest, track.next_msn());
  const auto leads = [](const TrackWindow& one, const TrackWindow& other) {
    if (one.is_rung() != other.is_rung()) return other.is_rung();
    return one.kind() == media::TrackKind::video && other.kind() == media::TrackKind::audio;
  };
  const TrackWindow* main = nullptr;
  for (const auto& [id, track] : tracks_) {
    if (track.next_msn() + interleaving_max < furthest) continue;
    if (!main || leads(track, *main)) main = &track;
  }
  return main;
}

namespace {
bool has_finished(const Window& window, const TrackWindow& track) {
  return std::ranges::any_of(track.segments,
                             [&](const Segment& segment) { return window.lists(segment) && !segment.open(); });
}
}  // namespace

bool Window::offers(const TrackWindow& track) const {
  if (!track.is_rung()) return has_finished(*this, track);
  return std::ranges::find(announced_, track.name()) != announced_.end();
}

bool Window::playable() const {
  const TrackWindow* main = main_track();
  if (!main || !has_finished(*this, *main)) return false;
  if (state_ == media::BroadcastState::ended) return true;
  if (!std::ranges::all_of(announced_, [this](const std::string& name) { return track(name) != nullptr; }))
    return false;
  // Later nobody waits for a track that joins: players that are here need the manifest.
  const bool young = main->next_msn() <= interleaving_max;
  return !young || std::ranges::all_of(tracks_, [this](const auto& entry) {
    return entry.second.is_rung() || has_finished(*this, entry.second);
  });
}

std::shared_ptr<const Object> Window::thumbnail(uint64_t ms) const {
  const auto found = thumbnails_.find(ms);
  return found == thumbnails_.end() ? nullptr : found->second.object;
}

std::shared_ptr<const Object> Window::header(const TrackWindow& track, uint64_t version) const {
  if (version > UINT32_MAX) return nullptr;
  const auto found = track.headers.find(static_cast<uint32_t>(version));
  return found == track.headers.end() ? nullptr : found->second.object;
}

std::shared_ptr<const Object> Window::segment(const TrackWindow& track, media::Msn msn) const {
  const Segment* segment = track.find(msn);
  if (!segment || segment->gap()) return nullptr;
  if (!segment->whole) {
    auto object = new_object(segment_name(track.name(), msn), content_type(track.kind()));
    object->log = segment->log;
    object->needs = header_name(track.name(), segment->begun.header_version);
    segment->whole = std::move(object);
  }
  return segment->whole;
}

std::shared_ptr<const Object> Window::part(const TrackWindow& track, media::Msn msn, uint64_t part) const {
  const Segment* segment = track.find(msn);
  if (!segment || part >= segment->parts.size()) return nullptr;
  auto& objects = segment->part_objects;
  if (objects.size() <= part) objects.resize(segment->parts.size());
  if (!objects[part]) {
    auto object = new_object(part_name(track.name(), msn, part), content_type(track.kind()));
    object->log = segment->log;
    object->offset = segment->parts[part].offset;
    object->end = object->offset + segment->parts[part].size;
    objects[part] = std::move(object);
  }
  return objects[part];
}

std::shared_ptr<Object> Window::new_object(const std::string& object_name, std::string_view content_type) const {
  auto object = std::make_shared<Object>();
  object->etag = '"' + name_ + '/' + object_name + '"';
  object->content_type = content_type;
  object->kept_s = static_cast<uint32_t>(std::chrono::ceil<std::chrono::seconds>(kept()).count());
  return object;
}

}  // namespace klieg::origin

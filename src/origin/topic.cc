#include "origin/topic.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "origin/heads.h"

namespace klieg::origin {
namespace {

constexpr uint64_t whole_segment = UINT64_MAX;  // as a part number; behind all parts of its segment
constexpr uint64_t parts_expected = 2;
constexpr media::Msn segments_expected = 2;

}  // namespace

Topic::Topic(const Window& window, media::TrackId track, std::string playlist, media::Audience audience)
    : window_(window),
      id_(track),
      playlist_(std::move(playlist)),
      audience_(audience),
      directory_(playlist_.substr(0, playlist_.rfind('/') + 1)),
      everybody_([this](const media::PushRecord& record) { tell(record); }) {
  if (ended()) return;
  if (const Segment* open = this->track().open(); open && open->log->size() > 0) open_ = next_number_++;
  expect();
}

// Who unsubscribes meanwhile is no longer told. Nobody joins meanwhile: that is the feed's flush.
void Topic::tell(const media::PushRecord& record) {
  for (const auto& subscriber : subscribers_) subscriber->tell(record);
}

void Topic::end(media::TopicEnd why) {
  for (const auto& subscriber : subscribers_) subscriber->end(why);
}

bool Topic::abandoned() {
  std::erase_if(subscribers_, [](const auto& subscriber) { return !subscriber->sink; });
  return subscribers_.empty();
}

// The playlists last: what they list as newest is known when they come.
void Topic::add(const std::shared_ptr<Subscriber>& newcomer) {
  const Tell it = [&](const media::PushRecord& record) { newcomer->tell(record); };
  const Segment* open = track().open();
  const auto& headers = track().headers;
  const uint32_t oldest = open ? open->begun.header_version : headers.rbegin()->first;
  for (auto header = headers.lower_bound(oldest); header != headers.end(); ++header) tell_header(header->first, it);
  if (open_) {
    tell_begun(*open, it);
    std::vector<Bytes> pieces;
    open->log->gather(0, UINT64_MAX, pieces);
    uint64_t offset = 0;
    for (const Bytes& piece : pieces) {
      it(media::ObjectGrew{*open_, offset, piece});
      offset += piece.size();
    }
    for (uint64_t part = 0; part < open->parts.size(); ++part) tell_part(*open, part, it);
  }
  for (const auto& [msn, part] : expected_) it(media::NameExpected{name_of(msn, part)});
  for (const auto& playlist : playlists_) {
    if (playlist) it(*playlist);
  }
  for (const auto& overview : overviews_) {
    if (overview) it(*overview);
  }
  subscribers_.push_back(newcomer);
}

void Topic::on_applied(const media::Record& record) {
  if (const auto* header = std::get_if<media::HeaderBorn>(&record); header && header->track == id_) {
    tell_header(header->version, everybody_);
  } else if (const auto* begun = std::get_if<media::SegmentBegun>(&record); begun && begun->track == id_) {
    give_up_before(begun->msn);
    expect();
  } else if (const auto* chunk = std::get_if<media::ChunkBorn>(&record); chunk && chunk->track == id_) {
    on_chunk(chunk->content);
  } else if (const auto* part = std::get_if<media::PartEnded>(&record); part && part->track == id_) {
    expected_.erase({part->msn, part->index});
    tell_part(*track().open(), part->index, everybody_);
    expect();
  } else if (const auto* segment = std::get_if<media::SegmentEnded>(&record); segment && segment->track == id_) {
    end_object(segment->presence == media::Presence::gap ? LogEnd::aborted : LogEnd::complete);
    give_up_before(segment->msn + 1);
    expect();
  } else if (std::holds_alternative<media::StateChanged>(record) && ended()) {
    end_object(LogEnd::aborted);
    give_up_before(UINT64_MAX);
  }
}

// The first chunk begins the object: until then the segment may turn out to be a gap.
void Topic::on_chunk(const Bytes& content) {
  if (content.empty()) return;
  const Segment& segment = *track().open();
  if (!open_) {
    open_ = next_number_++;
    expected_.erase({segment.begun.msn, whole_segment});
    tell_begun(segment, everybody_);
  }
  tell(media::ObjectGrew{*open_, segment.log->size() - content.size(), content});
}

void Topic::end_object(LogEnd how) {
  if (const auto number = std::exchange(open_, std::nullopt)) tell(media::ObjectEnded{*number, how});
}

void Topic::expect() {
  if (const Segment* open = track().open()) {
    if (!open_) expect(open->begun.msn, whole_segment);
    for (uint64_t ahead = 0; ahead < parts_expected; ++ahead) expect(open->begun.msn, open->parts.size() + ahead);
  }
  const media::Msn next = track().next_msn();
  expect(next, 0);
  for (media::Msn ahead = 0; ahead < segments_expected; ++ahead) expect(next + ahead, whole_segment);
}

void Topic::expect(media::Msn msn, uint64_t part) {
  if (expected_.emplace(msn, part).second) tell(media::NameExpected{name_of(msn, part)});
}

// What is expected of earlier segments will not be born any more.
void Topic::give_up_before(media::Msn msn) {
  while (!expected_.empty() && expected_.begin()->first < msn) {
    const auto [of, part] = *expected_.begin();
    expected_.erase(expected_.begin());
    tell(media::NameGone{name_of(of, part)});
  }
}

std::shared_ptr<const media::ObjectHead> Topic::told_head_of(const Object& object, std::string_view name) const {
  if (audience_ == media::Audience::everybody) return head_of(object, name);
  media::ObjectHead marked = *head_of(object, name);
  mark_as_private(marked);
  return std::make_shared<const media::ObjectHead>(std::move(marked));
}

void Topic::tell_header(uint32_t version, const Tell& whom) {
  const std::shared_ptr<const Object> object = window_.header(track(), version);
  const std::string name = directory_ + header_name(track().name(), version);
  const media::ObjectNumber number = next_number_++;
  whom(media::ObjectBegun{number, name, told_head_of(*object, name), object->log});
  whom(media::ObjectGrew{number, 0, object->log->read(0, object->log->size())});
  whom(media::ObjectEnded{number, LogEnd::complete});
}

void Topic::tell_begun(const Segment& segment, const Tell& whom) const {
  const std::string name = name_of(segment.begun.msn, whole_segment);
  const std::shared_ptr<const Object> object = window_.segment(track(), segment.begun.msn);
  whom(media::ObjectBegun{*open_, name, told_head_of(*object, name), segment.log});
}

void Topic::tell_part(const Segment& segment, uint64_t part, const Tell& whom) const {
  const std::string name = name_of(segment.begun.msn, part);
  const std::shared_ptr<const Object> object = window_.part(track(), segment.begun.msn, part);
  whom(media::AliasBorn{*open_, name, told_head_of(*object, name), object->offset, *object->end - object->offset});
}

void Topic::tell_playlists(Playlists now) {
  playlists_of_ = track().version;
  for (size_t i = 0; i < now.size(); ++i) {
    if (!now[i]) continue;
    const auto& told = playlists_[i];
    // The end of a broadcast takes back what it left open; that it was listed stays true.
    if (told) now[i]->version = std::max(now[i]->version, told->version);
    const bool same = told && told->version == now[i]->version && told->finality == now[i]->finality &&
                      told->content == now[i]->content;
    if (same) continue;
    playlists_[i] = std::move(now[i]);
    tell(*playlists_[i]);
  }
}

void Topic::tell_overviews(Overviews now) {
  overviews_of_ = window_.version();
  for (size_t i = 0; i < now.size(); ++i) {
    auto& told = overviews_[i];
    if (now[i] && told && now[i]->content == told->content) continue;
    if (told && !now[i]) tell(media::NameGone{told->name});
    told = std::move(now[i]);
    if (told) tell(*told);
  }
}

media::DocumentVersion Topic::version() const {
  const auto& segments = track().segments;
  auto last = segments.rbegin();
  if (last != segments.rend() && last->open() && last->parts.empty()) ++last;
  if (last == segments.rend()) return {};
  return {last->begun.msn, last->parts.size(), last->open() ? media::Segment::open : media::Segment::finished};
}

std::string Topic::name_of(media::Msn msn, uint64_t part) const {
  const std::string& track_name = track().name();
  return directory_ + (part == whole_segment ? segment_name(track_name, msn) : part_name(track_name, msn, part));
}

}  // namespace klieg::origin

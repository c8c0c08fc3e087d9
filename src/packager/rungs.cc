#include "packager/rungs.h"

#include <algorithm>

#include "base/logging.h"
#include "packager/lane.h"
#include "wire/cmaf_header.h"

namespace klieg::packager {

using media::Presence;
using media::Sample;
using media::TrackKind;

namespace {

// Times that went through a codec may have been rounded to its clock; frames lie further apart than this.
constexpr Duration rounding = 1ms;
// Encoders round durations, and a frame less at the end is heard and seen by nobody.
constexpr Duration short_by_max = 10ms;
// What comes from a codec worker is believed within these.
constexpr Duration sample_duration_min = 1ms;
constexpr Duration sample_duration_max = 1s;
constexpr Duration composition_offset_max = 10s;
constexpr Duration audio_ahead_max = 1s;
// Segments that a rung may be behind, whatever they last.
constexpr size_t spans_behind_max = 64;

}  // namespace

// --- from the transcoder ---

void Rungs::on_ladder(const std::vector<media::Rung>& rungs) {
  if (ended_) return;
  for (Member& member : members_) member.named = Named::no;
  ladder_.clear();
  for (const media::Rung& rung : rungs) {
    auto member = std::ranges::find(members_, rung.name, [](const Member& one) { return one.rung.name; });
    if (member == members_.end()) {
      if (members_.size() >= rungs_ever_max) break;
      member = members_.emplace(members_.end());
    }
    member->rung = rung;
    member->named = Named::yes;
    member->awaited = !period_begun_;
    member->presence.clear();
    member->early.clear();  // of another ladder
    ladder_.push_back(&*member);
  }
  announce();
}

Rungs::Member* Rungs::find(media::RungId rung) { return ended_ || rung >= ladder_.size() ? nullptr : ladder_[rung]; }

void Rungs::on_rung_track(media::RungId rung, const media::Track& track) {
  Member* member = find(rung);
  if (!member || track.kind != member->rung.kind) return;
  member->track = track;
  member->track_known = true;
  if (!period_begun_) return;
  complete_track(*member);
  make_track(*member);
}

void Rungs::complete_track(Member& member) const {
  if (member.rung.kind != TrackKind::video) return;
  double& frame_rate = member.track.video.frame_rate;
  if (frame_rate <= 0) frame_rate = frame_rate_ / std::max(member.rung.frame_divisor, 1u);
}

void Rungs::make_track(Member& member) {
  if (member.writer || !member.track_known) return;
  complete_track(member);
  member.writer.emplace(TrackName{next_track_id_(), member.rung.name, std::max(member.rung.bits_per_second, 1u)},
                        member.track, *grid_, out_, wall_of_);
  member.writer->write_header();
  announce();
}

bool Rungs::acceptable(const Member& member, const Sample& sample) const {
  if (!member.writer) return false;
  const Duration tick = from_ticks(1, wire::cmaf_timescale(member.track)) + 1ns;
  if (sample.decode_time < MediaTime{} || sample.decode_time < member.decoded_until + tick) return false;
  if (std::chrono::abs(sample.composition_offset) > composition_offset_max) return false;
  if (sample.presentation_time() <= member.presented_until) return false;
  if (sample.duration < sample_duration_min || sample.duration > sample_duration_max) return false;
  return !is_ahead(member, sample);
}

bool Rungs::is_ahead(const Member& member, const Sample& sample) const {
  const Duration ahead = sample.presentation_time() - shown_until_;
  return ahead > (member.rung.kind == TrackKind::video ? rounding : audio_ahead_max);
}

void Rungs::on_rung_sample(media::RungId rung, Sample sample) {
  Member* member = find(rung);
  if (!member) return;
  if (period_begun_ && member->early.empty()) {
    take(*member, std::move(sample));
    follow(*member);
    return forget_spans();
  }
  if (member->early.size() == rung_early_max) {
    member->early.pop_front();
    ++counts_.dropped_samples;
  }
  member->early.push_back(std::move(sample));
}

void Rungs::take(Member& member, Sample sample) {
  if (!acceptable(member, sample) || member.waiting.size() >= rung_waiting_max) {
    ++counts_.dropped_samples;
    return;
  }
  member.decoded_until = sample.decode_time;
  member.presented_until = sample.presentation_time();
  member.waiting.push_back(std::move(sample));
}

// One that has no header drops them: they would be for segments that are gaps by the time it has.
void Rungs::take_early(Member& member) {
  while (!member.early.empty() && !is_ahead(member, member.early.front())) {
    Sample sample = std::move(member.early.front());
    member.early.pop_front();
    take(member, std::move(sample));
    follow(member);
  }
}

void Rungs::on_rung_presence(media::RungId rung, Presence presence, MediaTime from) {
  Member* member = find(rung);
  if (!member) return;
  auto& said = member->presence;
  said.erase(said.lower_bound(from), said.end());
  said[from] = presence;
  // What was said before the span it is in is past, but for the newest of it.
  const Span* span = span_of(*member);
  while (span && said.size() > 1 && std::next(said.begin())->first <= span->at) said.erase(said.begin());
  follow(*member);
  forget_spans();
}

void Rungs::on_picture(const media::Picture& picture) {
  const size_t size_max = picture.use == media::PictureUse::poster ? poster_size_max : thumbnail_size_max;
  if (ended_ || !period_begun_ || picture.jpeg.empty() || picture.jpeg.size() > size_max) return;
  out_.on_record(media::PictureBorn{picture});
}

// --- the announcement ---

void Rungs::announce_with(std::vector<std::string> source_names) {
  source_names_ = std::move(source_names);
  announce();
}

void Rungs::stop_awaiting() {
  bool without_header = false;
  for (Member* member : ladder_) {
    without_header |= member->awaited && !member->writer;
    member->awaited = false;
  }
  if (without_header) announce();
}

void Rungs::announce() {
  if (!source_names_ || (members_.empty() && announced_.empty())) return;
  std::vector<std::string> names = *source_names_;
  for (const Member* member : ladder_) {
    if (member->writer || member->awaited) names.push_back(member->rung.name);
  }
  if (names == announced_) return;
  announced_ = names;
  out_.on_record(media::TracksAnnounced{std::move(names)});
}

// --- from the packager ---

void Rungs::begin_segment(media::Msn msn, uint32_t period, MediaTime at) {
  period_begun_ = true;
  spans_.push_back({.msn = msn, .period = period, .at = at, .end = std::nullopt});
  for (Member& member : members_) {
    make_track(member);
    if (!member.msn) member.msn = msn;
  }
  forget_spans();
}

void Rungs::end_segment(MediaTime end, MediaTime filled_to, Duration duration) {
  spans_.back().end = Span::End{.at = end, .filled_to = std::min(end, filled_to), .duration = duration};
}

void Rungs::follow(MediaTime horizon) {
  horizon_ = horizon;
  if (members_.empty()) return forget_spans();
  if (!awaited_since_) awaited_since_ = shown_until_;
  if (shown_until_ - *awaited_since_ > header_wait_max) stop_awaiting();
  for (Member& member : members_) {
    take_early(member);
    follow(member);
  }
  forget_spans();
}

void Rungs::end() {
  for (Member& member : members_) {
    if (!member.writer) continue;
    take_early(member);
    follow(member);
    while (const Span* span = span_of(member)) {
      const bool last = !after(*span);
      if (last && !member.writer->segment_empty() && member.segment == Segment::wanted) {
        member.writer->end_segment();
        ++*member.msn;
      } else {
        write_gap(member, *span);
      }
    }
  }
  spans_.clear();
  ended_ = true;
}

void Rungs::forget_spans() {
  const auto needed = [&](const Span& span) {
    return !span.end ||
           std::ranges::any_of(members_, [&](const Member& one) { return one.msn && *one.msn <= span.msn; });
  };
  while (!spans_.empty() && !needed(spans_.front())) spans_.pop_front();
}

const Rungs::Span* Rungs::span_of(const Member& member) const {
  if (!member.msn || spans_.empty() || *member.msn < spans_.front().msn || *member.msn > spans_.back().msn)
    return nullptr;
  return &spans_[*member.msn - spans_.front().msn];
}

const Rungs::Span* Rungs::after(const Span& span) const {
  return &span == &spans_.back() ? nullptr : &spans_[span.msn + 1 - spans_.front().msn];
}

// --- one rung ---

// Media only: where the source has a hole, nothing is missing.
Duration Rungs::lag_of(const Member& member) const {
  Duration lag{0};
  for (const Span* span = span_of(member); span; span = after(*span)) {
    MediaTime has = span->at;
    if (span->msn == *member.msn && member.writer && !member.writer->segment_empty()) has = std::max(has, member.end);
    lag += std::max(Duration(0), (span->end ? span->end->filled_to : shown_until_) - has);
  }
  return lag;
}

bool Rungs::is_gap(const Member& member, const Span& span) const {
  if (member.named == Named::no) return true;
  const auto next = member.presence.upper_bound(span.at);
  return next != member.presence.begin() && std::prev(next)->second == Presence::gap;
}

void Rungs::follow(Member& member) {
  const Span* span = span_of(member);
  if (!span) {  // the leading track has no segment: what comes lies beyond its end
    counts_.dropped_samples += member.waiting.size();
    member.waiting.clear();
    return;
  }
  const bool lags = lag_of(member) > rung_lag_max || spans_.back().msn - span->msn > spans_behind_max;
  if (!member.writer) {
    if (lags && span->end) ++*member.msn;
    return;
  }
  if (lags && member.pace == Pace::keeping) {
    member.pace = Pace::behind;
    if (!member.writer->segment_empty()) member.segment = Segment::given_up;
    if (member.named == Named::yes) {
      logging::warning("a rung of the ladder has fallen behind",
                       {{"broadcast", broadcast_id_}, {"rung", member.rung.name}});
    }
  }
  for (; span; span = span_of(member)) {
    if (is_gap(member, *span)) member.segment = Segment::given_up;
    const bool given_up =
        member.segment == Segment::given_up || (member.pace == Pace::behind && lag_of(member) > rung_return_max);
    if (span->end && (given_up || reached(member, *span))) {
      finish(member, *span);
      continue;
    }
    if (member.waiting.empty()) return;
    const Place place = place_of(member, member.waiting.front(), *span);
    if (place == Place::undecided) return;
    if (place == Place::after) {
      finish(member, *span);
      continue;
    }
    Sample sample = std::move(member.waiting.front());
    member.waiting.pop_front();
    if (place == Place::inside) {
      write(member, *span, std::move(sample));
    } else {
      ++counts_.dropped_samples;
    }
  }
}

Rungs::Place Rungs::place_of(const Member& member, const Sample& sample, const Span& span) const {
  const bool video = member.rung.kind == TrackKind::video;
  const MediaTime at = sample.presentation_time() + (video ? rounding : sample.duration / 2);
  if (at < span.at) return Place::before;
  if (!span.end) return video || at <= horizon_ ? Place::inside : Place::undecided;
  const Span* next = after(span);
  return at < (next ? next->at : span.end->at) ? Place::inside : Place::after;
}

void Rungs::write(Member& member, const Span& span, Sample sample) {
  TrackWriter& writer = *member.writer;
  if (member.segment == Segment::wanted) {
    const bool first = writer.segment_empty();
    const MediaTime expected = first ? span.at : member.end;
    const Duration missing_max = first ? std::max<Duration>(sample.duration, 50ms) : hole_max;
    const bool missing = sample.presentation_time() - expected > missing_max;
    const bool undecodable = first && member.start == Start::sync && sample.sync == media::Sync::no;
    // Where every second frame of an odd number is coded, the last one lasts as long as there is source.
    const MediaTime end = sample.presentation_time() + sample.duration;
    if (span.end && end > span.end->at && span.end->at - sample.presentation_time() >= sample_duration_min &&
        member.rung.kind == TrackKind::video) {
      sample.duration = span.end->at - sample.presentation_time();
    }
    const Duration longest = grid_->target_duration_s * Duration(1s) + 499ms;
    const bool too_long = writer.segment_until(sample.decode_time + sample.duration) > longest;
    if (missing || undecodable || too_long) member.segment = Segment::given_up;
  }
  if (member.segment == Segment::given_up) {
    ++counts_.dropped_samples;
    return;
  }
  member.pace = Pace::keeping;
  if (writer.segment_empty()) {
    writer.change_track(member.track);
    writer.begin_segment(span.msn, span.period);
  }
  member.start = Start::anywhere;
  member.end = sample.presentation_time() + sample.duration;
  member.last_duration = sample.duration;
  writer.write(sample);
}

bool Rungs::reached(const Member& member, const Span& span) const {
  if (member.writer->segment_empty()) return false;
  // The next frame of audio would lie behind the cut.
  if (member.rung.kind == TrackKind::audio) return member.end + member.last_duration / 2 >= span.end->at;
  return std::chrono::abs(member.end - span.end->at) <= rounding;
}

bool Rungs::whole(const Member& member, const Span& span) const {
  return member.segment == Segment::wanted && member.pace == Pace::keeping && !member.writer->segment_empty() &&
         member.end + member.last_duration + short_by_max >= span.end->filled_to;
}

void Rungs::finish(Member& member, const Span& span) {
  if (!whole(member, span)) return write_gap(member, span);
  member.writer->end_segment();
  ++*member.msn;
}

void Rungs::write_gap(Member& member, const Span& span) {
  if (member.writer->segment_empty()) {
    member.writer->change_track(member.track);
    member.writer->begin_segment(span.msn, span.period);
  }
  member.writer->end_segment_as_gap(span.at, span.end->duration);
  ++*member.msn;
  ++counts_.gaps;
  member.segment = Segment::wanted;
  member.start = Start::sync;
}

}  // namespace klieg::packager

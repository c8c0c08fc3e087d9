#include "packager/packager.h"

#include <algorithm>

#include "base/logging.h"

namespace klieg::packager {

using media::PeriodStart;
using media::Sample;
using media::Sync;
using media::TrackKind;

Packager::Packager(PackagerSettings settings, media::RecordSink& out)
    : settings_(std::move(settings)),
      out_(out),
      rungs_(out, [this] { return next_track_id_++; }, [this](MediaTime at) { return anchor_.at(at); }) {}

void Packager::on_track(const media::Track& track) {
  if (state_ == State::ended) return;
  Member& changed = member(track.kind);
  if (!changed.lane) {
    changed.lane.emplace(track);
    // Audio joins at the next cut. Video takes the lead, and so begins a period of its own at its first key frame.
    if (state_ == State::packaging) changed.place = Member::Place::joining;
    if (state_ == State::packaging && track.kind == TrackKind::video) gather(Rest::drop);
  } else {
    if (track == changed.lane->track()) return;
    if (state_ == State::packaging) gather(Rest::drop);
    changed.lane->change_track(track);
  }
  if (source_) source_->on_source_track(track);
}

void Packager::on_sample(TrackKind kind, Sample sample, WallTime wall) {
  Member& into = member(kind);
  if (state_ == State::ended || !into.lane) return;
  anchor_.observe(sample.presentation_time(), wall);
  into.lane->accept(std::move(sample));
  advance();
  if (unplaced() != complained_of_) complain(wall);
}

uint64_t Packager::unplaced() const {
  uint64_t all = left_out_;
  for (const Member& each : members_) all += each.lane ? each.lane->unplaced() : 0;
  return all;
}

void Packager::complain(WallTime now) {
  constexpr Duration complaint_every = 10s;
  if (complained_ && std::chrono::abs(now - *complained_) < complaint_every) return;
  complained_ = now;
  logging::warning("samples dropped: there was no place for them",
                   {{"broadcast", settings_.broadcast_id}, {"samples", unplaced() - complained_of_}});
  complained_of_ = unplaced();
}

void Packager::on_discontinuity(media::Discontinuity, MediaTime) {
  if (state_ != State::ended) gather(Rest::drop);
}

void Packager::on_data(Bytes, MediaTime) {}

void Packager::on_paused() {
  if (state_ == State::ended) return;
  gather(Rest::drop);
  if (source_) source_->on_source_paused();
  if (grid_) out_.on_record(media::StateChanged{media::BroadcastState::paused});
}

void Packager::on_resumed() {
  if (state_ != State::ended && grid_) out_.on_record(media::StateChanged{media::BroadcastState::live});
}

void Packager::on_ended() {
  if (state_ == State::ended) return;
  gather(Rest::keep);
  state_ = State::ended;
  if (source_) source_->on_source_ended();
  rungs_.end();
  if (grid_) out_.on_record(media::StateChanged{media::BroadcastState::ended});
}

Packager::Member& Packager::leader() {
  Member& video = member(TrackKind::video);
  return video.place == Member::Place::present ? video : member(TrackKind::audio);
}

void Packager::advance() {
  if (state_ == State::gathering && !try_start(Lane::Flush::no)) return;
  replace_stalled();
  lead(Lane::Flush::no);
  for (Member& each : members_) {
    if (&each != &leader() && each.place == Member::Place::present) follow(each, Lane::Flush::no);
  }
  const auto followed_by_all = [&](const DecidedCut& cut) {
    return std::ranges::all_of(members_, [&](const Member& each) {
      return each.place != Member::Place::present || each.writer->msn() >= cut.msn;
    });
  };
  while (!cuts_.empty() && followed_by_all(cuts_.front())) cuts_.pop_front();
  rungs_.follow(horizon());
}

// --- gathering: until a period can begin ---

namespace {

Duration distance_to_half_second(Duration interval) {
  const Duration past = interval % Duration(500ms);
  return std::min(past, Duration(500ms) - past);
}

}  // namespace

std::optional<Duration> Packager::key_interval_of(const Lane& video) const {
  const auto& samples = video.waiting();
  for (size_t i = 1; i < samples.size(); ++i) {
    if (samples[i].sync == Sync::no) continue;
    // Whole frames, if they keep a pace: 30 frames of 29.97 fps are 1.001 s, whatever the milliseconds say.
    Cadence cadence = Cadence::of_video(video.track().video.frame_rate);
    std::vector<MediaTime> times;
    for (const Sample& sample : samples) times.push_back(sample.decode_time);
    cadence.measure(times);
    const Duration span = samples[i].presentation_time() - samples[0].presentation_time();
    if (!cadence.frame()) return span;
    const Duration counted = cadence.frames(static_cast<int64_t>(i));
    if (std::chrono::abs(span - counted) < *cadence.frame()) return counted;
    // Frames were dropped in between. Most encoders count frames from key frame to key frame, so the next intervals
    // will be what was counted; some go by the clock, and theirs is then the rounder one.
    return distance_to_half_second(counted) <= distance_to_half_second(span) ? counted : span;
  }
  return std::nullopt;
}

bool Packager::can_join(const Member& one) const { return one.lane && (!one.lane->empty() || one.lane->can_fill()); }

bool Packager::try_start(Lane::Flush flush) {
  Member& video = member(TrackKind::video);
  Member& audio = member(TrackKind::audio);
  const auto waited = [](const Member& one) {
    if (!one.lane || one.lane->empty()) return Duration(0);
    return one.lane->waiting().back().decode_time - one.lane->waiting().front().decode_time;
  };
  const bool waited_enough = flush == Lane::Flush::yes || std::max(waited(video), waited(audio)) >= start_wait_max ||
                             (video.lane && video.lane->full()) || (audio.lane && audio.lane->full());
  GridMeasure measure{.segment = settings_.segment, .part = settings_.part, .key_interval = {}};
  for (Member& each : members_) {
    if (each.lane) each.lane->drop_unusable();
  }
  if (video.lane && !video.lane->empty()) {
    if (!grid_) {
      measure.key_interval = key_interval_of(*video.lane);
      // Key frames that follow each other fast tell too little of the pace: nearly a segment is needed.
      if (!waited_enough && (!measure.key_interval || waited(video) < settings_.segment * 4 / 5)) return false;
      const bool audio_comes = (audio.lane || audio.promised) && !can_join(audio);
      if (!waited_enough && audio_comes && waited(video) < promised_wait) return false;
      if (flush == Lane::Flush::yes && !measure.key_interval)
        measure.key_interval = std::max(waited(video), measure.segment);
      measure.frame = video.lane->measured_frame(settings_.part);
      fix_grid(choose_grid(measure));
    }
    video.place = Member::Place::joining;
    if (audio.lane) audio.place = Member::Place::joining;
    start_period();
    return true;
  }
  if (video.lane && !waited_enough) return false;
  if (!audio.lane || audio.lane->empty()) return false;
  if (!grid_) {
    if (!waited_enough && waited(audio) < audio_alone_wait) return false;
    measure.frame = audio.lane->usual_duration();
    fix_grid(choose_audio_grid(measure));
  }
  audio.place = Member::Place::joining;
  start_period();
  return true;
}

void Packager::fix_grid(const Grid& grid) {
  grid_ = grid;
  cutter_.emplace(grid);
  logging::info("grid fixed", {{"broadcast", settings_.broadcast_id},
                               {"segment_ms", to_ms(grid.segment)},
                               {"part_target_ms", to_ms(grid.part_target)}});
  if (grid.fit != GridFit::whole) {
    logging::warning("viewers wait longer than they need to: set the encoder's key-frame interval to 1 or 2 seconds",
                     {{"broadcast", settings_.broadcast_id}, {"segment_ms", to_ms(grid.segment)}});
  }
  out_.on_record(media::BroadcastBegun{.id = settings_.broadcast_id,
                                       .epoch = settings_.epoch,
                                       .grid = grid.segment,
                                       .target_duration_s = grid.target_duration_s,
                                       .part_target = grid.part_target});
  rungs_.begin_broadcast(settings_.broadcast_id, grid);
  out_.on_record(media::StateChanged{media::BroadcastState::live});
}

void Packager::start_period() {
  state_ = State::packaging;
  anchor_.anchor();
  Member& video = member(TrackKind::video);
  Lane& leading = video.place == Member::Place::joining ? *video.lane : *member(TrackKind::audio).lane;
  leading.settle(leading.waiting().front().presentation_time());
  KLIEG_ASSERT(!leading.empty(), "what was usable before it was settled still is");
  const MediaTime start = leading.waiting().front().presentation_time();
  cutter_->begin(start);
  rungs_.set_frame_rate(leading.shown_track().video.frame_rate);
  announce();
  begin_period(next_period_ == 0 ? PeriodStart::first : PeriodStart::discontinuity, start);
  for (Member& each : members_) {
    if (each.place != Member::Place::joining || !can_join(each)) continue;
    if (&*each.lane != &leading) each.lane->settle(start);
    join(each, start);
  }
  shown_until_ = start;
  rungs_.begin_segment(next_msn_, next_period_ - 1, start);
}

// The source tracks that have or get a header now: an audio track that never says anything is not waited for.
void Packager::announce() {
  std::vector<std::string> names;
  for (const Member& each : members_) {
    const bool joins = each.place == Member::Place::joining && can_join(each);
    if (joins || each.place == Member::Place::present) names.emplace_back(media::name_of(each.lane->track().kind));
  }
  rungs_.announce_with(std::move(names));
}

void Packager::begin_period(PeriodStart why, MediaTime start) {
  const uint32_t index = next_period_++;
  out_.on_record(media::PeriodBegun{
      .index = index, .why = why, .first_msn = next_msn_, .start = start, .start_wall = anchor_.at(start)});
  if (source_ && why != PeriodStart::off_grid) source_->on_source_period(start);
}

// Begins the segment next_msn_ of the newest period. The lane has been settled.
void Packager::join(Member& joining, MediaTime start) {
  joining.place = Member::Place::present;
  if (!joining.writer) {
    const media::Track track = joining.lane->shown_track();
    joining.writer.emplace(TrackName{next_track_id_++, std::string(media::name_of(track.kind))}, track, *grid_, out_,
                           [this](MediaTime at) { return anchor_.at(at); });
  }
  joining.writer->change_track(joining.lane->shown_track());
  joining.writer->begin_segment(next_msn_, next_period_ - 1);
  joining.segment_at = start;
}

// --- packaging ---

void Packager::lead(Lane::Flush flush) {
  Member& leading = leader();
  while (leading.lane->front(flush)) {
    const MediaTime end_before = leading.lane->end();
    Sample sample = leading.lane->take();
    if (!leading.writer->segment_empty()) cut_before(sample, end_before);
    shown_until_ = std::max(shown_until_, sample.presentation_time() + sample.duration);
    const Sample given = sample;
    // A frame that comes later than its predecessor was said to end is decoded where that ended: a jump of decode time
    // makes a browser wait for the next key frame (Media Source Extensions, coded frame processing). When it is shown
    // does not change.
    const Duration gap = sample.decode_time - end_before;
    if (!leading.writer->segment_empty() && sample.sync == Sync::no && gap > leading.lane->usual_duration() / 2) {
      sample.decode_time = end_before;
      sample.composition_offset += gap;
      sample.duration += gap;
    }
    leading.writer->write(sample);
    rungs_.lead_to(shown_until_);
    give(leading.lane->track().kind, given);
  }
}

void Packager::write(Member& member, const Sample& sample) {
  member.writer->write(sample);
  if (&member == &leader())
    rungs_.lead_to(shown_until_ = std::max(shown_until_, sample.presentation_time() + sample.duration));
  give(member.lane->track().kind, sample);
}

void Packager::give(TrackKind kind, const Sample& sample) {
  if (source_) source_->on_source_sample(kind, sample);
}

void Packager::cut_before(const Sample& sample, MediaTime end_before) {
  const MediaTime at = sample.presentation_time();
  const auto decided =
      cutter_->decide(at, leader().writer->segment_until(sample.decode_time + sample.duration), sample.sync);
  if (sample.decode_time - end_before > hole_max) {
    cut(at, Seam::hole, PeriodStart::discontinuity);
  } else if (decided) {
    const bool joins = std::ranges::any_of(
        members_, [&](const Member& each) { return each.place == Member::Place::joining && can_join(each); });
    if (joins || anchor_.drifted()) {
      cut(at, Seam::none, PeriodStart::discontinuity);
    } else if (decided->phase == Phase::slipped) {
      cut(at, Seam::none, PeriodStart::off_grid);
    } else {
      cut(at, Seam::none, std::nullopt);
    }
  }
}

void Packager::cut(MediaTime at, Seam seam, std::optional<PeriodStart> new_period) {
  const Duration duration = leader().writer->segment_duration();
  next_msn_ = leader().writer->msn() + 1;
  if (new_period == PeriodStart::discontinuity) {
    anchor_.anchor();
    cutter_->begin(at);
    announce();
  }
  if (new_period) begin_period(*new_period, at);
  cuts_.push_back({.msn = next_msn_, .period = next_period_ - 1, .at = at});
  next_segment(leader(), cuts_.back());
  for (Member& each : members_) {
    if (new_period != PeriodStart::discontinuity) break;
    if (each.place != Member::Place::joining || !can_join(each)) continue;
    each.lane->settle(at);
    join(each, at);
  }
  rungs_.end_segment(seam == Seam::hole ? shown_until_ : at, shown_until_, duration);
  rungs_.begin_segment(next_msn_, next_period_ - 1, at);
  shown_until_ = at;
}

// Nothing came in the whole segment, and no stall was noticed before now: one frame stands in, or the one that comes
// next if there is no room before it.
void Packager::write_only_frame(Member& member) {
  const Sample* next = member.lane->front(Lane::Flush::yes);
  const MediaTime room_ends = std::max(member.lane->end(), member.segment_at) + member.lane->usual_duration();
  const bool room = !next || next->decode_time >= room_ends;
  write(member, room ? member.lane->stand_in(member.segment_at) : member.lane->take());
}

void Packager::next_segment(Member& ending, const DecidedCut& cut) {
  if (ending.writer->segment_empty()) write_only_frame(ending);
  ending.writer->end_segment();
  ending.writer->begin_segment(cut.msn, cut.period);
  ending.segment_at = cut.at;
}

// No later cut lies before it.
MediaTime Packager::horizon() {
  const Lane& leading = *leader().lane;
  const MediaTime frontier = leading.empty() ? leading.end() : leading.waiting().front().decode_time;
  return std::max(cutter_->earliest(), frontier);
}

void Packager::follow(Member& following, Lane::Flush flush) {
  const MediaTime undecided_from = horizon();
  while (const Sample* front = following.lane->front(flush)) {
    const MediaTime middle = front->presentation_time() + front->duration / 2;
    const auto next = std::ranges::find(cuts_, following.writer->msn() + 1, &DecidedCut::msn);
    if (next != cuts_.end() && middle >= next->at) {
      next_segment(following, *next);
      continue;
    }
    if (next == cuts_.end() && middle > undecided_from && flush == Lane::Flush::no) break;
    const Sample sample = following.lane->take();
    // More than fits happens only where the leading track has a hole: what no EXTINF can hold is left out.
    const Duration longest = grid_->target_duration_s * Duration(1s) + 499ms;
    if (following.writer->segment_until(sample.decode_time + sample.duration) > longest) {
      ++left_out_;
      continue;
    }
    write(following, sample);
  }
}

void Packager::replace_stalled() {
  Member& video = member(TrackKind::video);
  Member& audio = member(TrackKind::audio);
  if (video.place != Member::Place::present || audio.place != Member::Place::present) return;
  for (auto [slow, fast] : {std::pair{&video, &audio}, std::pair{&audio, &video}}) {
    const MediaTime there = fast->lane->waiting_end();
    if (there - slow->lane->waiting_end() <= stall_max && !slow->lane->standing_in()) continue;
    slow->lane->fill(there - stand_in_lag, grid_->part_target);
  }
}

// --- back to gathering ---

void Packager::flush_all() {
  lead(Lane::Flush::yes);
  Duration duration{0};
  for (Member& each : members_) {
    if (each.place != Member::Place::present) continue;
    if (&each != &leader()) follow(each, Lane::Flush::yes);
    while (each.writer->msn() < leader().writer->msn()) {
      next_segment(each, *std::ranges::find(cuts_, each.writer->msn() + 1, &DecidedCut::msn));
    }
    if (each.writer->segment_empty()) write_only_frame(each);
    if (&each == &leader()) duration = each.writer->segment_duration();
    each.writer->end_segment();
  }
  rungs_.end_segment(shown_until_, shown_until_, duration);
  rungs_.follow(shown_until_);
  next_msn_ = leader().writer->msn() + 1;
  cuts_.clear();
}

void Packager::gather(Rest rest) {
  if (state_ == State::packaging || ((grid_ || rest == Rest::keep) && try_start(Lane::Flush::yes))) flush_all();
  state_ = State::gathering;
  anchor_.restart();
  for (Member& each : members_) {
    each.place = Member::Place::absent;
    if (each.lane) each.lane->gather();
  }
}

}  // namespace klieg::packager

#include "transcoder/entrance.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/logging.h"

namespace klieg::transcoder {

using media::Sample;
using media::Sync;
using media::TrackKind;

namespace {

// No frame lasts longer: behind one that seems to, something is missing.
constexpr Duration frame_max = 1s;

}  // namespace

Entrance::Entrance(std::string broadcast, PassThroughLimits limits, media::SampleSink& packager, media::RungSink& rungs)
    : broadcast_(std::move(broadcast)), packager_(packager), rungs_(rungs), judge_(limits) {}

// --- judging ---

void Entrance::wait(size_t bytes, std::move_only_function<void()> call) {
  waiting_bytes_ += bytes;
  waiting_.push_back(std::move(call));
}

void Entrance::replay() {
  for (auto& call : std::exchange(waiting_, {})) call();
  waiting_bytes_ = 0;
}

void Entrance::judge() {
  if (state_ != State::judging) return;
  const bool enough = waiting_bytes_ > waiting_bytes_max || waiting_.size() > waiting_count_max;
  if (!judge_.judged() && !enough) return;
  judge_.objection().empty() ? pass() : encode();
}

void Entrance::pass() {
  state_ = State::passing;
  replay();
}

// The ladder is asked first: on_ladder() says before set_top() and the tracks have returned whether it can.
void Entrance::encode() {
  KLIEG_ASSERT(ladder_, "whoever encodes has been named");
  state_ = State::encoding;
  ladder_->set_top(TopRung::none);
  for (const auto& track : tracks_) {
    if (track) ladder_->on_source_track(*track);
  }
  ladder_->on_source_period(MediaTime());
  if (state_ != State::encoding) return;  // fallen back: nothing can be made of it
  if (!has_top_) return fall_back();
  logging::warning("the source is encoded anew for viewers: set the encoder to H.264 with a key frame every second",
                   {{"channel", broadcast_}, {"why", judge_.objection()}});
  packager_.on_promised(TrackKind::video);
  replay();
}

// What came of it so far stays; from the next key frame on the source itself follows.
void Entrance::fall_back() {
  const bool encoding_begun = waiting_.empty();  // else all that came is still to be passed on
  const bool shown = top_track_.has_value();
  state_ = State::passing;
  has_top_ = false;
  ladder_is_old_ = true;
  top_track_.reset();
  end_period();
  logging::warning("the source is passed on as it comes, though not every player can follow",
                   {{"channel", broadcast_}, {"why", judge_.objection()}});
  ladder_->set_top(TopRung::source);
  if (encoding_begun && tracks_[0]) {
    awaits_key_ = shown;
    if (!shown) packager_.on_track(*tracks_[0]);
  }
  release_sound();
  replay();
}

// --- from ingest ---

void Entrance::on_promised(TrackKind kind) {
  settle_pause();
  if (state_ == State::judging) return wait(0, [this, kind] { on_promised(kind); });
  packager_.on_promised(kind);
}

void Entrance::on_track(const media::Track& track) {
  settle_pause();
  if (state_ == State::judging) {
    tracks_[static_cast<size_t>(track.kind)] = track;
    judge_.on_track(track);
    wait(0, [this, track] { on_track(track); });
    return judge();
  }
  tracks_[static_cast<size_t>(track.kind)] = track;
  const bool encoded = state_ == State::encoding && track.kind == TrackKind::video;
  if (state_ == State::encoding) ladder_->on_source_track(track);
  if (!encoded && !(awaits_key_ && track.kind == TrackKind::video)) packager_.on_track(track);
}

void Entrance::on_sample(TrackKind kind, Sample sample, WallTime wall) {
  settle_pause();
  if (state_ == State::judging) {
    judge_.on_sample(kind, sample);
    const size_t bytes = sample.content.size();
    wait(bytes, [this, kind, sample = std::move(sample), wall]() mutable { on_sample(kind, std::move(sample), wall); });
    return judge();
  }
  if (state_ == State::encoding) {
    feed(kind, sample, wall);
    if (kind == TrackKind::video) return;
    if (!picture_shown_) {
      if (sound_.size() == sound_max) sound_.pop_front();
      sound_.push_back({std::move(sample), wall});
      return;
    }
  } else if (awaits_key_ && kind == TrackKind::video) {
    if (sample.sync == Sync::no) return;
    awaits_key_ = false;
    packager_.on_discontinuity(media::Discontinuity::format_changed, sample.decode_time);
    packager_.on_track(*tracks_[0]);
  }
  packager_.on_sample(kind, std::move(sample), wall);
}

void Entrance::on_discontinuity(media::Discontinuity why, MediaTime at) {
  settle_pause();
  if (state_ == State::judging) {
    judge_.on_period();
    return wait(0, [this, why, at] { on_discontinuity(why, at); });
  }
  if (state_ == State::encoding) {
    flush_held();
    end_period();
  }
  packager_.on_discontinuity(why, at);
}

void Entrance::on_data(Bytes amf, MediaTime at) {
  settle_pause();
  if (state_ == State::judging) return wait(amf.size(), [this, amf, at] { on_data(amf, at); });
  packager_.on_data(std::move(amf), at);
}

void Entrance::on_paused() {
  if (state_ == State::judging) pass();  // as far as it came
  if (state_ != State::encoding) return packager_.on_paused();
  flush_held();
  pausing_ = true;
  ladder_->on_source_paused();
}

// What is still in the coders is late from here on.
void Entrance::settle_pause() {
  if (!std::exchange(pausing_, false)) return;
  end_period();
  packager_.on_paused();
}

void Entrance::on_resumed() {
  settle_pause();
  packager_.on_resumed();
}

void Entrance::on_ended() {
  settle_pause();
  if (state_ == State::judging) pass();
  if (state_ == State::encoding) {
    flush_held();
    ladder_->on_source_ended();
  }
  packager_.on_ended();
}

// --- encoding: the source goes to the ladder ---

void Entrance::feed(TrackKind kind, const Sample& sample, WallTime wall) {
  auto& held = held_[static_cast<size_t>(kind)];
  if (kind == TrackKind::video) {
    if (arrivals_.size() == arrivals_max) arrivals_.pop_front();
    arrivals_.push_back({sample.presentation_time(), wall, sample.captured});
  }
  if (held) {
    held->duration = std::clamp<Duration>(sample.decode_time - held->decode_time, 1ns, frame_max);
    last_duration_[static_cast<size_t>(kind)] = held->duration;
    give(kind, *std::exchange(held, std::nullopt));
  }
  held = sample;
}

void Entrance::flush_held() {
  for (const TrackKind kind : {TrackKind::video, TrackKind::audio}) {
    auto& held = held_[static_cast<size_t>(kind)];
    if (!held) continue;
    held->duration = std::max<Duration>(last_duration_[static_cast<size_t>(kind)], 1ms);
    give(kind, *std::exchange(held, std::nullopt));
  }
}

void Entrance::end_period() {
  period_begun_ = false;
  picture_shown_ = false;
  held_ = {};
  early_audio_.clear();
  arrivals_.clear();
  if (state_ == State::encoding) sound_.clear();
}

void Entrance::release_sound() {
  for (Sound& sound : std::exchange(sound_, {})) {
    packager_.on_sample(TrackKind::audio, std::move(sound.sample), sound.wall);
  }
}

// A period begins with a picture, where there are pictures.
void Entrance::give(TrackKind kind, Sample sample) {
  if (!period_begun_) {
    if (kind == TrackKind::audio && tracks_[0]) {
      if (early_audio_.size() == early_audio_max) early_audio_.pop_front();
      early_audio_.push_back(std::move(sample));
      return;
    }
    period_begun_ = true;
    period_start_ = sample.presentation_time();
    ladder_->on_source_period(period_start_);
    ladder_->on_source_sample(kind, sample);
    for (const Sample& early : std::exchange(early_audio_, {})) ladder_->on_source_sample(TrackKind::audio, early);
    return;
  }
  ladder_->on_source_sample(kind, sample);
}

// --- from the packager ---

void Entrance::on_source_track(const media::Track& track) {
  if (state_ == State::passing && ladder_) ladder_->on_source_track(track);
}
void Entrance::on_source_period(MediaTime start) {
  if (state_ == State::passing && ladder_) ladder_->on_source_period(start);
}
void Entrance::on_source_sample(TrackKind kind, const Sample& sample) {
  if (state_ == State::passing && ladder_) ladder_->on_source_sample(kind, sample);
}
void Entrance::on_source_paused() {
  if (state_ == State::passing && ladder_) ladder_->on_source_paused();
}
void Entrance::on_source_ended() {
  if (state_ == State::passing && ladder_) ladder_->on_source_ended();
}

// --- from the ladder ---

void Entrance::on_ladder(const std::vector<media::Rung>& rungs) {
  ladder_is_old_ = false;
  if (state_ != State::encoding) return rungs_.on_ladder(rungs);
  has_top_ = !rungs.empty() && rungs.front().kind == TrackKind::video;
  if (has_top_) return rungs_.on_ladder({rungs.begin() + 1, rungs.end()});
  rungs_.on_ladder(rungs);
  if (waiting_.empty()) fall_back();  // else encode() does
}

void Entrance::on_rung_track(media::RungId rung, const media::Track& track) {
  if (ladder_is_old_) return;
  if (!is_top(rung)) return rungs_.on_rung_track(below_top(rung), track);
  top_track_ = track;
  packager_.on_track(track);
}

void Entrance::on_rung_sample(media::RungId rung, Sample sample) {
  if (ladder_is_old_) return;
  if (!is_top(rung)) return rungs_.on_rung_sample(below_top(rung), std::move(sample));
  // What was still in the coders when its period ended is too late.
  if (!period_begun_ || sample.presentation_time() < period_start_) return;
  while (!arrivals_.empty() && arrivals_.front().shown < sample.presentation_time()) arrivals_.pop_front();
  if (!arrivals_.empty()) arrival_ = arrivals_.front();
  sample.captured = arrival_.captured;
  sample.duration = std::clamp<Duration>(sample.duration, 0ns, frame_max);
  packager_.on_sample(TrackKind::video, std::move(sample), arrival_.wall);
  if (!std::exchange(picture_shown_, true)) release_sound();
}

void Entrance::on_rung_presence(media::RungId rung, media::Presence presence, MediaTime from) {
  if (ladder_is_old_) return;
  if (!is_top(rung)) return rungs_.on_rung_presence(below_top(rung), presence, from);
  if (presence == media::Presence::gap) fall_back();
}

void Entrance::on_picture(const media::Picture& picture) { rungs_.on_picture(picture); }

}  // namespace klieg::transcoder

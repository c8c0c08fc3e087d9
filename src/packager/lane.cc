#include "packager/lane.h"

#include <algorithm>
#include <vector>

#include "packager/filler.h"
#include "wire/cmaf_header.h"

namespace klieg::packager {

using media::Sample;
using media::Sync;
using media::TrackKind;

namespace {

// A hole of audio up to this long is filled with silence as soon as the frame after it arrives.
constexpr Duration hole_filled_max = 2s;
// What stands in for more than this at once would stand in for a jump of the timeline.
constexpr Duration fill_max = 10s;
// A sample that lies further than this before the end of the one before it comes too late to be used.
constexpr Duration step_back_max = 10ms;
constexpr MediaTime decode_time_max = MediaTime(50 * 365 * 86400s);
constexpr Duration composition_offset_max = 10s;

Duration audio_frame_of(const media::Track& track, ByteView content) {
  if (track.codec == media::Codec::opus) {
    const Duration duration = opus_duration(content);
    return duration > 0ns ? duration : Duration(20ms);
  }
  return from_ticks(std::max(track.audio.samples_per_frame, 1u), wire::cmaf_timescale(track));
}

Cadence cadence_of(const media::Track& track) {
  return track.kind == TrackKind::video ? Cadence::of_video(track.video.frame_rate) : Cadence::of_audio();
}

}  // namespace

Lane::Lane(const media::Track& track) : track_(track), cadence_(cadence_of(track)) {}

void Lane::change_track(const media::Track& track) {
  if (track == track_) return;
  track_ = track;
  measured_rate_ = 0;
  cadence_ = cadence_of(track);
  last_key_.reset();
  last_audio_ = {};
}

media::Track Lane::shown_track() const {
  media::Track shown = track_;
  if (shown.video.frame_rate <= 0) shown.video.frame_rate = measured_rate_;
  return shown;
}

Duration Lane::usual_duration() const {
  if (const auto frame = cadence_.frame(); frame && *frame > 0ns) return std::min<Duration>(*frame, 1s);
  if (track_.kind == TrackKind::audio) return audio_frame_of(track_, last_audio_);
  return last_duration_ > 0ns ? std::min<Duration>(last_duration_, 1s) : Duration(33'333'333ns);
}

bool Lane::has_place(const Sample& sample) const {
  if (sample.decode_time < MediaTime{} || sample.decode_time > decode_time_max || full()) return false;
  if (std::chrono::abs(sample.composition_offset) > composition_offset_max) return false;
  if (sample.decode_time <= last_came_) return false;
  if (!standing_in_) return true;
  return sample.decode_time >= waiting_end_ && (track_.kind == TrackKind::audio || sample.sync == Sync::yes);
}

void Lane::accept(Sample sample) {
  if (!has_place(sample)) {
    ++unplaced_;
    return;
  }
  last_came_ = sample.decode_time;
  if (state_ == LaneState::gathering) {
    waiting_size_ += sample.content.size();
    waiting_.push_back(std::move(sample));
    return;
  }
  standing_in_ = false;
  place(std::move(sample));
}

void Lane::place(Sample sample) {
  const auto comes_too_late = [this](const Sample& placed) {
    const bool late = placed.decode_time + step_back_max < least_decode_;
    if (late) ++unplaced_;
    return late;
  };
  if (track_.kind == TrackKind::audio) {
    if (sample.presentation_time() + audio_frame_of(track_, sample.content) / 2 < start_) return;
    sample.duration = Duration(0);
    cadence_.expect_frame(audio_frame_of(track_, sample.content));
    cadence_.place(sample);
    if (comes_too_late(sample)) return;
    fill_hole(sample.decode_time);
    last_audio_ = sample.content;
  } else {
    // What comes with its duration lies where it shall lie: the ladder's first rung, in the place of the source.
    if (sample.duration == 0ns) cadence_.place(sample);
    if (comes_too_late(sample)) return;
    if (sample.sync == Sync::yes) last_key_ = sample;
  }
  // Rounding may bring two samples together that came a millisecond apart.
  sample.decode_time = std::max(sample.decode_time, least_decode_);
  push(std::move(sample));
}

void Lane::push(Sample sample) {
  least_decode_ = sample.decode_time + from_ticks(1, wire::cmaf_timescale(track_)) + 1ns;
  waiting_end_ = sample.decode_time + (sample.duration > 0ns ? sample.duration : usual_duration());
  waiting_size_ += sample.content.size();
  waiting_.push_back(std::move(sample));
}

void Lane::fill_hole(MediaTime until) {
  const Duration hole = until - waiting_end_;
  if (hole < usual_duration() || hole > hole_filled_max) return;
  fill(until, usual_duration());
  standing_in_ = false;
}

bool Lane::can_fill() const {
  return track_.kind == TrackKind::video ? last_key_.has_value() : silent_frame(track_, last_audio_).has_value();
}

bool Lane::fill(MediaTime until, Duration step) {
  if (!can_fill()) return false;
  waiting_end_ = std::max({waiting_end_, until - fill_max, least_decode_});
  if (track_.kind == TrackKind::audio) {
    const Bytes silence = *silent_frame(track_, last_audio_);
    step = audio_frame_of(track_, silence);
    // Only whole frames: the last one must not reach into what comes after.
    for (; waiting_end_ + step <= until; standing_in_ = true) {
      Sample silent;
      silent.decode_time = waiting_end_;
      silent.duration = step;
      silent.sync = Sync::yes;
      silent.content = silence;
      push(std::move(silent));
    }
    return true;
  }
  for (; waiting_end_ + step <= until; standing_in_ = true) {
    Sample again = *last_key_;
    again.decode_time = waiting_end_;
    again.duration = step;
    again.captured.reset();
    push(std::move(again));
  }
  return true;
}

void Lane::gather() {
  state_ = LaneState::gathering;
  waiting_.clear();
  waiting_size_ = 0;
  standing_in_ = false;
  least_decode_ = std::max(least_decode_, end_);
  cadence_.restart();
}

void Lane::drop_unusable() {
  const auto usable = [&](const Sample& sample) {
    return sample.decode_time >= least_decode_ && (track_.kind == TrackKind::audio || sample.sync == Sync::yes);
  };
  while (!waiting_.empty() && !usable(waiting_.front())) {
    waiting_size_ -= waiting_.front().content.size();
    waiting_.pop_front();
  }
}

Duration Lane::measured_frame(Duration part) {
  std::vector<MediaTime> times;
  for (const Sample& sample : waiting_) times.push_back(sample.decode_time);
  cadence_.measure(times);
  if (cadence_.frame()) return usual_duration();
  std::vector<Duration> steps;
  for (size_t i = 1; i < times.size(); ++i) steps.push_back(times[i] - times[i - 1]);
  if (steps.empty()) return Duration(0);
  std::ranges::sort(steps);
  const Duration usual = steps[steps.size() / 2];
  return std::min<Duration>(std::max(usual, std::min(steps.back(), part)), 1s);
}

Sample Lane::stand_in(MediaTime at) {
  Sample sample;
  if (track_.kind == TrackKind::video) {
    sample = *last_key_;
    sample.captured.reset();
    sample.duration = usual_duration();
  } else {
    sample.content = *silent_frame(track_, last_audio_);
    sample.duration = audio_frame_of(track_, sample.content);
    sample.sync = Sync::yes;
  }
  sample.decode_time = std::max(end_, at);
  end_ = sample.decode_time + sample.duration;
  waiting_end_ = std::max(waiting_end_, end_);
  least_decode_ = std::max(least_decode_, end_);
  return sample;
}

void Lane::settle(MediaTime start) {
  std::deque<Sample> gathered = std::move(waiting_);
  waiting_.clear();
  waiting_size_ = 0;
  if (track_.kind == TrackKind::video && (gathered.size() >= Cadence::measured_frames_min || !cadence_.frame())) {
    std::vector<MediaTime> times;
    for (const Sample& sample : gathered) times.push_back(sample.decode_time);
    cadence_.measure(times);
  }
  if (track_.kind == TrackKind::video && cadence_.frame() && measured_rate_ <= 0) {
    measured_rate_ = 1000 / to_seconds(cadence_.frames(1000));
  }
  state_ = LaneState::settled;
  start_ = start;
  end_ = waiting_end_ = std::max(end_, start);
  bool begun = false;
  for (Sample& sample : gathered) {
    const Duration half = track_.kind == TrackKind::audio ? audio_frame_of(track_, sample.content) / 2 : Duration(0);
    if (!begun && sample.presentation_time() + half < start) {
      if (track_.kind == TrackKind::audio) last_audio_ = sample.content;
      continue;
    }
    // Audio that begins late begins with silence.
    if (!begun)
      waiting_end_ = track_.kind == TrackKind::audio ? std::min(start, sample.decode_time) : sample.decode_time;
    begun = true;
    place(std::move(sample));
  }
}

const Sample* Lane::front(Flush flush) {
  if (waiting_.empty()) return nullptr;
  Sample& front = waiting_.front();
  if (front.duration > 0ns) return &front;
  if (track_.kind == TrackKind::audio) {
    front.duration = audio_frame_of(track_, front.content);
  } else if (waiting_.size() > 1) {
    front.duration = waiting_[1].decode_time - front.decode_time;
    // A hole is no long frame: the frame lasts as long as usual, and what follows is a discontinuity.
    if (front.duration > usual_duration() + hole_max) front.duration = usual_duration();
    last_duration_ = front.duration;
  } else if (const auto duration = cadence_.duration()) {
    front.duration = *duration;
  } else if (flush == Flush::yes) {
    front.duration = usual_duration();
  } else {
    return nullptr;
  }
  return &front;
}

Sample Lane::take() {
  Sample sample = std::move(waiting_.front());
  waiting_.pop_front();
  waiting_size_ -= sample.content.size();
  end_ = sample.decode_time + sample.duration;
  return sample;
}

}  // namespace klieg::packager

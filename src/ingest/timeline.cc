#include "ingest/timeline.h"

#include <algorithm>

namespace klieg::ingest {
namespace {

constexpr Duration least_step = 1ms;        // between samples of a track whose stamps do not increase
constexpr Duration behind_least = 50ms;     // less is jitter, not a clock that was set back
constexpr Duration follows_within = 5s;     // a track that jumps this long after the other jumped with it
constexpr Duration measured_together = 1s;  // older stamps of the other track say nothing about drift
constexpr int mean_weight = 64;             // messages over which the offset is smoothed
constexpr int settled = 4 * mean_weight;    // until then audio and video are still finding their offset
constexpr int64_t lead_decay = 1000;        // the lead shrinks by 1 ms a second: more than any clock drifts

Duration step_between(uint32_t from_ms, uint32_t to_ms) {
  return std::chrono::milliseconds(static_cast<int32_t>(to_ms - from_ms));
}

}  // namespace

Duration Timeline::continuation(const Clock& clock, LoopTime now) const {
  return clock.last.time_since_epoch() + std::max(now - clock.arrival, clock.interval);
}

bool Timeline::jumped(const Clock& clock, Duration line, LoopTime now) const {
  const Duration step = line - clock.line;
  if (step < -jump || clock.behind >= behind_max) return true;
  const bool explained_by_pause = step <= jump + (now - clock.arrival);
  const bool explained_by_stall = line - since_epoch(now) <= clock.lead + jump;
  return !explained_by_pause && !explained_by_stall;
}

Placed Timeline::place(const RawTime& raw, LoopTime now) {
  Clock& clock = clock_of(raw.kind);
  const Clock& other = clocks_[1 - static_cast<size_t>(raw.kind)];
  Placed out;
  bool cut = !clock.running;
  Duration line{0};
  if (!begun_) {
    epoch_ = now;
    line = -raw.fine_offset;  // zero is where the first sample lies, not where its milliseconds do
  }
  if (clock.running) {
    line = clock.line + step_between(clock.timestamp_ms, raw.timestamp_ms);
    if (jumped(clock, line, now)) {
      cut = true;
      const Duration goes_on = continuation(clock, now);
      const Duration beside = other.line + step_between(other.timestamp_ms, raw.timestamp_ms);
      const bool follows = other.running && other.cut && now - *other.cut <= follows_within &&
                           beside - goes_on <= jump && goes_on - beside <= jump;
      line = follows ? beside : goes_on;
      if (!follows) out.break_before = media::Discontinuity::timestamp_jump;
      clock.cut = now;
    }
  } else if (other.running) {
    // The second track to begin lies where its stamps say, unless it counts from an origin of its own.
    const Duration beside = other.line + step_between(other.timestamp_ms, raw.timestamp_ms);
    const Duration by_arrival = other.line + (now - other.arrival);
    line = beside - by_arrival <= jump && by_arrival - beside <= jump ? beside : by_arrival;
  } else if (begun_) {
    // Behind both tracks, by the time that passed since the last message of either.
    Clock latest = clocks_[0].arrival > clocks_[1].arrival ? clocks_[0] : clocks_[1];
    latest.last = std::max(clocks_[0].last, clocks_[1].last);
    line = continuation(latest, now);
    out.break_before = media::Discontinuity::publisher_returned;
  }

  // The track that fell behind is moved up; see measure_divergence().
  const bool lagging = raw.kind == media::TrackKind::audio ? divergence() < -jump : divergence() > jump;
  if (lagging && !cut) {
    line += raw.kind == media::TrackKind::audio ? -divergence() : divergence();
    out.break_before = media::Discontinuity::timestamp_jump;
    cut = true;
    offsets_ = 0;
  }

  const Duration decay = (now - clock.arrival) / lead_decay;
  clock.lead = cut ? line - since_epoch(now) : std::max(clock.lead - decay, line - since_epoch(now));
  clock.line = line;
  clock.timestamp_ms = raw.timestamp_ms;
  clock.arrival = now;
  clock.running = true;
  begun_ = true;
  if (cut) {
    clock.grid.active = false;
    clock.behind = 0;
    if (out.break_before) offsets_ = 0;
  }

  const Duration stamped = line + raw.fine_offset;
  MediaTime decode(snap(clock.grid, stamped, raw));
  if (clock.placed) {
    clock.behind = MediaTime(stamped) < clock.last - behind_least ? clock.behind + 1 : 0;
    decode = std::max(decode, clock.last + least_step);
    clock.interval = std::clamp<Duration>(decode - clock.last, least_step, 200ms);
  }
  clock.last = decode;
  clock.placed = true;
  if (raw.kind == media::TrackKind::audio) measure_divergence(other, clock, now);

  const bool nonsense =
      raw.composition_offset > composition_offset_max || raw.composition_offset < -composition_offset_max;
  const Duration composition = nonsense ? Duration(0) : raw.composition_offset;
  out.decode_time = decode;
  // A sample that had to be moved is still shown when it was meant to be; audio is shown where it lies.
  out.composition_offset =
      raw.kind == media::TrackKind::audio ? composition : MediaTime(stamped) + composition - decode;
  return out;
}

Duration Timeline::snap(Grid& grid, Duration at, const RawTime& raw) const {
  if (raw.samples == 0 || raw.sample_rate == 0) {
    grid.active = false;
    return at;
  }
  const bool fits = grid.active && grid.sample_rate == raw.sample_rate;
  Duration start = at;
  if (fits) {
    const Duration next = grid.next();
    const Duration error = at - next;
    if (error <= audio_error_max && error >= -audio_error_max) {
      grid.samples += raw.samples;
      grid.stamped = at;
      return next;
    }
    // A hole is left at once. An overlap is taken back half a frame at a time, so that time still increases; half a
    // step of the stamps where they deny that frames are so long, or the grid would run away from them.
    const Duration frame = from_ticks(raw.samples, raw.sample_rate);
    const Duration step = std::clamp<Duration>(at - grid.stamped, Duration(0), frame);
    if (error < Duration(0)) start = std::max(at, next - frame + step / 2);
  }
  grid = {.active = true, .sample_rate = raw.sample_rate, .start = start, .samples = raw.samples, .stamped = at};
  return start;
}

void Timeline::measure_divergence(const Clock& video, const Clock& audio, LoopTime now) {
  if (!video.running || now - video.arrival > measured_together) return;
  const Duration offset = audio.line - video.line;
  if (offsets_ == 0) offset_ = offset;
  offset_ += (offset - offset_) / mean_weight;
  if (offsets_ <= settled) {
    ++offsets_;
    first_offset_ = offset_;
  }
}

Duration Timeline::divergence() const { return offsets_ > settled ? offset_ - first_offset_ : Duration(0); }

void Timeline::publisher_returns() {
  for (Clock& clock : clocks_) {
    clock.running = false;
    clock.cut.reset();
  }
  offsets_ = 0;
}

}  // namespace klieg::ingest

// One track's samples on their way to the writer: put on the frames' clock, filled where they are missing, held until
// it is known how long they last.
#pragma once

#include <deque>
#include <optional>

#include "media/sample.h"
#include "media/track.h"
#include "packager/cadence.h"

namespace klieg::packager {

// A frame that comes this much later than the one before it ended is behind a hole, where the timeline breaks.
inline constexpr Duration hole_max = 400ms;
// Beyond this a lane takes no more: bytes of 10 s at 25 Mbit/s; samples of 10 s at 2,000 a second.
inline constexpr uint64_t waiting_bytes_max = 10 * 25'000'000 / 8;
inline constexpr size_t waiting_count_max = 20'000;

// Where a period has no place yet, samples gather as they come; once it has, they are settled.
enum class LaneState : uint8_t { gathering, settled };

class Lane {
 public:
  explicit Lane(const media::Track& track);

  const media::Track& track() const { return track_; }
  // As headers say it: where the encoder does not tell its frame rate, with the one measured when the track's first
  // period began, if it kept one.
  media::Track shown_track() const;
  void change_track(const media::Track& track);

  // A sample of the publisher. One that lies before the lane's end is dropped (it comes too late, after a fill).
  void accept(media::Sample sample);
  // How many were dropped because they had no place: too late, at no time that can be, or more than a lane may hold.
  uint64_t unplaced() const { return unplaced_; }

  // The samples that follow do not continue the ones before. What is waiting is dropped.
  void gather();
  // A period begins: measures the pace, drops what is presented before `start`.
  void settle(MediaTime start);

  bool empty() const { return waiting_.empty(); }
  const std::deque<media::Sample>& waiting() const { return waiting_; }
  bool full() const { return waiting_size_ > waiting_bytes_max || waiting_.size() > waiting_count_max; }

  // While gathering: a period cannot begin before a key frame; and what is known of the frames' duration.
  void drop_unusable();
  // Where they vary: the longest, but a hiccup longer than a part says nothing about how long parts should be.
  Duration measured_frame(Duration part);

  // The next sample with its duration filled in, if that is known; nullptr if not. `flush`: then the usual one is
  // taken.
  enum class Flush : uint8_t { no, yes };
  const media::Sample* front(Flush flush);
  media::Sample take();

  MediaTime end() const { return end_; }                  // where the samples taken end, in decode time
  MediaTime waiting_end() const { return waiting_end_; }  // where those that wait end
  Duration usual_duration() const;
  const Cadence& cadence() const { return cadence_; }

  // Stands in for the publisher up to `until`, in steps of `step` for video. False if there is nothing to stand in
  // with.
  bool fill(MediaTime until, Duration step);
  bool can_fill() const;
  bool standing_in() const { return standing_in_; }
  // One frame for a segment that begins at `at` and got none. Asserted: can_fill().
  media::Sample stand_in(MediaTime at);

 private:
  bool has_place(const media::Sample& sample) const;
  void place(media::Sample sample);
  void push(media::Sample sample);
  void fill_hole(MediaTime until);

  media::Track track_;
  double measured_rate_ = 0;  // frames a second; 0: none, or not asked
  Cadence cadence_;
  LaneState state_ = LaneState::gathering;
  std::deque<media::Sample> waiting_;
  uint64_t waiting_size_ = 0;
  MediaTime end_;
  MediaTime waiting_end_;
  MediaTime start_;            // of the period
  MediaTime least_decode_;     // of the next sample: decode times increase by at least a tick
  MediaTime last_came_{-1ns};  // as they came
  uint64_t unplaced_ = 0;
  bool standing_in_ = false;  // filled, and the publisher is not back yet
  Duration last_duration_{0};
  Bytes last_audio_;
  std::optional<media::Sample> last_key_;
};

}  // namespace klieg::packager

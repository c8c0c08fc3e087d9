// The rungs of the ladder: tracks that are made here, out of what the packager wrote, and come back a moment later.
// Each is cut where the leading track was cut: a video segment begins at the rung's first sample presented at or after
// the cut, an audio segment at the frame nearest to it, and both end as soon as their last sample reaches the next cut.
//
//             sample at the segment's start
//   waiting ------------------------------> writing ----- last sample reaches the cut -----> the next segment: waiting
//      |                                       |
//      |   said to be a gap, too far behind,   |   the same, or media is missing in it
//      +---------------------------------------+------> given up: what comes for it is dropped; a gap once the leading
//                                                       track has ended its segment; then the next segment: waiting
//
// A segment of a rung is `media` if nothing of it is missing, else a gap. The one exception is the last of a broadcast:
// what is in the coders then is lost, so it is shown as far as it goes.
//
// Where the leading track is itself a rung (a source that is encoded anew), the others come before the first period has
// begun: the packager still waits for what tells it the grid. They wait too, so that all begin with the same segment.
//
// A rung can cost the broadcast nothing: it is never waited for, but for the headers of a ladder that was announced,
// and those for header_wait_max.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "media/ports.h"
#include "packager/grid.h"
#include "packager/track_writer.h"

namespace klieg::packager {

// A rung further behind the leading track, in media, has its segments given up until it has caught up. An encoder that
// keeps pace is 0.1 to 0.3 s behind; one that was replaced comes back within 1 s; requests are held for three target
// durations, which is 3 s or more.
inline constexpr Duration rung_lag_max = 3s;
// It has caught up when it begins a segment that lies no further back.
inline constexpr Duration rung_return_max = 1500ms;
// A ladder that is known when the broadcast begins is announced before its headers are there. Rungs that have none
// after this much media are announced no more; below the 3 s that a request for the multivariant playlist is held.
// Rungs that come later are announced when they have their headers: nobody who is watching waits for them.
inline constexpr Duration header_wait_max = 2s;
// Frames of one rung that wait for the decision whether they lie before a cut: a second of audio at most.
inline constexpr size_t rung_waiting_max = 256;
// Frames of one rung that came before the leading track had them: as long as the packager gathers, at 60 fps. Beyond,
// the oldest goes.
inline constexpr size_t rung_early_max = 60 * (grid_max / Duration(1s));
// In bytes: a poster of 720 lines takes 100 kB, a thumbnail of 90 lines 5 kB.
inline constexpr size_t poster_size_max = 1u << 20;
inline constexpr size_t thumbnail_size_max = 128u << 10;
// Rungs of all the ladders that a broadcast ever had. One has about seven.
inline constexpr size_t rungs_ever_max = 64;

class Rungs final : public media::RungSink {
 public:
  struct Counts {
    uint64_t dropped_samples = 0;  // late, for a segment that was given up, or against the rules
    uint64_t gaps = 0;             // segments
  };

  // `out` and what the functions refer to outlive the rungs.
  Rungs(media::RecordSink& out, std::function<media::TrackId()> next_track_id,
        std::function<WallTime(MediaTime)> wall_of)
      : out_(out), next_track_id_(std::move(next_track_id)), wall_of_(std::move(wall_of)) {}

  void on_ladder(const std::vector<media::Rung>& rungs) override;
  void on_rung_track(media::RungId rung, const media::Track& track) override;
  void on_rung_sample(media::RungId rung, media::Sample sample) override;
  void on_rung_presence(media::RungId rung, media::Presence presence, MediaTime from) override;
  void on_picture(const media::Picture& picture) override;
  void on_drained() override {}  // what still came lies where it lay

  const Counts& counts() const { return counts_; }

  // --- for the packager: what it does with the source ---

  void begin_broadcast(std::string id, const Grid& grid) {
    broadcast_id_ = std::move(id);
    grid_ = grid;
  }
  // A period begins, with these source tracks; their headers are born before the first segment of it begins.
  void announce_with(std::vector<std::string> source_names);
  // Of the leading track, 0 where there is none: that of rungs that do not tell theirs.
  void set_frame_rate(double frame_rate) { frame_rate_ = frame_rate; }
  // The leading track's segments. `end`: where the next one begins, or would; `filled_to`: how far there is media.
  void begin_segment(media::Msn msn, uint32_t period, MediaTime at);
  void end_segment(MediaTime end, MediaTime filled_to, Duration duration);
  // The leading track has media up to here, in presentation time.
  void lead_to(MediaTime shown_until) { shown_until_ = std::max(shown_until_, shown_until); }
  // No cut that is still to be decided lies before `horizon`.
  void follow(MediaTime horizon);
  // The broadcast ends: so does what is open. Nothing follows.
  void end();

 private:
  // A segment of the leading track.
  struct Span {
    struct End {
      MediaTime at;
      MediaTime filled_to;
      Duration duration;
    };
    media::Msn msn = 0;
    uint32_t period = 0;
    MediaTime at;
    std::optional<End> end;  // none: still open
  };
  enum class Named : uint8_t { no, yes };
  enum class Pace : uint8_t { keeping, behind };
  enum class Segment : uint8_t { wanted, given_up };
  enum class Start : uint8_t { anywhere, sync };

  struct Member {
    media::Rung rung;
    Named named = Named::yes;  // by the newest ladder; those that are not have gaps for ever
    std::optional<TrackWriter> writer;
    media::Track track;
    bool track_known = false;
    bool awaited = false;  // announced before it has a header

    std::optional<media::Msn> msn;  // of the span it is in; none: it joins with the next one
    Segment segment = Segment::wanted;
    Pace pace = Pace::keeping;
    Start start = Start::sync;  // what the next segment must begin with: after a gap decoding begins anew
    MediaTime end;              // of the sample written last, in presentation time
    Duration last_duration{0};
    MediaTime decoded_until{-1s};  // newest decode and presentation time that came
    MediaTime presented_until{-1s};
    std::deque<media::Sample> early;  // came before the first period had begun, and lies ahead of the leading track
    std::deque<media::Sample> waiting;
    std::map<MediaTime, media::Presence> presence;  // from there on; before the first: media
  };
  enum class Place : uint8_t { before, inside, after, undecided };

  Member* find(media::RungId rung);
  void make_track(Member& member);
  void complete_track(Member& member) const;
  void announce();
  void stop_awaiting();
  const Span* span_of(const Member& member) const;
  const Span* after(const Span& span) const;
  Duration lag_of(const Member& member) const;
  bool is_gap(const Member& member, const Span& span) const;
  bool acceptable(const Member& member, const media::Sample& sample) const;
  bool is_ahead(const Member& member, const media::Sample& sample) const;
  void take(Member& member, media::Sample sample);
  void take_early(Member& member);

  void follow(Member& member);
  Place place_of(const Member& member, const media::Sample& sample, const Span& span) const;
  void write(Member& member, const Span& span, media::Sample sample);
  bool reached(const Member& member, const Span& span) const;
  bool whole(const Member& member, const Span& span) const;
  void finish(Member& member, const Span& span);
  void write_gap(Member& member, const Span& span);
  void forget_spans();

  media::RecordSink& out_;
  std::function<media::TrackId()> next_track_id_;
  std::function<WallTime(MediaTime)> wall_of_;
  std::string broadcast_id_;  // for the log
  std::optional<Grid> grid_;
  double frame_rate_ = 0;
  std::list<Member> members_;    // a name keeps its place, and its track
  std::vector<Member*> ladder_;  // by RungId
  std::deque<Span> spans_;       // those that some rung is in, and the newest: at most rung_lag_max of them
  MediaTime shown_until_;
  MediaTime horizon_;
  std::optional<std::vector<std::string>> source_names_;  // none: the broadcast has not begun yet
  std::optional<MediaTime> awaited_since_;
  std::vector<std::string> announced_;
  bool period_begun_ = false;  // ever: the headers of the source come first
  bool ended_ = false;
  Counts counts_;
};

}  // namespace klieg::packager

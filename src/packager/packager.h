// Samples become CMAF chunks, parts and segments: media::SampleSink in, media::Records out. What was written goes to a
// SourceSink, if there is one, and the rungs that are made of it come back through rungs().
//
// Pure: no clock (times come with the samples), no I/O. One per broadcast, on its home loop. See README.md for the
// state diagram and the invariants; grid.h, cutter.h, lane.h, track_writer.h and wall_anchor.h each hold one of the
// rules.
//
//   Packager packager({.broadcast_id = id}, window);      // window: the origin's RecordSink, outlives the packager
//   packager.on_track(track); packager.on_sample(kind, sample, wall); ... packager.on_ended();
//
// The SourceSink is called from inside these calls, and may call rungs() from inside its own.
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <string>

#include "media/ports.h"
#include "packager/cutter.h"
#include "packager/grid.h"
#include "packager/lane.h"
#include "packager/rungs.h"
#include "packager/track_writer.h"
#include "packager/wall_anchor.h"

namespace klieg::packager {

struct PackagerSettings {
  std::string broadcast_id;
  uint32_t epoch = 1;
  Duration segment = 1s;  // wished; the grid decides
  Duration part = 200ms;
};

// How long the start of a period may wait for a key frame, and the grid for the second one.
inline constexpr Duration start_wait_max = grid_max;
// Audio alone for this long is a broadcast without video; a video track that comes later begins a new period.
inline constexpr Duration audio_alone_wait = 500ms;
// A track that lags this far behind the other has stalled: something stands in for it. Well above what encoders
// interleave (up to about a second), well below the patience of a viewer.
inline constexpr Duration stall_max = 2s;
// How long a broadcast's start waits for a track that was promised, or that came without a sample: as long as for one
// that stalled. A player that was shown video alone never looks for the sound that joins later.
inline constexpr Duration promised_wait = stall_max;
// What stands in stays this far behind, so that the real thing finds its place when it returns.
inline constexpr Duration stand_in_lag = 500ms;

class Packager final : public media::SampleSink {
 public:
  Packager(PackagerSettings settings, media::RecordSink& out);

  // Who makes a ladder of it, if anybody does: said before on_track(), and there as long as the packager is told
  // things.
  void tell_source_to(media::SourceSink& source) { source_ = &source; }

  void on_promised(media::TrackKind kind) override { member(kind).promised = true; }
  void on_track(const media::Track& track) override;
  void on_sample(media::TrackKind kind, media::Sample sample, WallTime wall) override;
  void on_discontinuity(media::Discontinuity why, MediaTime at) override;
  // A seam: timed metadata would become an event message (wire::EventMessage, before the moof of the next chunk).
  // Nothing is written yet.
  void on_data(Bytes amf, MediaTime at) override;
  void on_paused() override;
  void on_resumed() override;
  void on_ended() override;

  const std::optional<Grid>& grid() const { return grid_; }
  // Samples that were dropped because there was no place for them.
  uint64_t unplaced() const;
  // Where the ladder's rungs go. Unused, it changes nothing.
  Rungs& rungs() { return rungs_; }

 private:
  enum class State : uint8_t { gathering, packaging, ended };

  // A track in the broadcast. Its writer is born when it first joins a period.
  struct Member {
    std::optional<Lane> lane;
    std::optional<TrackWriter> writer;
    bool promised = false;
    enum class Place : uint8_t { absent, joining, present } place = Place::absent;
    MediaTime segment_at;  // where the leading track cut the segment this one is in
  };
  // Where the leading track cut; the others follow.
  struct DecidedCut {
    media::Msn msn = 0;
    uint32_t period = 0;
    MediaTime at;
  };

  void advance();
  void complain(WallTime now);

  // gathering -> packaging
  bool try_start(Lane::Flush flush);
  std::optional<Duration> key_interval_of(const Lane& video) const;
  void fix_grid(const Grid& grid);
  void start_period();
  void announce();
  void join(Member& member, MediaTime start);

  // packaging
  void lead(Lane::Flush flush);
  void follow(Member& member, Lane::Flush flush);
  MediaTime horizon();
  void write(Member& member, const media::Sample& sample);
  void give(media::TrackKind kind, const media::Sample& sample);
  void cut_before(const media::Sample& sample, MediaTime end_before);
  enum class Seam : uint8_t { none, hole };
  void cut(MediaTime at, Seam seam, std::optional<media::PeriodStart> new_period);
  void next_segment(Member& member, const DecidedCut& cut);
  void write_only_frame(Member& member);
  void replace_stalled();
  void begin_period(media::PeriodStart why, MediaTime start);

  // packaging -> gathering
  void flush_all();
  enum class Rest : uint8_t { keep, drop };  // of what gathered before the grid was fixed
  void gather(Rest rest);
  bool can_join(const Member& member) const;

  Member& member(media::TrackKind kind) { return members_[static_cast<size_t>(kind)]; }
  Member& leader();

  PackagerSettings settings_;
  media::RecordSink& out_;
  media::SourceSink* source_ = nullptr;
  State state_ = State::gathering;
  std::optional<Grid> grid_;
  std::array<Member, 2> members_;  // by TrackKind
  std::optional<Cutter> cutter_;
  std::deque<DecidedCut> cuts_;  // not yet followed by all; at most stall_max worth of segments
  WallAnchor anchor_;
  uint64_t left_out_ = 0;               // by follow()
  std::optional<WallTime> complained_;  // when unplaced samples were last logged
  uint64_t complained_of_ = 0;
  media::Msn next_msn_ = 0;
  uint32_t next_period_ = 0;
  media::TrackId next_track_id_ = 0;
  MediaTime shown_until_;  // of the leading track's segment, in presentation time
  Rungs rungs_;
};

}  // namespace klieg::packager

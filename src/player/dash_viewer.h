// A viewer of DASH (ISO/IEC 23009-1), of whole segments or of segments as they grow.
//
//   manifest --> header --> segment --> the next, from when it may be asked for ...
//
// When that is, it reckons from the manifest and the server's clock (5.3.9.5.3): whole segments once they are whole,
// with low latency as much sooner as availabilityTimeOffset says, and then each chunk counts when it comes. Watches the
// first video; begins with the newest segment, as who wants to be live does, and of one that grows with the chunks that
// are born from then on.
//
// What has its own way of being late: a segment that is asked for when it should be whole, but lacks its last frames
// yet, is sent as it grows, and the wait for them counts as last mile.
//
// The manifest is asked for again when what it says is used up or turned out wrong, not every minimumUpdatePeriod: one
// request at a time, and none that keeps the next segment waiting without need. Wrong it is, too, where what a segment
// holds does not lie where the segment should: a broadcast that breaks off goes on in a new Period, under the number
// that came next. What tells so has no date yet and is passed over.
#pragma once

#include <optional>
#include <string>

#include "player/breakdown.h"
#include "player/chunk_times.h"
#include "player/viewer.h"
#include "wire/dash.h"

namespace klieg::player {

class DashViewer final : public Viewer {
 public:
  // In a row; a live server that has lost ten answers has lost the broadcast.
  static constexpr int failures_max = 10;
  static constexpr Duration retry_after = 500ms;

  // `path` of the manifest. `poll_every`: of a manifest that lists its segments; empty: as often as it says itself.
  DashViewer(std::string path, Tier tier, const ClockRelation& clocks, std::optional<Duration> poll_every = {})
      : path_(std::move(path)), tier_(tier), clocks_(clocks), poll_every_(poll_every) {}

  std::optional<Wanted> next(LoopTime now) override;
  std::vector<Received> grew(const Answered& so_far, ByteView piece, LoopTime now) override;
  Result<std::optional<Received>> take(const Answered& answered) override;

 private:
  // Instants are counted from the manifest's availability_start.
  struct Segment {
    const wire::dash::Period* period = nullptr;
    const wire::dash::Template* of = nullptr;
    Duration begins{0};
    Duration duration{0};
    uint64_t number = 0;
    uint64_t time = 0;
  };
  enum class Asked : uint8_t { manifest, header, segment };

  // The first whose middle lies behind `from`. Empty: the manifest knows none.
  std::optional<Segment> segment_behind(Duration from) const;
  // Where an instant of the media lies, by the last Period that begins before it.
  Duration place_of(MediaTime media) const;
  Duration since_start(LoopTime now) const;
  Duration newest(LoopTime now) const;
  Duration offset_of(const wire::dash::Template& segments) const;
  Wanted want_manifest(LoopTime at);
  // Of a chunk of segment_; empty: it lies elsewhere.
  std::optional<Duration> begins_of(const ChunkTime& chunk);
  Result<std::optional<Received>> take_segment(const Answered& answered);
  Result<std::optional<Received>> failed(const Answered& answered);
  Result<void> take_manifest(const Answered& answered);
  bool grows() const { return tier_ == Tier::ll_dash; }

  std::string path_;
  Tier tier_;
  ClockRelation clocks_;
  std::optional<Duration> poll_every_;
  std::optional<wire::dash::Manifest> manifest_;
  bool manifest_wrong_ = false;
  LoopTime poll_at_;
  Asked asked_ = Asked::manifest;
  std::optional<Duration> from_;    // what comes next lies behind it; empty: nothing was seen yet
  std::optional<Segment> segment_;  // asked for
  bool failed_once_ = false;        // that one
  int failures_ = 0;
  std::optional<MediaTime> elsewhere_;  // how far what lay elsewhere reached
  std::string header_path_;             // that times_ is of
  std::optional<ChunkTimes> times_;
  ChunkCutter cutter_;
  bool joined_ = false;  // the segment that was there before we came is through
  std::optional<Error> wrong_;
};

}  // namespace klieg::player

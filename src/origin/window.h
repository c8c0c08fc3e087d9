// The live window of one broadcast: what applying its records makes.
//
// A Window is born by BroadcastBegun, grows by records, lists the last `live` of media (the last segments and the open
// one), keeps what has just left a little longer for stragglers, and hands what goes to the DepartedSink. It never
// writes anything of its own: equal records make equal windows, and replay() writes the records that make an equal one,
// which is how another loop or node mirrors it.
//
//   born -> live <-> paused -> ended
//
// Owner: the loop's Origin. Thread: that loop. Limits: Limits, below.
// The records of one broadcast come from one packager of ours, so an order that media/record.h does not allow is
// asserted, not handled.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "media/ports.h"
#include "media/record.h"
#include "origin/object.h"

namespace klieg::origin {

struct WindowLimits {
  Duration live = 60s;  // listed in playlists
  // A player that reloaded just before a segment left may be one target duration old, holds its next reload for at most
  // three, and takes one more to fetch: 5, and one for the road. In target durations.
  uint32_t straggler_target_durations = 6;
  // Beside the durations: 70 s (live and stragglers) of 20 Mbit/s are 175 MB, of a ladder of 12 Mbit/s 105 MB. What is
  // beyond leaves early, oldest first, down to the open segments and one finished one per track.
  uint64_t bytes_max = uint64_t{272} << 20;
  // One every half second of the live window. The packager takes none above 128 KiB; they have about 10.
  size_t thumbnails_max = 120;
};

struct Part {
  uint64_t offset = 0;
  uint64_t size = 0;
  Duration duration{0};
  media::Independence independence = media::Independence::dependent;
  bool operator==(const Part&) const = default;
};

struct Segment {
  media::SegmentBegun begun;
  std::shared_ptr<Log> log;
  std::vector<Part> parts;
  Duration duration{0};  // of what exists; final once it has ended
  // A gap has ended without being whole: its log is aborted, its parts, if it has any, are there.
  media::Presence presence = media::Presence::media;
  mutable std::vector<std::shared_ptr<const Object>> part_objects;
  mutable std::shared_ptr<const Object> whole;

  bool open() const { return log->growing(); }
  bool gap() const { return presence == media::Presence::gap; }
  uint64_t parts_size() const { return parts.empty() ? 0 : parts.back().offset + parts.back().size; }
};

struct Header {
  media::HeaderBorn born;
  std::shared_ptr<const Object> object;
};

struct TrackWindow {
  std::map<uint32_t, Header> headers;  // by version: those that kept segments use, and the newest
  std::deque<Segment> segments;        // consecutive; stragglers, listed ones, at most one open at the end
  uint64_t version = 0;                // counts what changes the track's playlist

  const media::HeaderBorn& newest() const { return headers.rbegin()->second.born; }
  const std::string& name() const { return newest().name; }
  media::TrackKind kind() const { return newest().info.kind; }
  bool is_rung() const { return newest().bits_per_second > 0; }
  // A rung whose newest segment is a gap: nobody should turn to it now.
  bool lost() const { return !segments.empty() && segments.back().gap(); }
  const Segment* find(media::Msn msn) const;
  const Segment* open() const { return !segments.empty() && segments.back().open() ? &segments.back() : nullptr; }
  // The first number not begun yet, and the first not finished yet.
  media::Msn next_msn() const { return segments.empty() ? 0 : segments.back().begun.msn + 1; }
  media::Msn live_msn() const { return open() ? open()->begun.msn : next_msn(); }
};

struct Picture {
  media::Picture born;
  std::shared_ptr<const Object> object;
};

class Window final : public media::RecordSink {
 public:
  Window(const media::BroadcastBegun& begun, const WindowLimits& limits, media::DepartedSink* departed);
  ~Window() override;

  void on_record(const media::Record& record) override;

  // Writes the records that make an equal window, through `sink`. Chunks come out joined by part.
  void replay(media::RecordSink& sink) const;

  const media::BroadcastBegun& begun() const { return begun_; }
  const std::string& name() const { return name_; }  // ID.EPOCH
  media::BroadcastState state() const { return state_; }
  const std::map<media::TrackId, TrackWindow>& tracks() const { return tracks_; }
  const std::vector<media::PeriodBegun>& periods() const { return periods_; }  // the first ever, then those in use
  const media::PeriodBegun& period(uint32_t index) const;
  uint64_t version() const { return version_; }  // counts what changes any manifest
  uint64_t bytes() const { return bytes_; }

  const TrackWindow* track(std::string_view track_name) const;
  // Video of the source if there is any: what the window is measured by. Never a rung while there is a source.
  const TrackWindow* main_track() const;
  // The first number that playlists list. Older segments are stragglers.
  media::Msn first_listed() const { return first_listed_; }
  bool lists(const Segment& segment) const { return segment.begun.msn >= first_listed_; }
  // Playlists name the track: one of the source that has a finished segment listed, or a rung that was announced.
  bool offers(const TrackWindow& track) const;
  // A viewer can begin: a finished segment of the main track is listed; of every source track while the broadcast is
  // young; and what was announced has its header. A player that was shown video alone, or no ladder, would never look
  // for what is listed a moment later.
  bool playable() const;
  // Wall clock of an instant of a period's media.
  WallTime wall_of(const media::PeriodBegun& period, MediaTime at) const {
    return period.start_wall + (at - period.start);
  }

  // How long a media object is here from its birth on: while it is listed, and for stragglers.
  Duration kept() const {
    return limits_.live + std::chrono::seconds(begun_.target_duration_s * limits_.straggler_target_durations);
  }

  // The objects behind names; null when there is none now.
  std::shared_ptr<const Object> header(const TrackWindow& track, uint64_t version) const;
  std::shared_ptr<const Object> segment(const TrackWindow& track, media::Msn msn) const;
  std::shared_ptr<const Object> part(const TrackWindow& track, media::Msn msn, uint64_t part) const;
  std::shared_ptr<const Object> poster() const { return poster_ ? poster_->object : nullptr; }
  std::shared_ptr<const Object> thumbnail(uint64_t ms) const;

  // By milliseconds of media time; those of what is listed.
  const std::map<uint64_t, Picture>& thumbnails() const { return thumbnails_; }
  uint64_t thumbnails_version() const { return thumbnails_version_; }

 private:
  void apply(const media::BroadcastBegun& begun);
  void apply(const media::TracksAnnounced& announced);
  void apply(const media::PeriodBegun& period);
  void apply(const media::HeaderBorn& header);
  void apply(const media::SegmentBegun& segment);
  void apply(const media::ChunkBorn& chunk);
  void apply(const media::PartEnded& part);
  void apply(const media::SegmentEnded& segment);
  void apply(const media::PictureBorn& born);
  void apply(const media::StateChanged& state);
  Segment& open_segment(media::TrackId track);
  void abandon_open_segments();
  void slide();
  void drop_front(media::TrackId id, TrackWindow& track);
  void drop_unused();
  void drop_thumbnails();
  std::shared_ptr<Object> new_object(const std::string& object_name, std::string_view content_type) const;

  media::BroadcastBegun begun_;
  std::string name_;
  WindowLimits limits_;
  media::DepartedSink* departed_;
  media::BroadcastState state_ = media::BroadcastState::live;
  std::vector<std::string> announced_;
  std::vector<media::PeriodBegun> periods_;
  std::map<media::TrackId, TrackWindow> tracks_;
  std::optional<Picture> poster_;
  std::map<uint64_t, Picture> thumbnails_;
  uint64_t thumbnails_version_ = 0;
  media::Msn first_listed_ = 0;
  uint64_t version_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace klieg::origin

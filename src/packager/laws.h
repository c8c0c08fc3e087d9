// The laws of a packaged broadcast (media/record.h, README.md), checked over a whole list of records. For tests and the
// fuzz target: returns what is broken, or nothing.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "media/record.h"
#include "wire/mp4_reader.h"

namespace klieg::packager {

struct PackagedTrack {
  std::string name;
  uint32_t timescale = 0;
  std::vector<wire::Mp4Sample> samples;
  std::vector<Duration> segment_durations;
  std::vector<media::Msn> msns;
  std::vector<media::SegmentBegun> begins;
  std::vector<media::Presence> presences;
};

class Laws {
 public:
  // True while none is broken.
  bool check(const std::vector<media::Record>& records) {
    for (const media::Record& record : records) {
      if (!broken_.empty()) return false;
      std::visit([this](const auto& it) { see(it); }, record);
    }
    return broken_.empty();
  }
  const std::string& broken() const { return broken_; }
  const std::map<media::TrackId, PackagedTrack>& tracks() const { return tracks_; }

 private:
  struct Open {
    wire::Mp4 movie;  // the header's
    uint32_t header_version = 0;
    bool segment = false;
    media::SegmentBegun begun;
    uint32_t parts = 0;
    uint64_t size = 0;
    uint64_t part_offset = 0;
    Duration longest_frame{0};
    int64_t last_decode_ticks = -1;
    Duration last_decode = Duration(-1);
    std::optional<media::Msn> last_msn;
    bool rung = false;
  };

  void law(bool kept, std::string what) {
    if (!kept && broken_.empty()) broken_ = std::move(what);
  }
  void see(const media::BroadcastBegun& it) {
    law(!begun_, "a broadcast begins once");
    begun_ = it;
  }
  void see(const media::TracksAnnounced&) { law(begun_.has_value(), "tracks are announced in a broadcast"); }
  void see(const media::PictureBorn&) { law(begun_.has_value(), "a picture is of a broadcast"); }
  void see(const media::PeriodBegun& it) {
    law(begun_.has_value(), "a period is in a broadcast");
    law(it.index == periods_++, "periods are numbered from 0");
  }
  void see(const media::HeaderBorn& it) {
    auto movie = wire::read_mp4(it.content);
    law(movie.has_value(), "a header can be read");
    if (!movie) return;
    law(it.track == open_.size() || open_.contains(it.track), "track ids are given in order of the first header");
    Open& track = open_[it.track];
    law(!track.segment, "a header is born between segments");
    track.rung = it.bits_per_second > 0;
    track.movie = std::move(*movie);
    track.header_version = it.version;
    law(track.movie.tracks[0].timescale == it.timescale, "a header says its timescale");
    tracks_[it.track].name = it.name;
    tracks_[it.track].timescale = it.timescale;
  }
  void see(const media::SegmentBegun& it) {
    law(open_.contains(it.track), "a header comes before a segment");
    Open& track = open_[it.track];
    law(!track.segment, "a segment begins when the one before has ended");
    law(it.header_version == track.header_version, "a segment names its header");
    law(it.period < periods_, "a segment lies in a period that has begun");
    law(!track.last_msn || it.msn == *track.last_msn + 1 || it.period > track.begun.period, "no segment is left out");
    law(!track.last_msn || it.msn > *track.last_msn, "media sequence numbers increase");
    track.segment = true;
    track.begun = it;
    track.parts = 0;
    track.size = track.part_offset = 0;
    track.last_msn = it.msn;
    tracks_[it.track].msns.push_back(it.msn);
    tracks_[it.track].begins.push_back(it);
  }
  void see(const media::ChunkBorn& it) {
    Open& track = open_[it.track];
    law(track.segment, "a chunk lies in a segment");
    const size_t before = track.movie.samples.size();
    const auto read = track.movie.append(it.content);
    law(read.has_value(), "a chunk can be read");
    if (!read) return;
    const uint32_t timescale = tracks_[it.track].timescale;
    law(track.movie.samples.size() > before, "a chunk has samples");
    if (track.size == 0 && track.movie.samples.size() > before) {
      law(track.movie.samples[before].decode_ticks == track.begun.decode_ticks, "a segment says its decode time");
    }
    for (size_t i = before; i < track.movie.samples.size(); ++i) {
      const wire::Mp4Sample& sample = track.movie.samples[i];
      const Duration decode = from_ticks(sample.decode_ticks, timescale);
      law(decode > track.last_decode, fmt::format("decode times increase: {} ns after {} ns in {} {}", decode.count(),
                                                  track.last_decode.count(), tracks_[it.track].name, track.begun.msn));
      track.last_decode = decode;
      track.longest_frame = std::max(track.longest_frame, from_ticks(sample.duration, timescale));
      tracks_[it.track].samples.push_back(sample);
    }
    track.movie.samples.clear();
    track.size += it.content.size();
  }
  void see(const media::PartEnded& it) {
    Open& track = open_[it.track];
    law(track.segment && it.msn == track.begun.msn, "a part lies in its segment");
    law(it.index == track.parts++, "parts are numbered from 0");
    law(it.offset == track.part_offset && it.size > 0 && it.offset + it.size == track.size, "a part is its chunks");
    law(it.duration <= std::max(begun_->part_target, track.longest_frame),
        fmt::format("a part of {} ms fits PART-TARGET", to_ms(it.duration)));
    track.part_offset = track.size;
  }
  void see(const media::SegmentEnded& it) {
    Open& track = open_[it.track];
    law(track.segment && it.msn == track.begun.msn, "what ends is what began");
    const bool gap = it.presence == media::Presence::gap;
    law(track.rung || !gap, "the source has no gaps");
    law((track.parts > 0 || gap) && track.part_offset == track.size, "a segment is its parts");
    law(std::lround(to_seconds(it.duration)) <= static_cast<long>(begun_->target_duration_s),
        fmt::format("{} segment {} of {} ms from {} s fits TARGETDURATION {}", tracks_[it.track].name, it.msn,
                    to_ms(it.duration), to_seconds(track.begun.start.time_since_epoch()), begun_->target_duration_s));
    track.segment = false;
    tracks_[it.track].segment_durations.push_back(it.duration);
    tracks_[it.track].presences.push_back(it.presence);
  }
  void see(const media::StateChanged& it) {
    law(!ended_, "nothing follows the end");
    ended_ = it.state == media::BroadcastState::ended;
    if (it.state == media::BroadcastState::live) return;
    for (const auto& [id, track] : open_) {
      law(!track.segment || (track.rung && !ended_),
          "a broadcast that ends has nothing open, nor its source in a pause");
    }
  }

  std::string broken_;
  std::optional<media::BroadcastBegun> begun_;
  uint32_t periods_ = 0;
  bool ended_ = false;
  std::map<media::TrackId, Open> open_;
  std::map<media::TrackId, PackagedTrack> tracks_;
};

}  // namespace klieg::packager

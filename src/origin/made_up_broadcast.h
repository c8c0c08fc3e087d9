// For tests: a broadcast made of plain numbers, as a packager would write it.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "media/record.h"

namespace klieg::origin {

struct MadeUpBroadcast {
  std::function<void(const media::Record&)> write;
  Duration grid = 1s;
  Duration part = 200ms;
  size_t part_bytes = 1000;
  std::vector<media::TrackKind> kinds{media::TrackKind::video, media::TrackKind::audio};
  std::vector<media::Rung> rungs;  // tracks behind those of the source
  std::set<size_t> lost;           // tracks that have gaps now
  std::set<size_t> broken;         // and whose open segment had begun
  WallTime wall_zero = WallTime(1'700'000'000s);

  media::Msn msn = 0;  // of the next segment
  MediaTime at{};      // where it begins
  uint32_t period_index = 0;
  uint32_t header_version = 0;
  uint32_t parts_open = 0;  // of the segment that open() began

  media::BroadcastBegun begun(const std::string& id = "abc") const {
    return {id, 1, grid, static_cast<uint32_t>(std::chrono::ceil<std::chrono::seconds>(grid).count()), part};
  }
  size_t tracks() const { return kinds.size() + rungs.size(); }
  const media::Rung* rung(size_t track) const { return track < kinds.size() ? nullptr : &rungs[track - kinds.size()]; }
  media::TrackKind kind(size_t track) const { return rung(track) ? rung(track)->kind : kinds[track]; }
  std::string name(size_t track) const {
    return rung(track) ? rung(track)->name : std::string(media::name_of(kinds[track]));
  }

  void header(uint32_t version, uint32_t width = 640, uint32_t height = 360) {
    header_version = version;
    for (size_t i = 0; i < tracks(); ++i) {
      media::HeaderBorn born;
      born.track = static_cast<media::TrackId>(i);
      born.version = version;
      born.name = name(i);
      born.info.kind = kind(i);
      if (const media::Rung* made = rung(i)) born.bits_per_second = made->bits_per_second;
      if (kind(i) == media::TrackKind::video) {
        born.timescale = 90'000;
        born.info.codecs = "avc1.64001f";
        born.info.video = {width, height, 1, 1, 30};
        if (const media::Rung* made = rung(i)) born.info.video = {made->width, made->height, 1, 1, 30};
      } else {
        born.timescale = 48'000;
        born.info.codec = media::Codec::aac;
        born.info.codecs = "mp4a.40.2";
        born.info.audio = {48'000, 2, 1024};
      }
      born.content = Bytes::copy_of("header " + born.name + std::to_string(version));
      write(born);
    }
  }
  void period(media::PeriodStart why, Duration wall_gap = 0s) {
    wall_zero += wall_gap;
    write(media::PeriodBegun{period_index++, why, msn, at, wall_zero + at.time_since_epoch()});
  }
  void announce() {
    media::TracksAnnounced announced;
    for (size_t i = 0; i < tracks(); ++i) announced.names.push_back(name(i));
    write(announced);
  }
  void start() {
    if (!rungs.empty()) announce();
    period(media::PeriodStart::first);
    header(0);
  }
  void open() {
    parts_open = 0;
    for (size_t i = 0; i < tracks(); ++i) {
      if (!lost.contains(i)) begin(i);
    }
  }
  void begin(size_t track) {
    write(media::SegmentBegun{static_cast<media::TrackId>(track), msn, period_index - 1, header_version, at, 0});
  }
  void chunk(size_t track, size_t size) {
    const char fill = static_cast<char>('a' + (msn + parts_open) % 26);
    write(media::ChunkBorn{static_cast<media::TrackId>(track), Bytes::take(std::string(size, fill))});
  }
  void add_part() {
    for (size_t i = 0; i < tracks(); ++i) {
      if (lost.contains(i)) continue;
      chunk(i, part_bytes / 2);
      chunk(i, part_bytes - part_bytes / 2);
      const auto independence = parts_open == 0 ? media::Independence::independent : media::Independence::dependent;
      write(media::PartEnded{static_cast<media::TrackId>(i), msn, parts_open, parts_open * part_bytes, part_bytes, part,
                             independence});
    }
    ++parts_open;
  }
  void close() { close(part * parts_open); }
  void close(Duration duration) {
    for (size_t i = 0; i < tracks(); ++i) {
      const bool gap = lost.contains(i);
      if (gap && !broken.contains(i)) begin(i);
      write(media::SegmentEnded{static_cast<media::TrackId>(i), msn, duration,
                                gap ? media::Presence::gap : media::Presence::media});
    }
    broken.clear();
    ++msn;
    at += duration;
  }
  void segment() {
    open();
    for (Duration made{0}; made < grid; made += part) add_part();
    close(grid);
  }
  void segments(int count) {
    for (int i = 0; i < count; ++i) segment();
  }
  // From the middle of the open segment on the track has nothing.
  void lose(size_t track) {
    lost.insert(track);
    broken.insert(track);
  }
  void picture(media::PictureUse use, Duration at_time, const std::string& jpeg) {
    write(media::PictureBorn{{use, MediaTime(at_time), 320, 180, Bytes::copy_of(jpeg)}});
  }
  void state(media::BroadcastState state) { write(media::StateChanged{state}); }
};

}  // namespace klieg::origin

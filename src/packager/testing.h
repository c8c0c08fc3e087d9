// Words for the packager's tests: a studio that makes samples from plain numbers and keeps the records as short lines.
//
//   broadcast id.1 grid 1000 target 1 part 201      period 1 off_grid msn 3 at 3400 wall 1003400
//   header video 0                                  segment video 3 at 3400 period 1
//   chunk video                                     part video 3.0 200 dependent
//   end video 3 1000                                end 720p 3 1000 gap
//   announced video audio 720p                      live | paused | ended
// All times are milliseconds.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "packager/packager.h"

namespace klieg::packager::testing_words {

inline constexpr media::Sync key = media::Sync::yes;
inline constexpr media::Sync delta = media::Sync::no;
inline constexpr WallTime wall_zero{1000s};

inline std::string in_ms(Duration duration) {
  std::string text = fmt::format("{:.3f}", static_cast<double>(duration.count()) / 1e6);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}
inline std::string in_ms(MediaTime time) { return in_ms(time.time_since_epoch()); }

struct Recorder final : media::RecordSink {
  void on_record(const media::Record& record) override {
    records.push_back(record);
    if (const auto* header = std::get_if<media::HeaderBorn>(&record)) {
      names.resize(std::max<size_t>(names.size(), header->track + 1u));
      names[header->track] = header->name;
    }
    lines.push_back(std::visit([this](const auto& it) { return line_of(it); }, record));
  }
  std::string line_of(const media::BroadcastBegun& it) {
    return fmt::format("broadcast {}.{} grid {} target {} part {}", it.id, it.epoch, in_ms(it.grid),
                       it.target_duration_s, in_ms(it.part_target));
  }
  std::string line_of(const media::TracksAnnounced& it) {
    return fmt::format("announced {}", fmt::join(it.names, " "));
  }
  std::string line_of(const media::PictureBorn& it) { return fmt::format("picture at {}", in_ms(it.picture.at)); }
  std::string line_of(const media::PeriodBegun& it) {
    constexpr std::string_view why[] = {"first", "discontinuity", "off_grid"};
    return fmt::format("period {} {} msn {} at {} wall {}", it.index, why[static_cast<int>(it.why)], it.first_msn,
                       in_ms(it.start), in_ms(it.start_wall.time_since_epoch()));
  }
  std::string line_of(const media::HeaderBorn& it) { return fmt::format("header {} {}", it.name, it.version); }
  std::string line_of(const media::SegmentBegun& it) {
    return fmt::format("segment {} {} at {} period {}", names[it.track], it.msn, in_ms(it.start), it.period);
  }
  std::string line_of(const media::ChunkBorn& it) { return fmt::format("chunk {}", names[it.track]); }
  std::string line_of(const media::PartEnded& it) {
    return fmt::format("part {} {}.{} {} {}", names[it.track], it.msn, it.index, in_ms(it.duration),
                       it.independence == media::Independence::independent ? "independent" : "dependent");
  }
  std::string line_of(const media::SegmentEnded& it) {
    return fmt::format("end {} {} {}{}", names[it.track], it.msn, in_ms(it.duration),
                       it.presence == media::Presence::gap ? " gap" : "");
  }
  std::string line_of(const media::StateChanged& it) {
    constexpr std::string_view states[] = {"live", "paused", "ended"};
    return std::string(states[static_cast<int>(it.state)]);
  }

  std::vector<media::Record> records;
  std::vector<std::string> lines;
  std::vector<std::string> names;
};

struct Studio {
  void video_track(double frame_rate) {
    video.decoder_config = Bytes::copy_of("avcC");
    video.video = {.width = 640, .height = 360, .frame_rate = frame_rate};
    packager.on_track(video);
  }
  void audio_track() {  // AAC, 48 kHz, stereo: a frame lasts 21.333 ms
    audio.kind = media::TrackKind::audio;
    audio.codec = media::Codec::aac;
    audio.decoder_config = Bytes::copy_of("\x11\x90");
    audio.audio = {.sample_rate = 48'000, .channels = 2, .samples_per_frame = 1024};
    packager.on_track(audio);
  }

  void sample(media::TrackKind kind, Duration at, media::Sync sync, Duration offset) {
    media::Sample made;
    made.decode_time = MediaTime(at);
    made.composition_offset = offset;
    made.sync = sync;
    made.content = Bytes::copy_of("media");
    packager.on_sample(kind, made, wall_zero + wall_offset + at);
  }
  // Arrives when it is decoded; presented composition_offset later.
  void frame(int at_ms, media::Sync sync) {
    sample(media::TrackKind::video, Duration(1ms) * at_ms, sync, composition_offset);
  }
  void frames(int from_ms, int count, int every_ms, int key_every) {
    for (int i = 0; i < count; ++i) frame(from_ms + i * every_ms, i % key_every == 0 ? key : delta);
  }
  // `count` seconds of video, each with a key frame at its beginning.
  void gops(int from_ms, int count, int fps) { frames_exact(from_ms, from_ms + count * 1000, fps, fps); }
  void frames_exact(int from_ms, int to_ms, int fps, int key_every) {
    for (int i = 0;; ++i) {
      const Duration at = Duration(1ms) * from_ms + Duration(1s) * i / fps;
      if (at >= Duration(1ms) * to_ms) return;
      sample(media::TrackKind::video, at, i % key_every == 0 ? key : delta, composition_offset);
    }
  }
  // Audio frames whose times lie in the span; frame n lies at n x 1024 / 48,000 s.
  void sound(int from_ms, int to_ms) {
    for (int64_t i = (int64_t{from_ms} * 48 + 1023) / 1024; i * 1024 < int64_t{to_ms} * 48; ++i) sound_frame(i);
  }
  void sound_frame(int64_t number) { sample(media::TrackKind::audio, from_ticks(number * 1024, 48'000), key, 0ms); }
  // Both, in the order of their decode times.
  void both(int from_ms, int to_ms, int fps, int key_every) {
    int64_t next_sound = (int64_t{from_ms} * 48 + 1023) / 1024;
    for (int i = 0;; ++i) {
      const Duration at = Duration(1ms) * from_ms + Duration(1s) * i / fps;
      while (from_ticks(next_sound * 1024, 48'000) < std::min<Duration>(at, Duration(1ms) * to_ms))
        sound_frame(next_sound++);
      if (at >= Duration(1ms) * to_ms) return;
      sample(media::TrackKind::video, at, i % key_every == 0 ? key : delta, composition_offset);
    }
  }

  std::vector<std::string> lines(std::string_view beginning = "") const {
    std::vector<std::string> found;
    for (const std::string& line : recorder.lines) {
      if (line.starts_with(beginning)) found.push_back(line);
    }
    return found;
  }
  const Grid& grid() const { return *packager.grid(); }
  void forget() {
    recorder.lines.clear();
    recorder.records.clear();
  }

  Recorder recorder;
  Packager packager{{.broadcast_id = "id"}, recorder};
  media::Track video;
  media::Track audio;
  Duration composition_offset{0};
  Duration wall_offset{0};
};

}  // namespace klieg::packager::testing_words

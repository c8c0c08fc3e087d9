// For tests: a node with a broadcast in memory, in virtual time, and what a channel says of it.
#pragma once

#include <fmt/format.h>

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "push/channel.h"
#include "wire/cmaf_chunk.h"
#include "wire/cmaf_header.h"

namespace klieg::push {

class MadeUpSource final : public Source {
 public:
  void ask(const std::string& path, std::move_only_function<void(Answer)> then) override {
    asked.push_back(path);
    waiting_.emplace_back(path, std::move(then));
  }
  void after(Duration pause, std::move_only_function<void()> then) override {
    pauses_.emplace(now_ + pause, std::move(then));
  }

  // What exists from now on; who asked for it is answered by run().
  void put(const std::string& path, std::shared_ptr<const Log> log, std::string header_name = {}) {
    objects_[path] = {.status = 200, .header_name = std::move(header_name), .log = std::move(log)};
  }
  void put(const std::string& path, Bytes content) { put(path, Log::complete(std::move(content))); }
  void mark_private(const std::string& path) { objects_.at(path).audience = media::Audience::guests; }
  void refuse(const std::string& path, uint16_t status) { objects_[path] = {.status = status, .header_name = {}}; }

  // Turns, until nobody has anything to do now.
  void run() {
    for (bool again = true; again;) {
      again = false;
      for (auto& [path, then] : std::exchange(waiting_, {})) {
        const auto found = objects_.find(path);
        if (found == objects_.end()) {
          waiting_.emplace_back(path, std::move(then));
        } else {
          then(found->second);
          again = true;
        }
      }
    }
  }
  void pass(Duration time) {
    for (const LoopTime until = now_ + time; !pauses_.empty() && pauses_.begin()->first <= until; run()) {
      auto pause = pauses_.extract(pauses_.begin());
      now_ = pause.key();
      pause.mapped()();
    }
    run();
  }

  std::vector<std::string> asked;

 private:
  LoopTime now_{};
  std::map<std::string, Answer> objects_;
  std::deque<std::pair<std::string, std::move_only_function<void(Answer)>>> waiting_;
  std::multimap<LoopTime, std::move_only_function<void()>> pauses_;
};

// 25 frames a second, a segment of 5, each begins with a key frame; sound of 40 ms a frame, so that both have one chunk
// per tick.
class MadeUpBroadcast {
 public:
  explicit MadeUpBroadcast(MadeUpSource& source, media::Codec codec = media::Codec::avc) : source_(source) {
    video.decoder_config = Bytes::copy_of("\x01\x64\x10\x1f video config");
    video.codec = codec;
    video.video = {.width = 640, .height = 360};
    audio.kind = media::TrackKind::audio;
    audio.codec = media::Codec::aac;
    audio.decoder_config = Bytes::copy_of("\x11\x90");
    audio.audio = {.sample_rate = 48'000, .channels = 2, .samples_per_frame = 1920};
    write_headers();
    write_playlists();
  }

  static constexpr uint64_t frames_per_segment = 5;
  std::string folder = "/live/ada/x.1/";
  media::Track video, audio;
  uint64_t frame = 0;
  uint64_t header_version = 0;
  size_t frame_size = 1000;
  bool lists_sound = true;

  void write_headers() {
    source_.put(folder + header_name("video"), wire::write_cmaf_header(video));
    source_.put(folder + header_name("audio"), wire::write_cmaf_header(audio));
  }
  void write_playlists(std::string_view end = "") {
    const std::string_view sound =
        lists_sound ? "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",DEFAULT=YES,URI=\"x.1/audio.m3u8\"\n" : "";
    const std::string_view of_group = lists_sound ? ",AUDIO=\"a\"" : "";
    source_.put("/live/ada/index.m3u8",
                Bytes::take(fmt::format("#EXTM3U\n{0}#EXT-X-STREAM-INF:BANDWIDTH=9{1}\nx.1/360p.m3u8\n"
                                        "#EXT-X-STREAM-INF:BANDWIDTH=9{1}\nx.1/video.m3u8\n",
                                        sound, of_group)));
    for (const char* track : {"video", "audio"}) {
      std::string text = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n";
      for (uint64_t msn = 0; msn < frame / frames_per_segment; ++msn) {
        text += fmt::format("#EXTINF:0.2,\n{}-{}.m4s\n", track, msn);
      }
      source_.put(folder + track + ".m3u8", Bytes::copy_of(text + std::string(end)));
    }
  }
  // The next frame of both tracks, with what begins and ends there.
  void tick() {
    if (frame % frames_per_segment == 0) begin_segment();
    append("video", video, frame_size);
    append("audio", audio, 100);
    ++frame;
    if (frame % frames_per_segment == 0) {
      for (const char* track : {"video", "audio"}) logs_[track]->end(LogEnd::complete);
      write_playlists();
    }
    source_.run();
  }
  void ticks(uint64_t count) {
    while (count-- > 0) tick();
  }
  std::shared_ptr<Log> log(const std::string& track) { return logs_[track]; }
  void end() {
    for (auto& [_, log] : logs_) {
      if (log->growing()) log->end(LogEnd::complete);
    }
    const uint64_t next = (frame + frames_per_segment - 1) / frames_per_segment;
    for (const char* track : {"video", "audio"}) source_.refuse(segment_name(track, next), 404);
    write_playlists("#EXT-X-ENDLIST\n");
    source_.run();
  }
  std::string header_name(const std::string& track) const { return fmt::format("{}-h{}.mp4", track, header_version); }
  std::string segment_name(const std::string& track, uint64_t msn) const {
    return fmt::format("{}{}-{}.m4s", folder, track, msn);
  }

 private:
  void begin_segment() {
    for (const char* track : {"video", "audio"}) {
      logs_[track] = std::make_shared<Log>();
      source_.put(segment_name(track, frame / frames_per_segment), logs_[track], header_name(track));
    }
    source_.run();
  }
  void append(const std::string& name, const media::Track& track, size_t size) {
    const uint32_t timescale = wire::cmaf_timescale(track);
    const uint32_t duration = timescale / 25;
    const bool sync = name == "audio" || frame % frames_per_segment == 0;
    logs_[name]->append(wire::write_cmaf_chunk(
        {.kind = track.kind,
         .timescale = timescale,
         .usual_duration = name == "audio" ? 1920u : 0u,
         .place = frame % frames_per_segment == 0 ? wire::ChunkPlace::segment_start : wire::ChunkPlace::inside,
         .decode_ticks = frame * duration,
         .samples = {{.duration = duration,
                      .sync = sync ? media::Sync::yes : media::Sync::no,
                      .content = Bytes::take(std::string(size, static_cast<char>('a' + frame % 26)))}}}));
  }

  MadeUpSource& source_;
  std::map<std::string, std::shared_ptr<Log>> logs_;
};

// Writes down what it is told: "H" headers, "V0!" the chunk of video at frame 0, which is a start, "A0", "over ended".
class Diary final : public Reading {
 public:
  void on_headers(const Headers& headers) override {
    for (const TrackHeader& header : headers.tracks) add("H" + header.name);
  }
  void on_chunk(const Chunk& chunk) override {
    add(fmt::format("{}{}{}", chunk.kind == media::TrackKind::video ? 'V' : 'A', chunk.decode_time / 40ms,
                    chunk.start == Start::yes ? "!" : ""));
  }
  void on_over(ChannelEnd why) override { add("over " + std::string(name_of(why))); }

  std::string take() { return std::exchange(text_, ""); }

 private:
  void add(const std::string& word) { text_ += (text_.empty() ? "" : " ") + word; }
  std::string text_;
};

}  // namespace klieg::push

// For tests: a broadcast from plain numbers, a worker that codes by copying, and somebody who keeps what comes out.
//
// The worker does what the protocol says (wire/codec_message.h) and insists on what it may expect: a Begin starts with
// a key frame, rungs that were configured, samples in order. It works only when told to, so that a test decides how far
// it has come when it dies.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "transcoder/transcoder.h"

namespace klieg::transcoder::made_up {

using media::Presence;
using media::TrackKind;
namespace codec = wire::codec;

inline const media::Track picture_track{.kind = TrackKind::video,
                                        .codec = media::Codec::avc,
                                        .codecs = "avc1.64001f",
                                        .video = {.width = 1280, .height = 720, .frame_rate = 25}};
inline const media::Track sound_track{.kind = TrackKind::audio,
                                      .codec = media::Codec::aac,
                                      .codecs = "mp4a.40.2",
                                      .audio = {.sample_rate = 48000, .channels = 2, .samples_per_frame = 960}};

class Worker {
 public:
  void hear(const codec::ToWorker& message) { heard.push_back(message); }
  // Works off one message; what it says to it.
  std::vector<codec::FromWorker> work() {
    said_.clear();
    const codec::ToWorker message = std::move(heard.front());
    heard.pop_front();
    std::visit([this](const auto& it) { take(it); }, message);
    return std::move(said_);
  }

  // What the next message takes, as a share of the time between two frames: 0.1 to decode a frame, 0.4 to code 480p of
  // it, a quarter of that for half the height.
  double cost_of_next() const {
    const auto* source = std::get_if<codec::SourceSample>(&heard.front());
    if (!source) return 0;
    if (source->kind == TrackKind::audio) return 0.005;
    double cost = 0.1;
    for (const Coder& coder : coders_) {
      const double height = coder.rung.height / 480.0;
      if (coder.presence == Presence::media) cost += 0.4 * height * height;
    }
    return cost;
  }

  std::deque<codec::ToWorker> heard;  // and not worked off
  std::map<std::string, int> taken;   // how many of each message
  double load = 0.2;                  // what its Progress says

 private:
  struct Coder {
    media::Rung rung;
    Presence presence = Presence::media;
    std::optional<Presence> next;
    MediaTime from;
    bool sent = false;  // since Begin
  };

  void take(const codec::Configure& it) {
    ++taken["Configure"];
    coders_.clear();
    has_video_ = std::ranges::any_of(it.sources, [](const auto& track) { return track.kind == TrackKind::video; });
    for (const media::Rung& rung : it.rungs) {
      media::Track track{.kind = rung.kind};
      track.video.width = rung.width;
      said_.push_back(codec::RungTrack{static_cast<media::RungId>(coders_.size()), track});
      coders_.push_back({.rung = rung});
    }
    said_.push_back(codec::Configured{});
    begun_ = false;
  }
  void take(const codec::Begin& it) {
    ++taken["Begin"];
    EXPECT_GT(it.generation, generation_);
    EXPECT_EQ(it.from.size(), coders_.size());
    generation_ = it.generation;
    begun_ = true;
    decodes_ = false;
    for (size_t i = 0; i < coders_.size(); ++i) {
      coders_[i].from = it.from[i];
      coders_[i].sent = false;
    }
  }
  void take(const codec::SetPresence& it) {
    ++taken["SetPresence"];
    ASSERT_LT(it.rung, coders_.size());
    coders_[it.rung].next = it.presence;
  }
  void take(const codec::Drain&) {
    ++taken["Drain"];
    said_.push_back(codec::Drained{});
  }
  void take(const codec::SourceSample& it) {
    ++taken["SourceSample"];
    ASSERT_TRUE(begun_);
    const bool key = it.sample.sync == media::Sync::yes;
    if (it.kind == TrackKind::video) {
      ASSERT_TRUE(key || decodes_) << "decoding cannot begin here";
      decodes_ = true;
    }
    for (size_t i = 0; i < coders_.size(); ++i) {
      Coder& coder = coders_[i];
      if (coder.rung.kind != it.kind) continue;
      if (key && coder.next) coder.presence = *std::exchange(coder.next, std::nullopt);
      if (coder.presence == Presence::gap || it.sample.presentation_time() < coder.from) continue;
      media::Sample made = it.sample;
      if (!std::exchange(coder.sent, true)) made.sync = media::Sync::yes;
      said_.push_back(codec::RungSample{generation_, static_cast<media::RungId>(i), made});
    }
    if (it.kind == TrackKind::video || !has_video_) {
      const Duration busy(static_cast<int64_t>(static_cast<double>(it.sample.duration.count()) * load));
      said_.push_back(codec::Progress{generation_, it.sample.presentation_time(), busy, it.sample.duration});
    }
  }

  std::vector<codec::FromWorker> said_;
  std::vector<Coder> coders_;
  uint32_t generation_ = 0;
  bool begun_ = false;
  bool decodes_ = false;
  bool has_video_ = false;
};

struct Rungs final : media::RungSink {
  void on_ladder(const std::vector<media::Rung>& rungs) override {
    ladder = rungs;
    ++ladders;
    samples.resize(std::max(samples.size(), rungs.size()));
    presence.clear();
    presence.resize(rungs.size(), Presence::media);
  }
  void on_rung_track(media::RungId rung, const media::Track& track) override {
    ASSERT_LT(rung, ladder.size());
    EXPECT_EQ(track.kind, ladder[rung].kind);
    ++tracks;
  }
  void on_rung_sample(media::RungId rung, media::Sample sample) override {
    ASSERT_LT(rung, ladder.size());
    if (on_sample) on_sample(sample);
    samples[rung].push_back(std::move(sample));
  }
  void on_rung_presence(media::RungId rung, Presence now, MediaTime from) override {
    ASSERT_LT(rung, ladder.size());
    EXPECT_NE(presence[rung], now);
    presence[rung] = now;
    presence_from = from;
  }
  void on_picture(const media::Picture&) override { ++pictures; }
  void on_drained() override { ++drained; }

  std::vector<std::string> gaps() const {
    std::vector<std::string> names;
    for (size_t i = 0; i < ladder.size(); ++i) {
      if (presence[i] == Presence::gap) names.push_back(ladder[i].name);
    }
    return names;
  }

  std::vector<media::Rung> ladder;
  std::vector<Presence> presence;
  MediaTime presence_from;
  std::vector<std::vector<media::Sample>> samples;  // by RungId
  int ladders = 0, tracks = 0, pictures = 0, drained = 0;
  std::function<void(const media::Sample&)> on_sample;
};

struct Port final : WorkerPort {
  Admission admit(double cores) override {
    if (cores > room) return Admission::refused;
    granted = cores;
    return Admission::granted;
  }
  void give_back() override { granted = 0; }
  Taken take_worker() override {
    EXPECT_FALSE(worker) << "there is one already";
    ++asked;
    if (available == 0) return Taken::none;
    --available;
    worker.emplace();
    worker->load = load;
    return Taken::worker;
  }
  void tell(const codec::ToWorker& message) override {
    ASSERT_TRUE(worker);
    worker->hear(message);
  }
  void end_worker(WorkerEnd why) override {
    EXPECT_TRUE(worker);
    worker.reset();
    ended.push_back(why);
  }
  Duration worker_used() override { return used; }

  std::optional<Worker> worker;
  Duration used{0};
  std::vector<WorkerEnd> ended;
  double room = 100, granted = 0;
  double load = 0.2;
  int available = 1000;
  int asked = 0;
};

// A broadcast of 25 frames a second with a key frame every `key_frames`, 20 ms of audio at a time, and what becomes of
// it.
struct Stage {
  explicit Stage(TranscoderSettings settings = {.broadcast = "test", .rungs = *parse_rungs("480p,240p,audio")})
      : transcoder(std::move(settings), port, out) {}

  void begin(const media::Track& picture = picture_track) {
    transcoder.on_source_track(now, picture);
    transcoder.on_source_track(now, sound_track);
    on_time();
    work();
    transcoder.on_source_period(now, at);
  }
  // One frame of video and its audio, 40 ms; then the worker does `messages` of what it has to do (all).
  void frame(size_t messages = SIZE_MAX) {
    const bool key = frames++ % key_frames == 0;
    give(TrackKind::video, {.decode_time = at, .duration = 40ms, .sync = key ? media::Sync::yes : media::Sync::no});
    for (const Duration offset : {Duration(0), Duration(20ms)}) {
      give(TrackKind::audio, {.decode_time = at + offset, .duration = 20ms, .sync = media::Sync::yes});
    }
    at += 40ms;
    pass(40ms);
    work(messages);
  }
  // As frame(), on a machine of this speed: at 1 it has just the time to make all of the ladder, and 0.4 to spare.
  void frame_at_speed(double speed) {
    frame(0);
    time_left = std::min(time_left + speed, 1.0);
    while (port.worker && !port.worker->heard.empty()) {
      const double cost = port.worker->cost_of_next();
      if (cost > time_left) return;
      time_left -= cost;
      port.worker->load = cost / speed;
      work(1);
    }
  }
  void frames_for(Duration length) {
    for (const MediaTime end = at + length; at < end;) frame();
  }
  void give(TrackKind kind, media::Sample sample) {
    sample.content = Bytes::of_static(as_bytes("frame"));
    transcoder.on_source_sample(now, kind, sample);
    given[static_cast<size_t>(kind)].push_back(sample.decode_time);
  }
  void work(size_t messages = SIZE_MAX) {
    for (; messages > 0 && port.worker && !port.worker->heard.empty(); --messages) {
      for (const codec::FromWorker& said : port.worker->work()) {
        if (port.worker) transcoder.on_message(now, said);
      }
    }
  }
  void lose_worker(WorkerEnd how = WorkerEnd::killed) {
    port.worker.reset();
    transcoder.on_worker_lost(now, how, "a test");
  }
  void on_time() {
    while (const auto due = transcoder.wake_at()) {
      if (*due > now) return;
      transcoder.on_time(now);
      ASSERT_FALSE(transcoder.wake_at() == due) << "it would be woken for ever";
    }
  }
  // Time passes; whoever wanted to be woken is.
  void pass(Duration duration) {
    const LoopTime end = now + duration;
    while (const auto due = transcoder.wake_at()) {
      if (*due > end) break;
      now = std::max(now, *due);
      transcoder.on_time(now);
    }
    now = end;
  }

  Port port;
  Rungs out;
  LoopTime now{1000s};
  Transcoder transcoder;
  MediaTime at;
  int frames = 0;
  int key_frames = 25;
  double time_left = 0;             // of the worker, in frames
  std::vector<MediaTime> given[2];  // decode times, by TrackKind
};

inline std::vector<MediaTime> times_of(const std::vector<media::Sample>& samples) {
  std::vector<MediaTime> times;
  for (const media::Sample& sample : samples) times.push_back(sample.decode_time);
  return times;
}

}  // namespace klieg::transcoder::made_up

// Whatever an encoder sends, within what encoders do: the laws hold and every sample comes out once.
#include "packager/laws.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"
#include "packager/filler.h"
#include "packager/testing.h"

namespace klieg::packager {
namespace {

using namespace testing_words;
using media::Codec;
using media::Sync;
using media::TrackKind;

media::Sample made(Duration at, Duration offset, Sync sync, std::string content) {
  media::Sample sample;
  sample.decode_time = MediaTime(at);
  sample.composition_offset = offset;
  sample.sync = sync;
  sample.content = Bytes::copy_of(content);
  return sample;
}

Duration rounded(Duration at, Duration unit) { return at / unit * unit; }

RC_GTEST_PROP(Packager, every_sample_of_a_steady_encoder_comes_out_once_on_time_and_the_laws_hold, ()) {
  const double rate = *rc::gen::element(5.0, 12.5, 24000 / 1001.0, 25.0, 30000 / 1001.0, 30.0, 50.0, 60.0, 17.3);
  const int gop = *rc::gen::inRange(1, 150);
  const int b_frames = *rc::gen::inRange(0, 3);
  const uint32_t sample_rate = *rc::gen::element(16'000u, 44'100u, 48'000u);
  const uint32_t samples_per_frame = *rc::gen::element(1024u, 1152u);
  const Duration clock = *rc::gen::element(Duration(1ns), Duration(1ms));  // RTMP counts milliseconds
  const Duration audio_ahead = Duration(1ms) * *rc::gen::inRange(-300, 300);
  const int seconds = *rc::gen::inRange(3, 40);

  Recorder recorder;
  Packager packager({.broadcast_id = "id"}, recorder);
  media::Track video;
  video.decoder_config = Bytes::copy_of("avcC");
  video.video = {.width = 64, .height = 36};
  packager.on_track(video);
  media::Track audio;
  audio.kind = TrackKind::audio;
  audio.codec = Codec::aac;
  audio.decoder_config = Bytes::copy_of("\x11\x90");
  audio.audio = {sample_rate, 2, samples_per_frame};
  packager.on_track(audio);

  const auto frame = Duration(static_cast<int64_t>(1e9 / rate));
  std::vector<media::Sample> sent[2];
  int64_t sounds = 0;
  for (int i = 0; i < static_cast<int>(seconds * rate); ++i) {
    const auto at = Duration(static_cast<int64_t>(1e9 / rate * i));
    for (;; ++sounds) {
      const Duration sound_at = from_ticks(sounds * samples_per_frame, sample_rate);
      if (sound_at > at + audio_ahead) break;
      sent[1].push_back(made(rounded(sound_at, clock), 0ns, Sync::yes, fmt::format("a{}", sounds)));
      packager.on_sample(TrackKind::audio, sent[1].back(), wall_zero + at);
    }
    const int shift = b_frames == 0             ? 0
                      : i % gop == 0            ? b_frames
                      : i % (b_frames + 1) == 0 ? 2 * b_frames
                                                : b_frames - 1;
    sent[0].push_back(made(rounded(at, clock), rounded(frame * shift, clock), i % gop == 0 ? Sync::yes : Sync::no,
                           fmt::format("v{}", i)));
    packager.on_sample(TrackKind::video, sent[0].back(), wall_zero + at);
  }
  packager.on_ended();

  Laws laws;
  if (!laws.check(recorder.records)) RC_FAIL(laws.broken());
  for (const auto& [id, track] : laws.tracks()) {
    const bool is_video = track.name == "video";
    const auto& in = sent[is_video ? 0 : 1];
    const Duration tolerance = is_video ? 2300us : 6100us;
    size_t next = 0;
    size_t skipped = 0;
    for (const wire::Mp4Sample& out : track.samples) {
      if (!is_video && out.content == *silent_frame(audio, {})) continue;  // stands in where there was none
      while (next < in.size() && !(in[next].content == out.content)) ++next, ++skipped;
      RC_ASSERT(next < in.size());
      const Duration shown = from_ticks(out.decode_ticks + out.composition_offset, track.timescale);
      const Duration off = shown - in[next].presentation_time().time_since_epoch();
      RC_ASSERT(std::chrono::abs(off) <= tolerance);
      ++next;
    }
    RC_ASSERT(next == in.size());
    RC_ASSERT(skipped <= (is_video ? 0u : 40u));  // audio before the first frame shown
    // Decode times lie end to end: a steady encoder leaves no gap and no overlap.
    int gaps = 0;
    for (size_t i = 1; i < track.samples.size(); ++i) {
      const int64_t end = track.samples[i - 1].decode_ticks + track.samples[i - 1].duration;
      if (std::abs(end - track.samples[i].decode_ticks) > 1) ++gaps;
    }
    RC_ASSERT(gaps <= 3 + seconds / 10);
  }
  const auto& tracks = laws.tracks();
  RC_ASSERT(tracks.size() == 2u);
  RC_ASSERT(tracks.at(0).msns == tracks.at(1).msns);
}

// A track's samples by their content, which is different for each: when each is shown.
std::map<std::string, Duration> shown_times(const PackagedTrack& track) {
  std::map<std::string, Duration> shown;
  for (const wire::Mp4Sample& out : track.samples) {
    shown[std::string(out.content.text())] = from_ticks(out.decode_ticks + out.composition_offset, track.timescale);
  }
  return shown;
}

// Decode times as an encoder with B-frames makes them: the presentation times in their order, `delay` frames early.
std::vector<media::Sample> coded_with_b_frames(const std::vector<Duration>& shown, size_t b_frames, size_t gop) {
  std::vector<media::Sample> samples;
  std::vector<size_t> order;  // of coding: the frame that closes a run of B-frames comes before them
  for (size_t begin = 0; begin < shown.size(); begin += gop) {
    const size_t end = std::min(begin + gop, shown.size());
    order.push_back(begin);
    for (size_t run = begin + 1; run < end; run += b_frames + 1) {
      const size_t last = std::min(run + b_frames, end - 1);
      order.push_back(last);
      for (size_t i = run; i < last; ++i) order.push_back(i);
    }
  }
  const Duration delay = b_frames > 0 && shown.size() > 1 ? shown[1] - shown[0] : Duration(0);
  for (size_t i = 0; i < order.size(); ++i) {
    // x264: the first decode time is early by the delay, the others are the presentation times before.
    const Duration decode = b_frames == 0 ? shown[i] : i == 0 ? shown[0] - delay : shown[i - 1];
    samples.push_back(made(decode, shown[order[i]] - decode, order[i] % gop == 0 ? Sync::yes : Sync::no,
                           fmt::format("v{}", order[i])));
  }
  return samples;
}

RC_GTEST_PROP(Packager, frames_that_the_source_dropped_move_neither_picture_nor_sound, ()) {
  const double rate = *rc::gen::element(25.0, 30000 / 1001.0, 30.0, 60.0);
  const auto b_frames = *rc::gen::inRange<size_t>(0, 4);
  const auto gop = *rc::gen::inRange<size_t>(5, 70);
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  const auto drop_per_mille = *rc::gen::element<uint64_t>(0, 5, 30, 150, 500);
  const auto run_max = *rc::gen::element<uint64_t>(1, 3, 10, 40);

  Random random(seed);
  std::vector<Duration> shown;
  for (int i = 0; i < static_cast<int>(12 * rate); ++i) {
    if (random.below(1000) < drop_per_mille) i += static_cast<int>(random.below(run_max));
    shown.push_back(rounded(Duration(2s) + Duration(static_cast<int64_t>(1e9 / rate * i)), 1ms));
  }
  Recorder recorder;
  Packager packager({.broadcast_id = "id"}, recorder);
  media::Track video;
  video.decoder_config = Bytes::copy_of("avcC");
  video.video = {.width = 64, .height = 36};
  packager.on_track(video);
  media::Track audio;
  audio.kind = TrackKind::audio;
  audio.codec = Codec::aac;
  audio.decoder_config = Bytes::copy_of("\x11\x90");
  audio.audio = {48'000, 2, 1024};
  packager.on_track(audio);
  std::map<std::string, Duration> sent[2];
  int64_t sounds = 0;
  for (const media::Sample& frame : coded_with_b_frames(shown, b_frames, gop)) {
    const Duration at = frame.decode_time.time_since_epoch();
    for (;; ++sounds) {
      const media::Sample sound =
          made(rounded(from_ticks(sounds * 1024, 48'000), 1ms), 0ns, Sync::yes, fmt::format("a{}", sounds));
      if (sound.decode_time > frame.decode_time) break;
      sent[1][fmt::format("a{}", sounds)] = sound.decode_time.time_since_epoch();
      packager.on_sample(TrackKind::audio, sound, wall_zero + at);
    }
    sent[0][std::string(frame.content.text())] = frame.presentation_time().time_since_epoch();
    packager.on_sample(TrackKind::video, frame, wall_zero + at);
  }
  packager.on_ended();

  Laws laws;
  if (!laws.check(recorder.records)) RC_FAIL(laws.broken());
  for (const auto& [id, track] : laws.tracks()) {
    const bool is_video = track.name == "video";
    const auto& in = sent[is_video ? 0 : 1];
    // ffmpeg takes a negative offset for a sign that the whole track lies later.
    for (const wire::Mp4Sample& sample : track.samples) RC_ASSERT(sample.composition_offset >= 0);
    size_t found = 0;
    for (const auto& [content, at] : shown_times(track)) {
      const auto came = in.find(content);
      if (came == in.end()) continue;  // what stands in for the publisher
      ++found;
      const Duration off = std::chrono::abs(at - came->second);
      if (off > (is_video ? 2300us : 6100us)) {
        RC_FAIL(fmt::format("{} shown {} ms off its {} ms", content, in_ms(at - came->second), in_ms(came->second)));
      }
    }
    if (is_video) RC_ASSERT(found == in.size());
  }
}

// Which law a broadcast breaks that is made of jumps, pauses, new formats and tracks that stall; empty: none.
std::string broken_by_erratic_encoder(size_t first_track, int steps, uint64_t seed) {
  Recorder recorder;
  Packager packager({.broadcast_id = "id"}, recorder);
  media::Track tracks[2];
  tracks[0].decoder_config = Bytes::copy_of("avcC");
  tracks[0].video = {.width = 64, .height = 36};
  tracks[1].kind = TrackKind::audio;
  tracks[1].codec = Codec::aac;
  tracks[1].decoder_config = Bytes::copy_of("\x11\x90");
  tracks[1].audio = {48'000, 2, 1024};
  packager.on_track(tracks[first_track]);
  Duration now[2] = {};
  Random random(seed);
  const uint64_t key_every = 1 + random.below(60);
  const uint64_t calm = 1 + random.below(400);
  for (int i = 0; i < steps; ++i) {
    const size_t kind = random.below(2);
    now[kind] += random.below(calm) == 0 ? Duration(1ms) * random.below(3000) : Duration(1ms) * (5 + random.below(60));
    const uint64_t event = random.below(300);
    if (event == 0) packager.on_track(tracks[random.below(2)]);
    if (event == 1) packager.on_discontinuity(media::Discontinuity::timestamp_jump, MediaTime(now[0]));
    if (event == 2) packager.on_paused();
    if (event == 3) packager.on_resumed();
    if (event == 4) {
      tracks[0].video.width += 2;
      packager.on_track(tracks[0]);
    }
    if (event == 5) now[0] = now[1] = std::max(now[0], now[1]);
    if (event == 6) packager.on_track(tracks[1]);
    packager.on_sample(
        kind == 0 ? TrackKind::video : TrackKind::audio,
        made(now[kind], Duration(1ms) * random.below(60), random.below(key_every) == 0 ? Sync::yes : Sync::no, "x"),
        wall_zero + now[kind]);
  }
  packager.on_ended();
  Laws laws;
  laws.check(recorder.records);
  return laws.broken();
}

RC_GTEST_PROP(Packager, the_laws_hold_whatever_an_erratic_encoder_sends, ()) {
  const auto first_track = *rc::gen::inRange<size_t>(0, 2);
  const int steps = *rc::gen::inRange(50, 800);
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  RC_ASSERT(broken_by_erratic_encoder(first_track, steps, seed) == "");
}

}  // namespace
}  // namespace klieg::packager

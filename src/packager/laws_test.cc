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

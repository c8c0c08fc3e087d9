#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "wire/cmaf_chunk.h"
#include "wire/cmaf_header.h"
#include "wire/mp4_box.h"
#include "wire/mp4_reader.h"
#include "wire/mp4_sample_table.h"

namespace klieg::wire {
namespace {

using media::Codec;
using media::Sync;
using media::Track;
using media::TrackKind;

Track avc_track() {
  return {.kind = TrackKind::video,
          .codec = Codec::avc,
          .decoder_config = Bytes::copy_of("\x01\x64\x10\x1f not looked into"),
          .video = {.width = 640, .height = 360}};
}
Track aac_track() {
  return {.kind = TrackKind::audio,
          .codec = Codec::aac,
          .decoder_config = Bytes::copy_of("\x11\x90"),
          .audio = {.sample_rate = 48'000, .channels = 2, .samples_per_frame = 1024}};
}
std::string boxes_of(ByteView content) {
  std::string names;
  Boxes boxes(content);
  while (auto box = boxes.next()) {
    for (int shift : {24, 16, 8, 0}) names += static_cast<char>(box->type >> shift);
    names += ' ';
  }
  return names;
}

TEST(CmafHeader, says_what_the_reader_reads_back) {
  std::vector<Track> tracks = {avc_track(), aac_track()};
  tracks.push_back({.codec = Codec::hevc, .decoder_config = Bytes::copy_of("hvcC"), .video = {1920, 1080, 4, 3, 0}});
  tracks.push_back(
      {.codec = Codec::av1, .decoder_config = Bytes::copy_of("av1C"), .video = {.width = 64, .height = 48}});
  tracks.push_back(
      {.codec = Codec::vp9, .decoder_config = Bytes::copy_of("vpcC"), .video = {.width = 64, .height = 48}});
  tracks.push_back({.kind = TrackKind::audio, .codec = Codec::mp3, .audio = {44'100, 1, 1152}});
  ByteWriter head;
  head.text("OpusHead");
  for (int byte : {1, 2, 0x38, 1, 0x80, 0xBB, 0, 0, 0, 0, 0}) head.u8(static_cast<uint8_t>(byte));
  tracks.push_back(
      {.kind = TrackKind::audio, .codec = Codec::opus, .decoder_config = head.take(), .audio = {48'000, 2, 0}});
  for (const Track& track : tracks) {
    const auto movie = read_mp4(write_cmaf_header(track));
    ASSERT_TRUE(movie) << name_of(track.codec) << ": " << movie.error().message;
    ASSERT_EQ(movie->tracks.size(), 1u);
    EXPECT_EQ(movie->tracks[0].info, track) << name_of(track.codec);
    EXPECT_EQ(movie->tracks[0].timescale, cmaf_timescale(track));
    EXPECT_TRUE(movie->samples.empty());
  }
}

TEST(CmafChunk, one_video_frame_costs_104_bytes) {
  Chunk chunk{.samples = {{.duration = 3003, .content = Bytes::copy_of("frame")}}};
  EXPECT_EQ(write_cmaf_chunk(chunk).size(), 104u + 5);
  chunk.samples[0].composition_offset = 6006;
  EXPECT_EQ(write_cmaf_chunk(chunk).size(), 108u + 5);
  chunk.samples[0].sync = Sync::yes;
  EXPECT_EQ(write_cmaf_chunk(chunk).size(), 112u + 5);
}

TEST(CmafChunk, two_audio_frames_of_the_usual_length_cost_104_bytes) {
  Chunk chunk{.kind = TrackKind::audio, .timescale = 48'000, .usual_duration = 1024};
  chunk.samples = {{1024, 0, Sync::yes, Bytes::copy_of("ab")}, {1024, 0, Sync::yes, Bytes::copy_of("cd")}};
  EXPECT_EQ(write_cmaf_chunk(chunk).size(), 104u + 4);
}

TEST(CmafChunk, begins_a_segment_with_styp_then_prft_then_events) {
  Chunk chunk{.place = ChunkPlace::segment_start, .samples = {{.duration = 1}}};
  chunk.reference = ReferenceTime{ReferenceEvent::captured, WallTime(1'700'000'000s), 77};
  chunk.events.push_back({.scheme_id_uri = "urn:x", .value = "v"});
  EXPECT_EQ(boxes_of(write_cmaf_chunk(chunk)), "styp prft emsg moof mdat ");
}

TEST(CmafChunk, prft_counts_seconds_since_1900_and_says_whose_time_it_is) {
  Chunk chunk{.samples = {{.duration = 1}}};
  chunk.reference = ReferenceTime{ReferenceEvent::ingested, WallTime(1'700'000'000s + 500ms), 77};
  const Bytes bytes = write_cmaf_chunk(chunk);
  ByteReader prft(*find_box(bytes, "prft"));
  EXPECT_EQ(prft.u32(), 0x01000008u);  // version 1, arbitrary but consistent
  EXPECT_EQ(prft.u32(), 1u);
  EXPECT_EQ(prft.u32(), 1'700'000'000u + 2'208'988'800u);
  EXPECT_EQ(prft.u32(), 0x80000000u);
  EXPECT_EQ(prft.u64(), 77u);
}

RC_GTEST_PROP(CmafChunk, whatever_samples_go_in_are_read_back, ()) {
  const bool audio = *rc::gen::arbitrary<bool>();
  Chunk chunk{.kind = audio ? TrackKind::audio : TrackKind::video, .usual_duration = audio ? 1024u : 0u};
  chunk.decode_ticks = *rc::gen::inRange<uint64_t>(0, uint64_t{1} << 40);
  const int count = *rc::gen::inRange(1, 5);
  for (int i = 0; i < count; ++i) {
    chunk.samples.push_back({*rc::gen::inRange<uint32_t>(0, 90'000), *rc::gen::inRange(-9000, 9000),
                             *rc::gen::element(Sync::yes, Sync::no),
                             Bytes::copy_of(*rc::gen::arbitrary<std::string>())});
  }
  auto movie = read_mp4(write_cmaf_header(audio ? aac_track() : avc_track()));
  RC_ASSERT(movie.has_value());
  const auto appended = movie->append(write_cmaf_chunk(chunk));
  RC_ASSERT(appended.has_value());
  RC_ASSERT(movie->samples.size() == chunk.samples.size());
  auto decode_ticks = static_cast<int64_t>(chunk.decode_ticks);
  for (size_t i = 0; i < chunk.samples.size(); ++i) {
    const ChunkSample& in = chunk.samples[i];
    const Mp4Sample want{1, decode_ticks, in.duration, in.composition_offset, in.sync, in.content};
    RC_ASSERT(movie->samples[i] == want);
    decode_ticks += in.duration;
  }
}

// --- with real programs and real files ---

namespace fs = std::filesystem;

bool found(const char* program) {
  return std::system((std::string("command -v ") + program + " >/dev/null 2>&1").c_str()) == 0;
}
Bytes content_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return Bytes::take(std::string(std::istreambuf_iterator<char>(in), {}));
}
struct TemporaryFolder {
  TemporaryFolder() {
    std::string name = fs::temp_directory_path() / "klieg-cmaf-XXXXXX";
    path = mkdtemp(name.data());
  }
  ~TemporaryFolder() { fs::remove_all(path); }
  fs::path path;
};

class Ffmpeg : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(Ffmpeg, plays_our_header_and_chunks_without_a_word) {
  if (!found("ffmpeg")) GTEST_SKIP() << "ffmpeg is not installed";
  const auto [name, encode] = GetParam();
  const TemporaryFolder folder;
  const fs::path source = folder.path / "source.mp4";
  const std::string make = "ffmpeg -v error -f lavfi -i testsrc=s=160x96:r=30000/1001:d=1.5 -f lavfi -i sine=d=1.5 " +
                           std::string(encode) + " " + source.string() + " 2>/dev/null";
  if (std::system(make.c_str()) != 0) GTEST_SKIP() << "this ffmpeg cannot encode " << name;
  const auto movie = read_mp4(content_of(source));
  ASSERT_TRUE(movie) << movie.error().message;
  ASSERT_EQ(movie->tracks.size(), 1u);
  const Mp4Track& track = movie->tracks[0];
  ASSERT_GT(movie->samples.size(), 20u);

  const fs::path ours = folder.path / "ours.mp4";
  {
    std::ofstream out(ours, std::ios::binary);
    out << write_cmaf_header(track.info).text();
    const uint32_t timescale = cmaf_timescale(track.info);
    uint32_t sequence_number = 0;
    for (const Mp4Sample& sample : movie->samples) {
      const auto rescaled = [&](int64_t ticks) { return to_ticks(from_ticks(ticks, track.timescale), timescale); };
      Chunk chunk{
          .kind = track.info.kind, .timescale = timescale, .usual_duration = track.info.audio.samples_per_frame};
      chunk.place = sequence_number == 0 ? ChunkPlace::segment_start : ChunkPlace::inside;
      chunk.sequence_number = ++sequence_number;
      chunk.decode_ticks = static_cast<uint64_t>(rescaled(sample.decode_ticks));
      const auto end = static_cast<uint64_t>(rescaled(sample.decode_ticks + sample.duration));
      chunk.samples.push_back({static_cast<uint32_t>(end - chunk.decode_ticks),
                               static_cast<int32_t>(rescaled(sample.composition_offset)), sample.sync, sample.content});
      out << write_cmaf_chunk(chunk).text();
    }
  }
  const fs::path said = folder.path / "said";
  const std::string play = "ffmpeg -v warning -i " + ours.string() + " -f null - 2>" + said.string();
  EXPECT_EQ(std::system(play.c_str()), 0);
  EXPECT_EQ(content_of(said).text(), "");
  const std::string count =
      "ffprobe -v error -count_frames -show_entries stream=codec_name,nb_read_frames -of csv=p=0 " + ours.string() +
      " >" + said.string() + " 2>&1";
  EXPECT_EQ(std::system(count.c_str()), 0);
  EXPECT_THAT(std::string(content_of(said).text()), testing::HasSubstr(std::to_string(movie->samples.size())));
}

INSTANTIATE_TEST_SUITE_P(Codecs, Ffmpeg,
                         testing::Values(std::pair{"avc", "-map 0 -c:v libx264 -g 30 -bf 2"},
                                         std::pair{"hevc",
                                                   "-map 0 -c:v libx265 -x265-params log-level=none -tag:v hvc1"},
                                         std::pair{"av1", "-map 0 -c:v libsvtav1 -preset 12"},
                                         std::pair{"vp9", "-map 0 -c:v libvpx-vp9 -deadline realtime -cpu-used 8"},
                                         std::pair{"aac", "-map 1 -c:a aac"}, std::pair{"opus", "-map 1 -c:a libopus"},
                                         std::pair{"mp3", "-map 1 -c:a libmp3lame"}),
                         [](const auto& tried) { return tried.param.first; });

}  // namespace
}  // namespace klieg::wire

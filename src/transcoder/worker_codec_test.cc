// The whole road with the real klieg-codec, which is killed on the way: a clip of a camera goes in, the ladder comes
// out.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "transcoder/made_up_worker.h"
#include "transcoder/worker_host.h"
#include "wire/mp4_reader.h"
#include "wire/test_material.h"

namespace klieg::transcoder {
namespace {

using media::TrackKind;

struct Clip {
  std::vector<media::Track> tracks;
  std::vector<std::pair<TrackKind, media::Sample>> samples;  // as a packager gives them
};

Clip read_clip(const std::vector<uint8_t>& content) {
  Clip clip;
  const auto movie = wire::read_mp4(Bytes::take(content));
  if (!movie) return clip;
  for (const wire::Mp4Track& track : movie->tracks) {
    clip.tracks.push_back(track.info);
    for (const wire::Mp4Sample& in : movie->samples) {
      if (in.track_id != track.id) continue;
      clip.samples.emplace_back(
          track.info.kind,
          media::Sample{
              .decode_time = MediaTime(1s + from_ticks(in.decode_ticks - track.edit_start_ticks, track.timescale)),
              .composition_offset = from_ticks(in.composition_offset, track.timescale),
              .duration = from_ticks(in.duration, track.timescale),
              .sync = in.sync,
              .content = in.content});
    }
  }
  std::ranges::sort(clip.samples, {}, [](const auto& it) { return std::pair(it.second.decode_time, it.first); });
  return clip;
}

// Of this process, whichever thread started them.
std::vector<pid_t> children() {
  std::vector<pid_t> found;
  for (const std::string folder = "/proc/self/task/"; const auto& task : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(task.path() / "children");
    for (pid_t pid = 0; file >> pid;) found.push_back(pid);
  }
  return found;
}

struct Broadcast : testing::TestWithParam<int> {
  // Feeds the clip as fast as it comes out; every `frames_per_kill` frames all workers there are die.
  void run(const Clip& clip, int frames_per_kill) {
    WorkerPool pool(loop, {KLIEG_CODEC_PROGRAM}, room, metrics);
    TranscoderHost host(pool, {.broadcast = "test", .rungs = *parse_rungs("360p,240p15,audio")}, out);
    for (const media::Track& track : clip.tracks) host.on_source_track(track);
    host.on_source_period(MediaTime(1s));
    size_t next = 0, fed = 0;
    bool late = false;
    net::Timer deadline(loop, [&] {
      late = true;
      loop.stop();
    });
    deadline.arm(loop.now() + 60s);
    std::optional<LoopTime> killed_at;
    size_t fed_when_killed = 0;
    std::function<void()> step;
    // Not in every turn of the loop: the workers want the processor.
    net::Timer again(loop, [&] { step(); });
    step = [&] {
      const size_t made = out.samples.empty() ? 0 : out.samples[0].size();
      if (killed_at && made + 3 >= fed_when_killed) {  // with B-frames three may still wait for the next ones
        longest_takeover = std::max(longest_takeover, read_loop_clock() - *std::exchange(killed_at, std::nullopt));
      }
      // A source with B-frames and a rung of half its rate keep some frames to themselves; 0.3 s are no lag yet.
      if (next < clip.samples.size() && fed < made + 10) {
        const auto& [kind, sample] = clip.samples[next++];
        host.on_source_sample(kind, sample);
        if (kind == TrackKind::video && ++fed % static_cast<size_t>(frames_per_kill) == 0 && kills < 4) {
          for (const pid_t pid : children()) ::kill(pid, SIGKILL);
          ++kills;
          killed_at = read_loop_clock();
          fed_when_killed = fed;
        }
        if (next == clip.samples.size()) host.on_source_ended();
      }
      if (next == clip.samples.size() && room.taken() == 0) return loop.stop();  // it has drained
      again.arm(loop.now() + 1ms);
    };
    step();
    loop.run();
    ASSERT_FALSE(late) << "fed " << fed << " frames, of 360p came " << out.samples[0].size();
  }
  net::Loop loop;
  Metrics metrics;
  Room room{4};
  made_up::Rungs out;
  int kills = 0;
  Duration longest_takeover{0};  // from a kill until all is out that was fed by then
};

std::vector<MediaTime> presented(const std::vector<media::Sample>& samples) {
  std::vector<MediaTime> times;
  for (const media::Sample& sample : samples) times.push_back(sample.presentation_time());
  return times;
}

TEST_P(Broadcast, loses_no_frame_of_its_ladder_however_often_its_worker_is_killed) {
  const auto content = wire::test_material("video/mdn/friday.mp4");
  KLIEG_SKIP_WITHOUT(content);
  const Clip clip = read_clip(content);
  ASSERT_EQ(clip.tracks.size(), 2u);
  run(clip, GetParam());
  if (HasFatalFailure()) return;
  EXPECT_EQ(kills, GetParam() < 1000 ? 4 : 0);

  std::vector<MediaTime> source;
  std::set<MediaTime> keys;
  MediaTime heard_until;
  for (const auto& [kind, sample] : clip.samples) {
    if (kind == TrackKind::audio) {
      heard_until = sample.presentation_time() + sample.duration;
      continue;
    }
    source.push_back(sample.presentation_time());
    if (sample.sync == media::Sync::yes) keys.insert(sample.presentation_time());
  }
  std::ranges::sort(source);
  ASSERT_EQ(out.ladder.size(), 3u);
  EXPECT_EQ(presented(out.samples[0]), source);

  // Of half the rate: every second frame, and every key frame whichever it is.
  const std::vector<MediaTime> half = presented(out.samples[1]);
  EXPECT_TRUE(std::ranges::includes(source, half));
  for (size_t i = 1; i < half.size(); ++i) {
    EXPECT_LE(half[i] - half[i - 1], 67ms)
        << "a frame is missing before " << to_ms(half[i].time_since_epoch()) << " ms";
  }
  for (const auto& rung : {out.samples[0], out.samples[1]}) {
    std::set<MediaTime> found;
    for (const media::Sample& sample : rung) {
      if (sample.sync == media::Sync::yes) found.insert(sample.presentation_time());
    }
    EXPECT_TRUE(std::ranges::includes(found, keys)) << "a rung has a key frame wherever the source has one";
    EXPECT_LE(found.size(), keys.size() + static_cast<size_t>(kills)) << "and where a worker began";
  }

  const std::vector<media::Sample>& sound = out.samples[2];
  ASSERT_FALSE(sound.empty());
  for (size_t i = 1; i < sound.size(); ++i) {
    const Duration hole = sound[i].decode_time - (sound[i - 1].decode_time + sound[i - 1].duration);
    EXPECT_LE(std::chrono::abs(hole), 25us) << "sound " << i << ": a sample of 48 kHz lasts 21 us";
  }
  EXPECT_LE(heard_until - (sound.back().decode_time + sound.back().duration), 64ms);
  EXPECT_TRUE(out.gaps().empty());
  RecordProperty("longest_takeover_ms", std::to_string(to_ms(longest_takeover)));
}

// Says by `out` which worker it has started and stopped, and waits for its own end.
struct Server final : net::ConnectionHandler {
  explicit Server(int out) : out(out) {
    auto started = net::Child::start(loop, {.arguments = {KLIEG_CODEC_PROGRAM}}, [](net::Exit) {});
    if (!started) ::_exit(1);
    child = std::move(*started);
    child->connection().start(*this);
    loop.run();
  }
  void on_bytes(ByteView) override {  // its Hello
    const pid_t pid = child->pid();
    ::kill(pid, SIGSTOP);
    if (::write(out, &pid, sizeof pid) != sizeof pid) ::_exit(1);
  }
  void on_closed(net::Closed) override {}
  int out;
  net::Loop loop;
  std::unique_ptr<net::Child> child;
};

TEST(CodecProgram, that_stands_still_dies_with_its_server) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t server = ::fork();
  if (server == 0) {
    const Server until_killed(ends[1]);
  }
  pid_t worker = 0;
  ASSERT_EQ(::read(ends[0], &worker, sizeof worker), static_cast<ssize_t>(sizeof worker));
  pollfd alive{.fd = static_cast<int>(::syscall(SYS_pidfd_open, worker, 0)), .events = POLLIN, .revents = 0};
  ASSERT_GE(alive.fd, 0);
  ::kill(server, SIGKILL);
  ::waitpid(server, nullptr, 0);
  EXPECT_EQ(::poll(&alive, 1, 10'000), 1) << "it outlived its server";
  ::kill(worker, SIGKILL);
  for (const int descriptor : {ends[0], ends[1], alive.fd}) ::close(descriptor);
}

INSTANTIATE_TEST_SUITE_P(FramesBetweenKills, Broadcast, testing::Values(1000, 31, 7));

}  // namespace
}  // namespace klieg::transcoder

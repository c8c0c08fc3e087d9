// With real processes, each a shell script that says what a worker would. Each test waits for an event, with a
// deadline.
#include "transcoder/worker.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>
#include <functional>

#include "transcoder/made_up_worker.h"
#include "transcoder/worker_host.h"
#include "transcoder/worker_pool.h"

namespace klieg::transcoder {
namespace {

using made_up::Rungs;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace codec = wire::codec;

// The shell command that says these.
std::string says(const std::vector<codec::FromWorker>& messages) {
  std::string octal;
  for (const auto& message : messages) {
    for (const Bytes& piece : codec::write(message)) {
      for (const uint8_t byte : piece.view()) octal += fmt::format("\\{:03o}", byte);
    }
  }
  return fmt::format("printf '{}' >&3\n", octal);
}
const std::string hello = says({codec::Hello{codec::protocol_version, "a script"}});
const std::string reads_on = "cat <&3 >/dev/null\n";

struct Workers : testing::Test, WorkerHandler {
  void SetUp() override {
    std::string pattern = testing::TempDir() + "klieg-worker-XXXXXX";
    ASSERT_TRUE(::mkdtemp(pattern.data()));
    directory = pattern;
  }
  // A program that does this.
  std::string program(const std::string& script) {
    const std::string path = fmt::format("{}/{}", directory, ++programs);
    std::ofstream(path) << "#!/bin/sh\n" << script;
    ::chmod(path.c_str(), 0700);
    return path;
  }
  void on_worker_message(codec::FromWorker message) override { messages.push_back(std::move(message)); }
  void on_worker_gone(WorkerEnd how, const std::string& words) override {
    ends.push_back(fmt::format("{} {}", name_of(how), words));
  }
  void start(const std::string& script) {
    auto made = Worker::start(loop, {program(script)});
    ASSERT_TRUE(made) << made.error().message;
    worker = std::move(*made);
    worker->serve(*this);
  }
  void run_until(const std::function<bool()>& so) {
    bool late = false;
    net::Timer deadline(loop, [&] {
      late = true;
      loop.stop();
    });
    deadline.arm(loop.now() + 10s);
    std::function<void()> look = [&] { so() ? loop.stop() : loop.post([&] { look(); }); };
    loop.post([&] { look(); });
    loop.run();
    ASSERT_FALSE(late) << "waited 10 s in vain";
  }

  net::Loop loop;
  std::string directory;
  int programs = 0;
  std::unique_ptr<Worker> worker;
  std::vector<codec::FromWorker> messages;
  std::vector<std::string> ends;
};

TEST_F(Workers, messages_go_both_ways) {
  // It answers only when all of the Drain is there: 5 bytes.
  start(hello + "head -c5 <&3 >/dev/null\n" + says({codec::Configured{}, codec::Drained{}}) + reads_on);
  worker->tell(codec::Drain{});
  run_until([&] { return messages.size() == 2; });
  EXPECT_TRUE(std::holds_alternative<codec::Drained>(messages[1]));
  EXPECT_THAT(ends, IsEmpty());
}

TEST_F(Workers, how_one_ended_is_told_after_all_that_it_said) {
  start(says({codec::Configured{}}) + "kill -SEGV $$");
  run_until([&] { return !ends.empty(); });
  EXPECT_EQ(messages.size(), 1u);
  EXPECT_THAT(ends, ElementsAre("killed SIGSEGV"));

  ends.clear();
  start("exit 3");
  run_until([&] { return !ends.empty(); });
  EXPECT_THAT(ends, ElementsAre("exited status 3"));
}

TEST_F(Workers, one_that_closes_its_socket_and_lives_on_is_gone_all_the_same) {
  start("exec 3>&-\nexec sleep 100");
  run_until([&] { return !ends.empty(); });
  EXPECT_THAT(ends, ElementsAre("exited it closed its socket"));
}

TEST_F(Workers, nonsense_is_found) {
  start("printf 'HTTP/1.1 200 OK' >&3\n" + reads_on);
  run_until([&] { return !ends.empty(); });
  EXPECT_THAT(ends[0], HasSubstr("broken"));
}

TEST_F(Workers, another_version_says_what_to_do) {
  start(says({codec::Hello{codec::protocol_version + 1, "of tomorrow"}}) + reads_on);
  run_until([&] { return !ends.empty(); });
  EXPECT_THAT(ends[0], HasSubstr("install the klieg-codec that came with this klieg"));
}

TEST_F(Workers, one_that_does_not_read_has_hung) {
  start("exec sleep 100");
  const codec::SourceSample sample{media::TrackKind::video,
                                   {.content = Bytes::take(std::vector<uint8_t>(size_t{8} << 20))}};
  for (size_t told = 0; told <= Worker::unsent_max; told += sample.sample.content.size()) worker->tell(sample);
  EXPECT_THAT(ends, IsEmpty()) << "not from inside tell()";
  worker->tell(sample);
  worker->tell(sample);
  run_until([&] { return !ends.empty(); });
  EXPECT_THAT(ends, ElementsAre("hung it does not read"));
}

TEST_F(Workers, the_program_lies_beside_ours) {
  EXPECT_THAT(codec_program_beside_us(), testing::EndsWith("/src/klieg-codec"));
}

// --- the pool ---

struct WorkerPools : Workers {
  double counted(const std::string& line) {
    const std::string text = metrics.text();
    const size_t at = text.find("\n" + line + " ");
    return at == std::string::npos ? -1 : std::atof(text.c_str() + at + line.size() + 2);
  }
  Metrics metrics;
  Room room{2};
};

TEST_F(WorkerPools, the_spare_is_warm_and_another_follows) {
  const std::string started = directory + "/started";
  WorkerPool pool(loop, {program(fmt::format("echo >> {}\n", started) + hello + reads_on)}, room, metrics);
  const auto count = [&] {
    std::ifstream lines(started);
    return std::count(std::istreambuf_iterator<char>(lines), {}, '\n');
  };
  run_until([&] { return count() == 1; });
  worker = pool.take();
  ASSERT_TRUE(worker);
  EXPECT_EQ(count(), 1) << "nothing had to be started for it";
  run_until([&] { return count() == 2; });
}

TEST_F(WorkerPools, a_spare_that_dies_is_replaced_and_one_can_be_had_at_any_time) {
  WorkerPool pool(loop, {program(hello + "exit 1\n")}, room, metrics);
  run_until([&] { return counted("klieg_transcoder_worker_ends_total{outcome=\"exited\"}") == 2; });
  EXPECT_TRUE(pool.take());
}

TEST_F(WorkerPools, a_spare_that_died_this_moment_is_not_handed_out) {
  const std::string pids = directory + "/pids";
  WorkerPool pool(
      loop,
      {program(fmt::format("echo $$ >> {0}\n", pids) + hello + fmt::format("if [ $(wc -l < {}) -gt 1 ]; then\n", pids) +
               says({codec::Configured{}}) + "fi\n" + reads_on)},
      room, metrics);
  pid_t spare = 0;
  run_until([&] { return static_cast<bool>(std::ifstream(pids) >> spare); });
  ::kill(spare, SIGKILL);
  siginfo_t died{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(spare), &died, WEXITED | WNOWAIT), 0);
  worker = pool.take();
  ASSERT_TRUE(worker);
  worker->serve(*this);
  run_until([&] { return !messages.empty() || !ends.empty(); });
  EXPECT_THAT(ends, IsEmpty());
}

TEST_F(WorkerPools, without_a_program_there_is_no_worker_and_no_harm) {
  WorkerPool pool(loop, {"/nowhere/klieg-codec"}, room, metrics);
  EXPECT_FALSE(pool.take());
  EXPECT_EQ(counted("klieg_transcoder_worker_ends_total{outcome=\"not_started\"}"), 2);
}

TEST(Room, there_is_only_so_much_of_it) {
  Room room(2);
  EXPECT_EQ(room.take(1.5), Admission::granted);
  EXPECT_EQ(room.take(0.6), Admission::refused);
  EXPECT_EQ(room.take(-0.5), Admission::granted);
  EXPECT_EQ(room.take(0.6), Admission::granted);
  EXPECT_DOUBLE_EQ(room.taken(), 1.6);
}

// --- a broadcast ---

TEST_F(WorkerPools, a_host_has_a_ladder_made_and_replaces_a_worker_that_is_killed) {
  const media::Track made{.kind = media::TrackKind::video, .codec = media::Codec::avc, .codecs = "avc1.4d401f"};
  const std::string script = hello + "echo $$ > " + directory + "/pid\n" +
                             says({codec::RungTrack{0, made}, codec::Configured{},
                                   codec::RungSample{1, 0, {.content = Bytes::copy_of("x")}}}) +
                             reads_on;
  WorkerPool pool(loop, {program(script)}, room, metrics);
  Rungs out;
  const auto pid = [&] {
    pid_t value = 0;
    std::ifstream(directory + "/pid") >> value;
    return value;
  };
  {
    TranscoderHost host(pool, {.broadcast = "test", .rungs = *parse_rungs("240p")}, out);
    host.on_source_track(made_up::picture_track);
    host.on_source_period(MediaTime());
    host.on_source_sample(media::TrackKind::video, {.duration = 40ms, .sync = media::Sync::yes});
    run_until([&] { return !out.samples.empty() && !out.samples[0].empty(); });
    EXPECT_EQ(counted("klieg_transcoder_workers_running"), 1);
    const pid_t first = pid();
    ::kill(first, SIGKILL);
    run_until([&] { return counted("klieg_transcoder_worker_ends_total{outcome=\"killed\"}") == 1; });
    run_until([&] { return pid() != 0 && pid() != first; });
    EXPECT_EQ(out.samples[0].size(), 1u) << "what the next one said again was dropped";
    EXPECT_GT(room.taken(), 0);
  }
  EXPECT_EQ(counted("klieg_transcoder_workers_running"), 0);
  EXPECT_EQ(room.taken(), 0);
}

}  // namespace
}  // namespace klieg::transcoder

// The worker as a process: its socket, its sandbox and its end.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>

#include "codec/made_up_source.h"
#include "wire/codec_message.h"

namespace klieg::codec {
namespace {

using namespace wire::codec;

class Worker {
 public:
  Worker() {
    int pair[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    child_ = fork();
    if (child_ == 0) {
      dup2(pair[1], 3);
      if (pair[1] == 3) fcntl(3, F_SETFD, 0);
      execl(KLIEG_CODEC_PROGRAM, "klieg-codec", "ultrafast", nullptr);
      _exit(127);
    }
    close(pair[1]);
    socket_ = pair[0];
  }
  ~Worker() {
    hang_up();
    if (child_ > 0) {
      kill(child_, SIGKILL);
      wait();
    }
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void say(const ToWorker& message) {
    for (const Bytes& piece : write(message)) say_raw(piece);
  }
  void say_raw(ByteView rest) {
    while (!rest.empty()) {
      const ssize_t sent = send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      rest = rest.subspan(static_cast<size_t>(sent));
    }
  }
  // The next message; none when the worker is gone or silent for 20 s.
  std::optional<FromWorker> hear() {
    for (;;) {
      if (auto message = reader_.next()) return message;
      pollfd ready{socket_, POLLIN, 0};
      if (poll(&ready, 1, 20'000) <= 0) return std::nullopt;
      std::vector<uint8_t> buffer(64 << 10);
      const ssize_t count = recv(socket_, buffer.data(), buffer.size(), 0);
      if (count <= 0) return std::nullopt;
      if (!reader_.push(Bytes::copy_of(ByteView(buffer).first(static_cast<size_t>(count))))) return std::nullopt;
    }
  }
  template <class Message>
  std::optional<Message> hear_until() {
    while (const auto message = hear()) {
      if (const auto* wanted = std::get_if<Message>(&*message)) return *wanted;
      if (std::holds_alternative<RungSample>(*message)) ++samples_heard;
    }
    return std::nullopt;
  }
  void hang_up() {
    if (socket_ >= 0) close(socket_);
    socket_ = -1;
  }
  int wait() {
    int status = 0;
    waitpid(child_, &status, 0);
    child_ = -1;
    return status;
  }

  size_t samples_heard = 0;

 private:
  pid_t child_ = -1;
  int socket_ = -1;
  WorkerReader reader_;
};

const media::Rung rung{"90p", media::TrackKind::video, 100'000, 160, 90, 1};
const media::Rung audio{"audio", media::TrackKind::audio, 64'000, 0, 0, 1};

class WorkerTest : public testing::TestWithParam<const char*> {};

TEST_P(WorkerTest, makes_a_ladder_of_every_kind_of_video_inside_its_sandbox) {
  const auto source = make_video({.encoder = GetParam(), .frames = 10});
  if (!source) GTEST_SKIP() << source.error().message;
  Worker worker;
  worker.say(Configure{{source->track}, {rung}, 0s, {1s, 90, 1s, 46}});
  ASSERT_TRUE(worker.hear_until<Configured>());
  worker.say(Begin{1, {}});
  for (const media::Sample& sample : source->samples) worker.say(SourceSample{media::TrackKind::video, sample});
  worker.say(Drain{});
  ASSERT_TRUE(worker.hear_until<Drained>());
  EXPECT_EQ(worker.samples_heard, 10u);
}
INSTANTIATE_TEST_SUITE_P(codecs, WorkerTest, testing::Values("libx264", "libx265", "libvpx-vp9", "libaom-av1"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase(name, '-');
                           return name;
                         });

class WorkerSoundTest : public testing::TestWithParam<const char*> {};

TEST_P(WorkerSoundTest, makes_a_ladder_of_every_kind_of_sound_inside_its_sandbox) {
  const auto source = make_audio({.encoder = GetParam()});
  if (!source) GTEST_SKIP() << source.error().message;
  Worker worker;
  worker.say(Configure{{source->track}, {audio}, 0s, {}});
  ASSERT_TRUE(worker.hear_until<Configured>());
  worker.say(Begin{1, {}});
  for (const media::Sample& sample : source->samples) worker.say(SourceSample{media::TrackKind::audio, sample});
  worker.say(Drain{});
  ASSERT_TRUE(worker.hear_until<Drained>());
  EXPECT_GT(worker.samples_heard, 80u);
}
INSTANTIATE_TEST_SUITE_P(codecs, WorkerSoundTest, testing::Values("aac", "libopus", "libmp3lame"),
                         [](const auto& info) { return std::string(info.param); });

TEST(worker, greets_with_its_protocol_and_says_what_holds_it) {
  Worker worker;
  const auto hello = worker.hear_until<Hello>();
  ASSERT_TRUE(hello);
  EXPECT_EQ(hello->version, protocol_version);
  EXPECT_NE(hello->words.find("seccomp"), std::string::npos) << hello->words;
}

TEST(worker, ends_when_the_server_does) {
  Worker worker;
  ASSERT_TRUE(worker.hear_until<Hello>());
  worker.hang_up();
  const int status = worker.wait();
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(worker, ends_by_itself_where_its_words_go_to_a_file_that_may_not_grow) {
  const int standard_error = dup(STDERR_FILENO);
  FILE* file = std::tmpfile();
  ASSERT_TRUE(file);
  dup2(fileno(file), STDERR_FILENO);
  Worker worker;
  dup2(standard_error, STDERR_FILENO);
  close(standard_error);
  std::fclose(file);
  ASSERT_TRUE(worker.hear_until<Hello>());
  worker.say_raw(std::vector<uint8_t>{0, 0, 0, 1, 0x7f});
  EXPECT_TRUE(WIFEXITED(worker.wait()));
}

TEST(worker, ends_with_an_error_when_it_does_not_understand) {
  Worker worker;
  ASSERT_TRUE(worker.hear_until<Hello>());
  worker.say_raw(std::vector<uint8_t>{0, 0, 0, 1, 0x7f});
  const int status = worker.wait();
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

}  // namespace
}  // namespace klieg::codec

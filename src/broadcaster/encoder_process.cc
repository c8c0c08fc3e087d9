#include "broadcaster/encoder_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/assert.h"

namespace klieg::broadcaster {

namespace {

// A line longer than this is cut: words are for people.
constexpr size_t line_size_max = 1000;
constexpr size_t lines_max = 100;

Result<std::pair<FileDescriptor, FileDescriptor>> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail(fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  return std::pair(FileDescriptor(ends[0]), FileDescriptor(ends[1]));
}

}  // namespace

Result<std::unique_ptr<EncoderProcess>> EncoderProcess::start(const std::vector<std::string>& arguments) {
  auto input = make_pipe();
  if (!input) return std::unexpected(input.error());
  auto words = make_pipe();
  if (!words) return std::unexpected(words.error());

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, input->first.get(), STDIN_FILENO);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&files, words->second.get(), STDERR_FILENO);

  // Its own process group: an interrupt typed at the terminal is ours to pass on, after its last frames. Signals we
  // hold back are not held back there.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);

  std::unique_ptr<EncoderProcess> encoder(new EncoderProcess);
  const int error = posix_spawnp(&encoder->pid_, argv[0], &files, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error == ENOENT) {
    return fail(fmt::format("{} was not found: install it (apt-get install ffmpeg) or put it in PATH", arguments[0]));
  }
  if (error != 0) return fail(fmt::format("cannot start {}: {}", arguments[0], std::strerror(error)));

  encoder->process_ = FileDescriptor(static_cast<int>(syscall(SYS_pidfd_open, encoder->pid_, 0)));
  KLIEG_ASSERT(encoder->process_.get() >= 0, "a child we have not waited for has a pidfd");
  encoder->input_ = std::move(input->second);
  encoder->words_ = std::move(words->first);
  fcntl(encoder->input_.get(), F_SETFL, O_NONBLOCK);
  fcntl(encoder->words_.get(), F_SETFL, O_NONBLOCK);
  return encoder;
}

EncoderProcess::~EncoderProcess() {
  if (pid_ > 0) finish(0s);
}

void EncoderProcess::offer(std::initializer_list<ByteView> pieces) {
  KLIEG_ASSERT(idle(), "a busy encoder is offered nothing");
  unwritten_.clear();
  written_ = 0;
  for (const ByteView piece : pieces) unwritten_.insert(unwritten_.end(), piece.begin(), piece.end());
  advance();
}

bool EncoderProcess::drained() const {
  int in_pipe = 0;
  return idle() && ioctl(input_.get(), FIONREAD, &in_pipe) == 0 && in_pipe == 0;
}

void EncoderProcess::add_to(std::vector<pollfd>& waits) const {
  if (exited()) return;
  if (!idle()) waits.push_back({input_.get(), POLLOUT, 0});
  if (words_.get() >= 0) waits.push_back({words_.get(), POLLIN, 0});
  waits.push_back({process_.get(), POLLIN, 0});
}

void EncoderProcess::advance() {
  if (exited()) return;
  while (!idle()) {
    const ssize_t count = ::write(input_.get(), unwritten_.data() + written_, unwritten_.size() - written_);
    if (count < 0) break;  // EAGAIN: later; EPIPE: it is ending, which its pidfd tells
    written_ += static_cast<size_t>(count);
  }
  read_words();
  wait_for_exit(0s);
}

void EncoderProcess::read_words() {
  char buffer[4096];
  while (words_.get() >= 0) {
    const ssize_t count = ::read(words_.get(), buffer, sizeof buffer);
    if (count < 0) return;
    if (count == 0) return words_.reset();
    for (const char c : std::string_view(buffer, static_cast<size_t>(count))) {
      if (c != '\n' && c != '\r') {
        if (partial_line_.size() < line_size_max) partial_line_ += c;
      } else if (!partial_line_.empty()) {
        if (lines_.size() < lines_max) lines_.push_back(partial_line_);
        partial_line_.clear();
      }
    }
  }
}

std::vector<std::string> EncoderProcess::take_words() { return std::exchange(lines_, {}); }

bool EncoderProcess::wait_for_exit(Duration patience) {
  if (exited()) return true;
  const LoopTime give_up = read_loop_clock() + patience;
  do {
    // It must be able to say its last words, or it might never end.
    std::vector<pollfd> waits{{process_.get(), POLLIN, 0}};
    if (words_.get() >= 0) waits.push_back({words_.get(), POLLIN, 0});
    const Duration rest = std::max(Duration(0), give_up - read_loop_clock());
    ::poll(waits.data(), waits.size(), static_cast<int>(to_ms(rest)) + (rest > 0ns ? 1 : 0));
    read_words();
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      read_words();
      if (!partial_line_.empty()) lines_.push_back(std::exchange(partial_line_, {}));
      status_ = status;
      return true;
    }
  } while (read_loop_clock() < give_up);
  return false;
}

void EncoderProcess::finish(Duration patience) {
  if (exited()) return;
  // The frame it is in the middle of is given up: half a picture is not a picture.
  input_.reset();
  if (wait_for_exit(patience)) return;
  kill(pid_, SIGTERM);
  if (wait_for_exit(2s)) return;
  kill(pid_, SIGKILL);
  wait_for_exit(10s);
}

bool EncoderProcess::succeeded() const {
  KLIEG_ASSERT(exited(), "only an encoder that has ended has succeeded or not");
  return WIFEXITED(*status_) && WEXITSTATUS(*status_) == 0;
}

}  // namespace klieg::broadcaster

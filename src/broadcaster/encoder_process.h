// An encoder in a process of its own: Debian's ffmpeg, fed through a pipe.
//
//   born   start(); it dies with us, because its input ends
//   lives  offer() takes a frame's bytes when idle(); advance() moves what the pipe takes, whenever poll says it may
//   dies   by itself (exited() says so) or by finish(): input closed, given time to send its last frames, then ended
//
// Nothing queues: between offer() and the next idle() the caller drops frames. What the kernel's pipe holds (64 KiB,
// its default) is less than one picture of any size worth showing. Thread: one; nothing here blocks except finish(),
// for at most the time it is given.
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "broadcaster/file_descriptor.h"

namespace klieg::broadcaster {

class EncoderProcess {
 public:
  // `arguments` begins with the program, found in PATH. The error says what to install.
  static Result<std::unique_ptr<EncoderProcess>> start(const std::vector<std::string>& arguments);
  ~EncoderProcess();  // as finish(0s)

  bool idle() const { return written_ == unwritten_.size(); }
  bool drained() const;  // idle, and it has read all that was written
  // Asserted: idle(). Give the pieces in order.
  void offer(std::initializer_list<ByteView> pieces);

  // What to wait for: room in the pipe (while not idle), words on its standard error, its end.
  void add_to(std::vector<pollfd>& waits) const;
  // Moves whatever can be moved now.
  void advance();

  bool exited() const { return status_.has_value(); }
  // Whole lines it wrote on standard error since the last call.
  std::vector<std::string> take_words();

  // Closes its input and waits for it to end; after `patience` it is told to (SIGTERM), two seconds later made to.
  void finish(Duration patience);
  // Ended by itself with status 0. Asserted: exited().
  bool succeeded() const;

 private:
  EncoderProcess() = default;
  void read_words();
  bool wait_for_exit(Duration patience);

  pid_t pid_ = -1;
  FileDescriptor process_, input_, words_;
  std::vector<uint8_t> unwritten_;
  size_t written_ = 0;
  std::string partial_line_;
  std::vector<std::string> lines_;
  std::optional<int> status_;  // as waitpid gives it
};

}  // namespace klieg::broadcaster

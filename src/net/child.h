// A child process, and the stream socket over which we speak with it.
//
//   born   start(): the program runs with no file of ours but standard error and, as descriptor 3, its end of the
//   socket lives  connection() is ours; the child's death is seen there as the peer's end, and then told by on_exit
//   dies   by itself, or killed with its Child: reaped on the loop either way, without anybody waiting
//
// It has a process group of its own (an interrupt typed at the terminal is not for it), every signal as usual, and
// /dev/null for standard input and output. It should end itself when its socket ends: that is how it learns that we
// died.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/connection.h"
#include "net/loop.h"

namespace klieg::net {

inline constexpr int child_socket = 3;  // in the child

// For work that must never take the processor from a loop that wants it.
enum class Urgency : uint8_t {
  as_ours,
  background,  // SCHED_BATCH and nice 10: about a tenth of a loop's share while both want the same core
};

struct Program {
  std::vector<std::string> arguments;  // the first is the path of the program; PATH is not searched
  Urgency urgency = Urgency::as_ours;
};

// How a process ended: exactly one of the two.
struct Exit {
  int status = 0;  // of exit()
  int signal = 0;  // that killed it; 0: none
  bool operator==(const Exit&) const = default;
};

class Child {
 public:
  // `on_exit` is called once, from a turn of the loop, unless the Child is destroyed before. The error says what to do.
  static Result<std::unique_ptr<Child>> start(Loop& loop, const Program& program,
                                              std::move_only_function<void(Exit)> on_exit);
  ~Child();  // kills it; also from inside on_exit and the connection's callbacks
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Not started yet. Its peer() is the program and its pid.
  Connection& connection() { return *connection_; }
  pid_t pid() const;
  bool ended() const;  // by now, also if on_exit is still to come
  // That it has used so far; 0 when it is gone.
  Duration processor_time() const;
  void kill();  // SIGKILL; on_exit follows

 private:
  struct Process;
  Child(std::shared_ptr<Process> process, std::unique_ptr<Connection> connection)
      : process_(std::move(process)), connection_(std::move(connection)) {}

  std::shared_ptr<Process> process_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace klieg::net

// Shuts the worker in, before it touches a byte that a stranger made.
//
// What is left to it: memory, clocks, the descriptors that are open, the threads it has. It opens no file and no
// socket, starts no process and no further thread, and runs no code but what is loaded: memory is never made
// executable. seccomp ends the process at the first other call, save that opening a file is only refused, because
// libraries try that and do without.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"

namespace klieg::codec {

enum class Hardware : uint8_t {
  none,
  nvidia,  // its driver talks to devices and has threads of its own: files and ioctl stay possible
};

// Descriptors above 3 are closed. `start_threads` starts those that are wanted and returns when each has begun to do
// what we wrote: they are shut in as the caller is. Says what holds, for the log. An error: the worker must not go on.
Result<std::string> enter_sandbox(Hardware hardware, const std::function<void()>& start_threads);

}  // namespace klieg::codec

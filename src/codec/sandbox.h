// Shuts the worker in, before it touches a byte that a stranger made.
//
// What is left to it: memory, clocks, the descriptors that are open. It opens no file and no socket, starts no process
// and no thread, and runs no code but what is loaded: memory is never made executable. seccomp ends the process at the
// first other call, save that opening a file is only refused, because libraries try that and do without.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace klieg::codec {

enum class Hardware : uint8_t {
  none,
  nvidia,  // its driver talks to devices and has threads of its own: files and ioctl stay possible
};

// Descriptors above 3 are closed. Says what holds, for the log. An error: the worker must not go on.
Result<std::string> enter_sandbox(Hardware hardware);

}  // namespace klieg::codec

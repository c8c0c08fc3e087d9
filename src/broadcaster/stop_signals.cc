#include "broadcaster/stop_signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <ctime>

namespace klieg::broadcaster {

StopSignals::StopSignals() {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigset_t held = stop;
  sigaddset(&held, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &held, &before_);
  signals_ = FileDescriptor(signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK));
}

StopSignals::~StopSignals() {
  // A broken pipe that was held back must not strike when it is let go.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  const timespec at_once{0, 0};
  while (sigtimedwait(&pipe, nullptr, &at_once) > 0) {
  }
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool StopSignals::arrived() {
  signalfd_siginfo signal;
  if (::read(signals_.get(), &signal, sizeof signal) == sizeof signal) arrived_ = true;
  return arrived_;
}

}  // namespace klieg::broadcaster

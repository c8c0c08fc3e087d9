// SIGINT and SIGTERM as something to poll for, while one of these lives.
//
// Holds the two back (and SIGPIPE: a reader that is gone is an error of write, not of ours) in the thread that makes
// it, so it is to be made before the process has other threads.
#pragma once

#include <csignal>

#include "broadcaster/file_descriptor.h"

namespace klieg::broadcaster {

class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  int fd() const { return signals_.get(); }  // readable when one has arrived
  bool arrived();                            // from then on

 private:
  FileDescriptor signals_;
  sigset_t before_{};
  bool arrived_ = false;
};

}  // namespace klieg::broadcaster

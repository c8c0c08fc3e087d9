// The folder of what must survive, which one server has to itself: two would tell each other's viewers nothing, and
// each write what the other believes to know.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace klieg::cli {

class DataDirectory {
 public:
  DataDirectory() = default;
  // Makes it where it is not, and holds it until destroyed, or until this process ends, however it does. The error says
  // what is in the way and what to do.
  static Result<DataDirectory> take(const std::string& path);

  DataDirectory(DataDirectory&& other) noexcept : lock_(std::exchange(other.lock_, -1)) {}
  DataDirectory& operator=(DataDirectory&& other) noexcept {
    std::swap(lock_, other.lock_);
    return *this;
  }
  ~DataDirectory();

 private:
  explicit DataDirectory(int lock) : lock_(lock) {}

  int lock_ = -1;  // a descriptor of DIR/lock
};

}  // namespace klieg::cli

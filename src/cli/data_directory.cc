#include "cli/data_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace klieg::cli {

Result<DataDirectory> DataDirectory::take(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    return fail(
        fmt::format("cannot make the data directory {}: {}; give another with --data DIR", path, error.message()));
  }
  const int lock = open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) {
    return fail(fmt::format("cannot write into the data directory {}: {}; give another with --data DIR", path,
                            std::strerror(errno)));
  }
  DataDirectory directory(lock);
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    return fail(fmt::format(
        "another klieg uses the data directory {}; end it, or give this one another with --data DIR", path));
  }
  return directory;
}

DataDirectory::~DataDirectory() {
  if (lock_ >= 0) close(lock_);
}

}  // namespace klieg::cli

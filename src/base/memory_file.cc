#include "base/memory_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "base/assert.h"

namespace klieg {
namespace {

std::atomic<size_t> files{0};

size_t files_allowed() {
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return 0;
  return std::min<size_t>(MemoryFile::files_max, descriptors.rlim_cur / 8);
}

}  // namespace

std::shared_ptr<const MemoryFile> MemoryFile::holding(ByteView content) {
  KLIEG_ASSERT(!content.empty(), "a file holds something");
  const std::shared_ptr<MemoryFile> file(new MemoryFile(content.size()));
  if (files > files_allowed()) return nullptr;  // with this one
  return file->fill(content) ? file : nullptr;
}

MemoryFile::MemoryFile(size_t size) : size_(size) { ++files; }

MemoryFile::~MemoryFile() {
  if (data_) ::munmap(const_cast<uint8_t*>(data_), size_);
  if (descriptor_ >= 0) ::close(descriptor_);
  --files;
}

bool MemoryFile::fill(ByteView content) {
  descriptor_ = ::memfd_create("klieg", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (descriptor_ < 0) return false;
  // A file of memory takes all that it has room for at once.
  if (::write(descriptor_, content.data(), size_) != static_cast<ssize_t>(size_)) return false;
  // Not F_SEAL_WRITE as well: it waits until nothing refers to the pages, and the kernel's own lists do for a while.
  if (::fcntl(descriptor_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return false;
  void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, descriptor_, 0);
  if (mapped == MAP_FAILED) return false;
  data_ = static_cast<const uint8_t*>(mapped);
  return true;
}

}  // namespace klieg

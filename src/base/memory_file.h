// A file of memory (memfd_create(2)) with one large content, for the kernel to send as it lies.
//
// What is written to a socket the kernel copies, for every viewer again. What is sent by sendfile(2) out of a file it
// only refers to, page by page. Whoever has to read the content, as TLS does, reads the same pages, mapped into memory.
//
// Laws
//   * a file holds one content, which is there before anybody knows the file, and is never written again: sockets refer
//     to its pages, also when the last reader here has let go. Then it is closed whole, and they keep what they refer
//     to. (Why its room is not used for another content, nor given back in parts: docs/decisions/0012.)
//   * it is sealed against being shortened, and its memory is taken by write(2), which can say no: so no reading of it
//     ends in SIGBUS;
//   * where there is no room for it, the content stays on the heap and is sent by copy. Nothing else is different.
//
// Limit: a file is a descriptor and a mapping. An eighth of the descriptors leaves the others to viewers; and no more
// than 16,384, for the kernel lets a process have 65,530 mappings (vm.max_map_count). Of segments of 64 KB these hold
// the 1 GB that is cached where nothing else is asked for. By whole pages 2 KB are lost of each, 6 % of the smallest.
// Thread: any. The count of files is the process's, as descriptors are.
#pragma once

#include <cstddef>
#include <memory>

#include "base/bytes.h"

namespace klieg {

class MemoryFile {
 public:
  // From here on sendfile(), and a write of the head before it, cost a fifth less than one write and a copy. From 12 KB
  // on they cost no more; but a descriptor is worth more than a microsecond.
  static constexpr size_t size_min = 32 * 1024;
  static constexpr size_t files_max = 16'384;

  // Asserted: not empty. Null: the limit is reached, or the kernel has no memory for it.
  static std::shared_ptr<const MemoryFile> holding(ByteView content);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int descriptor() const { return descriptor_; }
  const uint8_t* data() const { return data_; }

 private:
  explicit MemoryFile(size_t size);
  bool fill(ByteView content);

  const size_t size_;
  int descriptor_ = -1;
  const uint8_t* data_ = nullptr;
};

}  // namespace klieg

// Immutable, shared, sliceable bytes.
//
// A Bytes is a view into storage that it keeps alive. Copying or slicing one costs a reference count, never a copy of
// the content; the content never changes after construction, so a Bytes may be read from any thread and is the one
// thing in Klieg that is shared between loops.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/assert.h"

namespace klieg {

using ByteView = std::span<const uint8_t>;

class MemoryFile;

class Bytes {
 public:
  Bytes() = default;

  static Bytes copy_of(ByteView content);
  static Bytes copy_of(std::string_view text);
  static Bytes take(std::vector<uint8_t> content);
  static Bytes take(std::string text);
  // For content that lives as long as the program (string literals, embedded files). Nothing is copied or counted.
  static Bytes of_static(ByteView content);
  // One contiguous Bytes from several.
  static Bytes join(std::span<const Bytes> pieces);

  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  ByteView view() const { return {data_, size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }
  operator ByteView() const { return view(); }  // NOLINT(google-explicit-constructor): a view of itself is what it is
  uint8_t operator[](size_t i) const { return data_[i]; }

  // The same content in a file of memory (memory_file.h): a copy, unless it lies in one already, or there is no room.
  Bytes put_in_file() const;
  // Where that is, for sendfile(2): none on the heap. The descriptor is open as long as the bytes are held.
  struct InFile {
    int descriptor;
    size_t offset;
  };
  std::optional<InFile> in_file() const;

  // Shares storage with *this. The range must lie inside: asserted.
  Bytes slice(size_t offset, size_t size) const {
    KLIEG_ASSERT(offset <= size_ && size <= size_ - offset, "slice lies inside its bytes");
    return Bytes(owner_, data_ + offset, size, file_);
  }
  Bytes slice(size_t offset) const { return slice(offset, size_ - offset); }

  bool operator==(const Bytes& other) const {
    return size_ == other.size_ && (size_ == 0 || std::memcmp(data_, other.data_, size_) == 0);
  }

 private:
  Bytes(std::shared_ptr<const void> owner, const uint8_t* data, size_t size, const MemoryFile* file = nullptr)
      : owner_(std::move(owner)), data_(data), size_(size), file_(file) {}

  std::shared_ptr<const void> owner_;
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
  const MemoryFile* file_ = nullptr;  // the owner, where it is one
};

inline ByteView as_bytes(std::string_view text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

// Reads big-endian fields off the front of a view. A read past the end returns zero and marks the reader failed, so a
// parser may read a whole structure and check ok() once; nothing is ever read outside the view.
class ByteReader {
 public:
  explicit ByteReader(ByteView content) : rest_(content) {}

  uint8_t u8() { return static_cast<uint8_t>(unsigned_be(1)); }
  uint16_t u16() { return static_cast<uint16_t>(unsigned_be(2)); }
  uint32_t u24() { return static_cast<uint32_t>(unsigned_be(3)); }
  uint32_t u32() { return static_cast<uint32_t>(unsigned_be(4)); }
  uint64_t u64() { return unsigned_be(8); }
  ByteView bytes(size_t size);
  void skip(size_t size) { bytes(size); }

  bool ok() const { return ok_; }
  ByteView rest() const { return rest_; }
  size_t remaining() const { return rest_.size(); }

 private:
  uint64_t unsigned_be(size_t size);

  ByteView rest_;
  bool ok_ = true;
};

// Appends big-endian fields to a growing buffer.
class ByteWriter {
 public:
  void u8(uint8_t value) { out_.push_back(value); }
  void u16(uint16_t value) { unsigned_be(value, 2); }
  void u24(uint32_t value) { unsigned_be(value, 3); }
  void u32(uint32_t value) { unsigned_be(value, 4); }
  void u64(uint64_t value) { unsigned_be(value, 8); }
  void bytes(ByteView content) { out_.insert(out_.end(), content.begin(), content.end()); }
  void text(std::string_view content) { bytes(as_bytes(content)); }
  void zeros(size_t count) { out_.resize(out_.size() + count); }

  // Overwrites a 32-bit field written earlier: sizes known only once their content is.
  void set_u32(size_t at, uint32_t value);

  size_t size() const { return out_.size(); }
  ByteView view() const { return out_; }
  Bytes take() { return Bytes::take(std::move(out_)); }
  std::vector<uint8_t> take_vector() { return std::move(out_); }

 private:
  void unsigned_be(uint64_t value, size_t size);

  std::vector<uint8_t> out_;
};

}  // namespace klieg

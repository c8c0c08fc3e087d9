#include "base/bytes.h"

#include <string>

#include "base/memory_file.h"

namespace klieg {
namespace {

std::shared_ptr<uint8_t[]> allocate(size_t size) { return std::make_shared_for_overwrite<uint8_t[]>(size); }

}  // namespace

Bytes Bytes::copy_of(ByteView content) {
  if (content.empty()) return {};
  auto storage = allocate(content.size());
  std::memcpy(storage.get(), content.data(), content.size());
  const uint8_t* data = storage.get();
  return Bytes(std::move(storage), data, content.size());
}

Bytes Bytes::copy_of(std::string_view text) { return copy_of(as_bytes(text)); }

Bytes Bytes::take(std::vector<uint8_t> content) {
  if (content.empty()) return {};
  auto storage = std::make_shared<const std::vector<uint8_t>>(std::move(content));
  const uint8_t* data = storage->data();
  const size_t size = storage->size();
  return Bytes(std::move(storage), data, size);
}

Bytes Bytes::take(std::string text) {
  if (text.empty()) return {};
  auto storage = std::make_shared<const std::string>(std::move(text));
  const auto* data = reinterpret_cast<const uint8_t*>(storage->data());
  const size_t size = storage->size();
  return Bytes(std::move(storage), data, size);
}

Bytes Bytes::of_static(ByteView content) { return Bytes(nullptr, content.data(), content.size()); }

Bytes Bytes::join(std::span<const Bytes> pieces) {
  if (pieces.size() == 1) return pieces.front();
  size_t size = 0;
  for (const Bytes& piece : pieces) size += piece.size();
  if (size == 0) return {};
  auto storage = allocate(size);
  uint8_t* at = storage.get();
  for (const Bytes& piece : pieces) {
    if (piece.empty()) continue;
    std::memcpy(at, piece.data(), piece.size());
    at += piece.size();
  }
  const uint8_t* data = storage.get();
  return Bytes(std::move(storage), data, size);
}

Bytes Bytes::put_in_file() const {
  if (file_ || empty()) return *this;
  auto file = MemoryFile::holding(view());
  if (!file) return *this;
  const MemoryFile* lies_in = file.get();
  return Bytes(std::move(file), lies_in->data(), size_, lies_in);
}

std::optional<Bytes::InFile> Bytes::in_file() const {
  if (!file_) return std::nullopt;
  return InFile{file_->descriptor(), static_cast<size_t>(data_ - file_->data())};
}

ByteView ByteReader::bytes(size_t size) {
  if (size > rest_.size()) {
    ok_ = false;
    rest_ = {};
    return {};
  }
  ByteView taken = rest_.first(size);
  rest_ = rest_.subspan(size);
  return taken;
}

uint64_t ByteReader::unsigned_be(size_t size) {
  uint64_t value = 0;
  for (uint8_t byte : bytes(size)) value = value << 8 | byte;
  return value;
}

void ByteWriter::set_u32(size_t at, uint32_t value) {
  KLIEG_ASSERT(at + 4 <= out_.size(), "the field was written before");
  for (size_t i = 0; i < 4; ++i) out_[at + i] = static_cast<uint8_t>(value >> (24 - 8 * i));
}

void ByteWriter::unsigned_be(uint64_t value, size_t size) {
  for (size_t i = size; i-- > 0;) out_.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

}  // namespace klieg

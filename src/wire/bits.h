// Bits, as codecs' parameter sets are written: most significant first, not aligned to bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace klieg::wire {

// Reads bit fields off the front of a view. Like ByteReader: a read past the end returns zero and marks the reader
// failed, so a parser may read a whole structure and check ok() once.
class BitReader {
 public:
  explicit BitReader(ByteView content) : content_(content) {}

  uint32_t bits(unsigned count);  // 0 to 32
  bool flag() { return bits(1) != 0; }
  void skip(uint64_t count);

  // Exp-Golomb codes of H.264 and HEVC (ITU-T H.264 9.1); AV1's uvlc() is the same code. One longer than 32 bits fails.
  uint32_t unsigned_golomb();
  int32_t signed_golomb();

  bool ok() const { return ok_; }
  uint64_t remaining() const { return content_.size() * 8 - position_; }
  void fail();

 private:
  ByteView content_;
  uint64_t position_ = 0;  // in bits
  bool ok_ = true;
};

// Writes bit fields: decoder configurations that we make ourselves, and tests.
class BitWriter {
 public:
  void bits(uint32_t value, unsigned count);  // 0 to 32
  void flag(bool value) { bits(value ? 1 : 0, 1); }
  std::vector<uint8_t> take();  // the last byte is filled up with zeros

 private:
  std::vector<uint8_t> out_;
  unsigned free_ = 0;  // bits still free in the last byte
};

// The payload of a NAL unit without and with its emulation prevention bytes: inside a NAL unit no two zero bytes are
// followed by 0, 1, 2 or 3 (ITU-T H.264 7.4.1). At most `size_max` bytes are looked at: what we read stands in front.
std::vector<uint8_t> without_emulation_prevention(ByteView nal_unit, size_t size_max = SIZE_MAX);
std::vector<uint8_t> with_emulation_prevention(ByteView payload);

}  // namespace klieg::wire

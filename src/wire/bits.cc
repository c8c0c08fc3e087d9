#include "wire/bits.h"

#include <algorithm>
#include <utility>

namespace klieg::wire {

void BitReader::fail() {
  ok_ = false;
  position_ = content_.size() * 8;
}

uint32_t BitReader::bits(unsigned count) {
  if (count > remaining()) {
    fail();
    return 0;
  }
  uint64_t value = 0;
  while (count > 0) {
    const unsigned offset = position_ % 8;
    const unsigned taken = std::min(8 - offset, count);
    const unsigned byte = content_[position_ / 8];
    value = value << taken | (byte >> (8 - offset - taken) & ((1u << taken) - 1));
    position_ += taken;
    count -= taken;
  }
  return static_cast<uint32_t>(value);
}

void BitReader::skip(uint64_t count) {
  if (count > remaining()) return fail();
  position_ += count;
}

uint32_t BitReader::unsigned_golomb() {
  unsigned zeros = 0;
  while (ok_ && !flag()) ++zeros;
  if (!ok_ || zeros > 31) {
    fail();
    return 0;
  }
  return static_cast<uint32_t>((1ull << zeros) - 1) + bits(zeros);
}

int32_t BitReader::signed_golomb() {
  const uint32_t code = unsigned_golomb();
  const auto half = static_cast<int32_t>(code / 2);
  return code % 2 == 1 ? half + 1 : -half;
}

void BitWriter::bits(uint32_t value, unsigned count) {
  for (unsigned i = count; i-- > 0;) {
    if (free_ == 0) {
      out_.push_back(0);
      free_ = 8;
    }
    --free_;
    out_.back() = static_cast<uint8_t>(out_.back() | (value >> i & 1) << free_);
  }
}

std::vector<uint8_t> BitWriter::take() {
  free_ = 0;
  return std::move(out_);
}

std::vector<uint8_t> without_emulation_prevention(ByteView nal_unit, size_t size_max) {
  const ByteView looked_at = nal_unit.first(std::min(nal_unit.size(), size_max));
  std::vector<uint8_t> payload;
  payload.reserve(looked_at.size());
  unsigned zeros = 0;
  for (uint8_t byte : looked_at) {
    if (zeros >= 2 && byte == 3) {
      zeros = 0;
      continue;
    }
    payload.push_back(byte);
    zeros = byte == 0 ? zeros + 1 : 0;
  }
  return payload;
}

std::vector<uint8_t> with_emulation_prevention(ByteView payload) {
  std::vector<uint8_t> out;
  out.reserve(payload.size() + payload.size() / 64 + 1);
  unsigned zeros = 0;
  for (uint8_t byte : payload) {
    if (zeros >= 2 && byte <= 3) {
      out.push_back(3);
      zeros = 0;
    }
    out.push_back(byte);
    zeros = byte == 0 ? zeros + 1 : 0;
  }
  return out;
}

}  // namespace klieg::wire

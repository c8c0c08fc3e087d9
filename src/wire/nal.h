// NAL units as ISO/IEC 14496-15 stores them in samples: each behind its length, in 1, 2 or 4 bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"

namespace klieg::wire {

// Walks the NAL units of a sample.
//
//   NalWalk walk(content, 4);
//   while (auto nal_unit = walk.next()) ...
//   if (!walk.ok()) the lengths do not add up: the sample is broken
//
// A length of zero and one that points past the end are both faults: decoders refuse either.
class NalWalk {
 public:
  NalWalk(ByteView content, unsigned length_size) : reader_(content), length_size_(length_size) {}

  std::optional<ByteView> next();
  bool ok() const { return ok_; }

 private:
  ByteReader reader_;
  unsigned length_size_;
  bool ok_ = true;
};

// `nal_unit` behind a length of `length_size` bytes. Asserted: it fits.
void write_nal_unit(ByteWriter& out, ByteView nal_unit, unsigned length_size);

// The reading order of a decoder configuration's parameter sets, and of those inside a sample.
using NalUnits = std::vector<ByteView>;

bool same_nal_units(const NalUnits& one, const NalUnits& other);

}  // namespace klieg::wire

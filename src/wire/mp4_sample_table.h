// Walking boxes, and the sample tables of a progressive MP4 (ISO/IEC 14496-12 8.6, 8.7). See mp4_reader.h.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace klieg::wire {

struct Mp4Sample;

struct BoxView {
  uint32_t type = 0;
  uint64_t offset = 0;  // of the box's head, within what is walked
  ByteView content;
};

// The boxes of a view, one after the other, without descending.
class Boxes {
 public:
  explicit Boxes(ByteView content) : content_(content) {}

  std::optional<BoxView> next();  // none at the end, or where a size does not fit
  bool malformed() const { return malformed_; }

 private:
  ByteView content_;
  size_t at_ = 0;
  bool malformed_ = false;
};

// The content of the first box of that type directly inside, if any.
std::optional<ByteView> find_box(ByteView content, std::string_view type);

enum class SampleEntry : uint8_t { unknown, known };

struct SampleTable {
  uint32_t track_id = 0;
  SampleEntry entry = SampleEntry::unknown;
  ByteView stts, ctts, stss, stsc, stsz, stco, co64;  // contents; empty if absent
};

// Appends the samples the table describes; `file` is what chunk offsets count in.
Result<void> read_sample_table(const SampleTable& table, const Bytes& file, std::vector<Mp4Sample>& samples);

}  // namespace klieg::wire

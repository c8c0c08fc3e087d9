// Finds where CMAF chunks end in a log that grows: a chunk is every box up to and with the next mdat.
//
// The pieces of a log need not be chunks: a mirror begins with whole parts, and a node may get them in any pieces.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"

namespace klieg::push {

// A key frame of 100 Mbit/s with all of a second in it makes 12.5 MB (ingest/session.h).
inline constexpr uint64_t chunk_bytes_max = (16 << 20) + 4096;

enum class CutError : uint8_t { malformed, too_large };

class ChunkCutter {
 public:
  explicit ChunkCutter(uint64_t offset) : begin_(offset), at_(offset) {}

  // The next whole chunk of what lies before `end`; none: not there yet.
  Result<std::optional<Bytes>, CutError> next(const Log& log, uint64_t end);

  uint64_t offset() const { return begin_; }  // of the first byte not handed out

 private:
  uint64_t begin_;  // of the chunk
  uint64_t at_;     // of the box that is looked at
};

}  // namespace klieg::push

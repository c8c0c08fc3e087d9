// FLV files: the tags that RTMP messages are made from, one after another (Adobe FLV 10.1, annex E.2 to E.4).
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"

namespace klieg::wire::flv {

struct Tag {
  enum class Kind : uint8_t { audio = 8, video = 9, script = 18 };
  Kind kind = Kind::video;
  uint32_t timestamp_ms = 0;
  Bytes body;
  bool operator==(const Tag&) const = default;
};

// Reads a whole file held in memory; tags share its storage. Tags of other kinds are stepped over.
class FileReader {
 public:
  static Result<FileReader> open(const Bytes& file);

  // The next tag; nullopt at the end, or where the file is cut off or damaged.
  std::optional<Tag> next();

 private:
  explicit FileReader(Bytes rest) : rest_(std::move(rest)) {}
  Bytes rest_;
};

Bytes write_file_header();        // says audio and video
Bytes write_tag(const Tag& tag);  // with the size that follows every tag

}  // namespace klieg::wire::flv

// What an immutable name stands for: a header, a segment or a part, with the tag that is known at its birth.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "media/track.h"

namespace klieg::http {
class HeaderBlock;
}

namespace klieg::origin {

// Made when the first viewer asks for the name and shared by all who do. Lives on the window's loop.
struct Object {
  std::string etag;  // strong, from the name: the same bytes for ever on every node (RFC 9110 8.8.3)
  media::TrackKind kind = media::TrackKind::video;
  std::shared_ptr<const Log> log;
  uint64_t offset = 0;
  std::optional<uint64_t> end;  // of a part or header; a segment ends where its log does

  // Where server.cc keeps the headers every answer with this object begins with. Nothing else looks at it.
  mutable std::shared_ptr<const http::HeaderBlock> headers;
};

}  // namespace klieg::origin

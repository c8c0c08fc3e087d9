// What a name stands for whose bytes we did not write as text: a header, a segment, a part or a picture, with the tag
// that is known at its birth.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "media/push.h"

namespace klieg::http {
class HeaderBlock;
}

namespace klieg::origin {

// Whether the name means these bytes for ever, or others in a moment (the poster).
enum class Lasting : uint8_t { for_ever, a_moment };

// Made when the first viewer asks for the name and shared by all who do. Lives on the window's loop.
struct Object {
  std::string etag;  // strong, from the name: the same bytes for ever on every node (RFC 9110 8.8.3)
  std::string_view content_type = "video/mp4";
  Lasting lasting = Lasting::for_ever;
  std::shared_ptr<const Log> log;
  uint64_t offset = 0;
  std::optional<uint64_t> end;  // of a part or header; a segment ends where its log does
  std::string needs;            // of a segment: the name of its header, within the broadcast
  uint32_t kept_s = 0;          // how long it will stay in its window, counted from its birth; 0: until another comes

  // What is said of it, made by heads.cc for the first who is told; and as server.cc sends it.
  mutable std::shared_ptr<const media::ObjectHead> head;
  mutable std::shared_ptr<const http::HeaderBlock> headers;
};

}  // namespace klieg::origin

// What a viewer's conditions and range select of a representation (RFC 9110 sections 13 and 14), a growing one
// included.
//
// A range of something that still grows and whose length nobody knows (RFC 8673 leaves servers a choice; this is ours):
//   bytes=A-9007199254740991   206 "bytes A-9007199254740991/*", sent as it is born until it ends
//   bytes=A-B                  206 of what exists of it now; nothing yet: 416
//   bytes=A-                   206 of what exists now, "bytes A-LAST/*"
//   bytes=-N                   the whole (200): nobody knows yet what its last N bytes are
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/log.h"
#include "http/message.h"

namespace klieg::http {

// RFC 8673 section 3: the last-byte-pos that stands for "as it grows".
constexpr uint64_t open_ended = (uint64_t{1} << 53) - 1;

struct Representation {
  std::string_view etag;           // empty: none
  std::string_view last_modified;  // as it is sent; empty: none
  std::shared_ptr<const Log> log;
  uint64_t offset = 0;          // of its first byte in the log
  std::optional<uint64_t> end;  // in the log, where it is known; it may lie beyond what is there yet
};

// The request's fields as they came; empty: absent.
struct Conditions {
  std::string_view if_none_match;
  std::string_view if_modified_since;  // counts only without If-None-Match
  std::string_view range;
  std::string_view if_range;

  static Conditions of(const Request& request);
};

enum class Selected : uint8_t {
  whole,
  part,          // 206, with Content-Range
  not_modified,  // 304, without a body
  nothing,       // 416: the representation's headers are not the response's; a cache must not keep them with it
};

// Sets the response's status, body and Content-Range. Its other headers are the caller's.
Selected select(const Representation& representation, const Conditions& conditions, Response& response);

}  // namespace klieg::http

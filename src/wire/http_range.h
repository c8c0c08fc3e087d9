// Range and conditional requests: what the fields of RFC 9110 sections 13 and 14 ask for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace klieg::wire {

// "bytes=2-5", "bytes=2-" or "bytes=-3".
struct RangeSpec {
  std::optional<uint64_t> first;  // absent: the last `suffix` bytes
  std::optional<uint64_t> last;   // inclusive, as asked: may lie beyond the end; absent: to the end
  uint64_t suffix = 0;

  bool operator==(const RangeSpec&) const = default;
};

// nullopt: the field is to be ignored and the whole sent, which section 14.2 allows for what is malformed, of another
// unit, or several ranges (a player asks for one; several are a way to make a server work).
std::optional<RangeSpec> parse_range(std::string_view field);

// The bytes [first, end) of a representation.
struct ByteRange {
  uint64_t first = 0;
  uint64_t end = 0;
  bool operator==(const ByteRange&) const = default;
};

// What a range selects of `size` bytes; nullopt: nothing (416).
std::optional<ByteRange> select_range(const RangeSpec& spec, uint64_t size);

// "bytes 2-5/10"; without a size, of something still growing: "bytes 2-5/*".
std::string content_range(const ByteRange& range, std::optional<uint64_t> size);
// "bytes */10", the Content-Range of a 416.
std::string content_range_unsatisfied(uint64_t size);

struct ContentRange {
  ByteRange range;               // not empty
  std::optional<uint64_t> size;  // of the whole; beyond the range or at its end
  bool operator==(const ContentRange&) const = default;
};
// Content-Range of a 206. nullopt: it is malformed, of another unit, or that of a 416.
std::optional<ContentRange> parse_content_range(std::string_view field);

// If-None-Match: is `etag` (with its quotes) among those the viewer has? Then 304. Compared weakly (section 13.1.2).
bool matches_any(std::string_view if_none_match, std::string_view etag);
// If-Range: does the range still belong to what the viewer has? Compared strongly; a date never does (we send none).
bool range_applies(std::string_view if_range, std::string_view etag);

}  // namespace klieg::wire

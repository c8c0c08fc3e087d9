// HTTP/1.1 requests as a server reads them: heads and bodies, one after the other, however they are cut.
#include <algorithm>
#include <string>
#include <vector>

#include "base/assert.h"
#include "wire/http1.h"

namespace {

namespace http1 = klieg::wire::http1;

constexpr size_t body_size_max = 4096;

void check_inside(std::string_view part, const std::vector<char>& head) {
  if (part.empty()) return;
  KLIEG_ASSERT(part.data() >= head.data() && part.data() + part.size() <= head.data() + head.size(),
               "views point into the head");
}

// The chunked body at the front of `bytes`; how much of them it was, 0 when it is refused or incomplete.
size_t read_chunked(std::string_view bytes) {
  std::vector<uint8_t> whole, pieced;
  http1::ChunkedDecoder decoder(body_size_max);
  const auto taken = decoder.feed(klieg::as_bytes(bytes), whole);
  KLIEG_ASSERT(whole.size() <= body_size_max, "the limit holds");

  http1::ChunkedDecoder byte_by_byte(body_size_max);
  size_t at = 0;
  for (bool refused = false; at < bytes.size() && !byte_by_byte.done() && !refused; ++at) {
    refused = !byte_by_byte.feed(klieg::as_bytes(bytes.substr(at, 1)), pieced);
  }
  KLIEG_ASSERT(whole == pieced && decoder.done() == byte_by_byte.done(), "fragmentation changes nothing");
  if (!taken || !decoder.done()) return 0;
  KLIEG_ASSERT(*taken == at, "the end is found in the same place");
  return *taken;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    const auto end = http1::find_head_end(rest);
    if (!end) return 0;
    size_t searched = 0;
    while (!http1::find_head_end(rest.substr(0, searched + 1), searched)) ++searched;
    KLIEG_ASSERT(searched + 1 == *end, "a head that comes byte by byte ends in the same place");

    std::vector<char> bytes(rest.begin(), rest.begin() + static_cast<ptrdiff_t>(*end));
    http1::RequestHead head;
    if (!http1::parse_request_head(bytes, head)) return 0;
    KLIEG_ASSERT(head.path.starts_with('/'), "a path begins with a slash");
    for (const std::string_view part : {head.method, head.query, head.host}) check_inside(part, bytes);
    for (const auto& [name, value] : head.headers) {
      check_inside(name, bytes);
      check_inside(value, bytes);
    }
    rest.remove_prefix(*end);
    if (head.body == http1::BodyCoding::content_length) {
      rest.remove_prefix(std::min<uint64_t>(head.content_length, rest.size()));
    } else if (head.body == http1::BodyCoding::chunked) {
      const size_t taken = read_chunked(rest);
      if (taken == 0) return 0;
      rest.remove_prefix(taken);
    }
  }
  return 0;
}

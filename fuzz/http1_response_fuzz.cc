// HTTP/1.1 responses as a client reads them: heads and bodies, one after the other, however they are cut.
#include <algorithm>
#include <string>
#include <vector>

#include "base/assert.h"
#include "wire/http1.h"

namespace {

namespace http1 = klieg::wire::http1;

void check_inside(std::string_view part, const std::vector<char>& head) {
  if (part.empty()) return;
  KLIEG_ASSERT(part.data() >= head.data() && part.data() + part.size() <= head.data() + head.size(),
               "views point into the head");
}

// The chunked body at the front of `bytes`, handed on as it comes in two ways; how much of them it was, 0 when it is
// refused or incomplete.
size_t read_chunked(std::string_view bytes) {
  std::vector<uint8_t> whole;
  http1::ChunkedDecoder decoder(http1::ChunkedDecoder::no_end);
  const auto taken = decoder.feed(klieg::as_bytes(bytes), whole);
  KLIEG_ASSERT(whole.size() <= bytes.size(), "content is never more than what came");

  http1::ChunkedDecoder byte_by_byte(http1::ChunkedDecoder::no_end);
  std::vector<uint8_t> piece, pieced;
  size_t at = 0;
  for (bool refused = false; at < bytes.size() && !byte_by_byte.done() && !refused; ++at) {
    piece.clear();
    refused = !byte_by_byte.feed(klieg::as_bytes(bytes.substr(at, 1)), piece);
    KLIEG_ASSERT(piece.size() <= 1, "nothing is handed on twice");
    pieced.insert(pieced.end(), piece.begin(), piece.end());
  }
  KLIEG_ASSERT(whole == pieced && decoder.done() == byte_by_byte.done(), "fragmentation changes nothing");
  if (!taken || !decoder.done()) return 0;
  KLIEG_ASSERT(*taken == at, "the end is found in the same place");
  return *taken;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto request = data[0] & 1 ? http1::AnswerTo::head : http1::AnswerTo::other;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  while (!rest.empty()) {
    const auto end = http1::find_head_end(rest);
    if (!end) return 0;
    std::vector<char> bytes(rest.begin(), rest.begin() + static_cast<ptrdiff_t>(*end));
    http1::ResponseHead head;
    if (!http1::parse_response_head(bytes, request, head)) return 0;
    KLIEG_ASSERT(head.status >= 100 && head.status <= 599, "a status is one");
    for (const auto& [name, value] : head.headers) {
      check_inside(name, bytes);
      check_inside(value, bytes);
    }
    const bool bodiless =
        request == http1::AnswerTo::head || head.status < 200 || head.status == 204 || head.status == 304;
    KLIEG_ASSERT(bodiless == (head.body == http1::BodyCoding::none), "a body is there where it may be");
    rest.remove_prefix(*end);
    switch (head.body) {
      case http1::BodyCoding::none:
        break;
      case http1::BodyCoding::content_length:
        rest.remove_prefix(std::min<uint64_t>(*head.content_length, rest.size()));
        break;
      case http1::BodyCoding::until_close:
        KLIEG_ASSERT(head.persistence == http1::Persistence::close, "nothing follows such a body");
        return 0;
      case http1::BodyCoding::chunked: {
        const size_t taken = read_chunked(rest);
        if (taken == 0) return 0;
        rest.remove_prefix(taken);
      }
    }
  }
  return 0;
}

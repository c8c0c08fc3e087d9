// What a NATS server, or whatever answers in its place, sends: the same operations or an error, however it is cut.
#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "wire/nats.h"

namespace {

namespace nats = klieg::wire::nats;

std::pair<bool, std::vector<nats::Operation>> read(klieg::ByteView content, size_t piece_size) {
  nats::Decoder decoder;
  std::vector<nats::Operation> operations;
  bool accepted = true;
  while (!content.empty()) {
    const klieg::ByteView piece = content.first(std::min(piece_size, content.size()));
    content = content.subspan(piece.size());
    accepted = decoder.feed(piece, operations).has_value();
  }
  return {accepted, std::move(operations)};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (read({data, size}, size) != read({data, size}, 3)) std::abort();
  return 0;
}

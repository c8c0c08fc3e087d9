// A segment of a node that may be anybody's, as it grows: cut into the same chunks however its bytes come, which
// together are the segment.
#include <algorithm>
#include <optional>
#include <vector>

#include "base/assert.h"
#include "base/log.h"
#include "push/chunk_cutter.h"

using namespace klieg;
using namespace klieg::push;

namespace {

struct Cut {
  std::vector<Bytes> chunks;
  std::optional<CutError> error;
};

Cut cut(ByteView content, size_t piece_size) {
  Log log;
  ChunkCutter cutter(0);
  Cut got;
  uint64_t size = 0;
  while (!content.empty() && !got.error) {
    const ByteView piece = content.first(std::min(piece_size, content.size()));
    content = content.subspan(piece.size());
    log.append(Bytes::copy_of(piece));
    while (!got.error) {
      auto chunk = cutter.next(log, log.size());
      if (!chunk) {
        got.error = chunk.error();
      } else if (*chunk) {
        size += (*chunk)->size();
        KLIEG_ASSERT(size == cutter.offset() && size <= log.size(), "one chunk follows the other");
        got.chunks.push_back(std::move(**chunk));
      } else {
        break;
      }
    }
  }
  log.end(LogEnd::aborted);
  return got;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView content(data, size);
  const Cut whole = cut(content, std::max<size_t>(size, 1));
  const Cut pieced = cut(content, 7);
  KLIEG_ASSERT(whole.chunks == pieced.chunks && whole.error == pieced.error, "where it is cut depends on its boxes");
  const Bytes joined = Bytes::join(whole.chunks);
  KLIEG_ASSERT(joined == Bytes::copy_of(content.first(joined.size())), "chunks are what came");
  return 0;
}

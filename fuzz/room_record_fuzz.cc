// What another node says of a room: events, batches or answers, the same however they are cut; what was understood is
// written as it came.
#include <algorithm>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "wire/room_record.h"

namespace {

namespace room = klieg::wire::room;

template <class Kind>
std::pair<bool, std::vector<Kind>> read(klieg::ByteView content, size_t piece_size) {
  room::RecordReader<Kind> reader;
  std::vector<Kind> heard;
  bool accepted = true;
  while (!content.empty()) {
    const klieg::ByteView piece = content.first(std::min(piece_size, content.size()));
    content = content.subspan(piece.size());
    accepted = reader.feed(piece, heard).has_value();
  }
  return {accepted, std::move(heard)};
}

template <class Kind>
void check(klieg::ByteView content) {
  const auto whole = read<Kind>(content, std::max<size_t>(content.size(), 1));
  KLIEG_ASSERT((whole == read<Kind>(content, 3)), "fragmentation changes nothing");
  std::vector<klieg::Bytes> pieces;
  for (const Kind& one : whole.second) pieces.push_back(room::record_of(one));
  const klieg::Bytes again = klieg::Bytes::join(pieces);
  KLIEG_ASSERT(again.size() <= content.size(), "nothing is added");
  const auto same = read<Kind>(again, std::max<size_t>(again.size(), 1));
  KLIEG_ASSERT(same.first && same.second == whole.second, "what is written is read");
}

}  // namespace

// The first byte says of which kind.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const klieg::ByteView content(data + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      check<klieg::media::RoomEvent>(content);
      break;
    case 1:
      check<klieg::media::Batch>(content);
      break;
    default:
      check<klieg::media::BatchAnswer>(content);
  }
  return 0;
}

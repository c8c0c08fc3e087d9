// What a parent, or whoever stands between, sends down a subscription: records or an error, the same however it is cut.
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "wire/push_record.h"

namespace {

namespace push = klieg::wire::push;

// As written again, with content joined that came in pieces.
klieg::Bytes written(const std::vector<klieg::media::PushRecord>& records) {
  std::vector<klieg::Bytes> pieces;
  std::optional<klieg::media::ObjectGrew> grown;
  const auto flush = [&] {
    if (grown) push::append(*grown, pieces);
    grown.reset();
  };
  for (const auto& record : records) {
    const auto* more = std::get_if<klieg::media::ObjectGrew>(&record);
    if (!more) {
      flush();
      push::append(record, pieces);
    } else if (grown && grown->number == more->number && grown->offset + grown->content.size() == more->offset) {
      grown->content = klieg::Bytes::join(std::vector{grown->content, more->content});
    } else {
      flush();
      grown = *more;
    }
  }
  flush();
  return klieg::Bytes::join(pieces);
}

std::pair<bool, std::vector<klieg::media::PushRecord>> read(klieg::ByteView content, size_t piece_size) {
  push::Decoder decoder;
  std::vector<klieg::media::PushRecord> records;
  bool accepted = true;
  while (!content.empty()) {
    const klieg::ByteView piece = content.first(std::min(piece_size, content.size()));
    content = content.subspan(piece.size());
    accepted = decoder.feed(piece, records).has_value();
  }
  return {accepted, std::move(records)};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto [accepted, records] = read({data, size}, size);
  const auto [accepted_slowly, slowly] = read({data, size}, 3);
  const klieg::Bytes again = written(records);
  if (accepted != accepted_slowly || !(again == written(slowly))) std::abort();
  // What was accepted can be written and is accepted again.
  const klieg::Bytes stream = klieg::Bytes::join(std::vector{push::preamble(), again});
  const auto [accepted_again, same] = read(stream, SIZE_MAX);
  if (!accepted_again || !(written(same) == again)) std::abort();
  return 0;
}

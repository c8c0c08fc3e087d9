// A chunk stream says the same in one piece and in many, holds no more than it may, and survives being written again.
#include <vector>

#include "wire/rtmp_chunk.h"

namespace {

using namespace klieg;
using namespace klieg::wire::rtmp;

constexpr size_t buffered_max = 10'000;

std::vector<Message> read_all(ChunkReader& reader, ByteView content, size_t piece) {
  std::vector<Message> messages;
  while (!content.empty()) {
    ByteView bytes = content.first(std::min(piece, content.size()));
    content = content.subspan(bytes.size());
    for (;;) {
      auto message = reader.read(bytes);
      KLIEG_ASSERT(reader.buffered() <= buffered_max, "unfinished messages stay within the limit");
      if (!message) return messages;
      if (!*message) break;
      messages.push_back(std::move(**message));
    }
  }
  return messages;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t piece = 1 + data[0] % 32;
  const ByteView content(data + 1, size - 1);
  ChunkReader whole(buffered_max);
  ChunkReader pieces(buffered_max);
  const std::vector<Message> messages = read_all(whole, content, SIZE_MAX);
  KLIEG_ASSERT(read_all(pieces, content, piece) == messages, "pieces make no difference");

  ChunkWriter writer;
  writer.set_chunk_size(128);
  std::vector<Bytes> written;
  std::vector<Message> expected;
  for (const Message& message : messages) {
    if (message.type == MessageType::set_chunk_size || message.type == MessageType::abort) continue;  // of an aggregate
    writer.write(message, 2 + message.stream_id % 60, written);
    expected.push_back(message);
  }
  ChunkReader reader(buffered_max);
  KLIEG_ASSERT(read_all(reader, Bytes::join(written), piece) == expected, "what is written is read back");
  return 0;
}

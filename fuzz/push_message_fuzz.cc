// A message of klieg.push.1 as a node sends it, as text and as a chunk.
#include "base/assert.h"
#include "wire/push_message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace klieg;
  namespace push = wire::push_message;
  const auto words = push::read_words({reinterpret_cast<const char*>(data), size});
  if (words && std::holds_alternative<push::Tracks>(*words)) {
    for (const auto& track : std::get<push::Tracks>(*words).tracks) KLIEG_ASSERT(track.timescale > 0, "it has ticks");
  }
  if (const auto chunk = push::read_chunk(Bytes::copy_of(ByteView(data, size)))) {
    KLIEG_ASSERT(chunk->content.size() == size - 8, "the rest is content");
  }
  return 0;
}

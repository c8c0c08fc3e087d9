// An HLS playlist as a server sends it.
#include "base/assert.h"
#include "wire/hls_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace klieg::wire;
  const auto playlist = hls::read_playlist({reinterpret_cast<const char*>(data), size});
  if (!playlist) {
    KLIEG_ASSERT(!playlist.error().message.empty(), "an error has words");
    return 0;
  }
  if (const auto* media = std::get_if<hls::MediaPlaylist>(&*playlist)) {
    KLIEG_ASSERT(media->segments.size() <= size, "a segment has a line of its own");
    for (const auto& segment : media->segments) KLIEG_ASSERT(!segment.uri.empty(), "a segment has an address");
  }
  if (const auto* multivariant = std::get_if<hls::MultivariantPlaylist>(&*playlist)) {
    for (const auto& variant : multivariant->variants) KLIEG_ASSERT(!variant.uri.empty(), "and so has a variant");
  }
  return 0;
}

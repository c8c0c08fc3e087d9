// Playlists from anywhere: an error or views that lie inside the text.
#include "base/assert.h"
#include "wire/hls_reader.h"

using namespace klieg;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto inside = [&](std::string_view view) {
    return view.empty() || (view.data() >= text.data() && view.data() + view.size() <= text.data() + text.size());
  };
  if (const auto media = wire::hls::read_media_playlist(text)) {
    for (const auto& segment : media->segments) KLIEG_ASSERT(inside(segment.uri), "a URI is a part of the text");
  }
  if (const auto variants = wire::hls::read_multivariant_playlist(text)) {
    for (const auto& variant : *variants) {
      KLIEG_ASSERT(inside(variant.uri) && inside(variant.codecs) && inside(variant.audio_uri), "and so is the rest");
    }
  }
  return 0;
}

// A DASH manifest as a server sends it.
#include "base/assert.h"
#include "wire/dash_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace klieg;
  namespace dash = wire::dash;
  const auto manifest = dash::read_manifest({reinterpret_cast<const char*>(data), size});
  if (!manifest) {
    KLIEG_ASSERT(!manifest.error().message.empty(), "an error has words");
    return 0;
  }
  for (const dash::Period& period : manifest->periods) {
    KLIEG_ASSERT(manifest->availability_start + period.start >= manifest->availability_start, "no time wraps");
    for (const dash::Representation& r : period.representations) {
      KLIEG_ASSERT(r.segments.timescale > 0, "ticks have a length");
      KLIEG_ASSERT(!r.segments.media.empty(), "segments have an address");
      for (const dash::Run& run : r.segments.timeline) {
        KLIEG_ASSERT(run.duration > 0 && run.count > 0, "a run is of something");
        dash::segment_address(r.segments.media, run.start, run.start);
      }
    }
  }
  return 0;
}

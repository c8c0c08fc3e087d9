// A part or segment as a server sends it.
#include "base/assert.h"
#include "wire/cmaf_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace klieg;
  if (const auto reference = wire::first_reference({data, size})) {
    KLIEG_ASSERT(reference->wall.time_since_epoch() >= 0s, "no time before 1970 is told");
  }
  return 0;
}

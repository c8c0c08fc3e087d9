// What other nodes say about their load: whatever is taken for a report comes through our own JSON as it was.
#include "base/assert.h"
#include "edge/load.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace klieg;
  const auto report = edge::load_report_of({reinterpret_cast<const char*>(data), size});
  if (!report) return 0;
  KLIEG_ASSERT(report->headroom() >= 0 && report->headroom() <= 1, "headroom is a part of the whole");
  KLIEG_ASSERT(edge::load_report_of(edge::json_of(*report)) == *report, "a report survives its own JSON");
  return 0;
}

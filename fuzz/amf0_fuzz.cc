// Whatever is read as AMF0 is written and read back as the same.
#include <algorithm>

#include "wire/amf0.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace klieg;
  const Result<std::vector<wire::amf0::Value>> values = wire::amf0::read_values({data, size});
  if (!values) return 0;
  ByteWriter out;
  for (const wire::amf0::Value& value : *values) write_value(out, value);
  const Result<std::vector<wire::amf0::Value>> again = wire::amf0::read_values(out.view());
  KLIEG_ASSERT(again.has_value(), "what is written can be read");
  ByteWriter twice;
  for (const wire::amf0::Value& value : *again) write_value(twice, value);  // bytes, since NaN is not equal to itself
  KLIEG_ASSERT(std::ranges::equal(out.view(), twice.view()), "what is read back is the same");
  return 0;
}

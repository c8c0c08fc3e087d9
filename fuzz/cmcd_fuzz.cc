// What players tell about themselves: the first line as a field, the rest as a query.
#include <algorithm>

#include "base/assert.h"
#include "wire/cmcd.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace klieg;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t line = std::min(text.find('\n'), text.size());
  const wire::HeaderView fields[] = {{"cmcd-session", text.substr(0, line)}};
  const wire::Cmcd told = wire::cmcd_of(text.substr(std::min(line + 1, text.size())), fields);
  KLIEG_ASSERT(told.session.size() <= wire::Cmcd::session_size_max, "a session's name is of bounded size");
  KLIEG_ASSERT(!told.buffer || *told.buffer >= 0s, "a buffer is not less than empty");
  KLIEG_ASSERT(told.next.size() <= size, "nothing gets longer by being decoded");
  return 0;
}

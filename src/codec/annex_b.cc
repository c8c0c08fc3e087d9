#include "codec/annex_b.h"

#include <algorithm>
#include <array>

namespace klieg::codec {

wire::NalUnits nal_units_of(ByteView stream) {
  constexpr std::array<uint8_t, 3> start_code = {0, 0, 1};
  wire::NalUnits nal_units;
  auto found = std::ranges::search(stream, start_code);
  while (!found.empty()) {
    const auto begin = found.end();
    found = std::ranges::search(std::ranges::subrange(begin, stream.end()), start_code);
    auto end = found.begin();
    while (end != begin && end[-1] == 0) --end;  // a NAL unit never ends in a zero: these belong to the next start code
    if (end != begin) nal_units.emplace_back(begin, end);
  }
  return nal_units;
}

}  // namespace klieg::codec

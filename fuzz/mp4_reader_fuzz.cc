// MP4 files and CMAF segments from anywhere: an error or samples, never a read outside the input.
#include <algorithm>

#include "wire/mp4_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const klieg::Bytes input = klieg::Bytes::copy_of({data, size});
  auto movie = klieg::wire::read_mp4(input);
  if (!movie) return 0;
  (void)movie->append(input);
  uint64_t sum = 0;
  for (const auto& sample : movie->samples) {
    for (uint8_t byte : sample.content.view().first(std::min<size_t>(sample.content.size(), 64))) sum += byte;
  }
  return sum == UINT64_MAX ? 1 : 0;
}

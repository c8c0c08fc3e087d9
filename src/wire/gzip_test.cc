#include "wire/gzip.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <zlib.h>

#include <string>

namespace klieg::wire {
namespace {

std::string gunzip(ByteView content, size_t size) {
  std::string out(size + 1, '\0');
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  stream.next_in = const_cast<uint8_t*>(content.data());
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<uint8_t*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int end = inflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return end == Z_STREAM_END ? out : "broken";
}

TEST(Gzip, a_repetitive_playlist_shrinks) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "#EXTINF:1.000,\nvideo-" + std::to_string(i) + ".m4s\n";
  const Bytes small = gzip(as_bytes(text));
  EXPECT_LT(small.size(), text.size() / 4);
  EXPECT_EQ(gunzip(small, text.size()), text);
}

RC_GTEST_PROP(Gzip, what_is_compressed_comes_back, (const std::string& text)) {
  RC_ASSERT(gunzip(gzip(as_bytes(text)), text.size()) == text);
}

}  // namespace
}  // namespace klieg::wire

#include "wire/gzip.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace klieg::wire {
namespace {

TEST(Gzip, a_repetitive_playlist_shrinks) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "#EXTINF:1.000,\nvideo-" + std::to_string(i) + ".m4s\n";
  const Bytes small = gzip(as_bytes(text));
  EXPECT_LT(small.size(), text.size() / 4);
  EXPECT_EQ(gunzip(small, text.size())->text(), text);
}

RC_GTEST_PROP(Gzip, what_is_compressed_comes_back_whole_or_not_at_all, (const std::string& text)) {
  const Bytes zipped = gzip(as_bytes(text));
  RC_ASSERT(gunzip(zipped, text.size())->text() == text);
  if (!text.empty()) RC_ASSERT(!gunzip(zipped, text.size() - 1));
  RC_ASSERT(!gunzip(zipped.slice(0, *rc::gen::inRange<size_t>(0, zipped.size())), text.size()));
}

TEST(Gzip, does_not_swell_beyond_what_is_allowed) {
  const Bytes bomb = gzip(as_bytes(std::string(1 << 20, 'a')));
  EXPECT_FALSE(gunzip(bomb, 100'000));
  EXPECT_EQ(gunzip(bomb, 1 << 20)->size(), size_t{1} << 20);
  EXPECT_FALSE(gunzip(as_bytes("no gzip"), 100));
}

}  // namespace
}  // namespace klieg::wire

#include "base/sip_hash.h"

#include <gtest/gtest.h>

#include <numeric>

namespace klieg {
namespace {

// The authors' vectors: the key 00 01 ... 0f, the inputs "", 00, 00 01, ...
TEST(SipHash, is_what_its_authors_say) {
  const SipKey key{0x0706050403020100, 0x0F0E0D0C0B0A0908};
  std::vector<uint8_t> input(63);
  std::iota(input.begin(), input.end(), uint8_t{0});
  const auto hash = [&](size_t size) { return sip_hash(key, ByteView(input).first(size)); };
  EXPECT_EQ(hash(0), 0x726FDB47DD0E0E31u);
  EXPECT_EQ(hash(1), 0x74F839C593DC67FDu);
  EXPECT_EQ(hash(7), 0xAB0200F58B01D137u);
  EXPECT_EQ(hash(8), 0x93F5F5799A932462u);
  EXPECT_EQ(hash(15), 0xA129CA6149BE45E5u);
  EXPECT_EQ(hash(16), 0x3F2ACC7F57C29BDBu);
  EXPECT_EQ(hash(63), 0x958A324CEB064572u);
}

TEST(SipHash, says_something_else_with_another_key) {
  EXPECT_NE(sip_hash({1, 2}, "203.0.113.7"), sip_hash({1, 3}, "203.0.113.7"));
  EXPECT_NE(sip_hash({1, 2}, "203.0.113.7"), sip_hash({0, 2}, "203.0.113.7"));
}

}  // namespace
}  // namespace klieg

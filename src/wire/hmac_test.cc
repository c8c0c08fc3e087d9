#include "wire/hmac.h"

#include <gtest/gtest.h>

#include <string>

#include "wire/hex_test.h"

namespace klieg::wire {
namespace {

// RFC 4231, test cases 1, 2 and 6 (a key longer than a block).
TEST(Hmac, has_the_values_of_rfc_4231) {
  struct Case {
    std::string key;
    std::string content;
    const char* made;
  };
  for (const Case& c :
       {Case{std::string(20, '\x0b'), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        Case{"Jefe", "what do ya want for nothing?",
             "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        Case{std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
             "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"}}) {
    EXPECT_EQ(Bytes::copy_of(hmac_sha256(as_bytes(c.key), as_bytes(c.content))), from_hex(c.made)) << c.content;
  }
}

TEST(Hmac, of_nothing_with_an_empty_key_is_what_everybody_gets) {
  EXPECT_EQ(Bytes::copy_of(hmac_sha256({}, {})),
            from_hex("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"));
}

TEST(Hmac, bytes_are_equal_only_if_all_of_them_are) {
  EXPECT_TRUE(equal_in_constant_time(as_bytes("abc"), as_bytes("abc")));
  EXPECT_TRUE(equal_in_constant_time({}, {}));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("ab")));
}

}  // namespace
}  // namespace klieg::wire

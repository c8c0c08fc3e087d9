#include "wire/base64.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace klieg::wire {
namespace {

TEST(Base64, the_vectors_of_rfc_4648_section_10) {
  const char* const texts[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
  const std::string content = "foobar";
  for (size_t size = 0; size <= content.size(); ++size) {
    EXPECT_EQ(base64(as_bytes(content).first(size)), texts[size]);
  }
}

TEST(Base64, in_a_path_stand_only_characters_that_may) {
  const std::vector<uint8_t> content{0xFB, 0xEF, 0xFF, 0xFE};
  EXPECT_EQ(base64(content), "++///g==");
  EXPECT_EQ(base64url(content), "--___g");
}

TEST(Base64, what_is_none_is_nothing) {
  for (const char* text : {"Z", "Zg=", "Zm9vY", "Zm9v====", "Zm 9v", "Zm9-", "="}) EXPECT_FALSE(base64_content(text));
}

RC_GTEST_PROP(Base64, whatever_is_written_is_read, (const std::vector<uint8_t>& content)) {
  RC_ASSERT(base64url_content(base64url(content)) == content);
  const std::string text = base64(content);
  RC_ASSERT(base64_content(text) == content);
  RC_ASSERT(base64_content(text.substr(0, text.find('='))) == content);
}

}  // namespace
}  // namespace klieg::wire

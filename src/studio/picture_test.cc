#include "studio/picture.h"

#include <gtest/gtest.h>

#include <string>

namespace klieg::studio {
namespace {

TEST(Picture, is_what_its_first_bytes_say) {
  EXPECT_EQ(picture_type_of(as_bytes("\x89PNG\r\n\x1a\n...")), "image/png");
  EXPECT_EQ(picture_type_of(as_bytes("\xff\xd8\xff\xe0...")), "image/jpeg");
  EXPECT_EQ(picture_type_of(as_bytes("RIFF....WEBPVP8 ")), "image/webp");
  for (const char* none : {"", "\x89PN", "RIFF....WAVE", "GIF89a", "<svg onload=alert(1)>", "<!doctype html>"}) {
    EXPECT_FALSE(picture_type_of(as_bytes(none))) << none;
  }
  std::string large = "\xff\xd8\xff";
  large.resize(picture_size_max);
  EXPECT_TRUE(picture_type_of(as_bytes(large)));
  EXPECT_FALSE(picture_type_of(as_bytes(large + "x")));
}

}  // namespace
}  // namespace klieg::studio

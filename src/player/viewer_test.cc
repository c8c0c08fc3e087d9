#include "player/viewer.h"

#include <gtest/gtest.h>

namespace klieg::player {
namespace {

TEST(Resolved, follows_the_playlist_it_stands_in) {
  EXPECT_EQ(resolved("/a/b.m3u8?token=/x", "c/d.m3u8"), "/a/c/d.m3u8");
  EXPECT_EQ(resolved("/a/b.m3u8", "/d"), "/d");
  EXPECT_EQ(resolved("/a/b.m3u8", "http://host:80/d?e"), "/d?e");
  EXPECT_EQ(resolved("/a/b.m3u8", "http://host"), "/");
}

}  // namespace
}  // namespace klieg::player

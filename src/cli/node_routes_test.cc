#include "cli/node_routes.h"

#include <gtest/gtest.h>

#include "audience/upward.h"

namespace klieg::cli {
namespace {

TEST(NodeRoutes, what_is_asked_is_of_a_channel_or_of_none) {
  EXPECT_EQ(channel_of_target("/live/ada/index.m3u8"), "ada");
  EXPECT_EQ(channel_of_target("/live/ada/x7f.1/video.m3u8?_HLS_msn=7"), "ada");
  EXPECT_EQ(channel_of_target("/live/ada/x7f.1/room"), "ada");
  EXPECT_EQ(channel_of_target(audience::upward_path_of("/live/ada/x7f.1/room") + "?digest=x"), "ada");
  for (const char* other : {"", "/", "/live/", "/live/index.json", "/time", "/revocations", "/api/v1/live/ada/x"}) {
    EXPECT_EQ(channel_of_target(other), "") << other;
  }
}

}  // namespace
}  // namespace klieg::cli

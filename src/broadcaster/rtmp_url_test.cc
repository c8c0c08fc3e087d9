#include "broadcaster/rtmp_url.h"

#include <gtest/gtest.h>

namespace klieg::broadcaster {
namespace {

RtmpUrl parsed(std::string_view text) { return RtmpUrl::parse(text).value(); }

TEST(rtmp_url, an_address_is_taken_apart) {
  EXPECT_EQ(parsed("rtmp://127.0.0.1:1936/live/key"), (RtmpUrl{Security::plain, "127.0.0.1", 1936, "live", "key"}));
  EXPECT_EQ(parsed("rtmp://host/live/key?a=b"), (RtmpUrl{Security::plain, "host", 1935, "live", "key?a=b"}));
  EXPECT_EQ(parsed("rtmps://host/live/key"), (RtmpUrl{Security::tls, "host", 443, "live", "key"}));
  EXPECT_EQ(parsed("rtmp://[::1]:80/app/instance/key"), (RtmpUrl{Security::plain, "::1", 80, "app/instance", "key"}));
  EXPECT_EQ(parsed("rtmp://[::1]/live/key"), (RtmpUrl{Security::plain, "::1", 1935, "live", "key"}));
  EXPECT_EQ(parsed("rtmp://host/live?key=k/ey"), (RtmpUrl{Security::plain, "host", 1935, "live?key=k/ey", ""}));
}

TEST(rtmp_url, what_is_no_address_is_explained) {
  for (const auto text : {"", "http://host/live/key", "rtmp://", "rtmp:///live/key", "rtmp://host", "rtmp://host/",
                          "rtmp://host:0/live/key", "rtmp://host:65536/live/key", "rtmp://host:x/live/key"}) {
    EXPECT_FALSE(RtmpUrl::parse(text)) << text;
  }
}

TEST(rtmp_url, what_the_server_is_told_holds_the_port_only_if_it_is_unusual) {
  EXPECT_EQ(parsed("rtmp://host/live/key").tc_url(), "rtmp://host/live");
  EXPECT_EQ(parsed("rtmps://host:1936/live/key").tc_url(), "rtmps://host:1936/live");
  EXPECT_EQ(parsed("rtmp://[::1]/live/key").tc_url(), "rtmp://[::1]/live");
}

TEST(rtmp_url, the_key_is_never_shown) {
  EXPECT_EQ(parsed("rtmp://127.0.0.1:1936/live/se-cret").shown(), "rtmp://127.0.0.1:1936/live/...");
  EXPECT_EQ(parsed("rtmp://host/live?key=se-cret").shown(), "rtmp://host/live/...");
  EXPECT_EQ(parsed("rtmp://host/live").shown(), "rtmp://host/live");
}

}  // namespace
}  // namespace klieg::broadcaster

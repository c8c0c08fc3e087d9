#include "studio/receiver.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

namespace klieg::studio {
namespace {

Address address(const std::string& text) {
  Address made{};
  if (inet_pton(AF_INET6, text.c_str(), made.data()) == 1) return made;
  made[10] = made[11] = 0xff;
  EXPECT_EQ(inet_pton(AF_INET, text.c_str(), made.data() + 12), 1) << text;
  return made;
}

TEST(Receiver, is_taken_apart_as_it_is_asked_for) {
  const auto push = receiver_of("https://push.example/p/JzLQ3raZ?x=1#part", Reach::public_internet);
  ASSERT_TRUE(push);
  EXPECT_EQ(push->host, "push.example");
  EXPECT_EQ(push->port, 443);
  EXPECT_EQ(push->target, "/p/JzLQ3raZ?x=1");
  EXPECT_EQ(push->origin(), "https://push.example");
  const auto hook = receiver_of("https://[2001:4860::8888]:8443", Reach::public_internet);
  ASSERT_TRUE(hook);
  EXPECT_EQ(hook->host, "2001:4860::8888");
  EXPECT_EQ(hook->port, 8443);
  EXPECT_EQ(hook->target, "/");
  EXPECT_EQ(hook->origin(), "https://[2001:4860::8888]:8443");
  const auto house = receiver_of("http://lamp.local?on", Reach::anywhere);
  ASSERT_TRUE(house);
  EXPECT_FALSE(house->encrypted);
  EXPECT_EQ(house->target, "/?on");
}

TEST(Receiver, is_none_where_a_request_would_say_more_than_its_address) {
  for (const char* url : {"", "push.example/p", "ftp://push.example/", "http://push.example/", "https://", "https:///p",
                          "https://a b/", "https://user:password@push.example/", "https://push.example/\r\nhost: other",
                          "https://push.example/\xc3\xa9", "https://push.example:0/", "https://push.example:99999/",
                          "https://push.example:https/", "https://[::1", "https://[push.example]/",
                          "https://2001:4860::8888/", "https://[2001:4860::8888]443/", "HTTPS://push.example"}) {
    EXPECT_FALSE(receiver_of(url, Reach::public_internet)) << url;
  }
  EXPECT_FALSE(receiver_of("https://push.example/" + std::string(url_size_max, 'x'), Reach::public_internet));
}

TEST(Receiver, is_public_where_anybody_could_reach_it) {
  for (const char* one :
       {"1.1.1.1", "9.255.255.255", "172.15.0.1", "172.32.0.1", "192.169.0.1", "100.63.0.1", "100.128.0.1",
        "198.20.0.1", "223.255.255.255", "2001:4860::8888", "2a00:1450::1", "2600::1"}) {
    EXPECT_TRUE(is_public(address(one))) << one;
  }
  for (const char* one : {"0.0.0.0",
                          "10.1.2.3",
                          "100.64.0.1",
                          "127.0.0.1",
                          "127.255.255.254",
                          "169.254.169.254",
                          "172.16.0.1",
                          "172.31.255.255",
                          "192.168.1.1",
                          "192.0.2.1",
                          "198.18.0.1",
                          "198.19.255.255",
                          "203.0.113.1",
                          "224.0.0.1",
                          "255.255.255.255",
                          "::",
                          "::1",
                          "fe80::1",
                          "fc00::1",
                          "fd12::1",
                          "ff02::1",
                          "2001:db8::1",
                          "2002:7f00:1::",
                          "2001::1",
                          "64:ff9b::a00:1",
                          "::127.0.0.1"}) {
    EXPECT_FALSE(is_public(address(one))) << one;
  }
}

}  // namespace
}  // namespace klieg::studio

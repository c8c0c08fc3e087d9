#include "cli/api_door.h"

#include <gtest/gtest.h>

namespace klieg::cli {
namespace {

using studio::Line;

struct Asked {
  std::string_view peer, authority;
  std::string_view scheme = "http";
  std::vector<http::HeaderView> headers = {};
  edge::Trust from = edge::Trust::viewer;
};
studio::Call call(const Asked& asked) {
  http::Request request;
  request.path = "/api/v1/session";
  request.method_name = "GET";
  request.peer = asked.peer;
  request.authority = asked.authority;
  request.scheme = asked.scheme;
  request.headers = asked.headers;
  static const std::vector trusted{*edge::AddressRange::parse("10.0.0.0/8")};
  return call_of(request, trusted, asked.from);
}

TEST(ApiDoor, a_line_is_loopback_only_when_both_ends_say_so) {
  EXPECT_EQ(call({.peer = "127.0.0.1:4711", .authority = "localhost:8080"}).line, Line::loopback);
  EXPECT_EQ(call({.peer = "[::1]:4711", .authority = "[::1]:8080"}).line, Line::loopback);
  EXPECT_EQ(call({.peer = "127.0.0.1:4711", .authority = "127.0.0.1:8080"}).line, Line::loopback);
  EXPECT_EQ(call({.peer = "127.0.0.1:4711", .authority = "klieg.example"}).line, Line::clear) << "a proxy, perhaps";
  EXPECT_EQ(call({.peer = "203.0.113.7:4711", .authority = "localhost"}).line, Line::clear);
  EXPECT_EQ(call({.peer = "203.0.113.7:4711", .authority = "klieg.example", .scheme = "https"}).line, Line::encrypted);
}

TEST(ApiDoor, what_a_proxy_forwards_counts_when_it_is_trusted) {
  const std::vector<http::HeaderView> forwarded{{"x-forwarded-for", "198.51.100.1, 203.0.113.7"},
                                                {"x-forwarded-proto", "https"}};
  const studio::Call trusted = call({.peer = "10.1.2.3:4711", .authority = "klieg.example", .headers = forwarded});
  EXPECT_EQ(trusted.line, Line::encrypted);
  EXPECT_EQ(trusted.network, edge::client_address_of("203.0.113.7")->bytes) << "what others had said is hearsay";
  const studio::Call other = call({.peer = "192.0.2.1:4711", .authority = "klieg.example", .headers = forwarded});
  EXPECT_EQ(other.line, Line::clear);
  EXPECT_EQ(other.network, edge::client_address_of("192.0.2.1")->bytes);
}

TEST(ApiDoor, an_edge_says_who_asked_it_and_as_which_server) {
  const std::vector<http::HeaderView> by_https{
      {"x-forwarded-for", "203.0.113.7"}, {"x-forwarded-proto", "https"}, {"x-forwarded-host", "pop.example"}};
  const Asked asked{.peer = "192.0.2.1:4711", .authority = "home.example", .headers = by_https};
  const studio::Call unproved = call(asked);
  EXPECT_EQ(unproved.line, Line::clear);
  EXPECT_EQ(unproved.authority, "home.example") << "whoever says so may be anybody";
  Asked proved = asked;
  proved.from = edge::Trust::node;
  EXPECT_EQ(call(proved).line, Line::encrypted);
  EXPECT_EQ(call(proved).authority, "pop.example");
  EXPECT_EQ(call(proved).network, edge::client_address_of("203.0.113.7")->bytes);
  proved.scheme = "https";
  proved.headers[1].value = "http";
  EXPECT_EQ(call(proved).line, Line::clear) << "the viewer's line counts, not the edge's";
}

TEST(ApiDoor, people_behind_one_address_of_ipv6_are_one_network) {
  const auto network = [](std::string_view peer) { return call({.peer = peer, .authority = "klieg.example"}).network; };
  EXPECT_EQ(network("[2001:db8:1:2::1]:80"), network("[2001:db8:1:2:ffff::9]:81"));
  EXPECT_NE(network("[2001:db8:1:2::1]:80"), network("[2001:db8:1:3::1]:80"));
}

}  // namespace
}  // namespace klieg::cli

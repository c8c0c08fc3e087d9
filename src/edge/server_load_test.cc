#include "edge/server_load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "bus/in_process.h"

namespace klieg::edge {
namespace {

using testing::HasSubstr;

constexpr SipKey key{1, 2};

// Two loops of one node, both on the test's thread, one turn after the other.
struct NodeLoadOnTwoLoops : testing::Test {
  void turn() {
    for (int i = 0; i < 10; ++i) {
      for (net::Loop* loop : {&first, &second}) {
        loop->post([loop] { loop->stop(); });
        loop->run();
      }
    }
  }
  void see(LoopLoad& load, std::string_view query, const std::vector<wire::HeaderView>& headers,
           std::string_view address = "192.0.2.1") {
    http::Request request;
    request.query = query;
    request.headers = headers;
    load.saw(request, address);
  }
  uint64_t viewers() {
    node.gather();
    turn();
    return said.back().viewers;
  }

  net::Loop first, second;
  LoopLoad one{first, key}, two{second, key};
  Metrics metrics;
  bus::InProcess bus;
  NodeLoad node{{&one, &two}, "fra.1", 1'000'000, bus, metrics};
  std::vector<LoadReport> said;
  std::unique_ptr<bus::Subscription> subscription =
      bus.subscribe(second, "load.*", bus::Loss::superseded, [this](const bus::Message& message) {
        EXPECT_EQ(message.subject, "load.fra_2E1");
        const auto report = load_report_of(message.payload.text());
        ASSERT_TRUE(report) << report.error().message;
        said.push_back(*report);
      });
};

TEST_F(NodeLoadOnTwoLoops, says_the_sum_of_all_loops_on_the_bus_and_in_the_metrics) {
  one.request_began();
  two.request_began();
  two.request_began();
  one.sent(18'000);
  two.sent(18'000);
  see(one, "", {});
  node.gather();
  turn();
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].node, "fra.1");
  EXPECT_EQ(said[0].sequence, 1u);
  EXPECT_EQ(said[0].requests_in_flight, 3u);
  EXPECT_EQ(said[0].viewers, 1u);
  EXPECT_NEAR(static_cast<double>(said[0].egress_bits_per_s), 94'500, 1'600);
  EXPECT_NEAR(said[0].headroom(), 0.9055, 0.0016);
  const std::string text = metrics.text();
  EXPECT_THAT(text, HasSubstr("\nklieg_edge_viewers 1\n"));
  EXPECT_THAT(text, HasSubstr("\nklieg_edge_requests_in_flight 3\n"));
  EXPECT_THAT(text, HasSubstr("\nklieg_edge_headroom_ratio 0.9"));
  EXPECT_THAT(text, HasSubstr("\nklieg_edge_egress_bytes_per_second 1"));
}

TEST_F(NodeLoadOnTwoLoops, a_player_that_several_loops_see_is_one_viewer) {
  see(one, "CMCD=sid%3D%22a%22", {});
  see(two, "", {{"cmcd-session", "sid=\"a\""}}, "192.0.2.2");
  EXPECT_EQ(viewers(), 1u);
  see(two, "CMCD=sid%3D%22b%22", {});
  EXPECT_EQ(viewers(), 2u);
}

TEST_F(NodeLoadOnTwoLoops, a_cookie_counts_where_no_session_is_told_in_whichever_field_it_stands) {
  see(one, "", {{"cookie", "a=1"}, {"cookie", "klieg_viewer=x"}});
  see(two, "", {{"cookie", "a=1; klieg_viewer=x"}}, "192.0.2.2");
  EXPECT_EQ(viewers(), 1u);
  see(one, "", {{"cookie", "a=1"}}, "192.0.2.3");
  EXPECT_EQ(viewers(), 2u);
}

TEST_F(NodeLoadOnTwoLoops, a_loop_that_stands_still_counts_with_what_it_said_before) {
  two.request_began();
  node.gather();
  turn();
  one.request_began();
  node.gather();
  for (int i = 0; i < 3; ++i) {  // the second has no turn
    first.post([this] { first.stop(); });
    first.run();
  }
  EXPECT_EQ(said.size(), 1u);
  node.gather();
  turn();
  ASSERT_GE(said.size(), 2u);
  EXPECT_EQ(said.back().requests_in_flight, 2u);
}

}  // namespace
}  // namespace klieg::edge

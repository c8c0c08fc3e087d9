#include "cli/push_source.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "edge/made_up_upstream.h"

namespace klieg::cli {
namespace {

struct PushSourceTest : testing::Test {
  void turn() {
    loop.post([this] { loop.stop(); });
    loop.run();
  }
  // The status; empty: whoever is asked has not said anything yet.
  std::optional<uint16_t> ask(const std::string& path) {
    std::optional<uint16_t> status;
    source.ask(path, [&](const push::Answer& answer) { status = answer.status; });
    turn();
    return status;
  }

  net::Loop loop;
  edge::LoopClock clock{loop};
  edge::MadeUpUpstream parent;
  edge::MadeUpRoutes routes{{&parent}};
  Metrics metrics;
  edge::Engine engine{{}, clock, routes, nullptr, 1};
  edge::Server cache{loop, engine, nullptr, metrics};
  PushSource source{loop, engine, cache};
};

TEST_F(PushSourceTest, what_a_parents_words_make_of_a_path_is_not_there_where_no_path_can_be_so) {
  for (const char* path : {"/live/ada/x.1/vi deo.m3u8", "/live/ada/x.1/a\r\nHost: b", "/live/ada/x.1/\x7f", "", "x"}) {
    EXPECT_EQ(ask(path), 404) << path;
  }
  EXPECT_EQ(parent.asked(), 0u);
}

TEST_F(PushSourceTest, asks_the_parent_as_a_viewer_would) {
  std::optional<uint16_t> status;
  source.ask("/live/ada/index.m3u8", [&](const push::Answer& answer) { status = answer.status; });
  turn();
  ASSERT_EQ(parent.asked(), 1u);
  EXPECT_EQ(parent.request(0).target, "/live/ada/index.m3u8");
  parent.answer(0, 200, {}, "#EXTM3U\n");
  turn();
  EXPECT_EQ(status, 200);
}

}  // namespace
}  // namespace klieg::cli

#include "cli/registry.h"

#include <gtest/gtest.h>

#include <memory>

namespace klieg::cli {
namespace {

using ingest::RefusalReason;

// This node is the home of whatever is asked for.
struct Here final : Homes {
  void home_of(const std::string&, Hop, HomeDone done) override { done(here); }
  std::optional<Result<RelayTo, ingest::Refusal>> knower_of(std::string_view) override { return std::nullopt; }
  void over(const std::string&) override { ++overs; }
  Homes::Here here{.epoch = 3};
  int overs = 0;
};

struct AtRegistry {
  AtRegistry() { registry.ask(homes); }

  std::optional<Registry::Place> publish() {
    std::optional<Registry::Place> place;
    registry.claim({.app = "live",
                    .key = "key-of-ada",
                    .parameters = "",
                    .peer = "203.0.113.7:40312",
                    .encoder = "",
                    .encrypted = false,
                    .publisher = std::make_shared<ingest::Publisher>(loop, std::weak_ptr<ingest::ServerConnection>())},
                   0, Hop::on, [&](auto claimed) {
                     if (claimed) place = std::get<Registry::Place>(*claimed);
                   });
    return place;
  }

  net::Loop loop;
  Here homes;
  Registry registry{loop, {{"ada", "key-of-ada"}}, {}};
};

TEST(Registry, who_returns_before_a_lost_broadcast_is_buried_goes_on_with_it) {
  AtRegistry at;
  const auto first = at.publish();
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->goes_on);
  ASSERT_TRUE(at.registry.end("ada", {RefusalReason::home_lost, "connect again", "ada"}));

  at.homes.here = {.epoch = 4, .goes_on = studio::RoomLife{"ada", "x7f", 4, {}}};
  const auto second = at.publish();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->epoch, 4u);
  ASSERT_TRUE(second->goes_on);
  EXPECT_EQ(second->goes_on->broadcast, "x7f");

  at.registry.ended("ada", first->publisher);
  EXPECT_EQ(at.homes.overs, 0) << "the next one lives here already";
}

}  // namespace
}  // namespace klieg::cli

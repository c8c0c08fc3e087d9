#include "cli/relay.h"

#include <gtest/gtest.h>

#include "ingest/stream_address.h"

namespace klieg::cli {
namespace {

constexpr WallTime now = WallTime(1'800'000'000s);
const edge::NodeSecret secret("what all nodes know");

// As the home reads it.
struct Read {
  explicit Read(const std::string& name) : address(ingest::read_stream_address("rtmp://home/live", "live", name)) {}
  auto by(const edge::NodeSecret& whose, WallTime at = now) const {
    return passed_on_of(address.key, address.parameters, whose, at);
  }
  ingest::StreamAddress address;
};

TEST(Relay, says_for_whom_it_is_and_is_believed_by_who_knows_the_secret) {
  for (const char* key : {"secret-of-anna", "a/b?c&d=e%20f+g", "kk_0123456789"}) {
    for (const Hop hop : {Hop::on, Hop::last}) {
      const Read read(relay_name_of(key, {"[2001:db8::1]:40312", hop}, secret, "fra-1", now));
      EXPECT_EQ(read.address.key, key);
      const auto passed_on = read.by(secret);
      ASSERT_TRUE(passed_on && *passed_on) << key;
      EXPECT_EQ((*passed_on)->peer, "[2001:db8::1]:40312");
      EXPECT_EQ((*passed_on)->hop, hop);
    }
  }
}

TEST(Relay, who_is_not_believed_is_no_ordinary_publisher_either) {
  const std::string name = relay_name_of("key", {"10.0.0.1:5", Hop::last}, secret, "fra-1", now);
  const auto refused = [](const auto& passed_on) { return passed_on && !*passed_on; };
  EXPECT_TRUE(refused(Read(name).by(edge::NodeSecret("another secret"))));
  EXPECT_TRUE(refused(Read(name).by(secret, now + 2 * edge::node_clock_difference_max)));
  for (const auto& [what, instead] :
       {std::pair("10.0.0.1", "10.0.0.2"), {"hop=last", "hop=on"}, {"key=key", "key=kez"}}) {
    std::string changed = name;
    changed.replace(changed.find(what), std::string_view(what).size(), instead);
    EXPECT_TRUE(refused(Read(changed).by(secret))) << what;
  }
}

TEST(Relay, a_publishers_own_connection_is_nobody_elses) {
  for (const char* name : {"key", "key?peer=10.0.0.1&hop=last", "anything?key=key", "key?proof="}) {
    EXPECT_FALSE(Read(name).by(secret)) << name;
  }
}

}  // namespace
}  // namespace klieg::cli

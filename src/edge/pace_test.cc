// How fast a body comes: as fast as the parent sends it where viewers share it, as fast as it is read where one is
// alone.
#include <string>

#include "edge/engine_test.h"

namespace klieg::edge {
namespace {

const std::string mebibyte(size_t{1} << 20, 'x');
const Fields private_to_one{{"cache-control", "no-store"}};

struct PaceTest : EngineTest {
  // As a response would.
  static void read(const Seen& viewer, uint64_t to) {
    ASSERT_TRUE(viewer->object()->progress);
    viewer->object()->progress->read_to(to);
  }
  void mebibytes(size_t fetch, int count) {
    for (int i = 0; i < count; ++i) first.body(fetch, mebibyte);
  }
};

TEST_F(PaceTest, a_body_that_is_passed_waits_for_its_reader_and_what_was_read_is_forgotten) {
  const Seen viewer = ask("POST", "/a");
  first.head(0, 200, private_to_one, 100 * mebibyte.size());
  mebibytes(0, 3);
  EXPECT_FALSE(first.paused(0));
  mebibytes(0, 1);
  EXPECT_TRUE(first.paused(0));
  read(viewer, mebibyte.size());
  EXPECT_TRUE(first.paused(0)) << "it is not stopped and started for every byte";
  EXPECT_EQ(viewer->object()->log->first(), mebibyte.size());
  read(viewer, 2 * mebibyte.size());
  EXPECT_FALSE(first.paused(0));
  mebibytes(0, 2);
  EXPECT_TRUE(first.paused(0));
}

TEST_F(PaceTest, what_must_not_be_shared_waits_for_the_one_who_got_it) {
  const Seen viewer = get("/a");
  first.head(0, 200, private_to_one);
  EXPECT_EQ(viewer->how(), "uncacheable");
  mebibytes(0, 4);
  EXPECT_TRUE(first.paused(0));
  read(viewer, 4 * mebibyte.size());
  EXPECT_FALSE(first.paused(0));
}

TEST_F(PaceTest, a_reader_who_begins_far_within_is_not_waited_for_before) {
  const Seen viewer = get("/a");
  first.head(0, 200, private_to_one);
  read(viewer, 10 * mebibyte.size());
  mebibytes(0, 12);
  EXPECT_FALSE(first.paused(0));
  EXPECT_EQ(viewer->object()->log->first(), 10 * mebibyte.size());
  mebibytes(0, 2);
  EXPECT_TRUE(first.paused(0));
}

TEST_F(PaceTest, a_reader_who_leaves_ends_the_flight_that_waits_for_it) {
  Seen viewer = ask("POST", "/a");
  first.head(0, 200, private_to_one);
  mebibytes(0, 4);
  EXPECT_TRUE(first.paused(0));
  viewer.reset();
  EXPECT_FALSE(first.paused(0));
  mebibytes(0, 1);
  EXPECT_TRUE(first.over(0));
  EXPECT_EQ(run().ended(FlightEnding::abandoned), 1u);
}

TEST_F(PaceTest, a_body_that_breaks_while_it_waits_goes_on_where_it_was) {
  const Seen viewer = get("/a", {{"cache-control", "no-store"}});
  first.head(0, 200, {{"etag", "\"a\""}}, 5 * mebibyte.size());
  mebibytes(0, 4);
  read(viewer, 4 * mebibyte.size());
  first.end(0, FetchEnd::reset);
  pass(1s);
  EXPECT_EQ(second.field(0, "range"), "bytes=4194304-");
  second.head(0, 206, {{"content-range", "bytes 4194304-5242879/5242880"}}, mebibyte.size());
  second.body(0, mebibyte);
  second.end(0);
  EXPECT_EQ(viewer->body(), LogEnd::complete);
}

TEST_F(PaceTest, a_body_that_viewers_share_waits_for_nobody) {
  const Seen viewer = get("/a");
  first.head(0, 200, fresh);
  EXPECT_FALSE(viewer->object()->progress);
  mebibytes(0, 8);
  EXPECT_FALSE(first.paused(0));
  EXPECT_EQ(viewer->object()->log->first(), 0u);
}

TEST_F(PaceTest, what_is_too_large_to_keep_goes_to_each_viewer_alone) {
  settings.bytes_max = 40 * mebibyte.size();
  const Seen leader = get("/a");
  const Seen joiner = get("/a");
  first.head(0, 200, fresh, 11 * mebibyte.size());
  EXPECT_EQ(leader->how(), "uncacheable");
  EXPECT_EQ(first.asked(), 2u) << "at once";
  mebibytes(0, 4);
  EXPECT_TRUE(first.paused(0));
  first.head(1, 200, fresh, 11 * mebibyte.size());
  EXPECT_EQ(joiner->how(), "passed");
  const Seen other = get("/b");
  first.head(2, 200, fresh, 10 * mebibyte.size());
  EXPECT_EQ(other->how(), "miss");
}

TEST_F(PaceTest, a_shared_body_without_an_end_is_cut_and_its_readers_are_reset) {
  settings.bytes_max = 2 * mebibyte.size();
  const Seen viewer = get("/a");
  first.head(0, 200, fresh);
  mebibytes(0, 2);
  EXPECT_EQ(viewer->body(), LogEnd::growing);
  first.body(0, "x");
  EXPECT_EQ(viewer->body(), LogEnd::aborted);
  EXPECT_TRUE(first.over(0));
  EXPECT_EQ(run().ended(FlightEnding::too_large), 1u);
  turn();
  EXPECT_EQ(run().store().size(), 0u);
}

}  // namespace
}  // namespace klieg::edge

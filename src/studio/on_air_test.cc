#include "studio/on_air.h"

#include <gtest/gtest.h>

#include <set>

namespace klieg::studio {
namespace {

std::string names(const std::vector<const Show*>& shows) {
  std::string names;
  for (const Show* show : shows) names += show->channel + " ";
  return names;
}

OnAir three() {
  OnAir on_air;
  for (const char* name : {"anna", "ben", "cyn"}) on_air.begin(name, WallTime(1s)).listing = Listing::listed;
  on_air.set_viewers("anna", 7);
  on_air.set_viewers("ben", 9);
  on_air.set_viewers("cyn", 7);
  return on_air;
}

TEST(OnAir, is_listed_by_viewers_or_by_freshness) {
  const OnAir on_air = three();
  EXPECT_EQ(names(on_air.page(ListOrder::viewers, std::nullopt, 10).shows), "ben cyn anna ");
  EXPECT_EQ(names(on_air.page(ListOrder::freshness, std::nullopt, 10).shows), "cyn ben anna ");
}

TEST(OnAir, comes_page_by_page_and_each_show_once) {
  const OnAir on_air = three();
  for (const ListOrder order : {ListOrder::viewers, ListOrder::freshness}) {
    std::string seen;
    std::optional<ListCursor> cursor;
    do {
      const OnAir::Page page = on_air.page(order, cursor, 1);
      seen += names(page.shows);
      cursor = page.next ? ListCursor::parse(page.next->text()) : std::nullopt;
    } while (cursor);
    EXPECT_EQ(seen, order == ListOrder::viewers ? "ben cyn anna " : "cyn ben anna ");
  }
}

TEST(OnAir, a_cursor_that_cannot_be_read_is_none) {
  for (const char* text : {"", "1", "1.", ".1", "1.2.3", "-1.2", "1.x", "99999999999999999999.1"}) {
    EXPECT_FALSE(ListCursor::parse(text)) << text;
  }
}

TEST(OnAir, a_pause_makes_no_other_show_and_what_is_not_listed_is_not_shown) {
  OnAir on_air = three();
  const uint64_t number = on_air.find("ben")->number;
  EXPECT_EQ(on_air.begin("ben", WallTime(2s)).number, number);
  on_air.begin("dan", WallTime(2s));
  on_air.end("ben");
  EXPECT_EQ(names(on_air.page(ListOrder::viewers, std::nullopt, 10).shows), "cyn anna ");
  Random random(1);
  EXPECT_EQ(on_air.draw(50, random).size(), 2u);
}

TEST(OnAir, a_draw_is_another_one_each_time_and_has_nobody_twice) {
  OnAir on_air;
  for (int i = 0; i < 200; ++i) on_air.begin("c" + std::to_string(i), WallTime(1s)).listing = Listing::listed;
  Random random(1);
  const auto first = on_air.draw(50, random), second = on_air.draw(50, random);
  EXPECT_EQ(std::set(first.begin(), first.end()).size(), 50u);
  EXPECT_NE(first, second);
}

TEST(OnAir, remembers_the_most_viewers_and_who_came) {
  OnAir on_air;
  on_air.begin("anna", WallTime(1s));
  for (const uint64_t viewers : {3u, 1u, 2u}) on_air.set_viewers("anna", viewers);
  const auto ended = on_air.end("anna");
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->viewers_peak, 3u);
  EXPECT_EQ(ended->viewers_came, 4u);
  EXPECT_FALSE(on_air.end("anna"));
}

}  // namespace
}  // namespace klieg::studio

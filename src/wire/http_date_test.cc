#include "wire/http_date.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace klieg::wire {
namespace {

constexpr WallTime now{1'700'000'000s};  // November 2023

TEST(HttpDate, the_three_forms_of_section_5_6_7_are_one_time) {
  for (const char* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994", "SUN, 06 nov 1994 08:49:37 gmt"}) {
    EXPECT_EQ(parse_http_date(text, now), WallTime(784'111'777s)) << text;
  }
  EXPECT_EQ(parse_http_date("Wed Nov 16 08:49:37 1994", now), WallTime(784'975'777s));
}

TEST(HttpDate, a_year_of_two_digits_is_at_most_fifty_years_ahead) {
  EXPECT_EQ(parse_http_date("Thursday, 18-Aug-50 02:01:18 GMT", now),
            parse_http_date("Thu, 18 Aug 2050 02:01:18 GMT", now));
  EXPECT_EQ(parse_http_date("Friday, 18-Aug-73 02:01:18 GMT", now),
            parse_http_date("Fri, 18 Aug 2073 02:01:18 GMT", now));
  EXPECT_EQ(parse_http_date("Sunday, 18-Aug-74 02:01:18 GMT", now),
            parse_http_date("Sun, 18 Aug 1974 02:01:18 GMT", now));
}

TEST(HttpDate, dates_beyond_what_can_be_told_are_the_last_that_can) {
  EXPECT_EQ(parse_http_date("Fri, 31 Dec 9999 23:59:59 GMT", now), http_date_max);
  EXPECT_EQ(parse_http_date("Sun, 21 Nov 2286 04:46:39 GMT", now), http_date_max);
  EXPECT_EQ(parse_http_date("Mon, 01 Jan 0001 00:00:00 GMT", now), http_date_min);
}

TEST(HttpDate, what_is_no_date_is_none) {
  for (const char* text :
       {"", "0", "-1", "foo", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun 06 Nov 1994 08:49:37 GMT", "Sun, 06-Nov-1994 08:49:37 GMT", "Sun, 6 Nov 1994 8:49:37 GMT",
        "Sun, 06 Nov 1994 08.49.37 GMT", "Sun, 06  Nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 00 Nov 1994 08:49:37 GMT"}) {
    EXPECT_FALSE(parse_http_date(text, now)) << text;
  }
}

RC_GTEST_PROP(HttpDate, what_is_written_reads_as_the_same_second, ()) {
  const WallTime time(std::chrono::seconds(*rc::gen::inRange<int64_t>(0, int64_t{1} << 32)));
  RC_ASSERT(parse_http_date(http_date_text(time + 999ms), now) == time);
}

RC_GTEST_PROP(HttpDate, any_text_is_a_date_in_range_or_none, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("Sun,Nov 0123456789:-GMT")));
  const auto time = parse_http_date(text, now);
  RC_ASSERT(!time || (*time >= http_date_min && *time <= http_date_max));
}

}  // namespace
}  // namespace klieg::wire

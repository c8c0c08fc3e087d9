#include "studio/cookie.h"

#include <gtest/gtest.h>

namespace klieg::studio {
namespace {

TEST(Cookie, of_an_encrypted_line_is_bound_to_its_host) {
  EXPECT_EQ(session_cookie("abc", Line::encrypted, 60s),
            "__Host-klieg_session=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure");
  EXPECT_EQ(session_in("a=1; __Host-klieg_session=abc; b=2", Line::encrypted), "abc");
}

TEST(Cookie, of_the_plain_name_counts_on_loopback_alone) {
  EXPECT_EQ(session_cookie("abc", Line::loopback, 60s),
            "klieg_session=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=60");
  EXPECT_EQ(session_in("klieg_session=abc", Line::loopback), "abc");
  EXPECT_EQ(session_in("klieg_session=planted", Line::encrypted), "");
  EXPECT_EQ(session_in("klieg_session=abc; __Host-klieg_session=abc", Line::clear), "");
}

TEST(Cookie, is_found_by_its_whole_name) {
  EXPECT_EQ(session_in("xklieg_session=a; klieg_session2=b;klieg_session=c", Line::loopback), "c");
  EXPECT_EQ(session_in("klieg_session", Line::loopback), "");
  EXPECT_EQ(session_in(";;klieg_session=", Line::loopback), "");
}

TEST(Cookie, that_takes_one_away_is_over_at_once) {
  EXPECT_NE(no_session_cookie(Line::encrypted).find("__Host-klieg_session=; "), std::string::npos);
  EXPECT_NE(no_session_cookie(Line::encrypted).find("Max-Age=0"), std::string::npos);
}

TEST(Cookie, is_used_from_pages_of_its_own_site_alone) {
  const auto page = [](std::string_view origin, std::string_view site, Line line = Line::encrypted) {
    return page_of({.origin = origin, .sec_fetch_site = site, .authority = "klieg.example"}, line);
  };
  EXPECT_EQ(page("https://klieg.example", "same-origin"), Page::ours);
  EXPECT_EQ(page("https://klieg.example", ""), Page::ours);
  EXPECT_EQ(page("", "same-origin"), Page::ours);
  EXPECT_EQ(page("", ""), Page::unsaid);
  EXPECT_EQ(page("http://klieg.example", ""), Page::another) << "whoever reads along could have written that page";
  EXPECT_EQ(page("https://klieg.example", "same-site"), Page::another);
  EXPECT_EQ(page("https://klieg.example.evil.example", ""), Page::another);
  EXPECT_EQ(page("https://evil.example", "same-origin"), Page::another);
  EXPECT_EQ(page("null", ""), Page::another);
  EXPECT_EQ(page("http://klieg.example", "", Line::loopback), Page::ours);
}

}  // namespace
}  // namespace klieg::studio

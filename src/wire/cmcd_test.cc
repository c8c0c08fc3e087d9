#include "wire/cmcd.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace klieg::wire {
namespace {

Cmcd told(std::string_view pairs) {
  Cmcd cmcd;
  read_cmcd(pairs, cmcd);
  return cmcd;
}

// The examples of CTA-5004's section 4, one of each way.
TEST(Cmcd, the_query_of_the_standard_is_read) {
  const Cmcd cmcd = cmcd_of(
      "CMCD=bl%3D21300%2Cbr%3D3200%2Cbs%2Ccid%3D%22faec5fc2-ac30-11eabb37-0242ac130002%22%2Cd%3D4004%2Cmtp%3D25400%2C"
      "nor%3D%22..%252F300kbps%252Fsegment35.m4v%22%2Cnrr%3D%2212323-48763%22%2Cot%3Dv%2Cpr%3D1.08%2Crtp%3D12000%2C"
      "sf%3Dd%2Csid%3D%226e2fb550-c457-11e9-bb97-0800200c9a66%22%2Cst%3Dv%2Csu%2Ctb%3D6000",
      {});
  EXPECT_EQ(cmcd.session, "6e2fb550-c457-11e9-bb97-0800200c9a66");
  EXPECT_EQ(cmcd.buffer, 21'300ms);
  EXPECT_EQ(cmcd.bitrate_kbps, 3'200u);
  EXPECT_EQ(cmcd.next, "../300kbps/segment35.m4v");
  EXPECT_EQ(cmcd.stall, Cmcd::Stall::since_last);
  EXPECT_EQ(cmcd.need, Cmcd::Need::soon);
}

TEST(Cmcd, the_fields_of_the_standard_are_read) {
  const HeaderView fields[] = {{"host", "a"},
                               {"cmcd-request", "mtp=25400, bl=900"},
                               {"cmcd-object", "br=3200,d=4004,ot=v,tb=6000"},
                               {"cmcd-status", "bs,rtp=15000"},
                               {"cmcd-session", "sid=\"6e2fb550\""}};
  const Cmcd cmcd = cmcd_of("", fields);
  EXPECT_EQ(cmcd.session, "6e2fb550");
  EXPECT_EQ(cmcd.buffer, 900ms);
  EXPECT_EQ(cmcd.bitrate_kbps, 3'200u);
  EXPECT_EQ(cmcd.stall, Cmcd::Stall::since_last);
  EXPECT_EQ(cmcd.need, Cmcd::Need::in_time);
}

TEST(Cmcd, the_query_counts_where_fields_say_otherwise) {
  const HeaderView fields[] = {{"cmcd-session", "sid=\"field\""}};
  EXPECT_EQ(cmcd_of("a=1&CMCD=sid%3D%22query%22", fields).session, "query");
  EXPECT_EQ(cmcd_of("cmcd=sid%3D%22other%22", fields).session, "field");
}

TEST(Cmcd, what_is_not_as_it_should_be_is_passed_over_by_itself) {
  EXPECT_EQ(told("com.example-Key=\"a,b\",sid=\"s\",bl=-1,br=4294967296,nor=7").session, "s");
  EXPECT_EQ(told("bl=-1,br=4294967296,nor=7,sid=token,bs=?0,su=0,=,,\"x\"=1"), Cmcd());
  EXPECT_EQ(told("sid=\"never closed,bl=100"), Cmcd());
  EXPECT_EQ(told("sid=\"a\"b\""), Cmcd());
  EXPECT_EQ(told("sid=\"" + std::string(65, 'x') + "\""), Cmcd());
  EXPECT_EQ(told("sid=\"" + std::string(64, 'x') + "\"").session, std::string(64, 'x'));
}

TEST(Cmcd, a_string_may_hold_what_separates) {
  EXPECT_EQ(told("sid=\"a,\\\"b\\\\\",bl=100"), (Cmcd{.session = "a,\"b\\", .buffer = 100ms}));
}

RC_GTEST_PROP(Cmcd, any_session_comes_through_the_query_as_it_was, ()) {
  const std::string session = *rc::gen::resize(64, rc::gen::container<std::string>(rc::gen::inRange(' ', '\x7f')));
  std::string quoted = "sid=\"", encoded;
  for (const char c : session) quoted += (c == '"' || c == '\\') ? std::string{'\\', c} : std::string{c};
  quoted += '"';
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : quoted)
    encoded += {'%', digits[static_cast<uint8_t>(c) >> 4], digits[static_cast<uint8_t>(c) & 15]};
  RC_ASSERT(cmcd_of("x=1&CMCD=" + encoded + "%2Cbl%3D7&y", {}) == (Cmcd{.session = session, .buffer = 7ms}));
}

}  // namespace
}  // namespace klieg::wire

#include "studio/scope.h"

#include <gtest/gtest.h>

namespace klieg::studio {
namespace {

TEST(Scopes, come_back_from_their_text) {
  for (uint8_t i = 0; i < Scopes::count; ++i) {
    Scopes one;
    one.add(static_cast<Scope>(i));
    EXPECT_EQ(Scopes::parse(one.text()), one);
    for (uint8_t k = 0; k < Scopes::count; ++k) EXPECT_EQ(one.allow(static_cast<Scope>(k)), i == k);
  }
  EXPECT_EQ(Scopes::parse("rooms:write account:read")->text(), "account:read rooms:write");
}

TEST(Scopes, of_words_that_are_none_there_are_none) {
  for (const char* none :
       {"", " ", "everything", "account:read ", " account:read", "account:read  keys:write", "ACCOUNT:READ"}) {
    EXPECT_EQ(Scopes::parse(none), std::nullopt) << none;
  }
}

}  // namespace
}  // namespace klieg::studio

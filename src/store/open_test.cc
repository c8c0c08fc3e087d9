#include "store/open.h"

#include <gtest/gtest.h>

#include "store/test_databases.h"

namespace klieg::store {
namespace {

TEST(Open, a_name_says_which_engine_it_is) {
  const TestFolder folder(Lies::in_memory);
  for (const char* name : {"postgresql://klieg@db/klieg", "postgres://db", "host=db dbname=klieg"}) {
    const auto database = open(name, 0);
    ASSERT_TRUE(database) << name;
    EXPECT_EQ((*database)->engine(), Engine::postgresql) << name;
  }
  for (const char* name : {"/klieg.db", "/a=b.db"}) {
    const auto database = open(folder.path() + name, 0);
    ASSERT_TRUE(database) << name;
    EXPECT_EQ((*database)->engine(), Engine::sqlite) << name;
  }
}

TEST(Open, a_password_is_not_shown) {
  EXPECT_EQ(without_password("postgresql://klieg:secret@db:5432/klieg"), "postgresql://klieg:...@db:5432/klieg");
  EXPECT_EQ(without_password("postgresql://db:5432/klieg"), "postgresql://db:5432/klieg");
  EXPECT_EQ(without_password("postgresql:///klieg?password=secret&host=db"),
            "postgresql:///klieg?password=...&host=db");
  EXPECT_EQ(without_password("host=db password=secret dbname=klieg"), "host=db password=... dbname=klieg");
  EXPECT_EQ(without_password("klieg-data/klieg.db"), "klieg-data/klieg.db");
}

}  // namespace
}  // namespace klieg::store

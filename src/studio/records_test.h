// For tests of records: a migrated database of either engine, with a few people in it.
#pragma once

#include <string>

#include "store/migrate.h"
#include "store/test_databases.h"
#include "studio/account_records.h"

namespace klieg::studio {

using store::Engine;
using store::words_of;

constexpr WallTime start = WallTime(1'800'000'000s);

class Records : public store::OnBothEngines {
 protected:
  Records() {
    EXPECT_DONE(store::migrate(*database, start));
    anna = person("anna");
    ben = person("ben");
  }
  int64_t person(const std::string& name) {
    const auto made =
        make_account(*database, {.name = name, .display_name = name, .password_digest = "none", .invite = {}}, start);
    EXPECT_DONE(made);
    return made ? made->account.id : 0;
  }
  int64_t count(store::Sql sql) {
    const auto rows = database->run(sql);
    EXPECT_DONE(rows);
    return rows ? (*rows)[0][0].integer() : -1;
  }
  int64_t anna = 0, ben = 0;
};

}  // namespace klieg::studio

// What database.h promises, of both engines.
#include "store/database.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <thread>

#include "store/test_databases.h"

namespace klieg::store {
namespace {

class DatabaseLaw : public OnBothEngines {
 protected:
  DatabaseLaw() {
    script(
        "CREATE TABLE things (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, number INTEGER CHECK (number <> "
        "13), "
        "content BLOB) STRICT;"
        "CREATE TABLE parts (thing INTEGER NOT NULL REFERENCES things (id), note TEXT CHECK (length(note) <= 5)) "
        "STRICT;");
  }
  void script(std::string_view text) {
    auto made = transact(*database, [&](Database& inside) -> Outcome<bool> {
      if (auto ran = inside.run_script(text); !ran) return std::unexpected(ran.error());
      return true;
    });
    ASSERT_DONE(made);
  }
  Outcome<Rows> add(std::string_view name, int64_t number = 0) { return add(*database, name, number); }
  static Outcome<Rows> add(Database& to, std::string_view name, int64_t number) {
    return to.run("INSERT INTO things (name, number) VALUES ($1, $2) RETURNING id", {name, number});
  }
  // All names, in order, as one text.
  std::string names() {
    auto rows = database->run("SELECT name FROM things ORDER BY name");
    EXPECT_DONE(rows);
    std::string all;
    for (const Row& row : *rows) all += row[0].text() + " ";
    return all;
  }
};
INSTANTIATE_ON_BOTH_ENGINES(DatabaseLaw);

TEST_P(DatabaseLaw, values_come_back_as_they_went_in) {
  std::vector<uint8_t> every(256);
  for (size_t i = 0; i < every.size(); ++i) every[i] = static_cast<uint8_t>(i);
  const std::vector<Value> texts = {
      Value(), "", "a", "'; DROP TABLE things; --", "$1 %s \\x00 \\", "\xe2\x82\xac\xf0\x9f\x8e\xa5"};
  const std::vector<Value> numbers = {
      Value(), 0, -1, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(), 1};
  const std::vector<Value> contents = {Value(),
                                       Bytes(),
                                       Bytes::take(every),
                                       Bytes::copy_of(std::string_view("\\x")),
                                       Bytes::copy_of(std::string_view("\0", 1)),
                                       Bytes::copy_of("text")};
  for (size_t i = 0; i < texts.size(); ++i) {
    auto made = database->run("INSERT INTO things (name, number, content) VALUES ($1, $2, $3) RETURNING id",
                              {texts[i], numbers[i], contents[i]});
    ASSERT_DONE(made);
    auto back = database->run("SELECT name, number, content FROM things WHERE id = $1", {(*made)[0][0].integer()});
    ASSERT_DONE(back);
    ASSERT_EQ(back->size(), 1u);
    EXPECT_EQ((*back)[0], (Row{texts[i], numbers[i], contents[i]})) << i;
  }
}

TEST_P(DatabaseLaw, parameters_may_stand_in_any_order_and_more_than_once) {
  ASSERT_DONE(add("a", 1));
  auto rows = database->run("SELECT name FROM things WHERE number = $2 AND name = $1 AND number < $2 + 1", {"a", 1});
  ASSERT_DONE(rows);
  EXPECT_EQ(rows->size(), 1u);
}

TEST_P(DatabaseLaw, text_that_is_no_utf8_or_holds_a_nul_is_rejected) {
  EXPECT_EQ(kind_of_failure(add("\xff")), FailureKind::rejected);
  EXPECT_EQ(kind_of_failure(add(std::string_view("a\0b", 3))), FailureKind::rejected);
  EXPECT_EQ(names(), "");
}

TEST_P(DatabaseLaw, text_is_measured_in_characters_and_sorted_by_bytes) {
  ASSERT_DONE(add("b"));
  ASSERT_DONE(add("a"));
  ASSERT_DONE(add("B"));
  ASSERT_DONE(add("\xc3\xa4"));
  EXPECT_EQ(names(), "B a b \xc3\xa4 ");
  EXPECT_DONE(
      database->run("INSERT INTO parts (thing, note) VALUES (1, $1)", {"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"}));
}

TEST_P(DatabaseLaw, what_the_schema_does_not_allow_fails_by_its_kind) {
  ASSERT_DONE(add("a"));
  EXPECT_EQ(kind_of_failure(add("a")), FailureKind::duplicate);
  EXPECT_EQ(kind_of_failure(add("b", 13)), FailureKind::rejected);
  EXPECT_EQ(kind_of_failure(database->run("INSERT INTO parts (thing) VALUES (NULL)")), FailureKind::rejected);
  EXPECT_EQ(kind_of_failure(database->run("INSERT INTO parts (thing, note) VALUES (1, 'too long')")),
            FailureKind::rejected);
  EXPECT_EQ(kind_of_failure(database->run("INSERT INTO parts (thing) VALUES (77)")), FailureKind::dangling);
  ASSERT_DONE(database->run("INSERT INTO parts (thing) VALUES (1)"));
  EXPECT_EQ(kind_of_failure(database->run("DELETE FROM things WHERE id = 1")), FailureKind::dangling);
  EXPECT_EQ(kind_of_failure(database->run("SELECT nothing FROM nowhere")), FailureKind::broken);
  EXPECT_EQ(names(), "a ");
}

TEST_P(DatabaseLaw, a_failure_names_no_value) {
  ASSERT_DONE(add("somebody"));
  const auto twice = add("somebody");
  ASSERT_FALSE(twice);
  EXPECT_FALSE(twice.error().message.contains("somebody")) << twice.error().message;
}

TEST_P(DatabaseLaw, a_number_that_was_given_is_not_given_again) {
  ASSERT_DONE(add("a"));
  auto second = add("b");
  ASSERT_DONE(second);
  ASSERT_DONE(database->run("DELETE FROM things WHERE name = 'b'"));
  auto third = add("c");
  ASSERT_DONE(third);
  EXPECT_GT((*third)[0][0].integer(), (*second)[0][0].integer());
}

TEST_P(DatabaseLaw, what_was_changed_is_counted) {
  ASSERT_DONE(add("a", 1));
  ASSERT_DONE(add("b", 1));
  EXPECT_EQ(add("c", 2)->changed, 1);
  EXPECT_EQ(database->run("UPDATE things SET number = 3 WHERE number = 1")->changed, 2);
  EXPECT_EQ(database->run("UPDATE things SET number = 3 WHERE number = 1")->changed, 0);
  EXPECT_EQ(database->run("SELECT id FROM things")->changed, 0);
  EXPECT_EQ(database->run("DELETE FROM things")->changed, 3);
}

TEST_P(DatabaseLaw, an_upsert_updates_or_does_nothing) {
  ASSERT_DONE(add("a", 1));
  auto nothing =
      database->run("INSERT INTO things (name, number) VALUES ('a', 2) ON CONFLICT (name) DO NOTHING RETURNING id");
  ASSERT_DONE(nothing);
  EXPECT_TRUE(nothing->empty());
  EXPECT_EQ(nothing->changed, 0);
  auto updated = database->run(
      "INSERT INTO things (name, number) VALUES ('a', 2) ON CONFLICT (name) DO UPDATE SET number = "
      "things.number + excluded.number RETURNING number");
  ASSERT_DONE(updated);
  EXPECT_EQ((*updated)[0][0].integer(), 3);
}

TEST_P(DatabaseLaw, a_statement_without_a_limit_fails_instead_of_filling_memory) {
  ASSERT_DONE(
      database->run("INSERT INTO things (number) WITH RECURSIVE n (i) AS (SELECT 20 UNION ALL SELECT i + 1 FROM n "
                    "WHERE i < 10020) SELECT i FROM n"));
  EXPECT_EQ(kind_of_failure(database->run("SELECT id FROM things")), FailureKind::broken);
  EXPECT_EQ(database->run("SELECT id FROM things LIMIT 10000")->size(), Database::rows_max);
}

TEST_P(DatabaseLaw, a_transaction_is_kept_when_committed_and_gone_when_rolled_back) {
  ASSERT_DONE(database->begin());
  ASSERT_DONE(add("a"));
  ASSERT_DONE(database->commit());
  ASSERT_DONE(database->begin());
  ASSERT_DONE(add("b"));
  database->rollback();
  EXPECT_EQ(names(), "a ");
}

TEST_P(DatabaseLaw, of_a_transaction_in_which_something_failed_nothing_is_kept) {
  const auto outcome = transact(*database, [&](Database& inside) -> Outcome<Rows> {
    auto first = add(inside, "a", 0);
    if (!first) return first;
    return add(inside, "b", 13);
  });
  EXPECT_EQ(kind_of_failure(outcome), FailureKind::rejected);
  EXPECT_EQ(names(), "");
  EXPECT_DONE(add("c"));
}

TEST_P(DatabaseLaw, others_see_a_transaction_when_it_is_committed) {
  auto other = made.connect();
  ASSERT_DONE(database->begin());
  ASSERT_DONE(add("a"));
  EXPECT_EQ((*other->run("SELECT count(*) FROM things"))[0][0].integer(), 0);
  ASSERT_DONE(database->commit());
  EXPECT_EQ((*other->run("SELECT count(*) FROM things"))[0][0].integer(), 1);
}

TEST_P(DatabaseLaw, a_transaction_ends_with_its_connection) {
  auto other = made.connect();
  ASSERT_DONE(other->begin());
  ASSERT_DONE(add(*other, "a", 0));
  other.reset();
  ASSERT_DONE(add("b"));
  EXPECT_EQ(names(), "b ");
}

TEST_P(DatabaseLaw, of_two_transactions_that_change_what_the_other_has_read_one_is_busy) {
  auto other = made.connect();
  ASSERT_DONE(database->begin());
  Outcome<void> theirs = other->begin();
  Outcome<Rows> ours = database->run("SELECT count(*) FROM things");
  ASSERT_DONE(ours);
  if (theirs) {
    ASSERT_DONE(other->run("SELECT count(*) FROM things"));
    ASSERT_DONE(other->run("INSERT INTO things (name) VALUES ('theirs')"));
  }
  ASSERT_DONE(database->run("INSERT INTO things (name) VALUES ('ours')"));
  ASSERT_DONE(database->commit());
  if (theirs) theirs = other->commit();
  EXPECT_EQ(kind_of_failure(theirs), FailureKind::busy);
  if (other->in_transaction()) other->rollback();
  EXPECT_EQ(names(), "ours ");
  ASSERT_DONE(transact(*other, [](Database& inside) { return add(inside, "theirs", 0); }));
  EXPECT_EQ(names(), "ours theirs ");
}

TEST_P(DatabaseLaw, counting_from_two_threads_loses_nothing) {
  ASSERT_DONE(add("counter", 100));
  constexpr int each = 50;
  const auto count = [](Database& by) {
    for (int i = 0; i < each;) {
      const auto counted = transact(by, [](Database& inside) -> Outcome<Rows> {
        auto read = inside.run("SELECT number FROM things WHERE name = 'counter'");
        if (!read) return read;
        return inside.run("UPDATE things SET number = $1 WHERE name = 'counter'", {(*read)[0][0].integer() + 1});
      });
      if (counted) ++i;
      if (!counted && counted.error().kind != FailureKind::busy) return counted.error().message;
    }
    return std::string();
  };
  auto other = made.connect();
  std::string theirs;
  std::thread thread([&] { theirs = count(*other); });
  EXPECT_EQ(count(*database), "");
  thread.join();
  EXPECT_EQ(theirs, "");
  EXPECT_EQ((*database->run("SELECT number FROM things"))[0][0].integer(), 100 + 2 * each);
}

TEST_P(DatabaseLaw, a_transaction_is_tried_again_while_others_are_in_its_way_and_for_no_other_reason) {
  for (const auto& [kind, tries] : {std::pair{FailureKind::busy, attempts_max}, std::pair{FailureKind::duplicate, 1}}) {
    int tried = 0;
    const auto outcome = transact(*database, [&](Database&) -> Outcome<int> {
      ++tried;
      return failed(kind, "made up");
    });
    EXPECT_EQ(kind_of_failure(outcome), kind);
    EXPECT_EQ(tried, tries);
  }
  int tried = 0;
  const auto outcome = transact(*database, [&](Database& inside) -> Outcome<Rows> {
    if (++tried < 3) return failed(FailureKind::busy, "made up");
    return add(inside, "a", 0);
  });
  EXPECT_DONE(outcome);
  EXPECT_EQ(tried, 3);
  EXPECT_EQ(names(), "a ");
}

}  // namespace
}  // namespace klieg::store

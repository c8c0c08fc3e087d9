#include "cli/room_journal.h"

#include <gtest/gtest.h>

#include <memory>

#include "store/lease.h"
#include "store/migrate.h"
#include "store/test_databases.h"

namespace klieg::cli {
namespace {

audience::JournalEntry entry(uint64_t number, const std::string& text) {
  const media::Person ada{media::AccountId{7}, "Ada", media::Standing::stranger};
  return {.number = number,
          .answer = {{"n/0", 1, number}, {}},
          .events = {media::CommentMade{{number, ada, text, MediaTime(), WallTime(1s)}}}};
}

// Two homes of one room, one after the other, and the database that they share.
class RoomJournals : public store::OnBothEngines {
 protected:
  RoomJournals() {
    EXPECT_DONE(store::migrate(*database, WallTime(1s)));
    EXPECT_DONE(store::take_free(*database, "home/ada", "one"));
    worker = std::make_unique<store::Worker>(made.connect());
  }

  struct Home {
    Home(RoomJournals& test, int64_t number)
        : journal(test.loop, *test.worker, "/live/ada/x7f/room", "", [this, &test](uint64_t until) {
            safe = until;
            test.loop.stop();
          }) {
      journal.write_under({"home/ada", number}, [this, &test] {
        taken = true;
        test.loop.stop();
      });
    }
    RoomJournal journal;
    uint64_t safe = 0;
    bool taken = false;
  };

  std::vector<audience::JournalEntry> restored(Home& home) {
    std::vector<audience::JournalEntry> all;
    home.journal.restore([&](audience::JournalEntry one) { all.push_back(std::move(one)); }, [this] { loop.stop(); });
    loop.run();
    return all;
  }

  net::Loop loop;
  std::unique_ptr<store::Worker> worker;
};
INSTANTIATE_ON_BOTH_ENGINES(RoomJournals);

TEST_P(RoomJournals, who_has_a_later_lease_reads_all_that_was_safe_and_who_had_it_before_writes_nothing_more) {
  Home first(*this, 1);
  first.journal.write(entry(1, "safe"));
  loop.run();
  EXPECT_EQ(first.safe, 1u);

  const auto seen = store::read_lease(*database, "home/ada");
  ASSERT_TRUE(seen && *seen);
  ASSERT_TRUE(*store::take_from(*database, **seen, "two"));
  Home second(*this, 2);
  EXPECT_EQ(restored(second), std::vector{entry(1, "safe")});

  first.journal.write(entry(2, "too late"));
  loop.run();
  EXPECT_TRUE(first.taken);
  EXPECT_EQ(first.safe, 1u) << "nobody is told";
  second.journal.write(entry(2, "where it goes on"));
  loop.run();
  EXPECT_EQ(second.safe, 2u);
  Home third(*this, 3);
  EXPECT_EQ(restored(third), (std::vector{entry(1, "safe"), entry(2, "where it goes on")}));
}

}  // namespace
}  // namespace klieg::cli

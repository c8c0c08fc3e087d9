#include "base/log.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <functional>
#include <string>

namespace klieg {
namespace {

struct Waiter final : LogWaiter {
  explicit Waiter(std::function<void()> then = [] {}) : then(std::move(then)) {}
  void on_log_grew() override {
    ++woken;
    then();
  }
  int woken = 0;
  std::function<void()> then;
};

std::string text_of(const Log& log, uint64_t offset, uint64_t limit) {
  std::vector<Bytes> pieces;
  log.gather(offset, limit, pieces);
  return std::string(Bytes::join(pieces).text());
}

TEST(Log, a_reader_sees_what_was_appended_from_any_offset) {
  Log log;
  log.append(Bytes::copy_of("one-"));
  log.append(Bytes::copy_of("two-"));
  log.append(Bytes::copy_of("three"));
  EXPECT_EQ(log.size(), 13u);
  EXPECT_EQ(text_of(log, 0, UINT64_MAX), "one-two-three");
  EXPECT_EQ(text_of(log, 5, 4), "wo-t");
  EXPECT_EQ(text_of(log, 13, 9), "");
  EXPECT_EQ(log.read(3, 2).text(), "-t");
}

TEST(Log, a_piece_limit_ends_a_gather_early) {
  Log log;
  log.append(Bytes::copy_of("ab"));
  log.append(Bytes::copy_of("cd"));
  std::vector<Bytes> pieces;
  EXPECT_EQ(log.gather(1, 100, pieces, 1), 1u);
  EXPECT_EQ(pieces.size(), 1u);
}

TEST(Log, a_completed_log_is_one_piece_with_the_same_bytes) {
  Log log;
  log.append(Bytes::copy_of("ab"));
  log.append(Bytes::copy_of("cd"));
  log.end(LogEnd::complete);
  std::vector<Bytes> pieces;
  EXPECT_EQ(log.gather(0, 100, pieces), 4u);
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_EQ(pieces[0].text(), "abcd");
}

TEST(Log, a_reader_that_holds_a_piece_outlives_the_log) {
  auto log = std::make_unique<Log>();
  log->append(Bytes::copy_of("kept"));
  Bytes kept = log->read(0, 4);
  log.reset();
  EXPECT_EQ(kept.text(), "kept");
}

TEST(Log, a_waiter_is_woken_once_per_wait_by_append_and_by_end) {
  Log log;
  Waiter waiter;
  log.wake_me(waiter);
  log.append(Bytes::copy_of("a"));
  log.append(Bytes::copy_of("b"));
  EXPECT_EQ(waiter.woken, 1);
  log.wake_me(waiter);
  log.end(LogEnd::aborted);
  EXPECT_EQ(waiter.woken, 2);
  EXPECT_EQ(log.state(), LogEnd::aborted);
}

TEST(Log, an_empty_piece_wakes_nobody) {
  Log log;
  Waiter waiter;
  log.wake_me(waiter);
  log.append({});
  EXPECT_EQ(waiter.woken, 0);
}

TEST(Log, a_waiter_that_waits_again_while_woken_is_woken_by_the_next_append) {
  Log log;
  Waiter waiter;
  waiter.then = [&] { log.wake_me(waiter); };
  log.wake_me(waiter);
  log.append(Bytes::copy_of("a"));
  EXPECT_EQ(waiter.woken, 1);
  log.append(Bytes::copy_of("b"));
  EXPECT_EQ(waiter.woken, 2);
}

TEST(Log, a_waiter_destroyed_by_another_while_waking_is_not_touched) {
  Log log;
  auto second = std::make_unique<Waiter>();
  Waiter first([&] { second.reset(); });
  log.wake_me(*second);
  log.wake_me(first);  // newest first: `first` is woken before `second`
  log.append(Bytes::copy_of("a"));
  EXPECT_EQ(first.woken, 1);
  EXPECT_EQ(second, nullptr);
}

TEST(Log, pieces_appended_together_wake_once_when_all_are_there) {
  Log log;
  uint64_t seen = 0;
  Waiter reader([&] { seen = log.size(); });
  log.wake_me(reader);
  std::vector<Bytes> pieces{Bytes::copy_of("ab"), Bytes(), Bytes::copy_of("c")};
  log.append_all(pieces);
  EXPECT_EQ(reader.woken, 1);
  EXPECT_EQ(seen, 3u);
  EXPECT_EQ(text_of(log, 0, UINT64_MAX), "abc");
}

TEST(Log, a_log_that_dies_lets_its_waiters_go) {
  Waiter waiter;
  {
    Log log;
    log.wake_me(waiter);
  }
  EXPECT_FALSE(waiter.waiting());
}

TEST(Log, what_is_forgotten_goes_by_whole_pieces_and_offsets_stay) {
  Log log;
  for (const char* piece : {"one-", "two-", "three"}) log.append(Bytes::copy_of(piece));
  log.forget_before(3);
  EXPECT_EQ(log.first(), 0u);
  log.forget_before(6);
  EXPECT_EQ(log.first(), 4u);
  EXPECT_EQ(log.size(), 13u);
  EXPECT_EQ(text_of(log, 5, 4), "wo-t");
  log.append(Bytes::copy_of("-four"));
  EXPECT_EQ(log.read(12, 3).text(), "e-f");
}

TEST(Log, a_reader_that_lagged_behind_what_is_kept_gets_nothing) {
  Log log;
  log.append(Bytes::copy_of("ab"));
  log.append(Bytes::copy_of("cd"));
  log.forget_before(2);
  std::vector<Bytes> pieces;
  EXPECT_EQ(log.gather(1, 100, pieces), 0u);
  EXPECT_TRUE(pieces.empty());
}

TEST(Log, a_reader_at_the_end_loses_nothing_when_all_is_forgotten) {
  Log log;
  Waiter waiter;
  log.append(Bytes::copy_of("ab"));
  log.wake_me(waiter);
  log.forget_before(2);
  EXPECT_EQ(log.first(), 2u);
  EXPECT_EQ(waiter.woken, 0);
  log.append(Bytes::copy_of("cd"));
  EXPECT_EQ(waiter.woken, 1);
  EXPECT_EQ(text_of(log, 2, 100), "cd");
}

TEST(Log, a_log_that_forgot_its_front_completes_into_one_piece_that_begins_where_it_is_kept) {
  Log log;
  for (const char* piece : {"ab", "cd", "ef", "gh"}) log.append(Bytes::copy_of(piece));
  log.forget_before(2);
  log.end(LogEnd::complete);
  std::vector<Bytes> pieces;
  EXPECT_EQ(log.gather(2, 100, pieces), 6u);
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_EQ(pieces[0].text(), "cdefgh");
  EXPECT_EQ(text_of(log, 0, 100), "");
  log.forget_before(8);
  EXPECT_EQ(log.first(), 8u);
}

RC_GTEST_PROP(Log, every_reader_sees_the_same_bytes_however_they_were_cut, (std::vector<std::string> pieces)) {
  Log log;
  std::string whole;
  for (const std::string& piece : pieces) {
    log.append(Bytes::copy_of(piece));
    whole += piece;
  }
  const bool complete = *rc::gen::arbitrary<bool>();
  if (complete) log.end(LogEnd::complete);
  const auto offset = *rc::gen::inRange<size_t>(0, whole.size() + 1);
  const auto limit = *rc::gen::inRange<size_t>(0, whole.size() + 2);
  RC_ASSERT(text_of(log, offset, limit) == whole.substr(offset, limit));
}

RC_GTEST_PROP(Log, forgetting_between_appends_changes_no_byte_that_is_kept, ()) {
  Log log;
  std::string whole;
  const int rounds = *rc::gen::inRange(0, 40);
  for (int i = 0; i < rounds; ++i) {
    const auto piece = *rc::gen::arbitrary<std::string>();
    log.append(Bytes::copy_of(piece));
    whole += piece;
    const auto offset = *rc::gen::inRange<uint64_t>(0, whole.size() + 1);
    const uint64_t before = log.first();
    log.forget_before(offset);
    RC_ASSERT(log.first() >= before);
    RC_ASSERT(log.first() <= std::max(offset, before));
    RC_ASSERT(text_of(log, log.first(), UINT64_MAX) == whole.substr(log.first()));
    if (log.first() > 0) RC_ASSERT(text_of(log, log.first() - 1, UINT64_MAX).empty());
  }
  if (*rc::gen::arbitrary<bool>()) log.end(LogEnd::complete);
  RC_ASSERT(text_of(log, log.first(), UINT64_MAX) == whole.substr(log.first()));
}

}  // namespace
}  // namespace klieg

#include "base/memory_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"

namespace klieg {
namespace {

constexpr size_t large = MemoryFile::size_min;

// No two places look alike for a while.
std::string made_up(size_t size, uint8_t seed) {
  std::string content(size, '\0');
  for (size_t i = 0; i < size; ++i) content[i] = static_cast<char>(seed + i % 251 + i / 251 % 7);
  return content;
}

Bytes in_a_file(std::string content) { return Bytes::take(std::move(content)).put_in_file(); }

// What sendfile() would send.
std::string text_in_file(const Bytes& bytes) {
  const auto file = bytes.in_file();
  std::string text(bytes.size(), '\0');
  const ssize_t size = ::pread(file->descriptor, text.data(), text.size(), static_cast<off_t>(file->offset));
  return size == static_cast<ssize_t>(text.size()) ? text : "it is not there";
}

TEST(MemoryFile, bytes_in_a_file_read_like_any_others) {
  const Bytes bytes = in_a_file(made_up(large, 7));
  EXPECT_EQ(bytes.text(), made_up(large, 7));
  ASSERT_TRUE(bytes.in_file());
  EXPECT_EQ(text_in_file(bytes), made_up(large, 7));
  EXPECT_FALSE(Bytes::copy_of(bytes.view()).in_file());
  EXPECT_FALSE(Bytes().put_in_file().in_file());
}

TEST(MemoryFile, what_lies_in_a_file_is_not_put_in_another) {
  const Bytes first = in_a_file(made_up(3 * large, 0));
  const Bytes second = first.slice(large).put_in_file();
  EXPECT_EQ(second.data(), first.data() + large);
  EXPECT_EQ(second.in_file()->descriptor, first.in_file()->descriptor);
  EXPECT_EQ(second.in_file()->offset, large);
}

TEST(MemoryFile, it_is_open_as_long_as_a_slice_of_it_is_held) {
  Bytes slice = in_a_file(made_up(2 * large, 5)).slice(100, 10);
  const int descriptor = slice.in_file()->descriptor;
  EXPECT_EQ(text_in_file(slice), made_up(2 * large, 5).substr(100, 10));
  slice = {};
  EXPECT_EQ(::fcntl(descriptor, F_GETFD), -1);
}

TEST(MemoryFile, nobody_can_shorten_it) {
  const Bytes bytes = in_a_file(made_up(large, 0));
  EXPECT_EQ(::ftruncate(bytes.in_file()->descriptor, 0), -1);
  EXPECT_EQ(bytes.text(), made_up(large, 0));
}

TEST(MemoryFile, beyond_an_eighth_of_the_descriptors_bytes_lie_on_the_heap) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 64;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<Bytes> kept;
  for (uint8_t i = 0; i < 9; ++i) kept.push_back(in_a_file(made_up(large, i)));
  ::setrlimit(RLIMIT_NOFILE, &before);

  for (uint8_t i = 0; i < 9; ++i) {
    EXPECT_EQ(kept[i].in_file().has_value(), i < 8);
    EXPECT_EQ(kept[i].text(), made_up(large, i));
  }
  kept.erase(kept.begin());
  EXPECT_TRUE(in_a_file(made_up(large, 0)).in_file());
}

TEST(MemoryFile, loops_make_them_and_let_them_go_at_once) {
  std::array<std::thread, 4> threads;
  for (std::thread& thread : threads) {
    thread = std::thread([] {
      for (uint8_t i = 0; i < 100; ++i) {
        const Bytes bytes = in_a_file(made_up(large + i, i));
        EXPECT_EQ(text_in_file(bytes.slice(i)), made_up(large + i, i).substr(i));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(MemoryFile, a_log_that_is_complete_large_and_wanted_is_put_in_one) {
  const auto wanted = [](const Log& log, int times) {
    for (int i = 0; i < times; ++i) log.sent_in_clear();
    return log.read(0, log.size()).in_file().has_value();
  };
  EXPECT_FALSE(wanted(*Log::complete(Bytes::take(made_up(large - 1, 0))), Log::sends_before_file));
  EXPECT_FALSE(wanted(*Log::complete(Bytes()), Log::sends_before_file));
  const auto log = std::make_shared<Log>();
  log->append(Bytes::take(made_up(large, 0)));
  EXPECT_FALSE(wanted(*log, 300)) << "it grows";
  log->end(LogEnd::complete);
  EXPECT_FALSE(wanted(*log, Log::sends_before_file - 1));
  const Bytes before = log->read(0, large);
  EXPECT_TRUE(wanted(*log, 1));
  EXPECT_TRUE(wanted(*log, 300)) << "and stays there";
  EXPECT_EQ(before, log->read(0, large)) << "who reads it meanwhile reads on";
}

RC_GTEST_PROP(MemoryFile, a_log_says_of_every_range_where_it_lies, ()) {
  const auto sizes = *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(0, 30'000));
  Log log;
  std::string whole;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const std::string piece = made_up(sizes[i], static_cast<uint8_t>(i));
    whole += piece;
    log.append(Bytes::copy_of(piece));
  }
  log.forget_before(*rc::gen::inRange<uint64_t>(0, whole.size() + 1));
  log.end(LogEnd::complete);
  for (int i = 0; i < Log::sends_before_file; ++i) log.sent_in_clear();
  const auto offset = *rc::gen::inRange<size_t>(log.first(), whole.size() + 1);
  const auto size = *rc::gen::inRange<size_t>(0, whole.size() - offset + 1);
  const Bytes range = log.read(offset, size);
  RC_ASSERT(range.text() == std::string_view(whole).substr(offset, size));
  if (size == 0) return;
  const bool is_large = whole.size() - log.first() >= large;
  RC_ASSERT(range.in_file().has_value() == is_large);
  if (range.in_file()) RC_ASSERT(text_in_file(range) == whole.substr(offset, size));
}

}  // namespace
}  // namespace klieg

#include "cli/first_run.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

namespace klieg::cli {
namespace {

struct Directory {
  Directory() {
    char name[] = "/tmp/klieg-first-run-XXXXXX";
    path = mkdtemp(name);
  }
  ~Directory() { std::filesystem::remove_all(path); }
  std::string path;
};

TEST(FirstRun, the_channel_made_on_the_first_start_is_there_on_the_second) {
  Directory directory;
  const std::string data = directory.path + "/new";
  const auto first = first_run_channel(data);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_GE(first->key.size(), 20u);
  EXPECT_NE(first->key, first->name);
  const auto second = first_run_channel(data);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->key, first->key);
}

TEST(FirstRun, only_the_owner_may_read_the_key) {
  Directory directory;
  ASSERT_TRUE(first_run_channel(directory.path));
  struct stat status{};
  ASSERT_EQ(stat((directory.path + "/channel").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(FirstRun, a_place_that_cannot_be_written_is_an_error_that_says_what_to_do) {
  const auto channel = first_run_channel("/proc/nowhere");
  ASSERT_FALSE(channel);
  EXPECT_NE(channel.error().message.find("--data"), std::string::npos);
}

TEST(FirstRun, the_lines_to_type_name_addresses_that_can_be_reached_from_here) {
  const std::string lines = publish_lines({"live", "the-key"}, "ready http=0.0.0.0:8080 rtmp=127.0.0.1:1935");
  EXPECT_NE(lines.find("http://localhost:8080/@live"), std::string::npos) << lines;
  EXPECT_NE(lines.find("rtmp://127.0.0.1:1935/live/the-key"), std::string::npos) << lines;
}

TEST(FirstRun, a_given_channel_is_told_its_addresses_and_not_its_key) {
  const std::string lines = address_lines({"ada", "the-key"}, "ready http=0.0.0.0:8080 rtmp=127.0.0.1:1935");
  EXPECT_NE(lines.find("http://localhost:8080/@ada"), std::string::npos) << lines;
  EXPECT_NE(lines.find("rtmp://127.0.0.1:1935/live"), std::string::npos) << lines;
  EXPECT_EQ(lines.find("the-key"), std::string::npos) << lines;
}

}  // namespace
}  // namespace klieg::cli

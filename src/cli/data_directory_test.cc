#include "cli/data_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <optional>

namespace klieg::cli {
namespace {

using testing::HasSubstr;

struct DataDirectoryTest : testing::Test {
  DataDirectoryTest() { path = mkdtemp(name); }
  ~DataDirectoryTest() override { std::filesystem::remove_all(path); }
  char name[32] = "/tmp/klieg-data-XXXXXX";
  std::string path;
};

TEST_F(DataDirectoryTest, one_has_it_and_the_next_is_told_so_until_he_is_gone) {
  std::optional first = DataDirectory::take(path + "/new");
  ASSERT_TRUE(*first) << first->error().message;
  const auto second = DataDirectory::take(path + "/new");
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("another klieg uses the data directory"));
  first.reset();
  EXPECT_TRUE(DataDirectory::take(path + "/new"));
}

TEST_F(DataDirectoryTest, where_none_can_be_is_said_with_what_to_do) {
  std::ofstream(path + "/file") << "in the way";
  const auto taken = DataDirectory::take(path + "/file");
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error().message, HasSubstr("--data DIR"));
}

}  // namespace
}  // namespace klieg::cli

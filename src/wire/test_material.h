// For tests: real material made by others, which is not part of the project.
//
// Found by the environment variable KLIEG_SHARED_DATA, else at ../shared/data beside the repository. A test that finds
// none says so and skips.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace klieg::wire {

inline std::filesystem::path test_material_root() {
  if (const char* told = std::getenv("KLIEG_SHARED_DATA")) return told;
  // Tests run somewhere below the repository's root.
  std::filesystem::path directory = std::filesystem::current_path();
  while (directory.has_relative_path() && !exists(directory / "shared/data")) directory = directory.parent_path();
  return directory / "shared/data";
}

// Empty where there is no such file.
inline std::vector<uint8_t> test_material(const std::string& path) {
  std::ifstream file(test_material_root() / path, std::ios::binary);
  std::vector<uint8_t> content;
  char piece[65536];
  while (file.read(piece, sizeof piece), file.gcount() > 0) content.insert(content.end(), piece, piece + file.gcount());
  return content;
}

}  // namespace klieg::wire

#define KLIEG_SKIP_WITHOUT(content) \
  if ((content).empty()) GTEST_SKIP() << "the shared data is not there; set KLIEG_SHARED_DATA"

#include "broadcaster/raw_matroska.h"

#include <gtest/gtest.h>

#include <string>

namespace klieg::broadcaster {
namespace {

std::string hex(const Bytes& bytes) {
  std::string out;
  for (size_t i = 0; i < bytes.size(); ++i) {
    out += "0123456789abcdef"[bytes[i] >> 4];
    out += "0123456789abcdef"[bytes[i] & 15];
  }
  return out;
}

TEST(raw_matroska, a_block_is_a_cluster_of_its_own_with_its_time_in_milliseconds) {
  EXPECT_EQ(hex(raw_matroska::block_prefix(raw_matroska::TrackNumber::audio, 1033'600us, 5)),
            "1f43b675"
            "0100000000000023"  // Cluster of 35 bytes: Timestamp 17, SimpleBlock head 9, 4 + 5
            "e7"
            "0100000000000008"
            "000000000000040a"  // 1034 ms
            "a3"
            "0100000000000009"
            "82"
            "0000"
            "80");
}

TEST(raw_matroska, the_header_begins_as_matroska_and_its_segment_has_no_end) {
  const Bytes header = raw_matroska::header({160, 90, 40ms}, std::nullopt);
  const std::string text = hex(header);
  EXPECT_TRUE(text.starts_with("1a45dfa3"));
  EXPECT_NE(text.find("18538067"
                      "01ffffffffffffff"),
            std::string::npos);
  EXPECT_NE(header.text().find("V_UNCOMPRESSED"), std::string_view::npos);
  EXPECT_EQ(header.text().find("A_PCM"), std::string_view::npos);
  const Bytes with_audio = raw_matroska::header({160, 90, 40ms}, raw_matroska::Audio{48'000, 2});
  EXPECT_NE(with_audio.text().find("A_PCM/INT/LIT"), std::string_view::npos);
}

}  // namespace
}  // namespace klieg::broadcaster

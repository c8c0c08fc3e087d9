#include "push/chunk_cutter.h"

#include <gtest/gtest.h>

namespace klieg::push {
namespace {

Bytes box(std::string_view type, size_t size) {
  ByteWriter out;
  out.u32(static_cast<uint32_t>(size));
  out.text(type);
  out.zeros(size - 8);
  return out.take();
}

TEST(ChunkCutter, a_chunk_is_everything_up_to_the_end_of_its_mdat) {
  Log log;
  ChunkCutter cutter(0);
  log.append(box("styp", 24));
  log.append(box("moof", 100));
  EXPECT_EQ(cutter.next(log, log.size()).value(), std::nullopt);
  log.append(box("mdat", 50));
  log.append(box("moof", 80));
  EXPECT_EQ(cutter.next(log, log.size()).value()->size(), 174u);
  EXPECT_EQ(cutter.offset(), 174u);
  EXPECT_EQ(cutter.next(log, log.size()).value(), std::nullopt);
}

TEST(ChunkCutter, reads_sizes_of_64_bits_in_whatever_pieces_they_come) {
  ByteWriter out;
  out.u32(1);
  out.text("mdat");
  out.u64(20);
  out.text("data");
  const Bytes all = out.take();
  Log log;
  ChunkCutter cutter(0);
  for (size_t i = 0; i + 1 < all.size(); ++i) {
    log.append(all.slice(i, 1));
    ASSERT_EQ(cutter.next(log, log.size()).value(), std::nullopt);
  }
  log.append(all.slice(all.size() - 1));
  EXPECT_EQ(cutter.next(log, log.size()).value()->size(), 20u);
}

TEST(ChunkCutter, refuses_what_cannot_be_a_chunk) {
  const auto error_of = [](uint32_t size) {
    ByteWriter out;
    out.u32(size);
    out.text("mdat");
    Log log;
    log.append(out.take());
    ChunkCutter cutter(0);
    return cutter.next(log, log.size()).error();
  };
  EXPECT_EQ(error_of(0), CutError::malformed);
  EXPECT_EQ(error_of(7), CutError::malformed);
  EXPECT_EQ(error_of(100 << 20), CutError::too_large);
}

}  // namespace
}  // namespace klieg::push

#include "wire/cmaf_reader.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace klieg::wire {
namespace {

Chunk chunk() {
  return {.place = ChunkPlace::segment_start, .samples = {{.duration = 3000, .content = Bytes::copy_of("x")}}};
}

RC_GTEST_PROP(CmafReader, reads_the_reference_time_that_was_written, (uint32_t s, uint64_t ticks)) {
  Chunk written = chunk();
  written.reference = {ReferenceEvent::captured, WallTime(std::chrono::seconds(s) + 123'456'789ns), ticks};
  const auto read = first_reference(write_cmaf_chunk(written));
  RC_ASSERT(read.has_value());
  RC_ASSERT(read->event == ReferenceEvent::captured);
  RC_ASSERT(std::chrono::abs(read->wall - written.reference->wall) <= 1ns);
  RC_ASSERT(read->media_ticks == ticks);
}

TEST(CmafReader, tells_the_servers_clock_from_the_cameras) {
  Chunk written = chunk();
  written.reference = {ReferenceEvent::ingested, WallTime(1s), 7};
  EXPECT_EQ(first_reference(write_cmaf_chunk(written))->event, ReferenceEvent::ingested);
}

TEST(CmafReader, of_a_chunk_without_one_and_of_a_cut_one_is_nothing) {
  EXPECT_FALSE(first_reference(write_cmaf_chunk(chunk())));
  Chunk written = chunk();
  written.reference = {ReferenceEvent::captured, WallTime(1s), 7};
  const Bytes whole = write_cmaf_chunk(written);
  EXPECT_FALSE(first_reference(whole.view().subspan(0, 50)));  // styp is 24, prft 36
  EXPECT_TRUE(first_reference(whole.view().subspan(0, 60)));
}

}  // namespace
}  // namespace klieg::wire

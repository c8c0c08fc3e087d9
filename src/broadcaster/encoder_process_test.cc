#include "broadcaster/encoder_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "broadcaster/stop_signals.h"

namespace klieg::broadcaster {
namespace {

std::unique_ptr<EncoderProcess> shell(const std::string& script) {
  return EncoderProcess::start({"sh", "-c", script}).value();
}

// Waits for what the encoder waits for, until it is idle or has ended.
void drive(EncoderProcess& encoder) {
  while (!encoder.idle() && !encoder.exited()) {
    std::vector<pollfd> waits;
    encoder.add_to(waits);
    ASSERT_GT(::poll(waits.data(), waits.size(), 10'000), 0) << "nothing happened for ten seconds";
    encoder.advance();
  }
}

TEST(encoder_process, it_is_fed_whole_pieces_in_order_and_its_words_are_heard) {
  const auto encoder = shell("wc -c >&2");
  const std::vector<uint8_t> picture(1'000'000);
  encoder->offer({as_bytes("head"), picture});
  drive(*encoder);
  EXPECT_TRUE(encoder->idle());
  encoder->finish(10s);
  ASSERT_TRUE(encoder->exited());
  EXPECT_TRUE(encoder->succeeded());
  EXPECT_THAT(encoder->take_words(), testing::ElementsAre("1000004"));
}

TEST(encoder_process, one_that_does_not_read_stays_busy_so_that_frames_are_dropped) {
  const auto encoder = shell("exec sleep 1000");
  const std::vector<uint8_t> picture(1'000'000);
  encoder->offer({picture});
  EXPECT_FALSE(encoder->idle());
  encoder->advance();
  EXPECT_FALSE(encoder->idle());
}

TEST(encoder_process, one_that_does_not_end_with_its_input_is_told_to) {
  const auto encoder = shell("exec sleep 1000");
  encoder->finish(0s);
  ASSERT_TRUE(encoder->exited());
  EXPECT_FALSE(encoder->succeeded());
}

TEST(encoder_process, one_that_fails_by_itself_is_noticed_with_its_last_words) {
  const StopSignals broken_pipes_are_held_back;
  const auto encoder = shell("printf 'one\\ntwo' >&2; exit 3");
  const std::vector<uint8_t> picture(1'000'000);
  encoder->offer({picture});
  drive(*encoder);
  ASSERT_TRUE(encoder->exited());
  EXPECT_FALSE(encoder->succeeded());
  EXPECT_THAT(encoder->take_words(), testing::ElementsAre("one", "two"));
}

TEST(encoder_process, a_program_that_is_not_there_is_an_error_that_says_what_to_install) {
  const auto encoder = EncoderProcess::start({"no-such-encoder"});
  ASSERT_FALSE(encoder);
  EXPECT_THAT(encoder.error().message, testing::HasSubstr("apt-get install ffmpeg"));
}

}  // namespace
}  // namespace klieg::broadcaster

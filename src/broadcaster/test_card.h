// The test card: what a broadcast shows when no camera is there, and what measures the road when one is not wanted.
//
//   +--------------------------------------------------+
//   | clapper stick                                    |
//   | colour bars (75 %), grey steps                   |
//   |  film leader       K L I E G         star and    |
//   |  one turn per      date, time        gratings    |
//   |  second            flash                         |
//   | runner: across and back in four seconds          |
//   | clock for machines (broadcaster/clock_code.h)    |
//   +--------------------------------------------------+
//
// For the first 100 ms of every second of UTC the flash square is white, the sample of that instant begins a tone of
// 1 kHz that lasts as long: the distance between the two on a screen is the error of its lip-sync.
//
// Pure: the same size, rate and time give the same picture. One card draws one picture at a time, on one thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"
#include "broadcaster/picture.h"

namespace klieg::broadcaster {

inline constexpr int test_card_width_min = 160;
inline constexpr int test_card_height_min = 90;
inline constexpr Duration flash_duration = 100ms;
inline constexpr int tone_hz = 1000;

class TestCard {
 public:
  // Asserted: at least 160 x 90.
  TestCard(int width, int height);

  // The picture seen at `time`; valid until the next call.
  const Picture& draw(WallTime time);

  struct Box {
    int left, top, right, bottom;
  };
  Box flash() const { return flash_; }  // where the flash is, in pixels, for whoever looks for it

 private:
  void draw_leader(WallTime time);
  void draw_time(WallTime time);
  void draw_runner(WallTime time);

  // A pixel of the film leader's disc and the direction it lies in: 0 is up, 65536 a full turn clockwise.
  struct LeaderDot {
    uint32_t at;
    uint16_t direction;
  };

  Picture backdrop_;  // all that does not move
  Picture picture_;
  std::vector<LeaderDot> leader_;
  Box flash_;
};

// True while the flash is lit and the tone sounds.
bool flash_is_lit(WallTime time);

// The tone, as signed 16-bit mono: sample i is the one at begin + i / sample_rate.
void fill_tone(WallTime begin, uint32_t sample_rate, std::span<int16_t> samples);

}  // namespace klieg::broadcaster

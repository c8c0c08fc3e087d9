// Puts the test card on air: draws it, paces it, has it encoded and published by ffmpeg.
//
// Frame n shows the instant at which it is handed to the encoder; the instants come from the monotonic clock and are
// counted, not summed, so they do not drift. The first one is put where a frame falls on every whole second (for whole
// rates), so the flash begins exactly there. An encoder that is slow, or blocked by its uplink, loses frames (see
// frame_pacer.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "broadcaster/quantities.h"

namespace klieg::broadcaster {

enum class Sound : uint8_t { none, tone };

struct TestCardOptions {
  std::string url;  // rtmp://HOST:PORT/live/KEY
  PictureSize size{1280, 720};
  FrameRate rate{};
  uint32_t bits_per_second = 2'500'000;
  Duration gop = 1s;
  uint32_t b_frames = 0;
  std::optional<Duration> duration{};  // none: until SIGINT or SIGTERM
  Sound sound = Sound::tone;
  std::string encoder = "ffmpeg";
};

// Blocks the calling thread until the duration is over, having been on air, or SIGINT or SIGTERM arrives; both are
// success. A broadcast that cannot begin, or breaks, is tried again for as long, with words on standard error. Fails
// when trying again cannot help (a wrong key). To be called before the process has other threads: it holds those
// signals back in this one.
Result<void> broadcast_test_card(const TestCardOptions& options);

// The command line, for tests and the curious.
std::vector<std::string> encoder_arguments(const TestCardOptions& options);

}  // namespace klieg::broadcaster

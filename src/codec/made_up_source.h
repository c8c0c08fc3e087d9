// For tests: sources that FFmpeg's encoders make of pictures and tones that are easy to know again.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "media/sample.h"
#include "media/track.h"

namespace klieg::codec {

struct MadeUpSource {
  media::Track track;
  std::vector<media::Sample> samples;
};

struct MadeUpVideo {
  const char* encoder = "libx264";
  int width = 320;
  int height = 180;
  int frames = 60;
  int frames_per_second = 30;
  int frames_per_key = 30;
  int b_frames = 0;
  int sar_width = 1;
  int sar_height = 1;
  const char* pixel_format = "yuv420p";
  int rotation = 0;  // anticlockwise, in degrees, that a player is to give it, by SEI (H.264)
  bool full_range = false;
  media::Colour colour = {};
};

// A moving gradient; the top left quarter is bright and the rest dark. An error: this FFmpeg has no such encoder.
Result<MadeUpSource> make_video(const MadeUpVideo& wanted);

struct MadeUpAudio {
  const char* encoder = "aac";
  int sample_rate = 48'000;
  int channels = 2;
  int milliseconds = 2000;
};

// A tone of 440 Hz with a click at each whole second.
Result<MadeUpSource> make_audio(const MadeUpAudio& wanted);

}  // namespace klieg::codec

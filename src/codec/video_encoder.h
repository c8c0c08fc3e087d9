// An H.264 encoder that keeps no picture back: one in, one sample's content out.
//
// Held to a rung's bitrate with peaks of at most a second (VBV), no B-frames, key frames only where they are asked for.
// Parameter sets stand in the track, never in the stream; a capture stamp (wire/sei.h) stands before the picture that
// it is of.
#pragma once

#include <cstdint>
#include <optional>

#include "codec/av.h"
#include "media/ladder.h"
#include "media/sample.h"
#include "media/track.h"

namespace klieg::codec {

enum class Coding : uint8_t {
  x264,
  nvenc,  // NVIDIA's, in hardware
};
// What this machine has. Opens the device, so it is called before the sandbox closes.
Coding best_coding();

// What the coded pictures look like, beyond their size.
struct Look {
  double frame_rate = 0;  // of the rung; 0: not known
  media::Colour colour = {};
};

enum class Key : uint8_t { no, yes };

struct CodedPicture {
  Bytes content;  // NAL units behind 4-byte lengths
  media::Sync sync = media::Sync::no;
};

class VideoEncoder {
 public:
  // The error is for the operator. `preset` is x264's.
  static Result<VideoEncoder> open(const media::Rung& rung, const Look& look, Coding coding, const char* preset);

  const media::Track& track() const { return track_; }
  // Of the rung's size, limited range, 4:2:0. `at` strictly increases, save after a restart().
  CodedPicture encode(const AVFrame& picture, MediaTime at, Key key, std::optional<WallTime> captured = {});
  // What follows has other times. The next picture is to be a key frame.
  void restart();

 private:
  VideoEncoder(av::CodecContext context, media::Track track, double frame_rate);

  av::CodecContext context_;
  media::Track track_;
  double frame_rate_;
  av::Frame input_ = av::new_frame();
  av::Packet packet_ = av::new_packet();
  // The encoder counts time in pictures of the nominal rate, so that it spends its bits by time when the rate varies.
  std::optional<MediaTime> origin_;
  int64_t origin_tick_ = 0;
  int64_t last_tick_ = -1;
};

}  // namespace klieg::codec

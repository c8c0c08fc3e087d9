// One video rung: which pictures of the source it takes, where its key frames lie, and what came of them.
#pragma once

#include <optional>
#include <vector>

#include "codec/decoder.h"
#include "codec/scaler.h"
#include "codec/video_encoder.h"
#include "media/ladder.h"

namespace klieg::codec {

class VideoRung {
 public:
  VideoRung(media::RungId id, const media::Rung& rung, VideoEncoder encoder);

  media::RungId id() const { return id_; }
  const media::Track& track() const { return encoder_.track(); }
  int64_t pixels() const { return int64_t{scaler_.width()} * scaler_.height(); }
  Scaler& scaler() { return scaler_; }

  // A new generation: the next picture at or after `from` is a key frame, and the first that is sent.
  void begin(MediaTime from);
  // From the next key frame on.
  void set_presence(media::Presence presence) { wanted_ = presence; }

  // Whether the picture of this frame is made. `key`: the grid has a key frame here.
  enum class Turn : uint8_t { pass, inter, key };
  Turn turn(const SourceFrame& frame, Key key);
  // After a turn that was not pass; `picture` has the rung's size.
  void code(const AVFrame& picture, const SourceFrame& frame, Turn turn);
  // Nothing follows: what still waits for its duration has it.
  void finish();

  std::vector<media::Sample> take_made() { return std::exchange(made_, {}); }

 private:
  media::RungId id_;
  uint32_t divisor_;
  VideoEncoder encoder_;
  Scaler scaler_;
  MediaTime from_ = MediaTime::min();
  media::Presence wanted_ = media::Presence::media;
  media::Presence presence_ = media::Presence::media;
  bool begun_ = false;                    // the generation has reached `from_`
  bool started_ = false;                  // a picture was coded since it began, or since the rung came back
  uint32_t since_taken_ = 0;              // frames of the source from the last taken one on
  std::optional<media::Sample> waiting_;  // stands for all of them; sent when they are `divisor_`, or the next is taken
  std::vector<media::Sample> made_;
};

}  // namespace klieg::codec

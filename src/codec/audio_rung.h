// One audio rung: AAC-LC whose frames lie where the source's sound lay, whatever the encoder's delay.
//
// Mono stays mono, more than two channels become two. A short hole in the source is filled with silence, a long one
// stays; sound that comes twice is cut. Frames lie on multiples of their length since media time zero, or where the
// source's own frames of that length lie, so that another worker that takes over goes on with the same frames.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "base/time.h"
#include "codec/av.h"
#include "media/ladder.h"
#include "media/sample.h"
#include "media/track.h"

namespace klieg::codec {

class AudioRung {
 public:
  // The error is for the operator.
  static Result<AudioRung> open(media::RungId id, const media::Rung& rung, const media::Track& source);

  media::RungId id() const { return id_; }
  const media::Track& track() const { return track_; }

  // A new generation: frames that begin at or after `from` are sent.
  void begin(MediaTime from);
  void set_presence(media::Presence presence);
  // Decoded sound; its pts is its presentation time in nanoseconds.
  void push(const AVFrame& sound);
  void finish();  // what is still inside comes out, its last frame filled up with silence

  std::vector<media::Sample> take_made() { return std::exchange(made_, {}); }

 private:
  AudioRung(media::RungId id, const media::Rung& rung, media::Track source, int rate);
  Result<void> open_encoder();
  bool prepare(const AVFrame& sound);
  void place(MediaTime at);
  void store(const AVFrame* sound, int skipped);
  void store_silence(int64_t samples);
  void encode(const AVFrame* frame);
  void encode_whole_frames();
  MediaTime time_of(int64_t index) const;

  media::RungId id_;
  media::Rung rung_;
  media::Track source_;
  int rate_;
  media::Track track_;
  MediaTime from_ = MediaTime::min();
  media::Presence presence_ = media::Presence::media;

  av::CodecContext encoder_;
  av::Resampler resampler_;
  av::AudioFifo fifo_;
  int from_format_ = -1;
  int from_rate_ = 0;
  int from_channels_ = 0;

  // Sound is counted in samples per channel of what goes into the encoder.
  struct Anchor {
    int64_t index = 0;
    MediaTime at;
  };
  std::deque<Anchor> anchors_;  // the last one at or before an index says its time; ascending
  MediaTime expected_;          // of the next sound, if there is no hole
  int64_t skip_ = 0;            // samples still to drop so that frames lie on their grid
  int64_t stored_ = 0;
  int64_t sent_ = 0;   // into the encoder
  int64_t coded_ = 0;  // out of the encoder
  std::optional<MediaTime> last_;
  std::vector<media::Sample> made_;
};

}  // namespace klieg::codec

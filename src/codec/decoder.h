// Decoders of a broadcast's source: samples in, pictures and sound out, each with the time that its sample had.
//
// No thread of their own and no delay that the stream does not ask for. A broken sample gives what can be concealed or
// nothing; decoding goes on with the next.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "codec/av.h"
#include "media/sample.h"
#include "media/track.h"

namespace klieg::codec {

// What a sample became. Presentation time in nanoseconds travels as its pts; FFmpeg copies that unread.
class Decoder {
 public:
  // The error is for the operator.
  static Result<Decoder> open(const media::Track& track);

  std::vector<av::Frame> decode(const media::Sample& sample);
  std::vector<av::Frame> drain();  // what was still inside; then, and only then, decoding may begin anew

  // What the decoder said of the last sample that it refused, for the operator; nothing, if it refused none.
  std::string objection() const { return objection_ == 0 ? "" : av::words_of(objection_); }

 private:
  explicit Decoder(av::CodecContext context) : context_(std::move(context)), packet_(av::new_packet()) {}
  std::vector<av::Frame> received();

  av::CodecContext context_;
  av::Packet packet_;
  int objection_ = 0;
};

struct SourceFrame {
  av::Frame picture;
  MediaTime at;
  Duration duration{0};
  media::Sync sync = media::Sync::no;
  std::optional<WallTime> captured;  // by the capture stamp in its sample (wire/sei.h)
};

// Pictures in the order of their presentation, with the sync of their samples and an exact duration. While nothing is
// reordered that is the sample's own and a picture comes out at once; else it waits for the next one's time.
class VideoSource {
 public:
  static Result<VideoSource> open(const media::Track& track);

  std::vector<SourceFrame> decode(const media::Sample& sample);
  std::vector<SourceFrame> drain();
  std::string objection() const { return decoder_.objection(); }

 private:
  struct Expected {
    Duration duration{0};
    media::Sync sync = media::Sync::no;
    std::optional<WallTime> captured;
  };
  VideoSource(media::Track track, Decoder decoder) : track_(std::move(track)), decoder_(std::move(decoder)) {}
  std::optional<WallTime> capture_stamp_in(const media::Sample& sample) const;
  void arrange(std::vector<av::Frame> pictures, std::vector<SourceFrame>& out);

  media::Track track_;
  Decoder decoder_;
  std::map<MediaTime, Expected> expected_;  // of samples whose pictures have not come
  std::optional<Duration> first_offset_;
  bool reordered_ = false;
  std::optional<SourceFrame> held_;
  std::optional<MediaTime> last_;
};

}  // namespace klieg::codec

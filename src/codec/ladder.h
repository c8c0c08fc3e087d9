// The work of a codec worker, without its socket: what the server says goes in, what the worker says comes out.
//
// One decoding feeds all rungs: a picture is scaled from the next larger one that was made of the same frame. While the
// next is scaled, the hands of a crew code what has been, and each rung's sample is said when it and all larger ones
// are coded.
#pragma once

#include <functional>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include "codec/audio_rung.h"
#include "codec/crew.h"
#include "codec/decoder.h"
#include "codec/snapshot.h"
#include "codec/video_rung.h"
#include "codec/yield.h"
#include "wire/codec_message.h"

namespace klieg::codec {

struct Settings {
  Coding coding = Coding::x264;
  const char* preset = "veryfast";  // of x264
};

class Ladder {
 public:
  using Say = std::function<void(const wire::codec::FromWorker&)>;
  // `clock` measures how long coding takes; nothing else depends on it. The crew outlives the ladder.
  Ladder(Settings settings, Crew& crew, Say say, std::function<LoopTime()> clock);

  // What is said meanwhile answers it. Messages out of their order change nothing.
  void on_message(const wire::codec::ToWorker& message);

 private:
  void on(const wire::codec::Configure& configure);
  void on(const wire::codec::Begin& begin);
  void on(const wire::codec::SourceSample& source);
  void on(const wire::codec::SetPresence& set);
  void on(const wire::codec::Drain& drain);

  Result<void> open(const wire::codec::Configure& configure);
  Result<void> open_video_rung(media::RungId id, const media::Rung& rung);
  // What a rung makes of the frame at hand.
  struct UnderWay {
    VideoRung& rung;
    std::future<void> end;  // not valid: it makes nothing of it
    bool over() const;
  };
  void on_frame(const SourceFrame& frame);
  UnderWay start_coding(VideoRung& rung, const SourceFrame& frame, Key key);
  Key key_at(const SourceFrame& frame);
  void take_snapshots(const SourceFrame& frame);
  void finish();
  void note_yield(const wire::codec::SourceSample& source, size_t frames, const std::string& objection);
  void say_progress(const media::Sample& sample, LoopTime begun);
  template <class Rung>
  void say_made(Rung& rung);

  // A picture of the frame at hand: as it came, then as it was made for each rung, ever smaller.
  struct Made {
    const AVFrame* picture;
    Orientation orientation;
  };
  // The smallest that is not smaller than this, upright.
  const Made& made_for(int width, int height) const;

  Settings settings_;
  Crew& crew_;
  Say say_;
  std::function<LoopTime()> clock_;

  std::optional<media::Track> video_;  // the sources
  std::optional<media::Track> audio_;
  std::optional<VideoSource> video_source_;
  std::optional<Decoder> audio_source_;
  Yield video_yield_;
  Yield audio_yield_;
  std::vector<VideoRung> video_rungs_;  // the largest first
  std::vector<AudioRung> audio_rungs_;
  std::vector<Snapshot> snapshots_;
  Duration key_grid_{0};
  MediaTime key_origin_;
  std::optional<int64_t> grid_line_;  // the last one that was passed

  std::optional<uint32_t> generation_;  // none: no Begin yet
  MediaTime pictures_from_ = MediaTime::min();
  MediaTime done_{};
  Orientation orientation_;  // of the source now
  std::vector<Made> made_;
};

}  // namespace klieg::codec

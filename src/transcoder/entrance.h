// Stands where a broadcast comes in and decides whether what came is what viewers get.
//
//   judging --fit for every player, or nothing can be made of it--> passing
//      |                                                              ^
//      +--- it is not, and says why in the log ---> encoding ---------+ the worker cannot go on
//
//   passing    ingest -> packager -> transcoder -> rungs           the source is the top rung, untouched
//   encoding   ingest -> transcoder -> its first rung -> packager  the source is not shown
//                                   -> the other rungs -> rungs
//
// Pure, one per broadcast. While it judges, nothing has reached the packager: what came waits here, at most as long as
// two key frames on a grid take (2 s and a frame), which the packager would wait for in any case.
//
// At a pause what is in the coders comes out first, and viewers hear of the pause then: a moment later, and a bounded
// one (LadderPort answers). Where the clock jumps or the broadcast is ended at once, the server's stop, that much is
// lost.
//
// A broadcast is judged once. One that was encoded and can no longer be is passed on from its next key frame, as a
// change of format; it stays so.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "media/ports.h"
#include "transcoder/ladder.h"
#include "transcoder/pass_through.h"

namespace klieg::transcoder {

// Whoever makes the ladder of a source.
class LadderPort : public media::SourceSink {
 public:
  // Before on_source_track, or later: the ladder is told anew then, even if it is the same. TopRung::none: the first
  // rung becomes the broadcast.
  virtual void set_top(TopRung top) = 0;
};

class Entrance final : public media::SampleSink, public media::SourceSink, public media::RungSink {
 public:
  // Beyond, judging ends: 3 s at 25 Mbit/s, and twice what comes at 200 frames of both kinds a second.
  static constexpr size_t waiting_bytes_max = 3 * 25'000'000 / 8;
  static constexpr size_t waiting_count_max = 1'200;
  // Sound that comes before the picture of its period: as much as ingest keeps.
  static constexpr size_t early_audio_max = 128;
  // Sound that waits for the picture to be coded: 10 s. Beyond, the picture does not come.
  static constexpr size_t sound_max = 500;
  // Frames that are being coded, whose arrival is remembered: 10 s at 60 fps.
  static constexpr size_t arrivals_max = 600;

  // `packager` and `rungs` outlive it.
  Entrance(std::string broadcast, PassThroughLimits limits, media::SampleSink& packager, media::RungSink& rungs);
  // Before anything comes.
  void tell_ladder_to(LadderPort& ladder) { ladder_ = &ladder; }

  // From ingest.
  void on_promised(media::TrackKind kind) override;
  void on_track(const media::Track& track) override;
  void on_sample(media::TrackKind kind, media::Sample sample, WallTime wall) override;
  void on_discontinuity(media::Discontinuity why, MediaTime at) override;
  void on_data(Bytes amf, MediaTime at) override;
  void on_paused() override;
  void on_resumed() override;
  void on_ended() override;

  // From the packager: for the ladder while the source is passed.
  void on_source_track(const media::Track& track) override;
  void on_source_period(MediaTime start) override;
  void on_source_sample(media::TrackKind kind, const media::Sample& sample) override;
  void on_source_paused() override;
  void on_source_ended() override;

  // From the ladder: the first rung is for the packager while the source is encoded.
  void on_ladder(const std::vector<media::Rung>& rungs) override;
  void on_rung_track(media::RungId rung, const media::Track& track) override;
  void on_rung_sample(media::RungId rung, media::Sample sample) override;
  void on_rung_presence(media::RungId rung, media::Presence presence, MediaTime from) override;
  void on_picture(const media::Picture& picture) override;
  void on_drained() override { settle_pause(); }

 private:
  enum class State : uint8_t { judging, passing, encoding };
  struct Arrival {
    MediaTime shown;
    WallTime wall;
    std::optional<WallTime> captured;
  };
  struct Sound {
    media::Sample sample;
    WallTime wall;
  };

  void wait(size_t bytes, std::move_only_function<void()> call);
  void judge();
  void pass();
  void encode();
  void fall_back();
  void replay();

  // encoding
  void feed(media::TrackKind kind, const media::Sample& sample, WallTime wall);
  void give(media::TrackKind kind, media::Sample sample);
  void flush_held();
  void end_period();
  void settle_pause();
  void release_sound();
  bool is_top(media::RungId rung) const { return state_ == State::encoding && rung == 0; }
  media::RungId below_top(media::RungId rung) const {
    return static_cast<media::RungId>(state_ == State::encoding ? rung - 1 : rung);
  }

  const std::string broadcast_;
  media::SampleSink& packager_;
  media::RungSink& rungs_;
  LadderPort* ladder_ = nullptr;
  PassThrough judge_;
  State state_ = State::judging;
  std::array<std::optional<media::Track>, 2> tracks_;  // of the source, by TrackKind

  std::deque<std::move_only_function<void()>> waiting_;  // calls, while judging
  size_t waiting_bytes_ = 0;

  bool has_top_ = false;       // the ladder has a rung that can be the broadcast
  bool pausing_ = false;       // the packager has still to hear of it
  bool period_begun_ = false;  // the ladder knows of it
  MediaTime period_start_;
  std::array<std::optional<media::Sample>, 2> held_;  // until the next says how long it lasts
  std::array<Duration, 2> last_duration_{};
  std::deque<media::Sample> early_audio_;
  std::deque<Arrival> arrivals_;
  Arrival arrival_;  // of the frame shown last
  // The packager takes sound alone for a broadcast without pictures: it gets none before the period's first picture.
  bool picture_shown_ = false;
  std::deque<Sound> sound_;
  std::optional<media::Track> top_track_;
  bool awaits_key_ = false;  // passing again: from the next key frame on
  // Since it passes again, no ladder has been told: what comes has the RungIds of one whose first rung was the top.
  bool ladder_is_old_ = false;
};

}  // namespace klieg::transcoder

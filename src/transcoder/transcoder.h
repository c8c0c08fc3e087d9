// The transcoder of one broadcast: the source goes in, a worker is driven, the rungs of the ladder come out.
//
// Pure: no process, no socket, no clock. The source's samples and the worker's messages go in with `now`; what is to be
// said to the worker comes out through WorkerPort, the rungs through media::RungSink, and wake_at() says when on_time()
// is due. worker_host.h joins it to all three. README.md has the state diagram.
//
// Whatever happens here, the source is never touched: the worst that comes out is gaps.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "media/ports.h"
#include "transcoder/backoff.h"
#include "transcoder/ladder.h"
#include "transcoder/pace.h"
#include "transcoder/replay.h"
#include "wire/codec_message.h"

namespace klieg::transcoder {

enum class Start : uint8_t {
  always,
  first_viewer,  // the rungs are listed and gaps until want()
};

struct TranscoderSettings {
  std::string broadcast;  // for the log
  std::vector<RungWish> rungs;
  Start start = Start::always;
  wire::codec::Pictures pictures;
};

// How a worker was lost or let go.
enum class WorkerEnd : uint8_t {
  let_go,       // the broadcast has no more need of it
  exited,       // by itself: it should not have
  killed,       // by a signal: a crash, the sandbox, the kernel's want of memory, an operator
  hung,         // it did not answer, or did not read
  broken,       // what it said makes no sense
  not_started,  // there was none to be had
};
std::string_view name_of(WorkerEnd end);

enum class Admission : uint8_t { granted, refused };

// The one worker that a transcoder has at a time, and the machine's leave to use it.
class WorkerPort {
 public:
  virtual ~WorkerPort() = default;
  // Asks for this much of the machine in the place of what was granted before. Refused: what was granted stays.
  virtual Admission admit(double cores) = 0;
  virtual void give_back() = 0;  // what was granted
  enum class Taken : uint8_t { worker, none };
  virtual Taken take_worker() = 0;  // none: it cannot be started now; the port says why in the log
  virtual void tell(const wire::codec::ToWorker& message) = 0;
  // The worker is ended at once and nothing more is heard of it.
  virtual void end_worker(WorkerEnd why) = 0;
  // Processor time that the worker has used since it was started.
  virtual Duration worker_used() = 0;
};

class Transcoder {
 public:
  // A worker with something to do says Progress with every frame: 30 frames of silence are not thinking. It has hung if
  // it used the processor for all that time, or of late not at all; one in between is starved by the machine, and
  // another would be, too. Beyond Pace::lag_max it is too slow, then.
  static constexpr Duration silence_max = 1s;
  static constexpr Duration look_every = silence_max / 2;
  static constexpr Duration asleep_max = 1ms;  // of the processor between two looks
  // Opening eight encoders takes 0.2 s on an idle machine; starting the program, if there was no spare, as much again.
  static constexpr Duration opening_max = 3s;
  static constexpr Duration opening_starved_max = 10s;
  // For what is in the coders when the broadcast ends.
  static constexpr Duration draining_max = 2s;
  // For the same at a pause, of which viewers hear that much later: as long as a worker may be silent.
  static constexpr Duration pausing_max = silence_max;
  // Where the source keeps no grid that could be taken.
  static constexpr Duration own_grid = 1s;

  Transcoder(TranscoderSettings settings, WorkerPort& port, media::RungSink& out);

  // What stands above the ladder; said before on_source_track, TopRung::source if never. With `none` the first rung is
  // the broadcast itself: key frames lie on a grid of their own, and that rung is given up last.
  void set_top(LoopTime now, TopRung top);

  // The source: as media::SourceSink, with the time at which it happens.
  void on_source_track(LoopTime now, const media::Track& track);
  void on_source_period(LoopTime now, MediaTime start);
  void on_source_sample(LoopTime now, media::TrackKind kind, const media::Sample& sample);
  void on_source_paused(LoopTime now);
  void on_source_ended(LoopTime now);

  // Somebody wants to see a rung. Matters once, with Start::first_viewer.
  void want(LoopTime now);

  // The worker taken last.
  void on_message(LoopTime now, wire::codec::FromWorker message);
  void on_worker_lost(LoopTime now, WorkerEnd how, const std::string& words);  // for the log

  void on_time(LoopTime now);
  std::optional<LoopTime> wake_at() const;

  struct Counts {
    uint64_t shed = 0;         // rungs given up
    uint64_t taken_back = 0;   // and made again
    uint64_t rests = 0;        // times that workers died one after the other
    uint64_t undecodable = 0;  // sources that no worker could make anything of
    uint64_t doubled = 0;      // samples that came again after a replay
  };
  const Counts& counts() const { return counts_; }
  Duration lag() const { return pace_.lag(); }

 private:
  enum class State : uint8_t {
    off,       // there is nothing to make, or no leave to make it
    working,   // there is a worker
    resting,   // workers died one after the other
    stalled,   // the machine could not keep up with anything
    draining,  // the source has ended, the worker says its last
    ended,
  };

  struct RungState {
    media::Rung rung;
    std::optional<media::Track> track;  // as told downstream
    media::Presence presence = media::Presence::media;
    bool pending = false;  // the presence waits for a key frame
    bool shed = false;
    std::optional<MediaTime> media_from;  // the key frame with which its media began, if they had stopped
    std::optional<MediaTime> last_decode_time;
    MediaTime resume_at;  // after all that has come out: before the next frame, behind the last
  };

  // The ladder.
  Source source() const;
  bool takes_pictures() const;
  bool uses(media::TrackKind kind) const;  // something is made of it
  media::TrackKind leading_kind() const;   // of which Progress tells
  void decide_ladder(LoopTime now);
  void adopt(const std::vector<media::Rung>& ladder);
  void turn_off();
  void settle_period(const media::Sample& first);
  bool wants_media(const RungState& rung) const;
  void settle_presence();
  bool begins_coding_anew(const media::Sample& sample);
  void key_frame_came(MediaTime at);
  bool feeds() const;  // the worker is to have the samples

  // The worker.
  void replace_worker(LoopTime now, Duration rest);
  void configure(LoopTime now);
  void try_begin(LoopTime now);
  void begin(LoopTime now);
  void feed(LoopTime now, media::TrackKind kind, const media::Sample& sample);
  void rest_worker();
  void say_drained();
  std::optional<LoopTime> due() const;  // but for the end of a pause's patience
  void note_life(LoopTime now);
  void judge_silence(LoopTime now);
  void give_up_worker(LoopTime now, WorkerEnd how, const std::string& words);
  void finish();

  // What it says: false where it makes no sense.
  bool take(LoopTime, wire::codec::Hello&) { return true; }
  bool take(LoopTime now, wire::codec::RungTrack& message);
  bool take(LoopTime now, wire::codec::Configured& message);
  bool take(LoopTime now, wire::codec::Refused& message);
  bool take(LoopTime now, wire::codec::RungSample& message);
  bool take(LoopTime now, wire::codec::PictureMade& message);
  bool take(LoopTime now, wire::codec::Progress& message);
  bool take(LoopTime now, wire::codec::Drained& message);
  bool take(LoopTime now, wire::codec::Undecodable& message);

  // Keeping up.
  void keep_pace(LoopTime now);
  void shed_one(LoopTime now);
  void shed_all(LoopTime now);
  void take_back(LoopTime now);
  std::optional<double> growth_of_next() const;

  const TranscoderSettings settings_;
  TopRung top_ = TopRung::source;
  WorkerPort& port_;
  media::RungSink& out_;

  State state_ = State::off;
  std::array<std::optional<media::Track>, 2> tracks_;  // of the source, by TrackKind
  // By TrackKind: nothing came of it, so nothing is made of it. Until it has another track, or its publisher comes
  // again: a broadcast whose clock jumps is not tried again and again.
  std::array<bool, 2> undecodable_{};
  bool publisher_left_ = false;  // since the last period began
  bool tracks_changed_ = false;
  LoopTime tracks_changed_at_;
  bool ladder_told_ = false;
  bool period_began_ = false;  // and no sample of the leading kind has come since
  bool wanted_;
  std::vector<RungState> rungs_;  // by RungId
  Replay replay_;
  Pace pace_;
  Backoff backoff_;
  LoopTime rest_until_;
  LoopTime drain_until_;
  std::optional<LoopTime> pausing_until_;  // there is a pause, and on_drained() is still to be said

  // Of the worker there is.
  bool begun_ = false;       // it has had Begin for what comes now
  uint32_t opening_ = 0;     // Configures that it has not answered
  uint64_t unanswered_ = 0;  // samples of the leading kind without Progress
  LoopTime silent_since_;
  LoopTime looked_at_;
  Duration used_before_silence_{0};
  Duration used_at_look_{0};
  uint32_t generation_ = 0;
  uint32_t generation_min_ = 1;  // what comes of older ones belongs to another ladder

  MediaTime period_start_;
  std::optional<int64_t> grid_line_;  // of our own grid, the last that was passed
  std::optional<MediaTime> newest_;   // of the source's leading kind, presentation
  Counts counts_;
};

}  // namespace klieg::transcoder

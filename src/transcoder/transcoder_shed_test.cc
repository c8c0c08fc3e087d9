// Rungs that are shed when a worker does not keep up, and how they come back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/logging.h"
#include "base/random.h"
#include "transcoder/made_up_worker.h"
#include "transcoder/transcoder.h"

namespace klieg::transcoder {
namespace {

using namespace made_up;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Transcoder, a_worker_that_falls_behind_loses_its_top_rung_and_gets_it_back) {
  Stage stage;
  stage.begin();
  stage.frames_for(5s);
  // A little slower than the source, three messages a frame.
  for (int i = 0; stage.out.gaps().empty() && i < 1000; ++i) stage.frame(i % 4 ? 3 : 2);
  EXPECT_THAT(stage.out.gaps(), ElementsAre("480p"));
  EXPECT_LT(stage.transcoder.lag(), 1500ms);
  stage.frames_for(9s);
  EXPECT_THAT(stage.out.gaps(), ElementsAre("480p")) << "not at once";
  const size_t before = stage.out.samples[0].size();
  stage.frames_for(3s);
  EXPECT_THAT(stage.out.gaps(), IsEmpty());
  ASSERT_GT(stage.out.samples[0].size(), before);
  EXPECT_EQ(stage.out.samples[0][before].sync, media::Sync::yes);
  EXPECT_EQ(times_of(stage.out.samples[1]), stage.given[0]) << "the other rungs never notice";
}

// How late rungs come out of a machine whose speed is the first for so long, then the second...
struct SlowMachine : Stage {
  SlowMachine() {
    const LoopTime start = now;
    out.on_sample = [this, start](const media::Sample& sample) {
      latest = std::max(latest, (now - start) - sample.decode_time.time_since_epoch());
    };
    begin();
  }
  void run(double speed, Duration length) {
    for (const MediaTime end = at + length; at < end;) frame_at_speed(speed);
  }
  size_t changes() const { return transcoder.counts().shed + transcoder.counts().taken_back; }
  Duration latest{0};
};

TEST(TranscoderOnASlowMachine, that_carries_all_but_the_top_rung_keeps_the_others_whole) {
  SlowMachine machine;
  machine.run(1, 10s);
  machine.run(0.5, 300s);  // 240p takes 0.21, 480p 0.4 more
  EXPECT_THAT(machine.out.gaps(), ElementsAre("480p"));
  EXPECT_EQ(machine.transcoder.counts().shed, 1u) << "what would not fit is not tried";
  EXPECT_EQ(times_of(machine.out.samples[1]).size(), machine.given[0].size());
  EXPECT_LE(machine.latest, 2500ms);
  machine.run(1, 30s);
  EXPECT_THAT(machine.out.gaps(), IsEmpty());
}

TEST(TranscoderOnASlowMachine, that_cannot_even_decode_makes_nothing_and_tries_ever_less_often) {
  SlowMachine machine;
  machine.run(1, 10s);
  machine.run(0.05, 600s);
  EXPECT_EQ(machine.out.gaps().size(), 3u);
  EXPECT_LE(machine.changes(), 3u + 2 * 2 * 8) << "10, 20, 40... s";
}

TEST(TranscoderOnASlowMachine, of_any_speed_makes_no_rung_later_than_the_bound_and_all_when_it_can_again) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    SlowMachine machine;
    machine.run(1, 10s);
    for (int i = 0; i < 10; ++i) machine.run(0.2 + random.unit() * 1.2, 10s);
    EXPECT_LE(machine.latest, Pace::lag_max + 200ms);  // a frame or two at such a speed
    machine.run(1.5, 330s);                            // the longest wait, and a little
    EXPECT_THAT(machine.out.gaps(), IsEmpty());
  }
}

TEST(Transcoder, a_worker_that_keeps_up_with_nothing_gets_nothing_and_is_tried_again) {
  Stage stage;
  stage.begin();
  stage.frames_for(5s);
  for (int i = 0; i < 200; ++i) stage.frame(1);
  EXPECT_EQ(stage.out.gaps().size(), 3u);
  EXPECT_THAT(stage.port.ended, ElementsAre(WorkerEnd::let_go)) << "with all that would come ever later";
  stage.frames_for(2s);
  EXPECT_FALSE(stage.port.worker);
  stage.frames_for(10s);
  EXPECT_THAT(stage.out.gaps(), ElementsAre("480p")) << "the least is tried first";
  stage.frames_for(15s);
  EXPECT_THAT(stage.out.gaps(), IsEmpty());
}

TEST(Transcoder, a_rung_that_was_shed_stays_so_when_the_worker_dies) {
  Stage stage;
  stage.begin();
  stage.frames_for(5s);
  for (int i = 0; stage.out.gaps().empty() && i < 1000; ++i) stage.frame(i % 4 ? 3 : 2);
  ASSERT_THAT(stage.out.gaps(), ElementsAre("480p"));
  stage.frames_for(2s);
  const size_t before = stage.out.samples[0].size();
  stage.lose_worker();
  stage.frames_for(2s);
  EXPECT_EQ(stage.out.samples[0].size(), before);
  EXPECT_EQ(times_of(stage.out.samples[1]), stage.given[0]);
}

}  // namespace
}  // namespace klieg::transcoder

// A publisher's messages through a broadcast into a sink that checks what every sink may rely on.
//
// Input: messages of 1 byte kind (or a departure, a return), 2 bytes of elapsed milliseconds, 4 bytes of timestamp,
// 2 bytes of body size, body.
#include <optional>

#include "base/assert.h"
#include "ingest/broadcast.h"

using namespace klieg;

namespace {

class CheckingSink final : public media::SampleSink {
 public:
  void on_track(const media::Track& track) override {
    expect_alive();
    KLIEG_ASSERT(wire::format_known(track), "a track is announced when its format is known");
    KLIEG_ASSERT(!track.codecs.empty(), "a track has a codecs string");
    announced_[static_cast<size_t>(track.kind)] = true;
  }
  void on_sample(media::TrackKind kind, media::Sample sample, WallTime) override {
    expect_alive();
    const auto lane = static_cast<size_t>(kind);
    KLIEG_ASSERT(announced_[lane], "a sample has a track");
    KLIEG_ASSERT(!sample.content.empty(), "a sample has content");
    KLIEG_ASSERT(!last_[lane] || sample.decode_time > *last_[lane], "decode times increase");
    KLIEG_ASSERT(started_ || sample.sync == media::Sync::yes, "the first sample is sync");
    KLIEG_ASSERT(!paused_, "nothing flows while paused");
    KLIEG_ASSERT(started_ || sample.decode_time == MediaTime{}, "the first sample is at zero");
    last_[lane] = sample.decode_time;
    started_ = true;
  }
  void on_discontinuity(media::Discontinuity, MediaTime) override { KLIEG_ASSERT(started_, "something was there"); }
  void on_data(Bytes, MediaTime) override { expect_alive(); }
  void on_paused() override { KLIEG_ASSERT(!std::exchange(paused_, true), "paused once"); }
  void on_resumed() override { KLIEG_ASSERT(std::exchange(paused_, false), "resumed after a pause"); }
  void on_ended() override { KLIEG_ASSERT(!std::exchange(ended_, true), "ended once"); }

  bool ended() const { return ended_; }

 private:
  void expect_alive() const { KLIEG_ASSERT(!ended_, "nothing follows the end"); }

  bool announced_[2] = {};
  std::optional<MediaTime> last_[2];
  bool started_ = false;
  bool paused_ = false;
  bool ended_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  CheckingSink sink;
  ingest::Broadcast broadcast({}, sink);
  LoopTime now{1000s};
  const WallTime wall{Duration(1'795'000'000s)};
  broadcast.publisher_began(now, wall);
  bool published = true;
  ByteReader in(ByteView(data, size));
  while (in.remaining() >= 9 && !sink.ended()) {
    const uint8_t kind = in.u8() % 8;
    now += std::chrono::milliseconds(in.u16());
    const uint32_t timestamp_ms = in.u32();
    const ByteView body = in.bytes(std::min<size_t>(in.u16(), in.remaining()));
    if (const auto at = broadcast.wake_at(); at && now >= *at) {
      broadcast.on_wake(now);
      KLIEG_ASSERT(sink.ended(), "nobody returned");
      break;
    }
    if (kind == 7) {
      if (published) {
        broadcast.publisher_gone(now);
      } else {
        broadcast.publisher_began(now, wall);
      }
      published = !published;
      continue;
    }
    const auto refusal = broadcast.on_message({.kind = static_cast<ingest::MediaMessage::Kind>(kind % 3),
                                               .timestamp_ms = timestamp_ms,
                                               .body = Bytes::copy_of(body)},
                                              now, wall);
    if (refusal) KLIEG_ASSERT(!refusal->words.empty(), "a refusal has words");
  }
  broadcast.end();
  KLIEG_ASSERT(sink.ended(), "an end is an end");
  return 0;
}

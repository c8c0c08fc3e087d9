// What a server may answer to a viewer of DASH: a manifest, then the same bytes for whatever it asks for. No instant
// wraps, and it ends or asks for something.
#include <memory>

#include "base/assert.h"
#include "player/dash_viewer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace klieg;
  using player::DashViewer;
  const player::ClockRelation clocks{.round_trip = 1ms, .loop_to_server_wall = 1'800'000'000s};
  const Bytes content = Bytes::copy_of(ByteView(data, size));
  for (const auto tier : {player::Tier::dash, player::Tier::ll_dash}) {
    DashViewer viewer("/live/cam/manifest.mpd", tier, clocks);
    LoopTime now(100s);
    for (int steps = 0; steps < 20; ++steps) {
      const auto wanted = viewer.next(now);
      if (!wanted) break;
      KLIEG_ASSERT(!wanted->target.empty(), "something is asked for");
      player::Answered answered{.asked = now, .first_byte = now, .last_byte = now, .status = 200, .body = content};
      if (steps % 5 == 4) answered.status = 404;
      if (wanted->body == player::Body::growing) viewer.grew(answered, content, now);
      if (!viewer.take(answered)) break;
      now += 700ms;
    }
  }
  return 0;
}

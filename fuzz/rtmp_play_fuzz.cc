// The play side of RTMP, whatever a player says, whenever the broadcast begins, ends or is refused: what we say stays a
// chunk stream that can be read, answers are no longer than what asked for them allows, and every session ends.
#include <vector>

#include "base/assert.h"
#include "push/rtmp_session.h"

using namespace klieg;
using namespace klieg::push;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  LoopTime now(1000s);
  wire::rtmp::PlayRequest request;
  request.connect.app = "live/ada";
  request.stream_id = 1;
  const size_t name_size = data[0] % 16;
  const size_t unread_size = std::min<size_t>(data[1], size - 3);
  const size_t piece = 1 + size_t{data[2]};
  data += 3;
  size -= 3;
  request.name.assign(reinterpret_cast<const char*>(data), std::min(name_size, size));
  request.unread.assign(data, data + unread_size);
  RtmpSession session(std::move(request), {}, now);

  wire::rtmp::ChunkReader reader(1 << 20);
  const auto look = [&] {
    size_t said = 0;
    for (const Bytes& output : session.take_output()) {
      said += output.size();
      for (ByteView rest = output; !rest.empty();) {
        const auto message = reader.read(rest);
        KLIEG_ASSERT(message, "what we say is a chunk stream");
      }
    }
    KLIEG_ASSERT(said < 300 * (piece + 256), "an answer has a size that its question pays for");
  };
  look();
  size_t step = 0;
  for (ByteView rest(data + unread_size, size - unread_size); !rest.empty(); ++step) {
    const ByteView bytes = rest.first(std::min(piece, rest.size()));
    rest = rest.subspan(bytes.size());
    session.receive(bytes);
    look();
    if (step == name_size && session.state() == RtmpState::asking) session.begin();
    if (step == 3 * name_size + 5) session.finish(now);
    now += 100ms;
    session.wake(now);
    look();
  }
  if (session.state() == RtmpState::playing) session.refuse("NetStream.Play.Failed", "it changed", now);
  look();
  for (int i = 0; i < 4 && session.wake_at(); ++i) {
    now = std::max(now, *session.wake_at());
    session.wake(now);
    look();
  }
  KLIEG_ASSERT(session.state() == RtmpState::closed, "every session ends");
  return 0;
}

// A viewer over a WebSocket, whatever it says and whenever the broadcast ends: what we say are frames to a client, one
// answer for what came at once, and every session ends once its viewer is silent.
#include <algorithm>
#include <vector>

#include "base/assert.h"
#include "http/websocket_session.h"

using namespace klieg;
using namespace klieg::http;

namespace {

// Control frames of a server: final, without a mask, short; a Close is the last.
void check(const std::vector<Bytes>& output, bool& closed) {
  const Bytes said = Bytes::join(output);
  size_t frames = 0;
  for (ByteView rest = said; !rest.empty(); ++frames) {
    KLIEG_ASSERT(!closed, "nothing follows a Close");
    KLIEG_ASSERT(rest.size() >= 2 && rest[1] <= wire::websocket::control_size_max, "a control frame, unmasked");
    KLIEG_ASSERT(rest.size() >= size_t{2} + rest[1], "a whole one");
    KLIEG_ASSERT(rest[0] == 0x88 || rest[0] == 0x89 || rest[0] == 0x8a, "a Close, a Ping or a Pong");
    closed = rest[0] == 0x88;
    rest = rest.subspan(size_t{2} + rest[1]);
  }
  KLIEG_ASSERT(frames <= 2, "an answer, and a Close");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  LoopTime now(1000s);
  WebSocketSession session({}, now);
  const size_t piece = 1 + size_t{data[0]};
  const size_t closing_step = data[1];
  const Duration pause = data[2] * 20ms;
  bool closed = false;
  const auto look = [&] { check(session.take_output(), closed); };
  size_t step = 0;
  for (ByteView rest(data + 3, size - 3); !rest.empty(); ++step) {
    const ByteView bytes = rest.first(std::min(piece, rest.size()));
    rest = rest.subspan(bytes.size());
    session.receive(bytes, now);
    look();
    if (step == closing_step) {
      session.close(WebSocketEnd::finished, wire::websocket::CloseCode::normal, "", now);
      look();
    }
    now += pause;
    session.wake(now);
    look();
  }
  for (int i = 0; i < 4 && session.state() != WebSocketState::closed; ++i) {
    now = std::max(now, session.wake_at());
    session.wake(now);
    look();
  }
  KLIEG_ASSERT(session.state() == WebSocketState::closed, "every session ends");
  return 0;
}

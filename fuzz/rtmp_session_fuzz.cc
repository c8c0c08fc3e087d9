// A whole connection: the handshake is done for the fuzzer (it cannot guess 1,536 bytes worth guessing), unless the
// first byte is odd; time passes between the pieces. Whatever comes, the session ends once its peer is silent.
#include <vector>

#include "ingest/session.h"

using namespace klieg;
using namespace klieg::ingest;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  LoopTime now(1000s);
  Session session({}, 1, now, WallTime(1'800'000'000s));
  if (data[0] % 2 == 0) {
    std::vector<uint8_t> hello(1 + 2 * wire::rtmp::handshake_packet_size);
    hello[0] = 3;
    session.receive(hello, now);
  }
  const size_t piece = 1 + 16 * size_t{data[1]};
  bool ended = false;
  const auto look = [&] {
    while (auto event = session.next_event()) {
      KLIEG_ASSERT(!ended, "nothing follows the end");
      ended = std::holds_alternative<SessionEnded>(*event);
      if (std::holds_alternative<PlayAsked>(*event) && session.state() == SessionState::watching && (data[0] & 4)) {
        session.hand_over();
        ended = true;
      } else if (std::holds_alternative<PlayAsked>(*event) && session.state() == SessionState::watching &&
                 (data[0] & 8)) {
        session.refuse({RefusalReason::too_many_here, "too many"}, now);
      }
      if (!std::holds_alternative<PublishAsked>(*event) || session.state() != SessionState::claiming) continue;
      if (data[0] & 2) {
        session.refuse({RefusalReason::wrong_key, "wrong key"}, now);
      } else {
        session.accept(now);
      }
    }
    session.take_output();
  };
  for (ByteView rest(data + 2, size - 2); !rest.empty();) {
    const ByteView bytes = rest.first(std::min(piece, rest.size()));
    rest = rest.subspan(bytes.size());
    session.receive(bytes, now);
    look();
    now += 10ms;
    session.wake(now);
    look();
  }
  for (int i = 0; i < 10 && session.wake_at(); ++i) {
    now = std::max(now, *session.wake_at());
    session.wake(now);
    look();
  }
  KLIEG_ASSERT(ended, "a silent peer's session ends");
  return 0;
}

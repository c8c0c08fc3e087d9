// What a viewer sends over a WebSocket: events or a violation, the same however it is cut, and never more than allowed.
#include <algorithm>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/utf8.h"
#include "wire/websocket.h"

namespace {

namespace websocket = klieg::wire::websocket;

constexpr size_t message_size_max = 4096;

struct Got {
  std::vector<websocket::Event> events;
  bool accepted = true;
};

Got read(klieg::ByteView content, size_t piece_size) {
  websocket::Reader reader(message_size_max);
  Got got;
  while (!content.empty()) {
    const klieg::ByteView piece = content.first(std::min(piece_size, content.size()));
    content = content.subspan(piece.size());
    got.accepted = reader.feed(piece, got.events).has_value();
  }
  return got;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Got whole = read({data, size}, std::max<size_t>(size, 1));
  const Got pieced = read({data, size}, 3);
  KLIEG_ASSERT(whole.events == pieced.events && whole.accepted == pieced.accepted, "fragmentation changes nothing");
  for (const auto& event : whole.events) {
    if (const auto* message = std::get_if<websocket::Message>(&event)) {
      KLIEG_ASSERT(message->content.size() <= message_size_max, "the limit holds");
      KLIEG_ASSERT(message->kind == websocket::MessageKind::binary || klieg::is_utf8(message->content.text()),
                   "text is UTF-8");
    } else if (const auto* ping = std::get_if<websocket::Ping>(&event)) {
      KLIEG_ASSERT(ping->payload.size() <= websocket::control_size_max, "a pong can repeat it");
    } else if (std::holds_alternative<websocket::Close>(event)) {
      KLIEG_ASSERT(&event == &whole.events.back(), "a close is the last");
    }
  }
  return 0;
}

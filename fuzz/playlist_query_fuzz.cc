// A request line's path and query, asked of an origin with a broadcast in every state: first byte the state, then
// "path?query". Whatever is asked, the answer is one of the four kinds, and a refusal has words.
#include <cstdlib>
#include <memory>

#include "origin/made_up_broadcast.h"
#include "origin/origin.h"

namespace {

using namespace klieg;

struct Scene {
  explicit Scene(int state) {
    origin.add_channel("cam");
    if (state == 0) return;
    origin.begin("cam", broadcast.begun(), WallTime(1s), LoopTime());
    broadcast.write = [this](const media::Record& record) { origin.apply("cam", record, LoopTime()); };
    broadcast.part_bytes = 2;
    broadcast.start();
    if (state == 1) return;
    broadcast.segments(8);
    broadcast.open();
    broadcast.add_part();
    if (state == 3) broadcast.state(media::BroadcastState::paused);
    if (state == 4) broadcast.state(media::BroadcastState::ended);
  }
  origin::MadeUpBroadcast broadcast;
  origin::Origin origin{origin::Settings{}, nullptr, nullptr};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Scene scenes[] = {Scene(0), Scene(1), Scene(2), Scene(3), Scene(4)};
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const size_t mark = std::min(text.find('?'), text.size());
  const std::string_view path = text.substr(0, mark);
  const std::string_view query = text.substr(std::min(mark + 1, text.size()));
  origin::Origin& origin = scenes[data[0] % 5].origin;
  for (const auto patience : {origin::Patience::may_wait, origin::Patience::exhausted}) {
    const origin::Answer answer = origin.find(path, query, LoopTime(), WallTime(2s), patience);
    if (const auto* refusal = std::get_if<origin::Refusal>(&answer)) {
      if (refusal->words.empty() || refusal->status < 400) std::abort();
    } else if (std::holds_alternative<origin::Hold>(answer)) {
      if (patience == origin::Patience::exhausted) std::abort();
    } else if (const auto* found = std::get_if<origin::Found>(&answer)) {
      if (found->document->content(origin::Coding::gzip).empty()) std::abort();
    }
  }
  return 0;
}

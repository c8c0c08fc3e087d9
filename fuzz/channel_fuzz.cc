// A broadcast as it is pushed, from a parent that means harm: playlists, headers and segments that were changed, cut
// short, exchanged or refused at any moment, in any order. Whatever comes, both renderings take it, who joins late too,
// and names that cannot be asked for are no worse than others.
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "base/assert.h"
#include "push/made_up_source.h"
#include "push/rtmp_reading.h"
#include "push/websocket_reading.h"

using namespace klieg;
using namespace klieg::push;

namespace {

// The steps that a run makes are bytes, and what they need is taken behind them. At the end there are zeroes.
class Script {
 public:
  Script(const uint8_t* data, size_t size) : rest_(data, size) {}
  bool over() const { return rest_.empty(); }
  uint8_t next() {
    if (rest_.empty()) return 0;
    const uint8_t byte = rest_.front();
    rest_ = rest_.subspan(1);
    return byte;
  }
  Bytes some() {
    const size_t size = std::min<size_t>(next(), rest_.size());
    Bytes taken = Bytes::copy_of(rest_.first(size));
    rest_ = rest_.subspan(size);
    return taken;
  }

 private:
  ByteView rest_;
};

std::string path_of(const MadeUpBroadcast& broadcast, uint8_t which) {
  const std::string track = which & 1 ? "audio" : "video";
  switch (which / 2 % 4) {
    case 0:
      return "/live/ada/index.m3u8";
    case 1:
      return broadcast.folder + track + ".m3u8";
    case 2:
      return broadcast.folder + broadcast.header_name(track);
    default:
      return broadcast.segment_name(track, broadcast.frame / MadeUpBroadcast::frames_per_segment + which / 8 % 3);
  }
}

// What is there now, with a byte of it changed.
Bytes header_changed(const MadeUpBroadcast& broadcast, bool video, uint8_t at, uint8_t by) {
  const Bytes header = wire::write_cmaf_header(video ? broadcast.video : broadcast.audio);
  std::string text(header.text());
  text[at * text.size() / 256] ^= static_cast<char>(by);
  return Bytes::take(std::move(text));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Script script(data, size);
  MadeUpSource source;
  MadeUpBroadcast broadcast(source);
  broadcast.frame_size = 40;
  const auto channel = Channel::open(source, "ada", "");
  RtmpReading rtmp([] {}), late([] {});
  WebSocketReading websocket([] {});
  channel->join(rtmp);
  channel->join(websocket);
  bool joined_late = false;
  source.run();
  for (int steps = 0; steps < 200 && !script.over() && !channel->over(); ++steps) {
    switch (const uint8_t step = script.next(); step % 8) {
      case 0:
        broadcast.ticks(1 + step / 8 % 8);
        break;
      case 1: {
        constexpr std::array<uint16_t, 4> statuses{404, 410, 502, 503};
        source.refuse(path_of(broadcast, script.next()), statuses[step / 8 % 4]);
        break;
      }
      case 2:
        source.put(path_of(broadcast, script.next()), script.some());
        break;
      case 3: {  // a segment of anything, whole or not, under a header of any name
        const std::string path = path_of(broadcast, script.next());
        const auto log = std::make_shared<Log>();
        log->append(script.some());
        if (step & 8) log->end(step & 16 ? LogEnd::aborted : LogEnd::complete);
        source.put(path, log, step & 32 ? std::string(script.some().text()) : broadcast.header_name("video"));
        break;
      }
      case 4: {
        ++broadcast.header_version;
        const uint8_t at = script.next(), by = script.next();
        source.put(broadcast.folder + broadcast.header_name("video"), header_changed(broadcast, step & 8, at, by));
        source.put(broadcast.folder + broadcast.header_name("audio"), header_changed(broadcast, step & 16, at, 0));
        break;
      }
      case 5:
        if (const auto log = broadcast.log(step & 8 ? "audio" : "video"); log && log->growing())
          log->append(script.some());
        break;
      case 6:
        source.pass(step * 100ms);
        break;
      default:
        if (!std::exchange(joined_late, true)) channel->join(late);
        break;
    }
    source.run();
  }
  source.pass(10s);
  if (!channel->over()) {
    channel->leave(rtmp);
    channel->leave(websocket);
    if (joined_late) channel->leave(late);
  }
  return 0;
}

// Which packet of a clip goes out when: a decider without clock or socket.
//
// In real time a packet is due when as much time has passed since the start as lies before it in the clip; each is
// measured from the start, so lateness does not add up. Repeated, the clip's times go on growing, modulo 2^32 as RTMP
// counts.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "broadcaster/clip.h"

namespace klieg::broadcaster {

enum class Pace : uint8_t { realtime, at_once };
enum class Repeat : uint8_t { never, for_ever };

class Playback {
 public:
  // The clip must outlive it and have packets.
  Playback(const Clip& clip, Pace pace, Repeat repeat, LoopTime start)
      : clip_(&clip), pace_(pace), repeat_(repeat), start_(start) {}

  struct Due {
    const ClipPacket* packet;
    uint32_t timestamp_ms;
  };
  // The next packet, if its time has come; each is given once.
  std::optional<Due> take(LoopTime now);

  // When the next one's time comes; nothing after the last.
  std::optional<LoopTime> wake_at() const;
  bool ended() const { return next_ == clip_->packets.size(); }

 private:
  Duration position() const;  // of the next packet since the start

  const Clip* clip_;
  Pace pace_;
  Repeat repeat_;
  LoopTime start_;
  uint64_t round_ = 0;
  size_t next_ = 0;
};

}  // namespace klieg::broadcaster

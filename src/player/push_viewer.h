// What a viewer is where the tier is a connection: bytes in, bytes out, and what was pushed.
//
// It owns no socket and no clock; client_push.h joins one to the network. Of the tracks that come it counts one, the
// video where there is one.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "player/viewer.h"

namespace klieg::player {

// A frame, or two.
struct Pushed {
  MediaTime from;
  Duration duration{0};
  std::optional<WallTime> captured;  // where the camera stamped it; on the camera's clock
  LoopTime first_byte;
  LoopTime last_byte;
  Holds holds = Holds::more;
};

class PushViewer {
 public:
  // A key frame of 100 Mbit/s with all of a second in it makes 12.5 MB.
  static constexpr size_t message_size_max = (size_t{16} << 20) + 4096;

  virtual ~PushViewer() = default;
  virtual void receive(ByteView bytes, LoopTime now) = 0;
  // The connection is gone.
  void lost() {
    if (!end_) end_ = fail("the connection was lost");
  }

  // What it says first is there from its birth on.
  virtual std::vector<Bytes> take_output() = 0;
  std::vector<Pushed> take_pushed() { return std::exchange(pushed_, {}); }
  // Empty: it goes on. Else the broadcast is over, or the error says why there is nothing to see.
  const std::optional<Result<void>>& end() const { return end_; }

 protected:
  void end_with(Result<void> how) {
    if (!end_) end_ = std::move(how);
  }

  std::vector<Pushed> pushed_;  // of one receive()

 private:
  std::optional<Result<void>> end_;
};

}  // namespace klieg::player

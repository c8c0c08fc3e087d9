// When the frames of a broadcast were captured and when the server had them: made up, or what a real uplink did.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"

namespace klieg::sim {

struct Frame {
  MediaTime captured;  // on the broadcast's timeline
  LoopTime arrived;    // a LoopTime of zero is the capture of the broadcast's first frame
};

// In the order of capture, which is the order of arrival: RTMP is one TCP connection.
struct Uplink {
  std::string name;
  Duration frame_interval{0};
  std::vector<Frame> frames;
};

// An uplink as the paper's broadcasters had: its length as in Figure 3, of 25 frames a second to within 4 % (phones
// keep time badly, and 3 s segments drift against whoever polls every 3 s). It stands still now and then, and then
// sends its backlog at twice the speed of time. How long at most is drawn from Figure 16 (b), P = 0, where a viewer's
// delay grows to the worst that the uplink did. That is all that was fitted: the other curves of Figures 16 and 17 are
// predictions.
Uplink made_up_uplink(Random& random);

// Text of the set `multilive`: broadcasts under lines "ID:...", then a line per frame "ms size key kbps", between them
// lines of counts. There is one stamp per frame, of its arrival; see captured_at_the_latest. Broadcasts of less than
// `frames_min` frames are no broadcasts.
inline constexpr size_t frames_min = 250;  // ten seconds
Result<std::vector<Uplink>> read_multilive(std::string_view text);

// A broadcast of constant bit rate over a trace of the set `mahimahi`: a line per chance to send 1500 bytes, in ms.
// Rate is `load` of what the uplink could carry on the whole, so where it stands still the frames wait, in order, for
// ever. Cut into broadcasts of `length`.
Result<std::vector<Uplink>> read_mahimahi(std::string_view name, std::string_view text, double load, Duration length);

// The latest times of capture that frames of such arrivals can have had: in order, at least `interval` apart, each
// before its arrival. So a burst after a silence was held up by the network, and a silence after which nothing hurries
// was the camera's own; no delay is claimed that need not have been.
std::vector<Frame> captured_at_the_latest(const std::vector<LoopTime>& arrivals, Duration interval);

}  // namespace klieg::sim

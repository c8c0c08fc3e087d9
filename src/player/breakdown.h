// Where the delay of what arrives goes, hop by hop, as the Periscope paper took it apart (section 4.2):
//
//   captured --upload--> came in --chunking--> whole --waiting--> asked for --origin to edge--> answered --last mile-->
//   here
//                                                                                              here --buffer--> on the
//                                                                                              screen
//
// What is known: the dates of playlist or manifest say when media came in, on the server's clock; a piece is whole its
// duration later; the requests and their answers were timed here. Half a round trip lies before the server and half
// behind it. A held playlist tells of a piece as soon as it is there: until then it is on its way to the edge, from
// then on it waits for being asked for. (The dates go by the publisher's least delay. What it sends later than that is
// on the way to the edge too.) Where no playlist was held, that way and the waiting are one, and count as waiting.
//
// Who has asked before a piece is whole (of a segment that grows, or to be pushed to) waits for nothing: its way to the
// edge lasts from then until its first byte.
//
// A chunk of one frame is whole with that frame, and there is no chunking, where its packager did not wait for the
// next: so it was where the chunk was answered before its duration had passed.
//
// Upload is known where the camera stamps its frames, and then is true as far as its clock is: ours goes by the
// server's (broadcaster/client_session.h), to half a round trip.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "player/viewer.h"

namespace klieg::player {

// The machine's clocks beside the server's.
struct ClockRelation {
  Duration round_trip{0};  // to whoever sends the media: an edge may be nearer than the server
  // Add it to a LoopTime's count to have the server's wall clock.
  Duration loop_to_server_wall{0};

  WallTime server_wall(LoopTime at) const { return WallTime(at.time_since_epoch() + loop_to_server_wall); }
  LoopTime loop_time(WallTime at) const { return LoopTime(at.time_since_epoch() - loop_to_server_wall); }
};

enum class Hop : uint8_t { upload, chunking, waiting, origin_to_edge, last_mile, buffer, total };
inline constexpr size_t hops = 7;
std::string_view hop_name(Hop hop);  // "origin_to_edge"

class Breakdown {
 public:
  // An hour of parts of 200 ms; the figures are of the first hour.
  static constexpr size_t pieces_max = 18'000;

  void add(const Received& received, const ClockRelation& clocks);
  // What lies between arrival and screen, of pieces that were played: the buffer's mean is the playout's.
  void set_buffer(Duration mean) { buffer_ = mean; }

  // Empty where it is not known.
  std::optional<Duration> mean(Hop hop) const;
  // The worst but the worst twentieth. Not of the buffer and the total.
  std::optional<Duration> p95(Hop hop) const;
  size_t pieces() const { return pieces_; }

 private:
  std::array<std::vector<Duration>, hops> taken_;
  Duration buffer_{0};
  size_t pieces_ = 0;
};

}  // namespace klieg::player

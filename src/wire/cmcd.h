// What a player tells about itself with its requests: Common Media Client Data (CTA-5004), as the query's parameter
// CMCD or as the fields CMCD-Session, CMCD-Status, CMCD-Request and CMCD-Object.
//
// Of its keys those are read that we act on. Whatever else there is, or is not as the standard has it, is passed over
// by itself: players are liberal with it. Values own their bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "wire/http_field.h"

namespace klieg::wire {

struct Cmcd {
  static constexpr size_t session_size_max = 64;  // the standard's

  std::string session;                   // sid: the same for one playback; empty: not told
  std::optional<Duration> buffer;        // bl: media that is there to be played
  std::optional<uint32_t> bitrate_kbps;  // br: of the object that is asked for
  std::string next;                      // nor: what will be asked for next, relative to this request; empty: not told
  enum class Stall : uint8_t { none, since_last } stall = Stall::none;  // bs: the buffer ran dry
  enum class Need : uint8_t { in_time, soon } need = Need::in_time;     // su: startup, seeking, recovery

  bool operator==(const Cmcd&) const = default;
};

// The query comes without '?'. Where it and fields tell different things, the query's count.
Cmcd cmcd_of(std::string_view query, std::span<const HeaderView> fields);

// "bl=2900,sid=\"...\"", decoded already, read into `told`.
void read_cmcd(std::string_view pairs, Cmcd& told);

}  // namespace klieg::wire

// How many viewers a node has: distinct identities in the last 15 seconds. Players, not sockets: one player has several
// connections and many requests, on several loops.
//
// Who a request comes from: the player's session (sid of CMCD, wire/cmcd.h), which is one playback; else the cookie
// klieg_viewer; else the client's address, behind which several viewers look like one. A client may say what it likes;
// what one address may say is limited (edge/addresses.h).
//
// No personal data is kept: of an identity only its hash under a key that is made with the process and never leaves it.
//
// Exact up to 16,384 viewers. Beyond, only those are kept whose hash begins with one zero bit, or two, or as many as
// make them fit, and each stands for 2, 4, ... (distinct sampling, Gibbons 2001): then 8,192 are kept and more, so the
// standard error is at most 1/sqrt(8,192) = 1.1 %. Of a crowd that leaves fewer are left, until a window later.
//
// Pure. Thread: one loop. Each loop has its own, with the same key; total_of() counts who was seen by several once.
#pragma once

#include <cstdint>
#include <list>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/sip_hash.h"
#include "base/time.h"

namespace klieg::edge {

struct ViewerTraits {
  std::string_view session;         // empty: not told
  std::string_view cookies;         // the field Cookie; empty: none
  std::string_view client_address;  // without port; as forwarded where a trusted node did so
};

class Viewers {
 public:
  // A player with a buffer of 10 s that has just filled it may say nothing for that long.
  static constexpr Duration window = 15s;
  static constexpr size_t kept_max = 16'384;  // x 0.1 KiB: 1.6 MiB a loop

  explicit Viewers(const SipKey& key) : key_(key) {}

  void saw(const ViewerTraits& viewer, LoopTime now);
  uint64_t count(LoopTime now);

  // Those kept, of whom each stands for 2^level. Hashes; they mean nothing outside this process.
  struct Sample {
    uint32_t level = 0;
    std::vector<uint64_t> identities;
  };
  Sample sample(LoopTime now);
  static uint64_t total_of(std::span<const Sample> samples);

 private:
  struct Sighting {
    uint64_t identity = 0;
    LoopTime last;
  };
  using Sightings = std::list<Sighting>;  // the latest at the back

  uint64_t identity_of(const ViewerTraits& viewer) const;
  void forget_before(LoopTime then);
  void set_level(uint32_t level);

  SipKey key_;
  Sightings sightings_;
  std::unordered_map<uint64_t, Sightings::iterator> known_;
  // Identities of `level_` are kept; counted are those of `counted_level_`, which is higher for a window after the
  // level was lowered: those that are wanted anew have to be seen first.
  uint32_t level_ = 0;
  uint32_t counted_level_ = 0;
  LoopTime lowered_ = LoopTime::min();
};

}  // namespace klieg::edge

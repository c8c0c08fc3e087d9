// Where each broadcast is, by what its home says of it every announce_every: what the bus tells of broadcasts that
// begin and end.
//
// Two homes may be heard of at once, when one was cut off and says late what it said before: the higher number, of its
// lease (store/lease.h), counts. What a home no longer repeats is forgotten after gone_after.
//
// Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace klieg::bus {

// Whoever may publish on the bus can make up broadcasts. Of 0.3 KiB each: 3 MiB.
constexpr size_t broadcasts_max = 10'000;

struct BroadcastNews {
  std::string channel;
  std::string node;  // its home
  int64_t number = 0;
  // claimed: somebody is let in, and nothing is to be seen yet; over: its home gave it back.
  enum class State : uint8_t { claimed, live, paused, over } state = State::claimed;
  std::string broadcast;  // ID.EPOCH of what is to be seen
  std::optional<WallTime> started;
  uint64_t viewers = 0;  // in its room
  enum class For : uint8_t { everybody, guests } is_for = For::everybody;
  bool operator==(const BroadcastNews&) const = default;
};

// As it travels: JSON. What comes from elsewhere and is none: nothing.
constexpr std::string_view broadcast_subjects = "broadcast.*";
std::string broadcast_subject(std::string_view channel);
Bytes json_of(const BroadcastNews& news);
std::optional<BroadcastNews> broadcast_news_of(ByteView json);

class Broadcasts {
 public:
  // stale: an earlier home's; full: none is taken in beside those that are known.
  enum class Heard : uint8_t { changed, unchanged, stale, full };
  Heard heard(BroadcastNews news, LoopTime now);
  // nullptr: nobody says that it is anywhere.
  const BroadcastNews* find(std::string_view channel, LoopTime now) const;
  // What nobody repeats any more; each is told once.
  std::vector<BroadcastNews> expire(LoopTime now);

 private:
  struct Known {
    BroadcastNews last;
    LoopTime until;
  };
  // Also those that are over, until then: what an earlier home says late does not bring it back.
  std::map<std::string, Known, std::less<>> known_;
};

}  // namespace klieg::bus

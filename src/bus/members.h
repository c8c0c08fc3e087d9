// Which nodes are there, by what they say of themselves every announce_every, and whose home a broadcast is.
//
//   unknown --heard()--> alive --nothing newer for gone_after--> gone, as one that was never heard of
//                          +----said that it leaves----------------^
//
// Nodes that hear the same agree on a broadcast's home without a word. They need not hear the same at every moment: who
// is the home is settled by a lease (store/lease.h), and this only says who should try to take it.
//
// Pure. Of two announcements of one node the newer counts, so one that comes late or twice revives nobody. A node whose
// clock went back while it was not there is heard again once it was forgotten, after twice gone_after.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"

namespace klieg::bus {

// As often as a lease is renewed: it is a home's sign of life to those who would take its place (store/lease.h).
constexpr Duration announce_every = 2s;
// Two in a row may be lost, and the third be late.
constexpr Duration gone_after = 3 * announce_every + announce_every / 3;
// Whoever may publish on the bus can make up nodes. A thousand are 0.5 MiB.
constexpr size_t members_max = 1'000;

enum class Role : uint8_t { studio = 1, home = 2, edge = 4 };

struct Announcement {
  std::string node;       // its name, no other's
  std::string process;    // new at every start: who holds leases
  WallTime started;       // of that process: sequences of two do not compare
  uint64_t sequence = 0;  // one more with each
  uint8_t roles = 0;      // of Role
  std::string http;       // HOST:PORT, where other nodes reach it; empty: nowhere
  std::string rtmp;
  enum class Stays : uint8_t { yes, leaves } stays = Stays::yes;

  bool is(Role role) const { return (roles & static_cast<uint8_t>(role)) != 0; }
};

// As it travels: JSON. What comes from elsewhere and is none: nothing.
constexpr std::string_view announcement_subjects = "node.*";
std::string announcement_subject(std::string_view node);
Bytes json_of(const Announcement& announcement);
std::optional<Announcement> announcement_of(ByteView json);

class Members {
 public:
  enum class Heard : uint8_t { joined, renewed, left, stale, full };
  Heard heard(Announcement announcement, LoopTime now);

  // nullptr: it is not alive.
  const Announcement* find(std::string_view node, LoopTime now) const;
  const Announcement* find_process(std::string_view process, LoopTime now) const;
  // Where a broadcast belongs: among the nodes alive that are homes. nullptr: there is none.
  const Announcement* home_of(std::string_view broadcast, LoopTime now) const;
  size_t alive(LoopTime now) const;
  // When the next is gone, if nothing more is heard of it.
  std::optional<LoopTime> wake_at(LoopTime now) const;

 private:
  struct Member {
    Announcement last;
    LoopTime until;
  };
  void forget(LoopTime now);

  // Also those who are gone, for another gone_after: what they said and was late is still on its way.
  std::map<std::string, Member, std::less<>> members_;
};

}  // namespace klieg::bus

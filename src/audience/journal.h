// What must survive of a room is written down before anybody is told that it was taken.
//
//   Room ──write(entry)──► Journal ──► store/, in one transaction an entry
//   Room ◄──safe_up_to(number)── whoever owns both, later, once the disk or the database has it
//
// Until then nobody hears of what the entry holds: no viewer its comments, no node the answer to its batch. A process
// that dies in between forgets what nobody was told, and the node says it again.
//
// A port: implemented over store/, joined to the Room in cli/. All calls on the room's loop, none from inside another.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "media/room.h"

namespace klieg::audience {

// One batch of a node, or what the home did by itself (its answer then has no node). Entries of a room are consecutive.
struct JournalEntry {
  uint64_t number = 0;  // from 1
  media::BatchAnswer answer;
  std::vector<media::RoomEvent> events;
  bool operator==(const JournalEntry&) const = default;
};

// As it lies in the store, beside its number: the answer's record, then the events' (wire/room_record.h).
Bytes content_of(const JournalEntry& entry);
Result<JournalEntry> read_entry(uint64_t number, ByteView content);

class Journal {
 public:
  virtual ~Journal() = default;
  // To be made safe whole, in the order of its number. One that cannot be yet is kept and tried again: the room takes
  // no more than it says (Room::pending_bytes_max) while nothing becomes safe.
  virtual void write(JournalEntry entry) = 0;
};

}  // namespace klieg::audience

// What nodes tell each other of rooms (media/room.h) to bytes and back.
//
//   stream   record*                        of one kind: a room's log, batches, answers; all integers big-endian
//   record   u32 size of what follows, fields
//
//   of the log      u8 which of RoomEvent, its members
//   of batches      node, run, sequence, u32 count, of each record u8 which of RoomRecord, its members
//   of answers      node, run, sequence, u32 count, of each u32 index, u8 which of RecordOutcome, its members
//
//   members in their order: numbers as wide as they are, enumerators and options as u8, times and durations as u64
//   milliseconds (the largest number: for ever), texts behind a u16, lists behind a u32 count
//
// The log is what goes down the tree: an object that grows (audience/room_log.h), so an event that was appended is
// never written otherwise. Members are only ever added by new kinds of events; a record of a later kind is passed over.
//
// Pure. The bytes come from other nodes, but over a network and off a disk: reading trusts nothing, makes no list
// longer than the bytes that are there, and refuses what is not exactly what would be written.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "media/room.h"

namespace klieg::wire::room {

// A batch may hold the votes of 40,000 accounts, or 50 of the longest comments; a node that has more sends two.
inline constexpr size_t record_size_max = 512 * 1024;
inline constexpr size_t batch_records_max = 1'000;
inline constexpr size_t name_size_max = 1'120;  // 40 characters of 28 bytes each (audience/comment_text.h)
inline constexpr size_t node_size_max = 255;

Bytes record_of(const media::RoomEvent& event);
Bytes record_of(const media::Batch& batch);
Bytes record_of(const media::BatchAnswer& answer);

// What one event adds to a batch: for who fills it.
size_t size_of(const media::RoomRecord& record);

// Cuts a stream into what it consists of, however it is fragmented. Holds at most one unfinished record.
template <class Kind>
class RecordReader {
 public:
  // Appends what is whole. After an error nothing more is read, and feed() repeats it; what came before it is in `out`.
  Result<void> feed(ByteView received, std::vector<Kind>& out);
  bool whole() const { return partial_.empty() && !error_; }  // nothing is unfinished

 private:
  std::vector<uint8_t> partial_;
  std::optional<Error> error_;
};
using EventReader = RecordReader<media::RoomEvent>;
using BatchReader = RecordReader<media::Batch>;
using AnswerReader = RecordReader<media::BatchAnswer>;

}  // namespace klieg::wire::room

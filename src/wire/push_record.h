// media::PushRecord to bytes and back: what the body of a subscription between nodes consists of.
//
//   stream   preamble record*
//   preamble "kliegp", u16 version                         8 bytes; another version is another language
//   record   u8 type, u32 size of what follows, fields     all integers big-endian
//
//     1  ObjectBegun       u32 number, name, head
//     2  ObjectGrew        u32 number, u64 offset, content
//     3  ObjectEnded       u32 number, u8 how              0 complete, 1 aborted
//     4  AliasBorn         u32 of, u64 offset, u64 size, name, head
//     5  DocumentChanged   u64 msn, u64 parts, u8 last segment (0 open, 1 finished), u8 finality (1 final),
//                          name, head, content
//     6  NameExpected      name
//     7  NameGone          name
//     8  GuestsRevoked     u64 issued until, u8 whom (0 a viewer, 1 everybody), u64 viewer, name: "/live/CHANNEL"
//
//   name     u16 size, its letters
//   head     u16 count, of each field: u8 size of its name, u16 size of its value, both
//   content  to the end of the record
//
// A record of another type is from a later version and skipped; fields are only ever added as records. The stream ends
// cleanly when the topic has finished, and is reset when it has not (media::TopicEnd): no record says so.
//
// Writing copies no content: a record comes out as a small head of its own and the content's shared bytes. Reading
// hands on the content of an object as it arrives, so that a chunk is seen downstream before all of it is here.
//
// Pure. The bytes come from another node, but over a network: reading trusts nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "media/push.h"

namespace klieg::wire::push {

inline constexpr uint16_t version = 1;
inline constexpr size_t preamble_size = 8;
inline constexpr size_t name_size_max = 4096;         // a fourth of what a request's head may have (http::Limits)
inline constexpr size_t head_size_max = 16 * 1024;    // as much as clients commonly take of a response's head
inline constexpr size_t head_fields_max = 64;         // of ours there are about ten
inline constexpr size_t document_size_max = 1 << 20;  // a playlist of an hour of one-second segments has 0.5 MB
// Longer content is told in several records, so that other objects of the topic get their turn between them.
inline constexpr size_t content_size_max = 1 << 20;
// Offsets and sizes stay below it: whoever adds two of them need not fear an overflow.
inline constexpr uint64_t offset_max = uint64_t{1} << 53;

// What is sent once, before the first record.
Bytes preamble();

// Appends the record as it goes over the wire; write the pieces in order. Asserted: names, heads and documents are
// within the limits above (documents are the caller's to measure).
void append(const media::PushRecord& record, std::vector<Bytes>& out);

// Cuts a stream into records, however it is fragmented. Holds at most one unfinished record, and of that no content of
// an object: ObjectGrew comes out as often as some of it arrives, with consecutive offsets and never empty.
class Decoder {
 public:
  // Appends to `out` what is complete. After an error, which says what was wrong with the other side, nothing more is
  // decoded and feed() repeats it; what came before it is in `out`. Content shares the storage of `received`.
  Result<void> feed(const Bytes& received, std::vector<media::PushRecord>& out);
  // The same of bytes that stay the caller's: content is copied.
  Result<void> feed(ByteView received, std::vector<media::PushRecord>& out);

 private:
  struct Input;
  // What the next `rest_` bytes are. Content and unknown records are never gathered, whatever size they claim.
  enum class Next : uint8_t { preamble, frame, fields, grown_fields, content, unknown };

  Result<void> feed(Input input, std::vector<media::PushRecord>& out);
  void understand(ByteView gathered, std::vector<media::PushRecord>& out);
  void begin_record(uint8_t type, size_t size);
  void expect(Next next, size_t size);
  void refuse(std::string why) { error_ = Error{std::move(why)}; }

  Next next_ = Next::preamble;
  size_t rest_ = preamble_size;
  uint8_t type_ = 0;
  size_t content_size_ = 0;        // behind the fields of ObjectGrew
  media::ObjectGrew grown_;        // where its content goes
  std::vector<uint8_t> gathered_;  // the first of the `rest_` bytes, until all are here
  std::optional<Error> error_;
};

}  // namespace klieg::wire::push

// The append-only log: the one mechanism under everything live.
//
// One writer appends immutable pieces; any number of readers follow, each with a cursor (an offset) of its own. A
// growing segment is a Log; so are the frames of a push tier and the events of a room. One more reader is one more
// cursor: the log never copies content per reader and does not know who reads.
//
//   writer:   log->append(piece); ... log->end(LogEnd::complete);
//   reader:   offset += send(log->gather(offset, limit, out));
//             if (offset == log->size() && log->growing()) log->wake_me(waiter);   // one wake-up, then ask again
//
// Laws
//   * offsets never move: the byte at offset n is the same for every reader and for ever;
//   * after end() nothing is appended; `complete` means the content is whole, `aborted` that it never will be, and a
//     reader of an aborted log must not pass its end off as the end of the content;
//   * a writer may forget the front: what lies before first() is gone for good. A reader whose cursor lies there has
//     lagged: it gets nothing more, and must say so instead of going on behind the hole;
//   * a waiter is woken once, by the next append or end; waking costs O(waiters), appending O(1), forgetting O(1) per
//     piece. Forgetting wakes nobody: who waits stands at the end, and the end is never forgotten;
//   * when a log completes its pieces are joined into one, so that a finished segment leaves in one writev. Where many
//     want to have it in clear text it is put in a file of memory, and leaves without a copy: see sent_in_clear().
//
// Ownership: readers hold the log by shared_ptr<const Log>-like handles; pieces are shared immutable bytes.
// Thread: a Log lives on one loop. A reader on another loop reads that loop's own mirror (see media/record.h), so an
// append crosses cores once per core and never once per reader.
// Limit: the log itself has none; whoever owns it bounds its content: what is finite by its end (a segment by its grid:
// see packager/grid.h), what is endless (a subscription) by forgetting.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"

namespace klieg {

enum class LogEnd : uint8_t { growing, complete, aborted };

class Log;

// A reader waiting for more. Linked into the log while it waits, taken out when woken or destroyed, so a reader that
// dies needs no farewell. Not copyable or movable: the log points at it.
class LogWaiter {
 public:
  LogWaiter() = default;
  LogWaiter(const LogWaiter&) = delete;
  LogWaiter& operator=(const LogWaiter&) = delete;
  virtual ~LogWaiter() { stop_waiting(); }

  // The log grew or ended. Called from inside append() or end(): the reader may read, wait again or be destroyed.
  virtual void on_log_grew() = 0;

  bool waiting() const { return log_ != nullptr; }
  void stop_waiting();

 private:
  friend class Log;
  const Log* log_ = nullptr;
  LogWaiter* previous_ = nullptr;
  LogWaiter* next_ = nullptr;
};

// Where a log has one reader and nobody else keeps it: hears how far that one has come, so that the writer forgets so
// much and goes on no faster. The reader holds it while it reads; that it is let go of says that nobody does any more.
class LogProgress {
 public:
  virtual ~LogProgress() = default;
  virtual void read_to(uint64_t offset) = 0;
};

class Log {
 public:
  Log() = default;
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  ~Log();

  // A log that is whole from birth.
  static std::shared_ptr<Log> complete(Bytes content);

  // The writer's side.
  void append(Bytes piece);                  // an empty piece is ignored; asserted: growing()
  void append_all(std::span<Bytes> pieces);  // all of them are there before anybody is woken
  void end(LogEnd how);                      // asserted: growing(), how != growing
  // Pieces that lie before `offset` as a whole may go; after the end too. Asserted: offset <= size().
  void forget_before(uint64_t offset);

  // The readers' side.
  uint64_t size() const { return size_; }    // the offset behind the last byte
  uint64_t first() const { return first_; }  // the offset of the first byte that is kept; size() if none is
  LogEnd state() const { return state_; }
  bool growing() const { return state_ == LogEnd::growing; }

  // Appends to `out` the pieces that hold [offset, offset + limit), as far as they exist now, at most `pieces_max` of
  // them. Returns how many bytes they hold; 0 at the end of what exists, and before first().
  size_t gather(uint64_t offset, uint64_t limit, std::vector<Bytes>& out, size_t pieces_max = SIZE_MAX) const;

  // The same range as one Bytes: no copy when it lies in one piece. Asserted: the range exists and is kept.
  Bytes read(uint64_t offset, uint64_t size) const;

  // Says that a reader is about to send this in clear text. At the sends_before_file-th time what is complete and large
  // is put in a file of memory (memory_file.h), from where the next ones cost no copy. That costs what ten sends save
  // by it: so whatever is sent, no more than twice of what was unavoidable is spent, and on what nobody wants, nothing.
  static constexpr uint8_t sends_before_file = 10;
  void sent_in_clear() const;

  // Wakes `waiter` once, at the next append or end. Asserted: growing() and the waiter waits nowhere.
  void wake_me(LogWaiter& waiter) const;

 private:
  friend class LogWaiter;
  struct Piece {
    uint64_t offset;
    mutable Bytes content;  // where it lies may change, what it is may not
  };

  size_t piece_at(uint64_t offset) const;
  void wake_all();

  std::vector<Piece> pieces_;
  size_t forgotten_ = 0;  // so many pieces at the front are empty; they leave when they are half of all
  uint64_t first_ = 0;
  uint64_t size_ = 0;
  LogEnd state_ = LogEnd::growing;
  mutable uint8_t sends_in_clear_ = 0;    // of what is complete, up to sends_before_file
  mutable LogWaiter* waiters_ = nullptr;  // newest first; a waiter registering is not a change of the content
};

}  // namespace klieg

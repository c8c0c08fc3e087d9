// The polls of a room, at its home: they open and close in each viewer's own time, and nobody's vote is lost for
// lagging.
//
//   open ──newest media reaches `closes`──► closing ──wait_after_close──► final
//
// A poll opens at the newest media there is, so that no screen has passed it, and everybody has all of it before him.
// A vote counts when the voter's screen showed a moment in [opens, closes): his node compares (screen_clock.h),
// whatever time it is at home. The home takes votes until the last of them must have come, and only then says `final`:
// the slowest screen shows the close lag_max after the newest media had it, and a vote that was given then needs up to
// delivery_max, where its node has to find its parent again. Until then the running count is shown, so that nobody
// waits for something to look at. A vote that comes later still is refused as too late, and never was acknowledged.
//
// One account, one vote: the first that is heard, by whichever node.
//
// A plain state machine. Owner: the Room. Thread: its loop.
// Limit: polls_max at once, voters_max each; 40 bytes a voter.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <span>
#include <unordered_set>
#include <vector>

#include "audience/screen_clock.h"
#include "base/time.h"
#include "media/room.h"

namespace klieg::audience {

// Whether a screen that shows `at` shows the poll open.
constexpr bool is_open(const media::Poll& poll, MediaTime at) { return at >= poll.opens && at < poll.closes; }

class Polls {
 public:
  // How long a node may have no way to its home, behind the close on the slowest screen: a parent that died is given up
  // and another found several times in it. What comes later is refused, and was not acknowledged.
  static constexpr Duration delivery_max = 15s;
  static constexpr Duration wait_after_close = ScreenLimits().lag_max + delivery_max;
  static constexpr size_t polls_max = 2;           // one that is open, and one whose last votes are on their way
  static constexpr size_t voters_max = 4'000'000;  // 160 MB, until it is final

  // The texts are clean. Refused as busy while polls_max are not final.
  std::expected<media::Poll, media::Refusal> open(const media::OpenPoll& asked, MediaTime newest);
  // At the newest media, or when it was to close anyway. Nothing: there is no such poll that is open.
  std::expected<media::PollClosed, media::Refusal> close(media::PollId poll, MediaTime newest);
  // Whether so many votes for it would be taken.
  std::expected<void, media::Refusal> takes(media::PollId poll, uint8_t option, size_t votes = 1) const;
  // Which of them count; the others have voted before. Asserted: takes() so many.
  std::vector<media::AccountId> cast(media::PollId poll, uint8_t option, std::span<const media::AccountId> accounts);
  // They are safe: they show in the count.
  void show(media::PollId poll, uint8_t option, size_t votes);
  // The broadcast is over: what is open closes.
  std::vector<media::PollClosed> close_all(MediaTime newest);

  // Appends the counts that have changed, running or final; a poll is final when all of its votes are safe.
  void count(MediaTime newest, LoopTime now, std::vector<media::RoomEvent>& out);

  bool empty() const { return ballots_.empty(); }  // all are final

  // As they were: from a journal, in its order.
  void restore(const media::RoomEvent& event);

 private:
  struct Ballot {
    media::Poll poll;
    std::vector<uint64_t> votes;                  // that are safe
    std::unordered_set<media::AccountId> voters;  // all
    bool changed = false;
    bool closing = false;
    LoopTime closed_since;  // while closing
  };
  Ballot& add(const media::Poll& poll);

  std::map<media::PollId, Ballot> ballots_;
  media::PollId last_ = 0;
};

}  // namespace klieg::audience

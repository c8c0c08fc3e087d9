// How things are in a room, as its log says: what a newcomer has to know, in the words of the log.
//
// Fed with the events of a log it says the fewest events that leave who hears them where everybody is; fed with those
// it is the same again. So the log's objects begin with it, and so does what a node sends a viewer who joins.
//
// A plain value. Limit: recent_max comments, and the polls that are not final (Polls::polls_max).
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <unordered_set>
#include <vector>

#include "media/room.h"

namespace klieg::audience {

// Whether viewers may be shown it. What is neither theirs nor moderators' is the journal's alone.
enum class EventReader : uint8_t { everybody, moderators, journal };
EventReader reader_of(const media::RoomEvent& event);

// Who keeps order, as far as that is known; nothing: whoever came in as one who does.
using Moderators = std::optional<std::unordered_set<media::AccountId>>;
// Whoever came in as a moderator and is none is a stranger.
media::Person as_known(media::Person person, const Moderators& moderators);

class RoomState {
 public:
  static constexpr size_t recent_max = 30;  // a screenful, and some to scroll
  static constexpr size_t polls_max = 8;    // of a log that is not ours to trust

  void apply(const media::RoomEvent& event);
  std::vector<media::RoomEvent> events() const;

  // Polls whose result does not stand yet.
  const media::Poll* poll(media::PollId id) const;
  uint64_t viewers() const { return viewers_; }
  bool over() const { return over_; }

 private:
  struct Ballot {
    media::Poll poll;
    std::optional<media::PollCounted> counted;
  };

  std::optional<media::EdgeStamped> edge_;
  media::RoomRules rules_;
  uint64_t viewers_ = 0;
  media::Comment pinned_;
  std::map<media::PollId, Ballot> polls_;
  std::deque<media::Comment> recent_;  // by id
  bool over_ = false;
};

}  // namespace klieg::audience

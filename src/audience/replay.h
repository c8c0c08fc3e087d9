// The conversation of a broadcast, as it belongs to its pictures: for who watches it afterwards.
//
// Fed with the events of a room in their order, from its journal or its log, it says what belongs to a span of media:
// each comment at the moment its author looked at, hearts by moments, polls where they opened and closed, with their
// results. What was deleted is not there, and what was held only if it was released: a replay shows what the room was
// when it closed. A player asks for the spans it plays; whatever it skips to or goes back to, it gets the same.
//
// Plain. Thread: one loop's. Limit: what is kept of one broadcast by whoever feeds it; 300 bytes a comment.
#pragma once

#include <map>
#include <vector>

#include "base/time.h"
#include "media/room.h"

namespace klieg::audience {

class Replay {
 public:
  void add(const media::RoomEvent& event);

  // What is to be shown while a screen goes from `from` to `to`, which it does not reach: by moments; comments of one
  // moment in the order in which they were taken.
  std::vector<media::RoomEvent> between(MediaTime from, MediaTime to) const;

 private:
  struct Ballot {
    media::Poll poll;
    media::PollCounted counted;
  };

  std::map<std::pair<MediaTime, media::CommentId>, media::Comment> comments_;
  std::map<media::CommentId, MediaTime> moments_;
  std::map<media::HeartBucket, uint64_t> hearts_;
  std::map<media::PollId, Ballot> polls_;
};

}  // namespace klieg::audience

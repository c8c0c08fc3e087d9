#include "audience/replay.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace klieg::audience {

void Replay::add(const media::RoomEvent& event) {
  if (const auto* made = std::get_if<media::CommentMade>(&event)) {
    const media::Comment& comment = made->comment;
    if (moments_.emplace(comment.id, comment.at).second) comments_.emplace(std::pair(comment.at, comment.id), comment);
  } else if (const auto* gone = std::get_if<media::CommentGone>(&event)) {
    const auto moment = moments_.find(gone->id);
    if (moment == moments_.end()) return;
    comments_.erase({moment->second, gone->id});
    moments_.erase(moment);
  } else if (const auto* hearts = std::get_if<media::HeartsCounted>(&event)) {
    for (const media::HeartCount& heart : hearts->hearts) hearts_[heart.bucket] += heart.count;
  } else if (const auto* opened = std::get_if<media::PollOpened>(&event)) {
    polls_.try_emplace(opened->poll.id, Ballot{opened->poll, {}});
  } else if (const auto* closed = std::get_if<media::PollClosed>(&event)) {
    if (const auto found = polls_.find(closed->poll); found != polls_.end()) found->second.poll.closes = closed->closes;
  } else if (const auto* counted = std::get_if<media::PollCounted>(&event)) {
    if (const auto found = polls_.find(counted->poll); found != polls_.end()) found->second.counted = *counted;
  }
}

std::vector<media::RoomEvent> Replay::between(MediaTime from, MediaTime to) const {
  std::multimap<MediaTime, media::RoomEvent> all;  // what is equal stays as it was put in
  for (auto next = comments_.lower_bound({from, 0}); next != comments_.end() && next->first.first < to; ++next) {
    all.emplace(next->first.first, media::CommentMade{next->second});
  }
  const auto first = from <= MediaTime() ? hearts_.begin() : hearts_.lower_bound(media::heart_bucket_of(from));
  for (auto next = first; next != hearts_.end() && media::middle_of(next->first) < to; ++next) {
    if (media::middle_of(next->first) < from) continue;
    const auto count = static_cast<uint32_t>(std::min<uint64_t>(next->second, std::numeric_limits<uint32_t>::max()));
    all.emplace(media::middle_of(next->first), media::HeartsCounted{{{next->first, count}}});
  }
  for (const auto& [id, ballot] : polls_) {
    const auto inside = [&](MediaTime at) { return at >= from && at < to; };
    if (inside(ballot.poll.opens)) all.emplace(ballot.poll.opens, media::PollOpened{ballot.poll});
    if (inside(ballot.poll.closes) && ballot.counted.counting == media::Counting::final) {
      all.emplace(ballot.poll.closes, ballot.counted);
    }
  }
  std::vector<media::RoomEvent> events;
  events.reserve(all.size());
  for (auto& [at, event] : all) events.push_back(std::move(event));
  return events;
}

}  // namespace klieg::audience

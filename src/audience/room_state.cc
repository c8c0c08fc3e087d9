#include "audience/room_state.h"

#include <algorithm>

namespace klieg::audience {

EventReader reader_of(const media::RoomEvent& event) {
  if (std::holds_alternative<media::CommentHeld>(event) || std::holds_alternative<media::Audited>(event) ||
      std::holds_alternative<media::PersonBarred>(event) || std::holds_alternative<media::OrderKept>(event)) {
    return EventReader::moderators;
  }
  return std::holds_alternative<media::VotesCast>(event) ? EventReader::journal : EventReader::everybody;
}

media::Person as_known(media::Person person, const Moderators& moderators) {
  const bool claims = person.standing == media::Standing::moderator;
  if (claims && moderators && !moderators->contains(person.account)) person.standing = media::Standing::stranger;
  return person;
}

void RoomState::apply(const media::RoomEvent& event) {
  if (const auto* edge = std::get_if<media::EdgeStamped>(&event)) {
    edge_ = *edge;
  } else if (const auto* made = std::get_if<media::CommentMade>(&event)) {
    // One that was held comes later than its number; one may be said again.
    const auto place = std::ranges::lower_bound(recent_, made->comment.id, {}, &media::Comment::id);
    if (place != recent_.end() && place->id == made->comment.id) return;
    recent_.insert(place, made->comment);
    if (recent_.size() > recent_max) recent_.pop_front();
  } else if (const auto* gone = std::get_if<media::CommentGone>(&event)) {
    std::erase_if(recent_, [&](const media::Comment& comment) { return comment.id == gone->id; });
  } else if (const auto* pinned = std::get_if<media::CommentPinned>(&event)) {
    pinned_ = pinned->comment;
  } else if (const auto* opened = std::get_if<media::PollOpened>(&event)) {
    if (polls_.size() < polls_max) polls_.try_emplace(opened->poll.id, Ballot{opened->poll, std::nullopt});
  } else if (const auto* closed = std::get_if<media::PollClosed>(&event)) {
    if (const auto found = polls_.find(closed->poll); found != polls_.end()) found->second.poll.closes = closed->closes;
  } else if (const auto* counted = std::get_if<media::PollCounted>(&event)) {
    const auto found = polls_.find(counted->poll);
    if (found == polls_.end()) return;
    found->second.counted = *counted;
    if (counted->counting == media::Counting::final) polls_.erase(found);
  } else if (const auto* rules = std::get_if<media::RulesChanged>(&event)) {
    rules_ = rules->rules;
  } else if (const auto* viewers = std::get_if<media::ViewersCounted>(&event)) {
    viewers_ = viewers->viewers;
  } else if (std::holds_alternative<media::RoomEnded>(event)) {
    over_ = true;
  }
}

std::vector<media::RoomEvent> RoomState::events() const {
  std::vector<media::RoomEvent> all;
  if (edge_) all.emplace_back(*edge_);
  all.emplace_back(media::RulesChanged{rules_});
  all.emplace_back(media::ViewersCounted{viewers_});
  all.emplace_back(media::CommentPinned{pinned_});
  for (const auto& [id, ballot] : polls_) {
    all.emplace_back(media::PollOpened{ballot.poll});
    if (ballot.counted) all.emplace_back(*ballot.counted);
  }
  for (const media::Comment& comment : recent_) all.emplace_back(media::CommentMade{comment});
  if (over_) all.emplace_back(media::RoomEnded{});
  return all;
}

const media::Poll* RoomState::poll(media::PollId id) const {
  const auto found = polls_.find(id);
  return found == polls_.end() ? nullptr : &found->second.poll;
}

}  // namespace klieg::audience

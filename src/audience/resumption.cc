#include "audience/resumption.h"

#include <algorithm>
#include <optional>

namespace klieg::audience {
namespace {

constexpr MediaTime beginning{};

// The command that opened a poll is in the same entry.
std::optional<WallTime> opened_at(const JournalEntry& entry) {
  for (const media::RoomEvent& event : entry.events) {
    const auto* audited = std::get_if<media::Audited>(&event);
    if (audited && std::holds_alternative<media::OpenPoll>(audited->command)) return audited->when;
  }
  return std::nullopt;
}

}  // namespace

JournalEntry resumed(JournalEntry entry, WallTime now) {
  const std::optional<WallTime> opened = opened_at(entry);
  for (media::RoomEvent& event : entry.events) {
    if (auto* made = std::get_if<media::CommentMade>(&event)) made->comment.at = beginning;
    if (auto* held = std::get_if<media::CommentHeld>(&event)) held->comment.at = beginning;
    if (auto* pinned = std::get_if<media::CommentPinned>(&event)) pinned->comment.at = beginning;
    if (auto* hearts = std::get_if<media::HeartsCounted>(&event)) {
      uint64_t count = 0;
      for (const media::HeartCount& heart : hearts->hearts) count += heart.count;
      const auto sum = static_cast<uint32_t>(std::min<uint64_t>(count, UINT32_MAX));
      hearts->hearts = {{media::heart_bucket_of(beginning), sum}};
    }
    if (auto* poll = std::get_if<media::PollOpened>(&event)) {
      const Duration whole = poll->poll.closes - poll->poll.opens;
      const Duration gone = opened ? std::max(now - *opened, Duration(0)) : whole;
      poll->poll.opens = beginning;
      poll->poll.closes = beginning + std::max(whole - gone, Duration(0));
    }
    if (auto* closed = std::get_if<media::PollClosed>(&event)) closed->closes = beginning;
  }
  return entry;
}

}  // namespace klieg::audience

#include "audience/polls.h"

#include <algorithm>
#include <numeric>

#include "base/assert.h"

namespace klieg::audience {

Polls::Ballot& Polls::add(const media::Poll& poll) {
  last_ = std::max(last_, poll.id);
  Ballot& ballot = ballots_[poll.id];
  ballot.poll = poll;
  ballot.votes.assign(poll.options.size(), 0);
  return ballot;
}

std::expected<media::Poll, media::Refusal> Polls::open(const media::OpenPoll& asked, MediaTime newest) {
  KLIEG_ASSERT(asked.options.size() >= media::poll_options_min && asked.options.size() <= media::poll_options_max,
               "a poll has something to choose from");
  if (ballots_.size() >= polls_max) return std::unexpected(media::Refusal::busy);
  return add({last_ + 1, asked.question, asked.options, newest, newest + asked.duration}).poll;
}

std::expected<media::PollClosed, media::Refusal> Polls::close(media::PollId poll, MediaTime newest) {
  const auto found = ballots_.find(poll);
  if (found == ballots_.end() || found->second.closing) return std::unexpected(media::Refusal::unknown);
  media::Poll& closed = found->second.poll;
  closed.closes = std::clamp(newest, closed.opens, closed.closes);
  return media::PollClosed{poll, closed.closes};
}

std::expected<void, media::Refusal> Polls::takes(media::PollId poll, uint8_t option, size_t votes) const {
  const auto found = ballots_.find(poll);
  if (found == ballots_.end()) {
    return std::unexpected(poll > 0 && poll <= last_ ? media::Refusal::too_late : media::Refusal::unknown);
  }
  if (option >= found->second.votes.size()) return std::unexpected(media::Refusal::unknown);
  if (votes > voters_max - found->second.voters.size()) return std::unexpected(media::Refusal::busy);
  return {};
}

std::vector<media::AccountId> Polls::cast(media::PollId poll, uint8_t option,
                                          std::span<const media::AccountId> accounts) {
  KLIEG_ASSERT(takes(poll, option, accounts.size()), "votes are cast where they are taken");
  Ballot& ballot = ballots_.at(poll);
  std::vector<media::AccountId> counted;
  for (const media::AccountId account : accounts) {
    if (ballot.voters.insert(account).second) counted.push_back(account);
  }
  return counted;
}

void Polls::show(media::PollId poll, uint8_t option, size_t votes) {
  Ballot& ballot = ballots_.at(poll);
  ballot.votes[option] += votes;
  ballot.changed = true;
}

std::vector<media::PollClosed> Polls::close_all(MediaTime newest) {
  std::vector<media::PollClosed> closed;
  for (const auto& [id, ballot] : ballots_) {
    if (auto one = close(id, newest)) closed.push_back(*one);
  }
  return closed;
}

void Polls::count(MediaTime newest, LoopTime now, std::vector<media::RoomEvent>& out) {
  for (auto next = ballots_.begin(); next != ballots_.end();) {
    const auto one = next++;
    Ballot& ballot = one->second;
    if (!ballot.closing && newest >= ballot.poll.closes) {
      ballot.closing = true;
      ballot.closed_since = now;
    }
    const bool all_safe =
        std::accumulate(ballot.votes.begin(), ballot.votes.end(), uint64_t{0}) == ballot.voters.size();
    if (ballot.closing && now >= ballot.closed_since + wait_after_close && all_safe) {
      out.emplace_back(media::PollCounted{one->first, ballot.votes, media::Counting::final});
      ballots_.erase(one);
    } else if (ballot.changed) {
      ballot.changed = false;
      out.emplace_back(media::PollCounted{one->first, ballot.votes, media::Counting::running});
    }
  }
}

void Polls::restore(const media::RoomEvent& event) {
  if (const auto* opened = std::get_if<media::PollOpened>(&event)) add(opened->poll);
  if (const auto* closed = std::get_if<media::PollClosed>(&event)) {
    const auto found = ballots_.find(closed->poll);
    if (found != ballots_.end()) found->second.poll.closes = closed->closes;
  }
  if (const auto* votes = std::get_if<media::VotesCast>(&event)) {
    if (takes(votes->poll, votes->option, votes->accounts.size())) {
      show(votes->poll, votes->option, cast(votes->poll, votes->option, votes->accounts).size());
    }
  }
  if (const auto* counted = std::get_if<media::PollCounted>(&event)) {
    if (counted->counting == media::Counting::final) ballots_.erase(counted->poll);
  }
}

}  // namespace klieg::audience

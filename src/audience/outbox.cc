#include "audience/outbox.h"

#include <algorithm>
#include <unordered_map>

#include "base/assert.h"
#include "wire/room_record.h"

namespace klieg::audience {
namespace {

constexpr size_t account_size = 8;
constexpr size_t heart_size = 8;

}  // namespace

void Outbox::say(media::RoomRecord record, AnswerToken token) {
  KLIEG_ASSERT(room(), "whoever says something looks whether there is room");
  waiting_.push_back({std::move(record), token});
}

void Outbox::say_vote(media::PollId poll, uint8_t option, media::AccountId account, AnswerToken token) {
  votes_[{poll, option}].push_back({account, token});
}

void Outbox::say_presence(media::RoomRecord record) {
  // Without a way, or with too much to tell, everybody is told anew.
  if (connected_ && presence_.size() < presence_max) presence_.push_back({std::move(record)});
}

void Outbox::connected(media::Census census) {
  connected_ = true;
  sent_ = 0;
  presence_.clear();
  media::Census first{{}, census.anonymous};
  size_t bytes = 0;
  auto person = census.people.begin();
  for (; person != census.people.end(); ++person) {
    bytes += wire::room::size_of(media::PersonCame{*person});
    if (bytes > batch_bytes_max / 2) break;
    first.people.push_back(std::move(*person));
  }
  presence_.push_back({std::move(first)});
  for (; person != census.people.end(); ++person) presence_.push_back({media::PersonCame{std::move(*person)}});
}

bool Outbox::anything_waits() const {
  return !hearts_.empty() || !waiting_.empty() || !presence_.empty() || !votes_.empty();
}

LoopTime Outbox::wake_at() const { return waiting_.empty() ? next_ : std::min(next_, said_ + word_within); }

std::vector<media::Batch> Outbox::to_send(LoopTime now) {
  if (!connected_) return {};
  if (now >= wake_at()) {
    while (on_way_.size() < on_way_max && (anything_waits() || now >= said_ + silent_max)) make_batch(now);
    next_ = now + batch_every;
  }
  std::vector<media::Batch> batches;
  for (; sent_ < on_way_.size(); ++sent_) batches.push_back(on_way_[sent_].batch);
  return batches;
}

void Outbox::make_batch(LoopTime now) {
  OnWay made{{{node_, run_, ++sequence_}, {}}, {}, {}};
  std::vector<media::RoomRecord>& records = made.batch.records;
  size_t bytes = 0;
  const auto fits = [&] { return bytes < batch_bytes_max && records.size() < wire::room::batch_records_max; };
  for (std::deque<Said>* queue : {&presence_, &waiting_}) {
    while (!queue->empty() && fits()) {
      Said& said = queue->front();
      bytes += wire::room::size_of(said.record);
      if (queue == &waiting_) made.tokens.emplace(static_cast<uint32_t>(records.size()), said.token);
      records.push_back(std::move(said.record));
      queue->pop_front();
    }
  }
  while (!votes_.empty() && fits()) {
    auto& [ballot, voters] = *votes_.begin();
    const size_t count = std::min(voters.size(), (batch_bytes_max - bytes) / account_size + 1);
    media::VotesGiven given{ballot.first, ballot.second, {}};
    for (size_t i = 0; i < count; ++i) given.accounts.push_back(voters[i].account);
    made.voters[static_cast<uint32_t>(records.size())].assign(voters.begin(),
                                                              voters.begin() + static_cast<ptrdiff_t>(count));
    voters.erase(voters.begin(), voters.begin() + static_cast<ptrdiff_t>(count));
    if (voters.empty()) votes_.erase(votes_.begin());
    bytes += count * account_size;
    records.emplace_back(std::move(given));
  }
  if (!hearts_.empty() && fits()) {
    media::HeartsGiven given{hearts_.take((batch_bytes_max - bytes) / heart_size + 1)};
    bytes += given.hearts.size() * heart_size;
    records.emplace_back(std::move(given));
  }
  said_ = now;
  on_way_.push_back(std::move(made));
}

std::vector<Outbox::Answered> Outbox::answered(const media::BatchAnswer& answer) {
  std::vector<Answered> all;
  if (answer.key.node != node_ || answer.key.run != run_) return all;
  // Answers come in the order of batches; one that was missed is given again when its batch is sent again.
  if (on_way_.empty() || on_way_.front().batch.key.sequence != answer.key.sequence) return all;
  const OnWay taken = std::move(on_way_.front());
  on_way_.pop_front();
  if (sent_ > 0) --sent_;
  for (const media::RecordAnswer& one : answer.answers) {
    if (const auto token = taken.tokens.find(one.index); token != taken.tokens.end()) {
      all.push_back({token->second, one.outcome});
    }
    const auto voters = taken.voters.find(one.index);
    if (voters == taken.voters.end()) continue;
    std::unordered_map<media::AccountId, media::Refusal> refused;
    if (const auto* votes = std::get_if<media::VotesTaken>(&one.outcome)) {
      for (const media::AccountId account : votes->voted_before) refused.emplace(account, media::Refusal::voted);
      for (const media::AccountId account : votes->barred) refused.emplace(account, media::Refusal::banned);
    }
    const auto* refusal = std::get_if<media::Refusal>(&one.outcome);
    for (const Voter& voter : voters->second) {
      media::RecordOutcome outcome = media::CommandDone{};
      if (refusal) outcome = *refusal;
      if (const auto found = refused.find(voter.account); found != refused.end()) outcome = found->second;
      all.push_back({voter.token, outcome});
    }
  }
  return all;
}

}  // namespace klieg::audience

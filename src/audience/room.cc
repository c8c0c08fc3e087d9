#include "audience/room.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/assert.h"
#include "wire/room_record.h"

namespace klieg::audience {
namespace {

using media::Refusal;

constexpr Duration stamp_every = 1s;
// In one event: half an hour of media. After an outage there may be more, for the next turn.
constexpr size_t heart_counts_max = 18'000;

Refusal refusal_of(TextFault fault) {
  switch (fault) {
    case TextFault::empty:
      return Refusal::empty;
    case TextFault::too_long:
      return Refusal::too_long;
    case TextFault::not_utf8:
      break;
  }
  return Refusal::not_text;
}

size_t bytes_of(const std::vector<media::RoomEvent>& events) {
  size_t bytes = 0;
  for (const media::RoomEvent& event : events) bytes += wire::room::record_of(event).size();
  return bytes;
}

WallTime later(WallTime wall, Duration duration) {
  return duration >= WallTime::max() - wall ? WallTime::max() : wall + duration;
}

}  // namespace

Room::Room(const RoomSettings& settings, Journal& journal)
    : settings_(settings), journal_(journal), conduct_(settings.conduct), presence_(settings.presence) {
  conduct_.set_rules(settings.rules);
  beginning_.emplace().apply(media::RulesChanged{settings.rules});
}

void Room::restore(const JournalEntry& entry, Now now) {
  KLIEG_ASSERT(entry.number == written_ + 1 && beginning_, "a journal is restored in its order, first of all");
  written_ = safe_ = entry.number;
  for (const media::RoomEvent& event : entry.events) {
    settle(event, now.wall);
    polls_.restore(event);
    if (reader_of(event) == EventReader::everybody) beginning_->apply(event);
  }
  const media::BatchKey& key = entry.answer.key;
  if (key.node.empty()) return;
  Heard& heard = nodes_[key.node];
  if (heard.run != key.run) heard = {key.run, 0, 0, {}};
  heard.sequence = key.sequence;
  heard.answers.push_back(entry.answer);
  if (heard.answers.size() > answers_kept) heard.answers.pop_front();
}

void Room::set_people(const std::vector<media::PersonBarred>& barred, const std::vector<media::AccountId>& moderators,
                      Now now) {
  conduct_.set_barred(barred, now.wall);
  std::unordered_set<media::AccountId> now_kept(moderators.begin(), moderators.end());
  moderators_changed_ |= moderators_ != now_kept;
  moderators_ = std::move(now_kept);
  // What is not safe yet is not known there.
  for (const Pending& pending : pending_) {
    for (const media::RoomEvent& event : pending.events) {
      if (const auto* one = std::get_if<media::PersonBarred>(&event)) {
        conduct_.bar(one->account, one->until, now.wall);
        dismiss(*one, now.wall);
      }
    }
  }
}

// As the studio's records will have it (studio/moderation_records.h).
void Room::dismiss(const media::PersonBarred& barred, WallTime wall) {
  if (moderators_ && barred.until > wall) moderators_changed_ |= moderators_->erase(barred.account) > 0;
}

media::OrderKept Room::order_kept() const { return {{moderators_->begin(), moderators_->end()}}; }

void Room::begin() {
  if (!beginning_) return;
  events_ = beginning_->events();
  beginning_.reset();
}

void Room::stamp(MediaTime newest, Now now) {
  begin();
  edge_.stamp(newest, now.loop);
  if (now.loop < stamped_ + stamp_every && stamped_ != LoopTime::min()) return;
  stamped_ = now.loop;
  events_.emplace_back(media::EdgeStamped{newest, now.wall});
}

Taken Room::take(const media::Batch& batch, Now now) {
  begin();
  const auto known = nodes_.find(batch.key.node);
  if (known != nodes_.end() && batch.key.run < known->second.run) return Taken::outdated;
  if (known != nodes_.end() && batch.key.run == known->second.run && batch.key.sequence <= known->second.sequence) {
    presence_.hear(batch.key.node, batch.key.run, now.loop);
    answer_again(batch, known->second);
    return Taken::again;
  }
  if (known == nodes_.end() && nodes_.size() >= nodes_max) return Taken::busy;
  Heard& heard = nodes_[batch.key.node];
  if (heard.run != batch.key.run) heard = {batch.key.run, 0, 0, {}};
  if (heard.owed != 0 && batch.key.sequence > heard.owed) return Taken::busy;
  if (pending_bytes_ >= pending_bytes_max) {
    heard.owed = batch.key.sequence;
    return Taken::busy;
  }
  heard.owed = 0;
  heard.sequence = batch.key.sequence;

  presence_.hear(batch.key.node, batch.key.run, now.loop);
  media::BatchAnswer answer{batch.key, {}};
  for (size_t i = 0; i < batch.records.size(); ++i) {
    const media::RoomRecord& record = batch.records[i];
    Outcome outcome;
    if (const auto* hearts = std::get_if<media::HeartsGiven>(&record)) outcome = take(*hearts, now);
    if (const auto* comment = std::get_if<media::CommentOffered>(&record)) outcome = take(*comment, now);
    if (const auto* votes = std::get_if<media::VotesGiven>(&record)) outcome = take(*votes, now);
    if (const auto* command = std::get_if<media::CommandGiven>(&record)) outcome = take(*command, now);
    if (outcome) answer.answers.push_back({static_cast<uint32_t>(i), std::move(*outcome)});
    // Who is here is as true now as it will be: it is not written down, and its node says it anew to a new home.
    const std::string& node = batch.key.node;
    if (const auto* census = std::get_if<media::Census>(&record)) presence_.count(node, *census, now.loop);
    if (const auto* came = std::get_if<media::PersonCame>(&record)) presence_.count(node, *came, now.loop);
    if (const auto* left = std::get_if<media::PersonLeft>(&record)) presence_.count(node, *left);
    if (const auto* count = std::get_if<media::AnonymousCounted>(&record)) presence_.count(node, *count);
  }
  write_down(std::move(answer));
  return Taken::taken;
}

void Room::answer_again(const media::Batch& batch, const Heard& heard) {
  const auto given = std::ranges::find(heard.answers, batch.key, &media::BatchAnswer::key);
  if (given != heard.answers.end()) {
    answers_.push_back(*given);
    return;
  }
  const auto is_this = [&](const Pending& pending) { return pending.answer.key == batch.key; };
  if (std::ranges::any_of(pending_, is_this)) return;  // answered in its time
  // A home before this one had it and wrote nothing down: nothing in it was taken, and why not went with that home.
  media::BatchAnswer answer{batch.key, {}};
  for (size_t i = 0; i < batch.records.size(); ++i) {
    const media::RoomRecord& record = batch.records[i];
    if (std::holds_alternative<media::CommentOffered>(record) || std::holds_alternative<media::VotesGiven>(record) ||
        std::holds_alternative<media::CommandGiven>(record)) {
      answer.answers.push_back({static_cast<uint32_t>(i), Refusal::busy});
    }
  }
  answers_.push_back(std::move(answer));
}

Room::Outcome Room::take(const media::HeartsGiven& given, Now now) {
  const MediaTime edge = newest(now.loop);
  HeartSums sums;
  for (const media::HeartCount& heart : given.hearts) {
    sums.add(media::heart_bucket_of(not_beyond_what_is_born(media::middle_of(heart.bucket), edge, settings_.screen)),
             heart.count);
  }
  if (!sums.empty()) happen(media::HeartsCounted{sums.take(given.hearts.size())}, now.wall);
  return std::nullopt;
}

Room::Outcome Room::take(const media::CommentOffered& offered, Now now) {
  if (ending_) return Refusal::not_now;
  const auto text = text_.clean(offered.text);
  if (!text) return refusal_of(text.error());
  const auto name = text_.clean(offered.author.name, name_graphemes_max);
  if (!name) return Refusal::nameless;
  if (held_.size() >= held_max && conduct_.rules().review != media::Review::nothing) return Refusal::busy;
  const media::Person author = as_known({offered.author.account, *name, offered.author.standing}, moderators_);
  const auto judged = conduct_.judge(author, *text, presence_.came_as(author.account), now.loop, now.wall);
  if (!judged) return judged.error();
  const MediaTime at = not_beyond_what_is_born(offered.at, newest(now.loop), settings_.screen);
  media::Comment comment{last_comment_ + 1, author, *text, at, now.wall};
  media::CommentTaken taken{comment.id, comment.text, *judged};
  if (*judged == media::Visibility::shown) {
    happen(media::CommentMade{std::move(comment)}, now.wall);
  } else {
    happen(media::CommentHeld{std::move(comment)}, now.wall);
  }
  return taken;
}

Room::Outcome Room::take(const media::VotesGiven& given, Now now) {
  if (const auto taken = polls_.takes(given.poll, given.option, given.accounts.size()); !taken) return taken.error();
  media::VotesTaken outcome;
  std::vector<media::AccountId> voters;
  for (const media::AccountId account : given.accounts) {
    if (account == media::AccountId::anonymous || conduct_.barred(account, now.wall)) {
      outcome.barred.push_back(account);
    } else {
      voters.push_back(account);
    }
  }
  std::vector<media::AccountId> counted = polls_.cast(given.poll, given.option, voters);
  // Both are in one order: who is not among the counted has voted before.
  auto next = counted.begin();
  for (const media::AccountId voter : voters) {
    if (next != counted.end() && *next == voter) {
      ++next;
    } else {
      outcome.voted_before.push_back(voter);
    }
  }
  if (!counted.empty()) happen(media::VotesCast{given.poll, given.option, std::move(counted)}, now.wall);
  return outcome;
}

Room::Outcome Room::take(const media::CommandGiven& said, Now now) {
  const media::CommandGiven given{as_known(said.by, moderators_), said.at, said.command};
  if (given.by.standing < media::Standing::moderator) return Refusal::no_standing;
  const auto done = std::visit([&](const auto& command) { return this->command(command, given, now); }, given.command);
  if (!done) return done.error();
  happen(media::Audited{given.by, given.command, now.wall}, now.wall);
  return media::CommandDone{};
}

std::expected<void, Refusal> Room::command(const media::DeleteComment& command, const media::CommandGiven&, Now now) {
  // Of one that is remembered no more it is still said that it is gone: who has it takes it away.
  if (command.comment == 0 || command.comment > last_comment_) return std::unexpected(Refusal::unknown);
  if (pinned_.id == command.comment) happen(media::CommentPinned{}, now.wall);
  happen(media::CommentGone{command.comment}, now.wall);
  return {};
}

std::expected<void, Refusal> Room::command(const media::ReleaseComment& command, const media::CommandGiven&, Now now) {
  const auto found = held_.find(command.comment);
  if (found == held_.end()) return std::unexpected(Refusal::unknown);
  happen(media::CommentMade{found->second}, now.wall);
  return {};
}

std::expected<void, Refusal> Room::command(const media::PinComment& command, const media::CommandGiven&, Now now) {
  if (command.comment == 0) {
    happen(media::CommentPinned{}, now.wall);
    return {};
  }
  const auto found = comments_.find(command.comment);
  if (found == comments_.end()) return std::unexpected(Refusal::unknown);
  happen(media::CommentPinned{found->second}, now.wall);
  return {};
}

std::expected<void, Refusal> Room::command(const media::Bar& command, const media::CommandGiven& given, Now now) {
  if (command.account == media::AccountId::anonymous) return std::unexpected(Refusal::unknown);
  // Nobody bars his like, or who stands above him, if it can be known.
  const media::Person here{command.account, {}, presence_.standing_of(command.account)};
  if (as_known(here, moderators_).standing >= given.by.standing) return std::unexpected(Refusal::no_standing);
  const WallTime until = later(now.wall, command.duration);
  if (!conduct_.bar(command.account, until, now.wall)) return std::unexpected(Refusal::busy);
  happen(media::PersonBarred{command.account, until}, now.wall);
  return {};
}

std::expected<void, Refusal> Room::command(const media::Unbar& command, const media::CommandGiven&, Now now) {
  happen(media::PersonBarred{command.account, WallTime()}, now.wall);
  return {};
}

std::expected<void, Refusal> Room::command(const media::SetRules& command, const media::CommandGiven&, Now now) {
  happen(media::RulesChanged{command.rules}, now.wall);
  return {};
}

std::expected<void, Refusal> Room::command(const media::SetWords&, const media::CommandGiven&, Now) { return {}; }

std::expected<void, Refusal> Room::command(const media::OpenPoll& command, const media::CommandGiven&, Now now) {
  if (ending_) return std::unexpected(Refusal::not_now);
  media::OpenPoll clean{{}, {}, command.duration};
  const auto question = text_.clean(command.question, question_graphemes_max);
  if (!question) return std::unexpected(refusal_of(question.error()));
  clean.question = *question;
  for (const std::string& option : command.options) {
    const auto one = text_.clean(option, option_graphemes_max);
    if (!one) return std::unexpected(refusal_of(one.error()));
    clean.options.push_back(*one);
  }
  if (clean.options.size() < media::poll_options_min) return std::unexpected(Refusal::empty);
  const auto poll = polls_.open(clean, newest(now.loop));
  if (!poll) return std::unexpected(poll.error());
  happen(media::PollOpened{*poll}, now.wall);
  return {};
}

std::expected<void, Refusal> Room::command(const media::ClosePoll& command, const media::CommandGiven&, Now now) {
  const auto closed = polls_.close(command.poll, newest(now.loop));
  if (!closed) return std::unexpected(closed.error());
  happen(*closed, now.wall);
  return {};
}

void Room::happen(media::RoomEvent event, WallTime wall) {
  settle(event, wall);
  happening_.push_back(std::move(event));
}

// What an event changes here. Polls are changed by who asks them; a journal's events by Polls::restore().
void Room::settle(const media::RoomEvent& event, WallTime wall) {
  if (const auto* made = std::get_if<media::CommentMade>(&event)) {
    last_comment_ = std::max(last_comment_, made->comment.id);
    held_.erase(made->comment.id);
    ++comments_made_;
    comments_[made->comment.id] = made->comment;
    if (comments_.size() > remembered_max) comments_.erase(comments_.begin());
  } else if (const auto* held = std::get_if<media::CommentHeld>(&event)) {
    last_comment_ = std::max(last_comment_, held->comment.id);
    held_[held->comment.id] = held->comment;
  } else if (const auto* gone = std::get_if<media::CommentGone>(&event)) {
    comments_.erase(gone->id);
    held_.erase(gone->id);
  } else if (const auto* pinned = std::get_if<media::CommentPinned>(&event)) {
    pinned_ = pinned->comment;
  } else if (const auto* hearts = std::get_if<media::HeartsCounted>(&event)) {
    histogram_.add(hearts->hearts);
  } else if (const auto* rules = std::get_if<media::RulesChanged>(&event)) {
    conduct_.set_rules(rules->rules);
  } else if (const auto* barred = std::get_if<media::PersonBarred>(&event)) {
    conduct_.bar(barred->account, barred->until, wall);
    dismiss(*barred, wall);
  } else if (const auto* audited = std::get_if<media::Audited>(&event)) {
    if (const auto* words = std::get_if<media::SetWords>(&audited->command)) conduct_.set_words(words->words);
  }
}

void Room::write_down(media::BatchAnswer answer) {
  Pending pending{written_, bytes_of(happening_), std::move(answer), std::exchange(happening_, {})};
  if (!pending.events.empty()) {
    pending.needs = ++written_;
    journal_.write({written_, pending.answer, pending.events});
  }
  pending_bytes_ += pending.bytes;
  pending_.push_back(std::move(pending));
  safe_up_to(safe_);  // one without events may be ready
}

void Room::safe_up_to(uint64_t number) {
  KLIEG_ASSERT(number >= safe_ && number <= written_, "what is safe was written");
  safe_ = number;
  while (!pending_.empty() && pending_.front().needs <= safe_) {
    Pending ready = std::move(pending_.front());
    pending_.pop_front();
    pending_bytes_ -= ready.bytes;
    for (const media::RoomEvent& event : ready.events) publish(event);
    if (!ready.answer.key.node.empty()) this->answer(std::move(ready.answer));
  }
}

void Room::publish(const media::RoomEvent& event) {
  if (const auto* hearts = std::get_if<media::HeartsCounted>(&event)) {
    for (const media::HeartCount& heart : hearts->hearts) hearts_due_.add(heart.bucket, heart.count);
    return;
  }
  if (const auto* votes = std::get_if<media::VotesCast>(&event)) {
    return polls_.show(votes->poll, votes->option, votes->accounts.size());
  }
  (reader_of(event) == EventReader::everybody ? events_ : desk_events_).push_back(event);
}

void Room::answer(media::BatchAnswer answer) {
  const auto found = nodes_.find(answer.key.node);
  if (found != nodes_.end() && found->second.run == answer.key.run) {
    found->second.answers.push_back(answer);
    if (found->second.answers.size() > answers_kept) found->second.answers.pop_front();
  }
  answers_.push_back(std::move(answer));
}

void Room::wake(Now now) {
  if (over_) return;
  begin();
  presence_.wake(now.loop, events_);
  if (!hearts_due_.empty()) events_.emplace_back(media::HeartsCounted{hearts_due_.take(heart_counts_max)});
  std::vector<media::RoomEvent> counts;
  polls_.count(ending_ ? MediaTime::max() : newest(now.loop), now.loop, counts);
  for (media::RoomEvent& count : counts) {
    // A result stands for good, once it is written down that it does.
    if (std::get<media::PollCounted>(count).counting == media::Counting::final) {
      happen(std::move(count), now.wall);
    } else {
      events_.push_back(std::move(count));
    }
  }
  if (!happening_.empty()) write_down({});
  if (ending_ && pending_.empty() && polls_.empty()) {
    over_ = true;
    events_.emplace_back(media::RoomEnded{});
  }
}

void Room::end(Now now) {
  if (ending_) return;
  ending_ = true;
  for (const media::PollClosed& closed : polls_.close_all(newest(now.loop))) happen(closed, now.wall);
  if (!happening_.empty()) write_down({});
}

std::vector<media::RoomEvent> Room::take_desk_events() {
  if (std::exchange(moderators_changed_, false)) desk_events_.emplace_back(order_kept());
  return std::exchange(desk_events_, {});
}

std::vector<media::RoomEvent> Room::desk_state() const {
  std::vector<media::RoomEvent> all;
  if (moderators_) all.emplace_back(order_kept());
  for (const auto& [id, comment] : held_) all.emplace_back(media::CommentHeld{comment});
  return all;
}

}  // namespace klieg::audience

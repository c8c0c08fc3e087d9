#include "audience/gallery.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace klieg::audience {
namespace {

using media::Refusal;
using wire::room::Hearer;

// More than an object begins with: RoomState::recent_max.
constexpr size_t seen_max = 256;
constexpr size_t held_max = 1'000;  // as many as the home holds (room.h)

Hearer hearer_for(const media::Person& person) {
  return person.standing >= media::Standing::moderator ? Hearer::moderator : Hearer::viewer;
}

constexpr AnswerToken token_of(uint32_t seat, uint32_t ref) { return AnswerToken{seat} << 32 | ref; }

}  // namespace

// --- one viewer ---

Seat::Seat(Gallery& gallery, media::Person person)
    : gallery_(gallery),
      person_(std::move(person)),
      number_(++gallery.last_seat_),
      hears_as_(hearer_for(as_known(person_, gallery.moderators_))),
      offset_(gallery.frames(hears_as_).size()) {
  answers_.add_you(as_known(person_, gallery.moderators_));
  gallery_.sit(*this);
}

Seat::~Seat() { gallery_.stand_up(*this); }

void Seat::hear_as_he_may() {
  const media::Person known = as_known(person_, gallery_.moderators_);
  const Hearer may = hearer_for(known);
  if (may == std::exchange(hears_as_, may)) return;
  answers_.add_you(known);
  offset_ = gallery_.frames(hears_as_).size();
  whole_ = false;
}

Result<void> Seat::hear(std::string_view message, LoopTime now) {
  const auto said = wire::room::read_said(message);
  if (!said) return std::unexpected(said.error());
  std::visit([&](const auto& one) { hear(one, now); }, *said);
  return {};
}

std::optional<MediaTime> Seat::believed(MediaTime claimed, LoopTime now) {
  const auto newest = gallery_.edge_.at(now);
  if (!newest) return std::nullopt;
  return screen_.believe(claimed, *newest, now, gallery_.settings_.screen);
}

std::optional<Refusal> Seat::bounded(LoopTime now) {
  const LoopTime full_at = std::max(words_full_at_, now) + word_every;
  if (full_at > now + word_every * words_burst || asked_.size() >= asked_max) return Refusal::too_much;
  if (!gallery_.outbox_.room()) return Refusal::busy;
  words_full_at_ = full_at;
  return std::nullopt;
}

void Seat::hear(const wire::room::HeartsTapped& tapped, LoopTime now) {
  if (person_.account == media::AccountId::anonymous && gallery_.settings_.hearts_of == HeartsOf::accounts) return;
  const auto at = believed(tapped.at, now);
  if (!at) return;
  const uint32_t counted = hearts_.take(tapped.count, *at, now, gallery_.settings_.hearts);
  gallery_.outbox_.say_hearts(media::heart_bucket_of(*at), counted);
}

void Seat::hear(const wire::room::CommentTyped& typed, LoopTime now) {
  const auto at = believed(typed.at, now);
  if (!at) return answer(typed.ref, Refusal::busy);
  if (const auto refusal = bounded(now)) return answer(typed.ref, *refusal);
  if (person_.account == media::AccountId::anonymous) return answer(typed.ref, Refusal::nameless);
  if (!gallery_.outbox_.has_way()) return answer(typed.ref, Refusal::no_way);
  if (!asked_.emplace(typed.ref, 0).second) return answer(typed.ref, Refusal::too_much);  // one that waits already
  gallery_.outbox_.say(media::CommentOffered{person_, typed.text, *at}, token_of(number_, typed.ref));
}

void Seat::hear(const wire::room::VoteCast& vote, LoopTime now) {
  const auto at = believed(vote.at, now);
  if (!at) return answer(vote.ref, Refusal::busy);
  if (const auto refusal = bounded(now)) return answer(vote.ref, *refusal);
  if (person_.account == media::AccountId::anonymous || media::is_guest(person_.account)) {
    return answer(vote.ref, Refusal::nameless);
  }
  const media::Poll* poll = gallery_.state_.poll(vote.poll);
  if (!poll || vote.option >= poll->options.size()) return answer(vote.ref, Refusal::unknown);
  if (at < poll->opens || at >= poll->closes) return answer(vote.ref, Refusal::not_open);
  if (asked_.contains(vote.ref)) return answer(vote.ref, Refusal::too_much);
  if (!gallery_.voted_[vote.poll].insert(person_.account).second) return answer(vote.ref, Refusal::voted);
  asked_.emplace(vote.ref, vote.poll);
  gallery_.outbox_.say_vote(vote.poll, vote.option, person_.account, token_of(number_, vote.ref));
}

void Seat::hear(const wire::room::CommandSaid& said, LoopTime now) {
  const auto at = believed(said.at, now);
  if (!at) return answer(said.ref, Refusal::busy);
  if (const auto refusal = bounded(now)) return answer(said.ref, *refusal);
  if (person_.standing < media::Standing::moderator) return answer(said.ref, Refusal::no_standing);
  if (!gallery_.outbox_.has_way()) return answer(said.ref, Refusal::no_way);
  if (!asked_.emplace(said.ref, 0).second) return answer(said.ref, Refusal::too_much);
  gallery_.outbox_.say(media::CommandGiven{person_, *at, said.command}, token_of(number_, said.ref));
}

bool Seat::due() const { return !whole_ || !answers_.empty() || offset_ < gallery_.frames(hears_as_).size(); }

void Seat::next(std::vector<Bytes>& out) {
  const Log& log = gallery_.frames(hears_as_);
  if (whole_ && offset_ < log.first()) {
    ++skips_;
    whole_ = false;
  }
  if (!whole_) {
    out.push_back(gallery_.opening(hears_as_));
    offset_ = log.size();
    whole_ = true;
  }
  if (!answers_.empty()) out.push_back(answers_.take_frame());
  offset_ += log.gather(offset_, UINT64_MAX, out, pieces_max);
}

// --- all of them ---

Gallery::Gallery(std::string node, uint64_t run, uint64_t seed, const GallerySettings& settings)
    : settings_(settings), outbox_(std::move(node), run), sample_(seed, settings.sample) {}

void Gallery::sit(Seat& seat) {
  seats_.emplace(seat.number_, &seat);
  if (hearer_for(seat.person_) == Hearer::moderator) ++desk_seats_;
  if (seat.person_.account == media::AccountId::anonymous) {
    ++anonymous_;
    return;
  }
  Here& here = people_[seat.person_.account];
  here.person = seat.person_;
  if (++here.seats == 1) outbox_.say_presence(media::PersonCame{seat.person_});
}

void Gallery::stand_up(Seat& seat) {
  seats_.erase(seat.number_);
  if (hearer_for(seat.person_) == Hearer::moderator) --desk_seats_;
  if (seat.person_.account == media::AccountId::anonymous) {
    --anonymous_;
    return;
  }
  const auto here = people_.find(seat.person_.account);
  KLIEG_ASSERT(here != people_.end(), "who stands up has sat");
  if (--here->second.seats > 0) return;
  people_.erase(here);
  outbox_.say_presence(media::PersonLeft{seat.person_.account});
}

media::Census Gallery::census() const {
  media::Census all{{}, anonymous_};
  for (const auto& [account, here] : people_) all.people.push_back(here.person);
  return all;
}

void Gallery::connected() {
  anonymous_told_ = anonymous_;
  outbox_.connected(census());
}

void Gallery::move() {
  state_ = {};
  edge_ = {};
  for (const auto& [_, seat] : seats_) seat->screen_ = {};
}

Result<void> Gallery::hear(ByteView content, LoopTime now) {
  std::vector<media::RoomEvent> events;
  const auto fed = reader_.feed(content, events);
  for (media::RoomEvent& event : events) apply(std::move(event), now);
  return fed;
}

void Gallery::apply(media::RoomEvent event, LoopTime now) {
  // What was meant for others is not passed on, whoever sent it.
  if (reader_of(event) != EventReader::everybody) return;
  state_.apply(event);
  if (const auto* stamped = std::get_if<media::EdgeStamped>(&event)) {
    edge_.stamp(stamped->newest, now);
    return;
  }
  if (const auto* gone = std::get_if<media::CommentGone>(&event)) see(gone->id);
  if (const auto* made = std::get_if<media::CommentMade>(&event)) {
    if (!see(made->comment.id)) return;
    sample_.offer(made->comment);
  }
  if (const auto* counted = std::get_if<media::PollCounted>(&event)) {
    if (counted->counting == media::Counting::final) voted_.erase(counted->poll);
  }
  turn_events_.push_back(std::move(event));
}

bool Gallery::see(media::CommentId comment) {
  held_.erase(comment);
  const bool is_new = seen_.insert(comment).second;
  if (seen_.size() > seen_max) seen_.erase(seen_.begin());
  return is_new;
}

void Gallery::hear_desk(const media::RoomEvent& event) {
  if (const auto* order = std::get_if<media::OrderKept>(&event)) {
    moderators_.emplace(order->moderators.begin(), order->moderators.end());
    for (const auto& [_, seat] : seats_) seat->hear_as_he_may();
    return;
  }
  if (const auto* held = std::get_if<media::CommentHeld>(&event)) {
    if (seen_.contains(held->comment.id)) return;
    if (held_.size() >= held_max || !held_.emplace(held->comment.id, held->comment).second) return;
  }
  turn_desk_.push_back(event);
}

void Gallery::hear(const media::BatchAnswer& answer) {
  for (const Outbox::Answered& one : outbox_.answered(answer)) {
    const auto found = seats_.find(static_cast<uint32_t>(one.token >> 32));
    if (found == seats_.end()) continue;  // who asked has left
    Seat& seat = *found->second;
    const auto asked = seat.asked_.find(static_cast<uint32_t>(one.token));
    if (asked == seat.asked_.end()) continue;
    // Who was told to say it again may.
    if (asked->second != 0 && one.outcome == media::RecordOutcome(Refusal::busy)) {
      voted_[asked->second].erase(seat.person_.account);
    }
    seat.answer(asked->first, one.outcome);
    seat.asked_.erase(asked);
  }
}

bool Gallery::turn(LoopTime now) {
  const bool draws = now >= drawn_ + draw_every;
  if (!draws && !sample_.fits(now)) return false;
  std::set<media::CommentId> shown;
  for (const media::Comment& comment : sample_.turn(now)) shown.insert(comment.id);
  const std::vector<media::RoomEvent> events = std::exchange(turn_events_, {});
  std::vector<media::RoomEvent> for_viewers;
  for (const media::RoomEvent& event : events) {
    const auto* made = std::get_if<media::CommentMade>(&event);
    if (!made || shown.contains(made->comment.id)) for_viewers.push_back(event);
  }
  bool told = append(Hearer::viewer, for_viewers);
  told |= append(Hearer::moderator, events);
  told |= append(Hearer::moderator, std::exchange(turn_desk_, {}));
  if (!draws) return told;
  drawn_ = now;
  if (anonymous_ != std::exchange(anonymous_told_, anonymous_)) {
    outbox_.say_presence(media::AnonymousCounted{anonymous_});
  }
  if (outbox_.wants_census()) connected();
  return told;
}

bool Gallery::append(Hearer hearer, const std::vector<media::RoomEvent>& events) {
  Log& log = logs_[static_cast<size_t>(hearer)];
  const uint64_t before = log.size();
  wire::room::Message message;
  for (const media::RoomEvent& event : events) {
    message.add(event, hearer);
    if (message.size() >= frame_size_max) log.append(message.take_frame());
  }
  if (!message.empty()) log.append(message.take_frame());
  if (log.size() - log.first() > frames_kept_max) log.forget_before(log.size() - frames_kept_max);
  return log.size() > before;
}

Bytes Gallery::opening(Hearer hearer) const {
  wire::room::Message message;
  for (const media::RoomEvent& event : state_.events()) message.add(event, hearer);
  for (const auto& [id, comment] : held_) message.add(media::CommentHeld{comment}, hearer);
  return message.take_frame();
}

}  // namespace klieg::audience

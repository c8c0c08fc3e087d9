// What is said in the room of a broadcast, as values: what viewers say goes up to the broadcast's home in batches, what
// came of it comes down as events, the same for everybody.
//
//   viewer ──► node ──Batch──► home          each record once, however often the batch is sent (BatchKey)
//   viewer ◄── node ◄─RoomEvent── home       the room's log: what a node reads, what a replay is made of
//          ◄── node ◄─BatchAnswer── home     what became of the node's own records
//
// Media time is what all of it is aligned by: `at` is what the speaker saw when he spoke, as far as that can be
// believed (audience/screen_clock.h). It is kept to the millisecond.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"

namespace klieg::media {

// --- who ---

enum class AccountId : uint64_t { anonymous = 0 };
constexpr uint64_t account_id_max = (uint64_t{1} << 53) - 1;  // what every reader of JSON can tell apart
// From here on they are of guests: a number for as long as a connection, behind which is no account. One who comes
// again is another, so a guest may speak and has no vote.
constexpr uint64_t guest_id_min = uint64_t{1} << 52;
constexpr bool is_guest(AccountId account) { return static_cast<uint64_t>(account) >= guest_id_min; }

// Each may do what those before him may.
enum class Standing : uint8_t { stranger, follower, moderator, broadcaster };

struct Person {
  AccountId account = AccountId::anonymous;
  std::string name;  // as it is shown
  Standing standing = Standing::stranger;
  bool operator==(const Person&) const = default;
};

// --- what ---

using CommentId = uint64_t;  // from 1, in the order in which the home took them
using PollId = uint32_t;     // likewise

struct Comment {
  CommentId id = 0;
  Person author;
  std::string text;
  MediaTime at;
  WallTime said;  // when the home took it
  bool operator==(const Comment&) const = default;
};

// Hearts travel as numbers: so many for a tenth of a second of media. Half a bucket is what that may be wrong by.
constexpr Duration heart_bucket_duration = 100ms;
using HeartBucket = uint32_t;
constexpr HeartBucket heart_bucket_of(MediaTime at) {
  return static_cast<HeartBucket>(at.time_since_epoch() / heart_bucket_duration);
}
constexpr MediaTime middle_of(HeartBucket bucket) {
  return MediaTime(bucket * heart_bucket_duration + heart_bucket_duration / 2);
}
struct HeartCount {
  HeartBucket bucket = 0;
  uint32_t count = 0;
  bool operator==(const HeartCount&) const = default;
};

constexpr size_t poll_options_min = 2;
constexpr size_t poll_options_max = 6;
struct Poll {
  PollId id = 0;
  std::string question;
  std::vector<std::string> options;
  MediaTime opens;   // on each viewer's screen
  MediaTime closes;  // likewise
  bool operator==(const Poll&) const = default;
};

enum class WhoMayComment : uint8_t { everyone, followers, first, nobody };
constexpr std::array<std::string_view, 4> who_may_comment_names{"everyone", "followers", "first", "nobody"};
constexpr std::string_view name_of(WhoMayComment who) { return who_may_comment_names[static_cast<size_t>(who)]; }
enum class Review : uint8_t {
  nothing,     // a comment with a word of the filter is refused
  filtered,    // it is held until a moderator has seen it
  everything,  // every comment is
};
constexpr std::array<std::string_view, 3> review_names{"nothing", "filtered", "everything"};
constexpr std::string_view name_of(Review review) { return review_names[static_cast<size_t>(review)]; }
constexpr uint32_t first_max = 10'000;
struct RoomRules {
  WhoMayComment who = WhoMayComment::everyone;
  uint32_t first = 100;  // where `who` says so: the accounts that came first
  Duration slow{0};      // between two comments of one account
  Review review = Review::nothing;
  bool operator==(const RoomRules&) const = default;
};

// --- why not ---

// Each has words for who is refused (wire/room_message.h).
enum class Refusal : uint8_t {
  nameless,      // only who is signed in may
  not_now,       // nobody may comment
  not_follower,  // only followers may
  not_first,     // only those who came first may
  banned,
  timed_out,
  too_soon,     // slow mode
  too_much,     // faster than anybody types or taps
  empty,        // of text
  too_long,     // likewise
  not_text,     // likewise
  word,         // of the filter
  no_standing,  // moderators' and the broadcaster's business
  unknown,      // there is no such comment, poll, option or account here
  not_open,     // the poll is not, at what the voter saw
  too_late,     // the result stands
  voted,        // one account, one vote
  busy,         // more waits to be made safe than may: say it again
  no_way,       // the node has no way to the room's home: likewise
};

// --- what a moderator or the broadcaster does ---

struct DeleteComment {
  CommentId comment = 0;
  bool operator==(const DeleteComment&) const = default;
};
struct ReleaseComment {  // of those that are held
  CommentId comment = 0;
  bool operator==(const ReleaseComment&) const = default;
};
struct PinComment {
  CommentId comment = 0;  // 0: none
  bool operator==(const PinComment&) const = default;
};
struct Bar {  // from commenting and voting
  AccountId account = AccountId::anonymous;
  Duration duration{0};  // Duration::max(): a ban
  bool operator==(const Bar&) const = default;
};
struct Unbar {
  AccountId account = AccountId::anonymous;
  bool operator==(const Unbar&) const = default;
};
struct SetRules {
  RoomRules rules;
  bool operator==(const SetRules&) const = default;
};
struct SetWords {  // of the filter; those before are forgotten
  std::vector<std::string> words;
  bool operator==(const SetWords&) const = default;
};
struct OpenPoll {
  std::string question;
  std::vector<std::string> options;
  Duration duration{0};
  bool operator==(const OpenPoll&) const = default;
};
struct ClosePoll {  // at the newest media there is: whoever voted on what he saw keeps his vote
  PollId poll = 0;
  bool operator==(const ClosePoll&) const = default;
};
using Command =
    std::variant<DeleteComment, ReleaseComment, PinComment, Bar, Unbar, SetRules, SetWords, OpenPoll, ClosePoll>;

// --- up: what a node tells the home ---

struct HeartsGiven {
  std::vector<HeartCount> hearts;  // of all its viewers since the batch before
  bool operator==(const HeartsGiven&) const = default;
};
struct CommentOffered {
  Person author;
  std::string text;  // as it was typed
  MediaTime at;
  bool operator==(const CommentOffered&) const = default;
};
// Not as sums: two nodes may hear the same account, and only who has both can tell. Eight bytes a vote.
struct VotesGiven {
  PollId poll = 0;
  uint8_t option = 0;
  std::vector<AccountId> accounts;  // whose screens showed the open poll
  bool operator==(const VotesGiven&) const = default;
};
struct CommandGiven {
  Person by;
  MediaTime at;
  Command command;
  bool operator==(const CommandGiven&) const = default;
};
// Everybody who is here by this node; what was said of it before does not count any more. The first record of a node
// that a home has not heard before.
struct Census {
  std::vector<Person> people;
  uint32_t anonymous = 0;
  bool operator==(const Census&) const = default;
};
struct PersonCame {
  Person person;
  bool operator==(const PersonCame&) const = default;
};
struct PersonLeft {
  AccountId account = AccountId::anonymous;
  bool operator==(const PersonLeft&) const = default;
};
struct AnonymousCounted {
  uint32_t count = 0;
  bool operator==(const AnonymousCounted&) const = default;
};
using RoomRecord = std::variant<HeartsGiven, CommentOffered, VotesGiven, CommandGiven, Census, PersonCame, PersonLeft,
                                AnonymousCounted>;

// The unit of being heard: taken whole or not at all, once, and acknowledged when all of it is safe. A run is a process
// of a node: the sequences of two runs have nothing to do with each other.
struct BatchKey {
  std::string node;
  uint64_t run = 0;
  uint64_t sequence = 0;  // from 1
  auto operator<=>(const BatchKey&) const = default;
};
struct Batch {
  BatchKey key;
  std::vector<RoomRecord> records;
  bool operator==(const Batch&) const = default;
};

enum class Visibility : uint8_t { shown, held };
struct CommentTaken {
  CommentId id = 0;
  std::string text;  // as it is shown
  Visibility visibility = Visibility::shown;
  bool operator==(const CommentTaken&) const = default;
};
struct CommandDone {
  bool operator==(const CommandDone&) const = default;
};
struct VotesTaken {
  std::vector<AccountId> voted_before;
  std::vector<AccountId> barred;  // who is in neither list has voted
  bool operator==(const VotesTaken&) const = default;
};
using RecordOutcome = std::variant<CommentTaken, VotesTaken, CommandDone, Refusal>;
struct RecordAnswer {
  uint32_t index = 0;  // of the record in its batch
  RecordOutcome outcome;
  bool operator==(const RecordAnswer&) const = default;
};
// The batch and all before it are safe. Hearts and who is here are answered by that alone.
struct BatchAnswer {
  BatchKey key;
  std::vector<RecordAnswer> answers;
  bool operator==(const BatchAnswer&) const = default;
};

// --- down: the room's log ---

enum class Counting : uint8_t { running, final };
struct PollCounted {
  PollId poll = 0;
  std::vector<uint64_t> votes;  // by option
  Counting counting = Counting::running;
  bool operator==(const PollCounted&) const = default;
};
struct CommentMade {
  Comment comment;
  bool operator==(const CommentMade&) const = default;
};
struct CommentHeld {  // for moderators
  Comment comment;
  bool operator==(const CommentHeld&) const = default;
};
struct CommentGone {
  CommentId id = 0;
  bool operator==(const CommentGone&) const = default;
};
struct CommentPinned {
  Comment comment;  // id 0: none is
  bool operator==(const CommentPinned&) const = default;
};
struct HeartsCounted {
  std::vector<HeartCount> hearts;
  bool operator==(const HeartsCounted&) const = default;
};
struct PollOpened {
  Poll poll;
  bool operator==(const PollOpened&) const = default;
};
struct PollClosed {  // earlier than was said
  PollId poll = 0;
  MediaTime closes;
  bool operator==(const PollClosed&) const = default;
};
struct RulesChanged {
  RoomRules rules;
  bool operator==(const RulesChanged&) const = default;
};
struct ViewersCounted {
  uint64_t viewers = 0;
  bool operator==(const ViewersCounted&) const = default;
};
struct PeopleJoined {
  std::vector<std::string> names;
  uint32_t others = 0;
  bool operator==(const PeopleJoined&) const = default;
};
// What a moderator did: for moderators and for the record.
struct Audited {
  Person by;
  Command command;
  WallTime when;
  bool operator==(const Audited&) const = default;
};
// How far the broadcast is: the newest media there is, and when that was so. Nodes bound by it what viewers say they
// see.
struct EdgeStamped {
  MediaTime newest;
  WallTime wall;
  bool operator==(const EdgeStamped&) const = default;
};
struct VotesCast {  // for the journal alone
  PollId poll = 0;
  uint8_t option = 0;
  std::vector<AccountId> accounts;
  bool operator==(const VotesCast&) const = default;
};
// Who may not take part until then; WallTime::max(): ever again. WallTime(): he may.
struct PersonBarred {
  AccountId account = AccountId::anonymous;
  WallTime until;
  bool operator==(const PersonBarred&) const = default;
};
// Who keeps order by now: for nodes, and in no log. As the studio's records have it, a hundred at most.
struct OrderKept {
  std::vector<AccountId> moderators;
  bool operator==(const OrderKept&) const = default;
};
struct RoomEnded {
  bool operator==(const RoomEnded&) const = default;
};
using RoomEvent = std::variant<EdgeStamped, CommentMade, CommentHeld, CommentGone, CommentPinned, HeartsCounted,
                               PollOpened, PollClosed, PollCounted, RulesChanged, ViewersCounted, PeopleJoined, Audited,
                               VotesCast, PersonBarred, RoomEnded, OrderKept>;

}  // namespace klieg::media

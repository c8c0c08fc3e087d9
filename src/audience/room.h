// The room of a broadcast at its home: batches of what viewers said go in, the room's log and answers come out.
//
//   take(batch) ──judged, written to the journal──► pending ──safe_up_to()──► log, desk, answers
//        └── heard before: answered again        └── refused wholly: answered with those before it
//
// Laws
//   * a batch is the unit: taken whole or not at all, written down whole, answered whole. It is known by its node, that
//     node's run and its sequence (media::BatchKey); the same batch again changes nothing and is answered again. So one
//     heart is counted once, one comment said once, whatever is retried, also by a home that was restored from its
//     journal;
//   * what a batch changes counts at once for those after it (slow mode, one vote an account), and is told to nobody
//     before it is safe;
//   * nodes are believed in who somebody is and in what he saw; what can be bounded here is (screen_clock.h), and who
//     keeps order is known here: whoever came in as a moderator and is none any more is a stranger at once;
//   * the log is the conversation: replaying the journal's events gives the same one (replay.h), and the state that
//     nodes show can be had from the log alone (room_state.h).
//
// Hearts, counts of votes and of viewers are gathered and told every wake_every; comments as they become safe.
//
// A plain state machine: no socket, no clock. Owner: the broadcast's home. Thread: its loop.
// Limits: here and in polls.h, conduct.h, presence.h, hearts.h. The largest are the voters of a poll, 160 MB for four
// million, and the names of who is here, 40 MB for 200,000; a room of a thousand has a few hundred KiB and its
// comments.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "audience/comment_text.h"
#include "audience/conduct.h"
#include "audience/hearts.h"
#include "audience/journal.h"
#include "audience/polls.h"
#include "audience/presence.h"
#include "audience/room_state.h"
#include "audience/screen_clock.h"
#include "base/time.h"
#include "media/room.h"

namespace klieg::audience {

struct RoomSettings {
  media::RoomRules rules;
  ConductLimits conduct;
  PresenceLimits presence;
  ScreenLimits screen;
};

struct Now {
  LoopTime loop;
  WallTime wall;
};

enum class Taken : uint8_t {
  taken,
  again,     // heard before
  outdated,  // of a run of the node that was followed by another
  busy,      // too much waits to be made safe: nothing was taken, and the node says it again
};

class Room {
 public:
  static constexpr Duration wake_every = 250ms;  // what a page's eye takes for at once
  // Comments that can be pinned or looked up by moderators; of those before only the number is known.
  static constexpr size_t remembered_max = 5'000;
  static constexpr size_t held_max = 1'000;
  // What waits to be made safe: 20,000 comments, for as long as a database is restarted.
  static constexpr size_t pending_bytes_max = size_t{8} << 20;
  static constexpr size_t nodes_max = 4'096;
  // A node has no more batches on their way (outbox.h), so that each can be answered again.
  static constexpr size_t answers_kept = 8;

  Room(const RoomSettings& settings, Journal& journal);

  // Before anything else: the entries of the journal, in their order. They are safe.
  void restore(const JournalEntry& entry, Now now);

  // Who may take part and who keeps order is kept elsewhere, too, beyond this room: as it is there. Not written down;
  // counts at once. Before that nodes are believed in who keeps order.
  void set_people(const std::vector<media::PersonBarred>& barred, const std::vector<media::AccountId>& moderators,
                  Now now);

  // The newest media there is, from ingest. Every second or oftener.
  void stamp(MediaTime newest, Now now);
  Taken take(const media::Batch& batch, Now now);
  void safe_up_to(uint64_t number);
  void wake(Now now);  // every wake_every
  // The broadcast is over. What is pending still becomes safe, polls still become final: wake it until over().
  void end(Now now);
  bool over() const { return over_; }

  // What came of it, for RoomLog::append; for nodes that have moderators; and for the nodes that said it.
  std::vector<media::RoomEvent> take_events() { return std::exchange(events_, {}); }
  std::vector<media::RoomEvent> take_desk_events();
  std::vector<media::BatchAnswer> take_answers() { return std::exchange(answers_, {}); }

  // What a node with its first moderator has to know besides the log: who keeps order, and what is held.
  std::vector<media::RoomEvent> desk_state() const;

  const HeartHistogram& hearts() const { return histogram_; }
  uint64_t comments() const { return comments_made_; }  // that were shown, also if they are gone now
  const Presence& presence() const { return presence_; }

 private:
  struct Heard {
    uint64_t run = 0;
    uint64_t sequence = 0;
    uint64_t owed = 0;  // the batch that the room was too busy for: none behind it is taken before it
    std::deque<media::BatchAnswer> answers;  // given, the latest last
  };
  struct Pending {
    uint64_t needs = 0;  // is ready when this entry is safe
    size_t bytes = 0;
    media::BatchAnswer answer;
    std::vector<media::RoomEvent> events;
  };
  using Outcome = std::optional<media::RecordOutcome>;  // nothing: is answered by the batch's own

  void begin();
  void dismiss(const media::PersonBarred& barred, WallTime wall);
  media::OrderKept order_kept() const;
  void answer_again(const media::Batch& batch, const Heard& heard);
  Outcome take(const media::HeartsGiven& given, Now now);
  Outcome take(const media::CommentOffered& offered, Now now);
  Outcome take(const media::VotesGiven& given, Now now);
  Outcome take(const media::CommandGiven& given, Now now);
  // What a command does besides being written down; a refusal if it cannot be done.
  std::expected<void, media::Refusal> command(const media::CommandGiven& given, Now now);
  std::expected<void, media::Refusal> command(const media::DeleteComment& command, const media::CommandGiven&, Now);
  std::expected<void, media::Refusal> command(const media::ReleaseComment& command, const media::CommandGiven&, Now);
  std::expected<void, media::Refusal> command(const media::PinComment& command, const media::CommandGiven&, Now);
  std::expected<void, media::Refusal> command(const media::Bar& command, const media::CommandGiven&, Now);
  std::expected<void, media::Refusal> command(const media::Unbar& command, const media::CommandGiven&, Now);
  std::expected<void, media::Refusal> command(const media::SetRules& command, const media::CommandGiven&, Now);
  std::expected<void, media::Refusal> command(const media::SetWords& command, const media::CommandGiven&, Now);
  std::expected<void, media::Refusal> command(const media::OpenPoll& command, const media::CommandGiven&, Now);
  std::expected<void, media::Refusal> command(const media::ClosePoll& command, const media::CommandGiven&, Now);

  // Something happened: it counts from now on, and is told once it is safe.
  void happen(media::RoomEvent event, WallTime wall);
  void settle(const media::RoomEvent& event, WallTime wall);
  void write_down(media::BatchAnswer answer);
  void publish(const media::RoomEvent& event);
  void answer(media::BatchAnswer answer);
  MediaTime newest(LoopTime now) const { return edge_.at(now).value_or(MediaTime()); }

  const RoomSettings settings_;
  Journal& journal_;
  CommentText text_;
  Conduct conduct_;
  Moderators moderators_;            // a hundred of a host
  bool moderators_changed_ = false;  // and nodes have not been told
  Presence presence_;
  Polls polls_;
  HeartHistogram histogram_;
  LiveEdge edge_;
  std::map<media::CommentId, media::Comment> comments_;  // the latest remembered_max that are shown
  std::map<media::CommentId, media::Comment> held_;
  media::CommentId last_comment_ = 0;
  uint64_t comments_made_ = 0;
  media::Comment pinned_;

  std::unordered_map<std::string, Heard> nodes_;
  std::optional<RoomState> beginning_;       // what the log begins with, until it has: the rules, or what was restored
  std::vector<media::RoomEvent> happening_;  // of the batch that is being taken
  uint64_t written_ = 0;                     // entries of the journal
  uint64_t safe_ = 0;
  std::deque<Pending> pending_;
  size_t pending_bytes_ = 0;

  HeartSums hearts_due_;  // safe, and not told yet
  LoopTime stamped_ = LoopTime::min();
  bool ending_ = false;
  bool over_ = false;
  std::vector<media::RoomEvent> events_;
  std::vector<media::RoomEvent> desk_events_;
  std::vector<media::BatchAnswer> answers_;
};

}  // namespace klieg::audience

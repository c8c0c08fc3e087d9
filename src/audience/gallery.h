// The viewers of a room on one loop of a node: what they say goes into an Outbox, what they hear is built once for all.
//
//   viewer ──message──► Seat ──believed, bounded──► Outbox ──► home
//   viewer ◄──his own answers── Seat ◄─────────────────────────┘
//   viewer ◄──cursor── Log of frames ◄──every turn_every── what the room's log said, of comments a fair sample
//
// While all that is said can be shown, it is told every turn_every; of a flood is drawn what came in draw_every, since
// to draw fairly takes more than one of each to draw from.
//
// There are two logs of frames, for viewers and for moderators; one more viewer is one more cursor (base/log.h). A
// piece of a log is whole frames, so a cursor that lags behind what is kept goes on with how things are, and then at
// the end.
//
// Who is signed in is known by his connection, from its cookie or token; what he may do is decided at home. Here is
// decided what only his node can know: what he sees (screen_clock.h), how many hearts he has (hearts.h), whether the
// poll is open on his screen, and whether he says more than anybody does. His own comment he is shown by its answer,
// whether the sample has it or not: pages pass over an id that they have.
//
// A plain state machine: no socket, no clock. Owner: the loop's server. Thread: that loop. The Gallery outlives its
// Seats. Limit: 0.5 KiB a seat besides its connection (216 bytes, a name, and its places in tables), frames_kept_max
// for each log, and the Outbox's.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "audience/hearts.h"
#include "audience/outbox.h"
#include "audience/room_state.h"
#include "audience/sample.h"
#include "audience/screen_clock.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "media/room.h"
#include "wire/room_message.h"
#include "wire/room_record.h"

namespace klieg::audience {

enum class HeartsOf : uint8_t { everybody, accounts };

struct GallerySettings {
  SampleSettings sample;
  HeartLimits hearts;
  ScreenLimits screen;
  HeartsOf hearts_of = HeartsOf::everybody;
};

class Gallery;

// One viewer's place, while it lives.
class Seat {
 public:
  Seat(Gallery& gallery, media::Person person);
  ~Seat();
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;

  // What he said: one text message. The error is what to close his connection with.
  Result<void> hear(std::string_view message, LoopTime now);

  // Appends what is to be sent to him next: his own answers, and at most pieces_max pieces of the log.
  void next(std::vector<Bytes>& out);
  bool due() const;
  uint64_t skips() const { return skips_; }  // how often he had lagged too far
  static constexpr size_t pieces_max = 64;   // 3 s of a room's turns

 private:
  friend class Gallery;
  // What one viewer may say besides hearts, and what of it may wait for its answer.
  static constexpr Duration word_every = 250ms;
  static constexpr uint32_t words_burst = 12;
  static constexpr size_t asked_max = 12;

  std::optional<media::Refusal> bounded(LoopTime now);
  void hear(const wire::room::HeartsTapped& tapped, LoopTime now);
  void hear(const wire::room::CommentTyped& typed, LoopTime now);
  void hear(const wire::room::VoteCast& vote, LoopTime now);
  void hear(const wire::room::CommandSaid& said, LoopTime now);
  // What he claims to see, believed; nothing while it is not known how far the broadcast is.
  std::optional<MediaTime> believed(MediaTime claimed, LoopTime now);
  void answer(uint32_t ref, const media::RecordOutcome& outcome) { answers_.add_answer(ref, outcome); }
  // Of whose log of frames he has the end, or will.
  void hear_as_he_may();

  Gallery& gallery_;
  const media::Person person_;
  const uint32_t number_;
  wire::room::Hearer hears_as_;
  uint64_t offset_;     // in the log of frames
  bool whole_ = false;  // knows how things were at offset_
  uint64_t skips_ = 0;
  ScreenClock screen_;
  HeartMeter hearts_;
  LoopTime words_full_at_ = LoopTime::min();
  std::map<uint32_t, media::PollId> asked_;  // by ref; the poll of a vote, else 0
  wire::room::Message answers_;
};

class Gallery {
 public:
  static constexpr Duration turn_every = 50ms;
  static constexpr Duration draw_every = 250ms;
  // What a cursor may be behind: some seconds of the largest room, minutes of others.
  static constexpr uint64_t frames_kept_max = 1 << 20;
  static constexpr size_t frame_size_max = 32 * 1024;  // about; then another is begun

  // `node` and `run` are of this loop: two loops of a process are two nodes of a room. `seed`: of its sample.
  Gallery(std::string node, uint64_t run, uint64_t seed, const GallerySettings& settings = {});

  // The room's log, as it comes: an object begins, and grows. An error: it cannot be understood, and is to be
  // subscribed to anew.
  void begin_object() { reader_ = {}; }
  // The room goes on elsewhere, with a timeline that begins anew. Its log is heard from the beginning.
  void move();
  Result<void> hear(ByteView content, LoopTime now);
  // What moderators hear besides; for the first of them what is held, and who keeps order (Room::desk_state): whoever
  // came in as a moderator and is not among them hears what viewers hear until he is. Before that, who came in as one.
  void hear_desk(const media::RoomEvent& event);
  void hear(const media::BatchAnswer& answer);

  // Every turn_every: what was heard since becomes frames. Whether there is something new for somebody.
  bool turn(LoopTime now);
  std::vector<media::Batch> to_send(LoopTime now) { return outbox_.to_send(now); }

  void connected();
  void disconnected() { outbox_.disconnected(); }
  bool all_is_safe() const { return outbox_.all_is_safe(); }  // whatever was said

  const Log& frames(wire::room::Hearer hearer) const { return logs_[static_cast<size_t>(hearer)]; }
  const RoomState& state() const { return state_; }
  size_t seats() const { return seats_.size(); }
  size_t moderators() const { return desk_seats_; }  // seats of who came in as one, or as more
  uint64_t comments_left_out() const { return sample_.left_out(); }

 private:
  friend class Seat;
  struct Here {
    media::Person person;
    uint32_t seats = 0;
  };
  Bytes opening(wire::room::Hearer hearer) const;
  void apply(media::RoomEvent event, LoopTime now);
  bool see(media::CommentId comment);  // false: it was seen
  bool append(wire::room::Hearer hearer, const std::vector<media::RoomEvent>& events);
  void sit(Seat& seat);
  void stand_up(Seat& seat);
  media::Census census() const;

  const GallerySettings settings_;
  Outbox outbox_;
  Sample sample_;
  RoomState state_;
  LiveEdge edge_;
  wire::room::EventReader reader_;
  Moderators moderators_;
  std::map<media::CommentId, media::Comment> held_;  // for moderators who come later
  // Of late, shown or gone: an object begins with comments that were said before, and that one was held may be heard
  // when it no longer is.
  std::set<media::CommentId> seen_;
  std::vector<media::RoomEvent> turn_events_;
  std::vector<media::RoomEvent> turn_desk_;
  LoopTime drawn_{};
  std::array<Log, 2> logs_;

  std::unordered_map<uint32_t, Seat*> seats_;
  size_t desk_seats_ = 0;
  uint32_t last_seat_ = 0;
  std::unordered_map<media::AccountId, Here> people_;
  uint32_t anonymous_ = 0;
  uint32_t anonymous_told_ = 0;
  std::map<media::PollId, std::set<media::AccountId>> voted_;  // by this node, or on the way
};

}  // namespace klieg::audience

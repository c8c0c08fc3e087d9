// The line between a node far away and the home of a room: the room's log comes down, the node's batches go up.
//
//   listening ──the log's topic ended──► resting ──► looking ──the room is its channel's still──► listening
//       │                                   ▲            ├── the same broadcast of a later epoch ──► listening, there
//       └── it is finished ──► over         ├────────────┤
//                                           │            ├── nothing is live for absent_max; another broadcast ──► over
//                                           └────────────┴── nothing is live; it cannot be known now
//
// A home that died comes again as another epoch: its room goes on, and so does the line. Viewers stay, and what is not
// known to be safe is sent there, where what the home before it had is known.
//
// Down, the log is a topic as tracks are (room_log.h), of whichever parent is well. Up, one request is under way at a
// time (upward.h); what comes meanwhile goes with the next, in its order, so that no batch overtakes another. A request
// that was not answered, or not wholly, loses the way: whoever sends is told so (WayLost), and once it is there again
// (WayFound) sends all that is not safe anew. A request that was given up may still be heard, and before or after the
// one that repeats it: each begins with the first batch that is not safe, so whichever comes first is the one that
// counts.
//
// While moderators are at the node, one more request is: what is said among them, held until there is some.
//
// What was heard of an object is not told again when its topic is subscribed to anew: a heart that was shown would be
// shown twice.
//
// A plain state machine: no socket, no clock of its own. Owner: who joined the room. Thread: one loop.
// Limit: what an Outbox may have on its way, 8 batches of 40 KiB.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audience/server_home.h"
#include "audience/upward.h"
#include "base/bytes.h"
#include "base/time.h"
#include "media/push.h"
#include "media/room.h"

namespace klieg::audience {

// Whether moderators are at a node.
enum class Desk : uint8_t { empty, attended };

enum class Looked : uint8_t { live, absent, unknown };

class LineHost {
 public:
  virtual ~LineHost() = default;
  virtual LoopTime now() const = 0;
  virtual std::unique_ptr<media::Subscription> subscribe(const std::string& topic, media::PushSink& sink) = 0;
  // What is live on the room's channel, with the topic of its room. Both call `then` once, in a later turn, while the
  // line is there.
  virtual void look(std::move_only_function<void(Looked, const std::string& topic)> then) = 0;
  // Nothing: it was not answered, or not so.
  virtual void post(std::string path, std::string query, Bytes body,
                    std::move_only_function<void(std::optional<Bytes>)> then) = 0;
  virtual void tell(std::vector<Told> told) = 0;
};

class Line final : private media::PushSink {
 public:
  static constexpr Duration wake_every = 250ms;
  // After a failure, and twice as long after each that follows: as a herd of nodes may come.
  static constexpr Duration pause_first = 250ms;
  static constexpr Duration pause_max = 4s;  // a vote is waited for longer (Polls::delivery_max)
  // A server is started again, and an encoder finds it. What is over says so in its log.
  static constexpr Duration absent_max = 60s;

  Line(LineHost& host, std::string topic);

  void send(const std::vector<media::Batch>& batches);
  void attend(Desk desk) { desk_ = desk; }
  void wake();  // every wake_every
  bool over() const { return state_ == State::over; }

 private:
  enum class State : uint8_t { listening, resting, looking, over };

  void on_push(media::PushRecord record) override;
  void on_topic_end(media::TopicEnd why) override { end_ = why; }  // wake() sees it: not from inside the call
  void listen();
  void rest();
  void on_looked(Looked looked, const std::string& topic);
  void finish();
  void ask();
  void on_answer(std::optional<Bytes> body);
  void lose_way_up();
  void ask_desk();
  void on_desk(std::optional<Bytes> body);
  void tell(Told told);

  LineHost& host_;
  std::string topic_;
  State state_ = State::listening;

  // Down.
  std::unique_ptr<media::Subscription> subscription_;
  std::optional<media::TopicEnd> end_;
  std::optional<media::ObjectNumber> object_;  // that is open; nothing: nothing was heard of this subscription yet
  std::string object_name_;
  uint64_t offset_ = 0;  // in it
  uint32_t failures_ = 0;
  LoopTime look_at_;
  std::optional<LoopTime> absent_since_;

  // Up.
  std::deque<Bytes> waiting_;  // the first under_way_ of them were sent
  size_t under_way_ = 0;
  uint64_t request_ = 0;   // the latest; answers to others are not waited for
  bool way_lost_ = false;  // WayLost was told last
  uint32_t failures_up_ = 0;
  LoopTime up_again_at_;

  // Of what is said among moderators.
  Desk desk_ = Desk::empty;
  DeskPlace desk_heard_ = 0;
  uint64_t desk_request_ = 0;  // the latest; answers to others are not waited for
  bool desk_asked_ = false;
  uint32_t desk_failures_ = 0;
  LoopTime desk_again_at_;
};

}  // namespace klieg::audience

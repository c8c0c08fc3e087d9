// A room at home, on its broadcast's loop: joins Room and RoomLog to time, to the journal, to the loops that have
// viewers, and to nodes far away.
//
//   a loop ──take(batches)──► Room ──► Journal
//   a loop ◄──tell(what there is, then what comes)── RoomLog, answers, desk
//
//   a node ──take(batches, reply)──► Room;   reply(answers) once they are safe
//   a node ◄──records── RoomLog
//   a node ──read_desk(place, reply)──►;  reply(what was said among moderators since) once there is some
//
// A loop is a node of the room: it is told of the room's log as a node far away is, by the log's subscription, and what
// it is told in one turn comes in one call.
//
// Owner: the shard, until over(). Thread: that loop. Limit: the Room's and its log's; loops are as many as cores;
// callers_max requests of nodes wait for their answers, of 2 KiB each, and as many for what is said among moderators;
// desk_kept_max of that is kept.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "audience/journal.h"
#include "audience/room.h"
#include "audience/room_log.h"
#include "audience/upward.h"
#include "base/bytes.h"
#include "base/log.h"
#include "media/room.h"
#include "net/loop.h"

namespace klieg::audience {

// What a loop is told, in its order.
struct ObjectOpened {};  // of the log
struct ObjectContinued {
  Bytes content;
};
struct DeskHeard {
  media::RoomEvent event;
};
struct NotTaken {};  // the room was too busy for a batch: all that is on its way is to be said again
// Between machines (line.h): what is said now waits; there is a way again, and all that is not safe is to be said
// again.
struct WayLost {};
struct WayFound {};
struct RoomMoved {
};  // it goes on at another home, with a timeline that begins anew: its log follows from the beginning
using Told =
    std::variant<ObjectOpened, ObjectContinued, media::BatchAnswer, DeskHeard, NotTaken, WayLost, WayFound, RoomMoved>;

class HomeServer {
 public:
  using Tell = std::function<void(std::vector<Told>)>;

  // `topic`: "/live/ada/x7f.1/room". The journal says safe_up_to() in later turns, and outlives this.
  HomeServer(net::Loop& loop, const std::string& topic, const RoomSettings& settings, Journal& journal);
  ~HomeServer();

  // Of a room that goes on, before anything else but log(): the entries of its journal, in their order, between these.
  void restoring() { timer_.cancel(); }  // a room that is woken has begun
  void restore(JournalEntry entry);
  void restored();
  void set_people(const std::vector<media::PersonBarred>& barred, const std::vector<media::AccountId>& moderators) {
    room_.set_people(barred, moderators, now());
    publish();
  }

  // `node`: what the loop's batches are signed with. Who has joined is told once more from the beginning.
  void join(const std::string& node, Tell tell);
  void leave(const std::string& node);
  void take(const std::vector<media::Batch>& batches);
  // Of a node far away. `reply` is called once, with the answers of those that were taken, in their order: when all of
  // them are safe, or answered_within later with those that are.
  using Reply = std::move_only_function<void(std::vector<media::BatchAnswer>)>;
  void take(const std::vector<media::Batch>& batches, Reply reply);
  static constexpr size_t callers_max = size_t{2} * Room::nodes_max;  // one that was given up beside its successor
  static constexpr Duration answered_within = 5s;
  // Of a node far away with moderators: upward.h. `reply` is called once, with nothing where the room goes elsewhere.
  using DeskReply = std::move_only_function<void(Bytes)>;
  void read_desk(DeskPlace heard, DeskReply reply);
  static constexpr uint64_t desk_kept_max = 256 * 1024;  // 1,000 comments; whoever lags further is told how things are
  // The room's log, for nodes far away. Newcomers are told what there is within a turn of Room::wake_every.
  media::TopicSource& log() { return log_; }
  void safe_up_to(uint64_t number);

  void stamp(MediaTime newest);
  void end();  // what is pending still becomes safe
  // Another home has it, or may have: what is not safe never will be here. To the loops it is over; nodes far away are
  // told that they have lost it when this is destroyed, and look where it is.
  void abandon();
  bool over() const { return room_.over(); }
  const Room& room() const { return room_; }

 private:
  class Member;
  struct Caller {
    std::vector<media::BatchKey> missing;
    std::vector<media::BatchAnswer> answers;
    Reply reply;
    LoopTime until;
  };
  struct DeskReader {
    DeskPlace heard;
    DeskReply reply;
    LoopTime until;
  };
  Now now() const { return {loop_.now(), loop_.wall_now()}; }
  void wake();
  void publish();  // after anything that may have moved the room
  void reply(LoopTime now);
  void write_desk(const std::vector<media::RoomEvent>& events);
  std::optional<Bytes> desk_behind(DeskPlace heard) const;

  net::Loop& loop_;
  const std::string topic_;
  Room room_;
  RoomLog log_;
  std::map<std::string, std::unique_ptr<Member>> members_;  // by node
  std::vector<Caller> callers_;
  Log desk_;  // of records
  std::vector<DeskReader> desk_readers_;
  bool abandoned_ = false;
  net::Timer timer_;
};

}  // namespace klieg::audience

// A room at home, on its broadcast's loop: joins Room and RoomLog to time, to the journal, and to the loops that have
// viewers.
//
//   a loop ──take(batches)──► Room ──► Journal
//   a loop ◄──tell(what there is, then what comes)── RoomLog, answers, desk
//
// A loop is a node of the room: it is told of the room's log as a node far away would be, by the log's subscription,
// and what it is told in one turn comes in one call.
//
// Owner: the shard, until over(). Thread: that loop. Limit: the Room's and its log's; loops are as many as cores.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "audience/journal.h"
#include "audience/room.h"
#include "audience/room_log.h"
#include "base/bytes.h"
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
using Told = std::variant<ObjectOpened, ObjectContinued, media::BatchAnswer, DeskHeard, NotTaken>;

class HomeServer {
 public:
  using Tell = std::function<void(std::vector<Told>)>;

  // `topic`: "/live/ada/x7f.1/room". The journal says safe_up_to() in later turns, and outlives this.
  HomeServer(net::Loop& loop, const std::string& topic, const RoomSettings& settings, Journal& journal);
  ~HomeServer();

  // `node`: what the loop's batches are signed with. Who has joined is told once more from the beginning.
  void join(const std::string& node, Tell tell);
  void leave(const std::string& node);
  void take(const std::vector<media::Batch>& batches);
  void safe_up_to(uint64_t number);

  void stamp(MediaTime newest);
  void end();  // what is pending still becomes safe
  bool over() const { return room_.over(); }
  const Room& room() const { return room_; }

 private:
  class Member;
  Now now() const { return {loop_.now(), loop_.wall_now()}; }
  void wake();
  void publish();  // after anything that may have moved the room

  net::Loop& loop_;
  const std::string topic_;
  Room room_;
  RoomLog log_;
  std::map<std::string, std::unique_ptr<Member>> members_;  // by node
  net::Timer timer_;
};

}  // namespace klieg::audience

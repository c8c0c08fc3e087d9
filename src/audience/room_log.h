// The log of a room as objects that grow: what goes down the tree as segments do, without a mechanism of its own.
//
//   /live/ada/x7f.1/room-0 ──full, or old──► room-1 ──► room-2 (open)
//
// Each object is records (wire/room_record.h), begins with what makes a newcomer whole (room_state.h), and ends when it
// is full or has been open for long; then the next begins. So whoever joins reads the open one from its beginning, and
// a node that subscribes to the topic (media/push.h) has it as it has the open segment of a track: its cache, its
// children and their children need to know nothing of rooms. A name means the same bytes for ever.
//
// Any viewer may be served these objects, so what is said among moderators is not in them: it goes to nodes that have a
// moderator, by a way of its own (HomeServer::read_desk).
//
// A sink may end its subscription, any other, or subscribe, from inside any call.
//
// Owner: who owns the Room. Thread: its loop. Limit: an object has object_size_max and one append more; objects_max are
// kept, 8 MiB, which is what a slow node may still fetch; what was said for good is the journal's to keep.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audience/room_state.h"
#include "base/log.h"
#include "base/time.h"
#include "media/push.h"
#include "media/room.h"

namespace klieg::audience {

// Of a room's topic its name, which is the same for every epoch of the broadcast: "/live/ada/x7f/room".
std::string name_of_room(std::string_view topic);

class RoomLog final : public media::TopicSource {
 public:
  static constexpr uint64_t object_size_max = 256 * 1024;  // 1,000 comments; what a newcomer reads at most
  static constexpr Duration object_open_max = 60s;
  static constexpr size_t objects_max = 32;

  // `topic`: "/live/ada/x7f.1/room", which the names of its objects begin with.
  explicit RoomLog(std::string topic);
  ~RoomLog() override;  // subscriptions may outlive it: they are told that the topic is lost
  RoomLog(const RoomLog&) = delete;
  RoomLog& operator=(const RoomLog&) = delete;

  // Asserted: everybody may read them.
  void append(std::span<const media::RoomEvent> events, LoopTime now);
  void end();  // the topic is finished

  // `unknown`, if it is asked for another topic. Newcomers are told what there is by the next append(), or by flush().
  std::unique_ptr<media::Subscription> subscribe(std::string_view topic, media::PushSink& sink) override;
  void flush();

  // By name: for who asks. Null: there is no such object, or not any more.
  std::shared_ptr<const Log> find(std::string_view name) const;
  const std::shared_ptr<const media::ObjectHead>& head() const { return head_; }
  const std::string& open_name() const { return objects_.back().name; }  // asserted: something was appended

 private:
  class Child;
  struct Object {
    std::string name;
    media::ObjectNumber number;
    std::shared_ptr<Log> log;
    LoopTime begun;
  };
  void begin(LoopTime now);
  void write(std::span<const media::RoomEvent> events);
  void tell(const media::PushRecord& record);
  void tell_all_there_is(Child& newcomer);
  void tell_end(media::TopicEnd why);

  const std::string topic_;
  const std::shared_ptr<const media::ObjectHead> head_;
  RoomState state_;             // as what was appended says
  std::deque<Object> objects_;  // the last is open, unless over_
  media::ObjectNumber next_ = 0;
  bool over_ = false;
  std::vector<Child*> children_;   // null: it has left
  std::vector<Child*> newcomers_;  // likewise
};

}  // namespace klieg::audience

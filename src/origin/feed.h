// What happens in an Origin's windows, told topic by topic to nodes that subscribe (media/push.h).
//
// A topic is a track of a broadcast. Whoever subscribes is told in the next flush() what there is (the headers in use,
// the open segment and its parts, what is expected, the playlists), and from then on what happens, as it happens:
//
//   HeaderBorn                an object, begun, grown and ended at once
//   ChunkBorn                 the segment's object grows; its first chunk begins it, because until then it may turn out
//                             to be a gap. It shares the segment's own log
//   PartEnded                 an alias of a slice of it
//   SegmentEnded              the object ends: complete, or aborted for a gap
//   whatever is now foreseen  names expected; names gone, of what the segment did not get
//   the playlists             by flush(): what several records of a turn change is told once
//   the multivariant playlist likewise, in the topic of each track: nobody follows a broadcast as a whole
//   the manifest              likewise, while it lists every rung; while it lacks one, who asks for it is whose sake
//   the
//                             rung would be made for (Peers::rung_wanted)
//   StateChanged to ended     what is open is aborted, what was expected is gone; by flush() the last playlists and the
//                             end, which is `finished`
//
// Expected are fewer names than Origin::find() would hold requests for: the next two parts, the first part of the next
// segment, and the next two segments. Who asks for one further ahead asks the origin.
//
// A topic that is no track of a broadcast here is `unknown`. One of a broadcast that lives on another loop is waited
// for until its window is mirrored here, like a viewer's request, and is `unknown` after 3 s. A mirror that is dropped
// ends its topics as `lost`: who subscribes again makes it wanted again.
//
// A topic costs something while somebody subscribes to it, and nothing else. A sink may end its subscription, any
// other, or subscribe, from inside any call.
//
// Thread: the origin's loop. Owner: server.h, which outlives no origin.
// Limit: as many subscribers as there are Subscriptions: whoever grants them counts them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "media/push.h"
#include "origin/origin.h"
#include "origin/topic.h"

namespace klieg::origin {

class Feed final : public media::TopicSource, private Witness {
 public:
  // `flush_wanted` asks that flush() be called in a later turn. It is called once until then, from inside whatever made
  // it necessary.
  Feed(Origin& origin, std::function<void()> flush_wanted);
  ~Feed() override;  // subscriptions may outlive it; they hear nothing more
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  std::unique_ptr<media::Subscription> subscribe(std::string_view topic, media::PushSink& sink) override;

  void flush(LoopTime now);
  LoopTime next_deadline() const;  // when to flush() at the latest; LoopTime::max(): whenever
  size_t topics() const { return topics_.size(); }
  bool follows(const Window& window) const;  // somebody subscribes to a track of it

 private:
  class Handle;
  using TopicKey = std::pair<const Window*, media::TrackId>;

  void on_window() override;
  void on_applied(const Window& window, const media::Record& record) override;
  void on_window_gone(const Window& window) override;

  void want_flush();
  enum class Begin : uint8_t { done, waits };
  Begin begin(const std::shared_ptr<Subscriber>& newcomer, LoopTime now);
  void update_documents(Topic& topic, LoopTime now);
  void update_overviews(Topic& topic, LoopTime now);

  Origin& origin_;
  std::function<void()> flush_wanted_;
  bool flush_asked_ = false;
  std::map<TopicKey, Topic> topics_;                    // of what is here; changed by flush() and by windows that go
  std::vector<std::shared_ptr<Subscriber>> newcomers_;  // told nothing yet
  std::vector<std::shared_ptr<Subscriber>> cut_off_;    // to be told that their topic is lost
};

}  // namespace klieg::origin

// The home of broadcasts on one loop: their windows, what may be answered from them, and who waits for more.
//
// A pure decider. Records come in by begin() and apply(); find() says what a path and query are worth now; a request
// that came a little early is held with hold() and told when to ask again. Nothing here reads a clock or a socket:
//
//   answer = origin.find(path, query, now, wall);
//   if (Hold* hold = std::get_if<Hold>(&answer)) origin.hold(*hold, [...](HoldEnd) { ask again });
//   ... origin.expire(now) no later than origin.next_deadline()
//
// A channel is a public name; it shows one broadcast after another. Its status is what the page is told. One Origin, on
// the broadcast's home loop, decides it; the others are told by announce() and mirror the broadcast only for viewers of
// their own, asked for through Peers::mirror_wanted: the home replays its window, begin_mirror() takes it whole, and
// what follows is applied as at home.
//
// Thread: one loop. Owner: cli/.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "media/pass.h"
#include "media/ports.h"
#include "origin/document.h"
#include "origin/heads.h"
#include "origin/manifests.h"
#include "origin/names.h"
#include "origin/window.h"

namespace klieg::origin {

enum class ChannelState : uint8_t { offline, live, paused, ended };

// What status.json says. `version` counts changes and is the same on every loop.
struct Status {
  uint64_t version = 0;
  ChannelState state = ChannelState::offline;
  std::string broadcast;  // ID.EPOCH; empty: none
  std::optional<WallTime> started;
  bool operator==(const Status&) const = default;
};

// The other origins of the same server, joined in cli/. None of these changes this origin before it returns: they are
// called from the middle of find() and of telling who subscribed.
class Peers {
 public:
  virtual ~Peers() = default;
  virtual void on_status(const std::string& channel, const Status& status) = 0;  // this home changed it
  virtual void mirror_wanted(const std::string& channel) = 0;  // a viewer here asks for what lives elsewhere
  // A viewer asks for a rung that is a gap now, or for a manifest that therefore lacks it.
  virtual void rung_wanted(const std::string& channel) = 0;
};

// Hears what happens to the windows here, from inside the calls below that make it happen: whoever tells others of it
// (feed.h).
class Witness {
 public:
  virtual ~Witness() = default;
  virtual void on_window() = 0;                                                    // there is one more
  virtual void on_applied(const Window& window, const media::Record& record) = 0;  // just now
  virtual void on_window_gone(const Window& window) = 0;                           // the last that is heard of it
};

using media::Audience;

struct Settings {
  WindowLimits window;
  ManifestSettings manifests;
  // After its end a broadcast is kept this long, so that players still reading it meet its end and not a 404: a player
  // one window behind, and what stragglers are given besides.
  Duration ended_kept = 75s;
  size_t ended_kept_max = 2;   // per channel: a publisher that restarts all the time costs three windows, not more
  size_t holds_max = 65'536;   // x 0.5 KiB (callback, request copy, timer entry): 32 MiB
  Duration status_hold = 25s;  // below the 30 s after which proxies commonly give up on a silent parent
};

// A request that came a little early. Several that wait for the same thing share a gate.
struct Hold {
  std::shared_ptr<Log> gate;  // ends when the time is ripe
  LoopTime deadline;
};
enum class HoldEnd : uint8_t { ripe, overdue };
enum class Held : uint8_t { yes, too_many };

// Asked again after its deadline, a request is no longer held: what was not born is refused.
enum class Patience : uint8_t { may_wait, exhausted };

// Why nothing can be sent, in words for whoever debugs a player. `fresh` is how long caches may repeat it.
struct Refusal {
  uint16_t status = 404;
  std::string words;
  Duration fresh{0};
  std::optional<Duration> retry_after;
};

struct Found {
  std::shared_ptr<const Document> document;
  Freshness freshness = Freshness::stable;
  uint32_t target_duration_s = 1;
};

using Answer = std::variant<std::shared_ptr<const Object>, Found, Hold, Refusal>;

class Origin {
 public:
  Origin(const Settings& settings, Peers* peers, media::DepartedSink* departed);
  ~Origin();
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;

  // `audience`: of what begins on it from now on, here or, as announced, elsewhere.
  void add_channel(const std::string& name, Audience audience = Audience::everybody);
  bool has_channel(std::string_view name) const;
  // Of a channel that does not exist: everybody, since there is nothing to see.
  Audience audience_of(std::string_view channel) const;
  // Of a broadcast it stays what it was when it began, also after its end.
  Audience audience_of(const Name& name) const;

  // A broadcast begins on a channel (which must exist), at home. One that was there and did not end is ended first.
  Window& begin(const std::string& channel, const media::BroadcastBegun& begun, WallTime wall, LoopTime now);
  // The same for a broadcast that lives elsewhere, from the records of Window::replay(), all of them: nobody is
  // answered from half a window. Asserted: the first is BroadcastBegun.
  Window& begin_mirror(const std::string& channel, std::span<const media::Record> replayed, LoopTime now);
  // Applies a record to the channel's current window. Asserted: there is one and it has not ended.
  void apply(const std::string& channel, const media::Record& record, LoopTime now);
  // A mirror is no longer fed: its window goes. Viewers who ask again make it wanted again.
  void drop_mirror(const std::string& channel);
  // The home of the channel is elsewhere and says how it stands.
  void announce(const std::string& channel, const Status& status);

  Answer find(std::string_view path, std::string_view query, LoopTime now, WallTime wall,
              Patience patience = Patience::may_wait);

  // Calls `then` once: when it is ripe or when the deadline passes, from inside apply(), begin(), announce(),
  // drop_mirror() or expire(). `then` may call find() and hold().
  Held hold(const Hold& hold, std::move_only_function<void(HoldEnd)> then);
  size_t held() const { return waiting_.size(); }

  // Ends what is overdue and forgets broadcasts that ended long ago.
  void expire(LoopTime now);
  // The server stops: whoever is held is answered as if the deadline had passed.
  void release_held();
  LoopTime next_deadline() const;  // LoopTime::max(): none

  // At most one; null: nobody any more.
  void watch(Witness* witness) { witness_ = witness; }

  const Window* window(const std::string& channel) const;
  // The window of one broadcast of the channel, over or not; null: it is not here.
  const Window* window(std::string_view channel, std::string_view broadcast) const;
  // For who has to wait for it: whether it lives elsewhere. Then it was asked for, and begin_mirror() may come.
  bool want_window(std::string_view channel, std::string_view broadcast);
  // Somebody follows the channel here without asking, which counts like asking.
  void note_asked(std::string_view channel, LoopTime now);
  const Status& status(const std::string& channel) const;
  // When a viewer last asked for the channel here; LoopTime::min(): never.
  LoopTime last_asked(const std::string& channel) const;

 private:
  struct Broadcast;
  struct Channel;
  struct Waiting;
  using WaitingByDeadline = std::multimap<LoopTime, std::unique_ptr<Waiting>>;

  void change_status(const std::string& name, Channel& channel, ChannelState state);
  enum class Role : uint8_t { home, mirror };
  void put_current(const std::string& name, Channel& channel, std::unique_ptr<Broadcast> broadcast, LoopTime now);
  void note_end(const std::string& name, Broadcast& broadcast, LoopTime now);
  void wake(WaitingByDeadline::iterator waiting, HoldEnd end);
  void forget(const std::string& name, Channel& channel, LoopTime now);

  Answer find_status(const std::string& name, Channel& channel, std::string_view query, LoopTime now, WallTime wall,
                     Patience patience);
  Answer find_stable(const std::string& name, Channel& channel, NameKind kind, LoopTime now, Patience patience);
  Answer find_playlist(Broadcast& broadcast, const Name& name, std::string_view query, LoopTime now, Patience patience);
  Answer find_media(Broadcast& broadcast, const Name& name, LoopTime now, Patience patience);
  Answer await_window(const std::string& name, Channel& channel, LoopTime now, Patience patience);

  Settings settings_;
  Peers* peers_;
  media::DepartedSink* departed_;
  Witness* witness_ = nullptr;
  std::map<std::string, Channel, std::less<>> channels_;
  WaitingByDeadline waiting_;
  std::multimap<LoopTime, std::string> retirements_;  // when a channel has a broadcast to forget
};

}  // namespace klieg::origin

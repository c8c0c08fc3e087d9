// One fetch of one resource, on behalf of all who wait for it. It belongs to no client.
//
//   expecting --(pushed)--> landed by the push
//       | time is up, topic lost
//       v
//   asking --(head taken)--> streaming --(complete)--> over
//     | ^                      |   ^
//     | | back-off             |   | Range + If-Range, from the byte reached
//     v |                      v   |
//   waiting                  resuming --(impossible, or too often)--> over: the log is aborted, readers are reset
//
// Before a head is taken a failure goes to the next parent, after a pause with jitter, as far as the retry budget goes.
// In the middle of a body the flight goes on from the byte it had, if the object can be told from another (strong
// ETag); its readers wait on the log and notice nothing. Where a parent answers a range with the whole of the same
// object, what is there already is skipped.
//
// A body that one reader alone wants, and nobody keeps, comes no faster than that one reads (let_one_read()). One that
// is shared comes as fast as the parent sends it: no reader waits for another.
//
// A resumption is `waiting` and `asking` like a beginning. ask() never ends inside the call. A body that nobody
// keeps and nobody reads any more is not fetched to its end.
//
// Owner: the Engine. Thread: its loop. Time comes from the host.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/random.h"
#include "base/time.h"
#include "edge/upstream.h"

namespace klieg::edge {

// Why a flight brought nothing, or not all.
enum class FlightFailure : uint8_t {
  unreachable,  // every way that was tried
  timed_out,    // the last of them
  too_many,     // not sent: more of our own requests wait for the last of them than may
  bad_gateway,  // the last answered something that is not HTTP, or a part or a 304 that was not asked for
};

// What became of the body in the end.
enum class FlightEnd : uint8_t {
  no_body,    // it failed before, or nobody wanted one (a 304)
  complete,   // it is in the log, or whoever lent the log sees to it
  aborted,    // it broke, and could not be resumed
  abandoned,  // nobody keeps it and nobody reads it any more
  too_large,  // it has no end in sight, and is aborted
};

// What becomes of a head.
enum class Verdict : uint8_t {
  take,             // the body that follows is the object's
  refuse,           // it answers nothing that was asked: as if the parent did not speak HTTP
  try_elsewhere,    // as if the way had failed; if nobody is left, take
  ask_again_later,  // not born yet: once more after `pause`
};

class FlightHost {
 public:
  virtual ~FlightHost() = default;
  virtual LoopTime now() const = 0;
  virtual uint64_t body_size_max() const = 0;  // of one that is shared, and so lies here as a whole
  virtual Routes& routes() = 0;
  virtual Random& random() = 0;

  struct Decision {
    Verdict verdict = Verdict::take;
    Duration pause{0};
    // Where the body goes; null where nobody wants it (a 304).
    std::shared_ptr<Log> log;
  };
  // `last`: nobody else is left to try, so try_elsewhere is no answer.
  enum class Chance : uint8_t { more, last };
  virtual Decision on_head(Flight& flight, const FetchHead& head, Chance chance) = 0;
  virtual void on_failed(Flight& flight, FlightFailure why) = 0;  // before a head was taken; then on_over()
  virtual void on_wake_changed(Flight& flight) = 0;               // wake_at() is another
  virtual void on_resumed(Flight& flight) = 0;
  virtual void on_over(Flight& flight, FlightEnd how) = 0;  // nothing follows; the flight may be let go of
};

// What tells an object from another of the same name, in the middle of its body.
struct Identity {
  std::string etag;  // strong; empty: it cannot be resumed
  std::optional<uint64_t> size;
};

class Flight final : private FetchHandler, public std::enable_shared_from_this<Flight> {
 public:
  enum class State : uint8_t { idle, expecting, waiting, asking, streaming, over };

  Flight(FlightHost& host, std::string key, FetchRequest request);
  ~Flight() override;

  const std::string& key() const { return key_; }
  const FetchRequest& request() const { return request_; }
  State state() const { return state_; }
  uint32_t attempts() const { return attempts_; }  // ways tried until now
  // Of the last one asked; the time at which it was.
  LoopTime asked_at() const { return asked_at_; }

  void ask();                   // now
  void expect(LoopTime until);  // by push, or its birth; asks when the time is up
  // A body that another way began. Where it cannot be resumed, its end comes inside the call.
  void resume(std::shared_ptr<Log> log, Identity identity);
  void identify(Identity identity) { identity_ = std::move(identity); }  // of what is being streamed
  void give_up();  // over without a further call; a growing log is aborted
  // For who is answered first, and alone; in on_head().
  std::shared_ptr<LogProgress> let_one_read();

  LoopTime wake_at() const { return wake_at_; }  // LoopTime::max(): not at all
  void on_time(LoopTime now);

 private:
  void on_head(const FetchHead& head) override;
  void on_body(Bytes piece) override;
  void on_end(FetchEnd how) override;

  class OneReader;

  void send();
  void on_read(uint64_t offset);
  void keep_pace();
  FetchRequest request_for_the_rest() const;
  void wait(Duration pause);
  void wake(LoopTime when);
  void lose_attempt(FetchEnd how);
  void fail(FlightFailure why);
  void lose_way();
  void let_go_of_way();
  Duration pause_after(uint32_t tries);
  enum class Rest : uint8_t { comes, not_here, is_nothing, is_anothers };
  Rest rest_in(const FetchHead& head);
  void go_on(const FetchHead& head);
  bool resumable() const;
  void resume_later();
  void lose_body(FlightEnd how);
  void finish(FlightEnd how);

  FlightHost& host_;
  const std::string key_;
  FetchRequest request_;
  State state_ = State::idle;
  std::unique_ptr<Fetch> fetch_;
  std::optional<Routes::Way> way_;
  uint32_t attempts_ = 0;
  uint32_t resumptions_ = 0;
  std::shared_ptr<Log> log_;
  Identity identity_;
  uint64_t skip_ = 0;                                   // of the body that comes: we have it already
  bool head_awaited_ = false;                           // of a resumption
  bool to_the_end_ = true;                              // what is being sent has the object's last byte
  bool shared_ = true;                                  // false: one reads it
  uint64_t read_to_ = 0;                                // by the one reader
  bool paused_ = false;                                 // for that one's sake
  bool stranded_ = false;                               // nobody is left to ask
  FlightFailure failure_ = FlightFailure::unreachable;  // of the last way that was tried
  LoopTime asked_at_{};
  LoopTime wake_at_ = LoopTime::max();
};

}  // namespace klieg::edge

// Whom the cache asks for what it does not have: a parent over the network, another loop of this process, or the origin
// beside it. One port for all three, so that a flight does not know which it is.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/log.h"
#include "base/time.h"
#include "edge/object.h"
#include "wire/http_field.h"

namespace klieg::edge {

struct FetchRequest {
  std::string method = "GET";
  std::string target;  // path and query
  Fields fields;       // end to end, and what we add of our own
  Bytes body;
  // The client this is asked for, as the parent should count it; empty: for the cache itself.
  std::string client_address;
  // As which server it was asked by him (Question); empty: it is nothing to the parent.
  std::string scheme = {};
  std::string authority = {};
  // Whom the answer is for. What goes for one viewer alone takes no place from what goes for all of an object's.
  enum class For : uint8_t { all, one } whom = For::all;
};

// Valid during the call.
struct FetchHead {
  uint16_t status = 200;
  std::span<const wire::HeaderView> fields;
  std::optional<uint64_t> size;  // of the body, where it is announced
  // In the same process and on the same loop: the body is this range of the parent's own log. No on_body() follows, and
  // on_end(complete) comes at once, though the log may grow on.
  std::shared_ptr<const Log> log;
  uint64_t offset = 0;
  std::optional<uint64_t> end;
};

enum class FetchEnd : uint8_t {
  complete,
  unreachable,  // no connection
  too_many,     // not sent: too many of our own wait for a connection already; the way is none the worse for it
  reset,        // the connection broke, or the body ended short of what was announced
  malformed,    // not HTTP as we accept it
  timed_out,    // no head, or no further byte of the body, in time
};

class FetchHandler {
 public:
  virtual ~FetchHandler() = default;
  virtual void on_head(const FetchHead& head) = 0;
  virtual void on_body(Bytes piece) = 0;
  virtual void on_end(FetchEnd how) = 0;  // the last call
};

class Fetch {
 public:
  virtual ~Fetch() = default;  // cancels: nothing is called afterwards; allowed inside its callbacks

  // Backpressure: after what is under way no on_body() until resume(), and no on_end() of a body that is not whole
  // here. Nothing is called from inside either. What comes out of this machine's own memory may come all the same.
  virtual void pause() {}
  virtual void resume() {}
};

class Upstream {
 public:
  virtual ~Upstream() = default;
  // Nothing is called from inside fetch().
  virtual std::unique_ptr<Fetch> fetch(FetchRequest request, FetchHandler& handler) = 0;
};

// Which upstream to ask, attempt by attempt: hosts of the PoP by placement, parents in order of health.
class Routes {
 public:
  struct Way {
    Upstream* upstream = nullptr;
    size_t index = 0;  // the Routes' own
  };
  virtual ~Routes() = default;
  virtual size_t ways(std::string_view key) const = 0;  // how many there are
  // elsewhere: another loop of this process is asked, and counts what it fetches itself.
  enum class Home : uint8_t { here, elsewhere };
  virtual Home home(std::string_view) const { return Home::here; }
  // `attempt` counts from 0. Empty: nobody is left to ask, or the retry budget is spent.
  virtual std::optional<Way> choose(std::string_view key, const FetchRequest& request, uint32_t attempt,
                                    LoopTime now) = 0;
  // A head came. The way goes on until it ends, as each that was chosen does once, by one of the other two.
  virtual void succeeded(const Way& way, LoopTime now) = 0;
  virtual void failed(const Way& way, LoopTime now) = 0;
  virtual void released(const Way& way) = 0;  // its answer is here, or nobody waits for it any more
};

}  // namespace klieg::edge

// The push tier on the network: a PushViewer on a connection, and the broadcast's dates beside it.
//
// What is pushed tells instants of the timeline. When those came in is asked of the manifest: before all else, and
// again and again, because a broadcast that breaks off goes on in a new Period. What had been born before the viewer
// was let in is a burst from the latest key frame on; as who wants to be live does, it passes that over, and learns
// nothing from how late it was.
#pragma once

#include <memory>
#include <optional>

#include "net/listener.h"
#include "player/breakdown.h"
#include "player/client_address.h"
#include "player/client_fetch.h"
#include "player/client_sink.h"
#include "player/dates.h"
#include "player/push_viewer.h"

namespace klieg::player {

class PushedTo final : public net::ConnectionHandler {
 public:
  static constexpr Duration dates_every = 5s;
  static constexpr Duration connect_within = 10s;
  // Of no byte. A publisher that lost its network has 20 s to come back, and a node may look for the broadcast for 10.
  static constexpr Duration silence_max = 30s;

  // `client` is of the manifest's server, whose clock `clocks` knows.
  PushedTo(net::Loop& loop, http::Client& client, const Address& address, const Address& manifest,
           const ClockRelation& clocks, Sink& sink);

 private:
  void ask_for_dates();
  void take_dates(const Answered& answered);
  void connect();
  void on_bytes(ByteView bytes) override;
  void on_closed(net::Closed why) override;
  void react();
  void take(const Pushed& pushed);
  void stop_with(Result<void> how);

  net::Loop& loop_;
  const Address& address_;
  const Address& manifest_;
  const ClockRelation& clocks_;
  Sink& sink_;
  Fetch fetch_;
  net::Timer dates_timer_;
  net::Timer silence_timer_;
  std::optional<Dates> dates_;
  std::unique_ptr<PushViewer> viewer_;
  std::unique_ptr<net::Connection> connection_;
  LoopTime asked_;
  std::optional<LoopTime> let_in_;  // when what came first left the server
};

}  // namespace klieg::player

// WebSocket viewers of one loop: /live/NAME/push, in the subprotocol of wire/push_message.h.
//
//   request ──refused: no WebSocket, another origin, no room──► answered 4xx, 503
//      │
//      ▼
//   waiting ──headers known──► watching ──over, gone, silent, not reading──► closed
//      └──not live, for guests, lost, too long──► answered 404, 502, 504
//
// The request is held until there is something to send, so that whoever is refused is so by an answer of HTTP.
//
// Memory per viewer: the session (0.5 KiB), its seat (server_fanout.h), and at most answers_unsent_max of answers that
// it does not read.
//
// Owner: the loop's shard. Thread: that loop.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/metrics.h"
#include "http/server.h"
#include "http/websocket_session.h"
#include "media/pass.h"
#include "net/loop.h"
#include "push/admission.h"
#include "push/channels.h"
#include "push/server_fanout.h"
#include "push/server_show.h"
#include "push/websocket_reading.h"

namespace klieg::push {

class WebSocketViewer;

// Tells what a viewer is to the broadcaster, for who has accounts.
class Usher {
 public:
  virtual ~Usher() = default;
  // `then` is called once, from inside or in a later turn.
  virtual void standing_of(const http::Request& request, const std::string& channel,
                           std::move_only_function<void(Standing)> then) = 0;
};

struct WebSocketServerLimits {
  http::WebSocketLimits session;
  Duration answer_within = 20s;  // of the request: a channel that is looked for is lost after about 10 s
  // A pong has at most 127 bytes; who lets hundreds of them wait asks without reading.
  size_t answers_unsent_max = 64 << 10;
  Duration last_words_within = 10s;  // for what is left to send when the broadcast has ended
  Duration close_within = 3s;        // then the connection is reset
};

class WebSocketServer {
 public:
  // All of these outlive the server, and it its loop's last turn.
  WebSocketServer(net::Loop& loop, Channels& channels, Fanout& fanout, Admission& admission, Metrics& metrics,
                  const WebSocketServerLimits& limits = {});
  ~WebSocketServer();

  static bool is_its(std::string_view path);  // "/live/NAME/push"
  // `pass`: of a guest, who is shown out when it is over; null: of nobody. The request's path is without its token.
  // Before the first request; without one everybody is a stranger.
  void ask_for_standing(Usher& usher) { usher_ = &usher; }
  void serve(const http::Request& request, std::unique_ptr<media::Pass> pass, http::Responder responder);

  // Tells every viewer that we go, and calls `done` when the last is gone, at most close_within later. Who comes now is
  // turned away.
  void stop(std::move_only_function<void()> done);

  size_t viewer_count() const { return viewers_.size(); }

 private:
  friend class WebSocketViewer;

  struct Asked;  // to be admitted
  void admit(Asked asked, Standing standing);
  void remove(const std::shared_ptr<WebSocketViewer>& viewer);
  void count_refusal(std::string_view why);

  net::Loop& loop_;
  Shows<WebSocketReading, WebSocketViewer> shows_;
  Fanout& fanout_;
  Admission& admission_;
  Usher* usher_ = nullptr;
  Metrics& metrics_;
  const WebSocketServerLimits limits_;
  std::unordered_set<std::shared_ptr<WebSocketViewer>> viewers_;
  std::move_only_function<void()> stopped_;
  bool stopping_ = false;
};

}  // namespace klieg::push

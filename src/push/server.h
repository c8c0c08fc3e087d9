// RTMP viewers of one loop: joins each connection that asked to play to its session, and to the channel it asked for.
//
// The connection was met by another (ingest's door, which both encoders and players knock at) and comes with what was
// said on it (wire/rtmp_play_request.h).
//
// Memory per viewer: the session (1 KiB), its seat (server_fanout.h), and at most answers_unsent_max of answers that it
// does not read.
//
// Owner: the loop's shard. Thread: that loop.
#pragma once

#include <memory>
#include <unordered_set>

#include "base/metrics.h"
#include "media/pass.h"
#include "net/connection.h"
#include "net/loop.h"
#include "push/admission.h"
#include "push/channels.h"
#include "push/rtmp_reading.h"
#include "push/rtmp_session.h"
#include "push/server_fanout.h"
#include "push/server_show.h"

namespace klieg::push {

class ServerViewer;

struct ServerLimits {
  RtmpSessionLimits session;
  // Answers are some 150 bytes; who lets hundreds of them wait asks without reading.
  size_t answers_unsent_max = 64 << 10;
  // For what is left to send when the broadcast has ended, or the session: then the connection is reset.
  Duration last_words_within = 10s;
  Duration close_within = 1s;
};

class Server {
 public:
  // All of these outlive the server, and it its loop's last turn.
  Server(net::Loop& loop, Channels& channels, Fanout& fanout, Admission& admission, Metrics& metrics,
         const ServerLimits& limits = {});
  ~Server();

  // `pass`: of a guest, who is shown out when it is over; null: of nobody, to whom nothing private is live.
  void take(wire::rtmp::PlayRequest request, std::unique_ptr<media::Pass> pass,
            std::unique_ptr<net::Connection> connection);

  // Tells every viewer that it is over, and calls `done` when the last is gone, at most last_words_within and
  // close_within later. Who comes now is turned away.
  void stop(std::move_only_function<void()> done);

  size_t viewer_count() const { return viewers_.size(); }

 private:
  friend class ServerViewer;

  void remove(const std::shared_ptr<ServerViewer>& viewer);

  net::Loop& loop_;
  Shows<RtmpReading, ServerViewer> shows_;
  Fanout& fanout_;
  Admission& admission_;
  Metrics& metrics_;
  const ServerLimits limits_;
  std::unordered_set<std::shared_ptr<ServerViewer>> viewers_;
  std::move_only_function<void()> stopped_;
  bool stopping_ = false;
};

}  // namespace klieg::push

// Publishes a clip over RTMP or RTMPS: joins the session, the playback and a connection on a loop of its own.
#pragma once

#include <string>

#include "base/result.h"
#include "broadcaster/client_session.h"
#include "broadcaster/clip.h"
#include "broadcaster/playback.h"
#include "broadcaster/rtmp_url.h"

namespace klieg::broadcaster {

enum class CaptureStamp : uint8_t { none, at_sending };
enum class Trust : uint8_t { verify_peer, any_certificate };

struct PublishOptions {
  RtmpUrl url;
  Pace pace = Pace::realtime;
  Repeat repeat = Repeat::never;
  Dialect dialect = Dialect::enhanced;
  wire::rtmp::HandshakeForm handshake = wire::rtmp::HandshakeForm::simple;
  CaptureStamp stamp = CaptureStamp::none;
  Trust trust = Trust::verify_peer;
};

// A whole file, or standard input to its end ("-").
Result<Bytes> read_input(const std::string& path);

// Blocks the calling thread until the clip has ended or SIGINT or SIGTERM arrives: success. The error is what the
// server said when it refused, or what became of the connection. When the server asks to go elsewhere, it goes on
// there. To be called before the process has other threads (see StopSignals).
Result<void> publish(const Clip& clip, const PublishOptions& options);

}  // namespace klieg::broadcaster

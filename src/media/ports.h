// The ports through which stages meet. A stage includes none of the others; cli/ (or a simulation) joins them here.
//
//   ingest -> SampleSink -> packager -> RecordSink -> origin        media flows down
//   anyone -> PublisherPort -> ingest                               requests flow back up to the encoder
//   origin -> DepartedSink                                          segments leave the live window
//   packager -> SourceSink -> transcoder -> RungSink -> packager    the ladder: what was packaged, in other sizes
//
// All calls of one broadcast happen on its home loop.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/log.h"
#include "base/time.h"
#include "media/ladder.h"
#include "media/record.h"
#include "media/sample.h"
#include "media/track.h"

namespace klieg::media {

enum class Discontinuity : uint8_t {
  publisher_returned,  // the publisher dropped and came back
  timestamp_jump,      // its clock jumped further than a pause explains
  format_changed,      // new codec, resolution or channel layout: on_track with the new format follows
};

// Receives a broadcast's samples: every track in decode order, on one sane timeline.
class SampleSink {
 public:
  virtual ~SampleSink() = default;
  // The publisher's metadata promises a track whose decoder configuration has not come: on_track follows, unless the
  // promise is broken.
  virtual void on_promised(TrackKind /*kind*/) {}
  // A track appears, or changes its decoder configuration. A kind has at most one track.
  virtual void on_track(const Track& track) = 0;
  // Decode times of a track strictly increase, also across discontinuities. `wall` is when the sample arrived. A video
  // sample with a duration has its final times; others may be put right by a millisecond.
  virtual void on_sample(TrackKind kind, Sample sample, WallTime wall) = 0;
  // The samples that follow do not continue the ones before: `at` is the first decode time after the break.
  virtual void on_discontinuity(Discontinuity why, MediaTime at) = 0;
  // A data message of the publisher (AMF0: onMetaData, onTextData, onCuePoint...), as it came.
  virtual void on_data(Bytes amf, MediaTime at) = 0;
  virtual void on_paused() = 0;   // the publisher is gone but may return
  virtual void on_resumed() = 0;  // it is back; a discontinuity follows
  virtual void on_ended() = 0;    // for good; the last call
};

class RecordSink {
 public:
  virtual ~RecordSink() = default;
  virtual void on_record(const Record& record) = 0;
};

// Receives the source rendition as it was packaged, so that what is made of it lies on the same times and can be cut at
// the same places: a segment begins only at a sample that is given here, and every sync sample may begin one.
class SourceSink {
 public:
  virtual ~SourceSink() = default;
  // Of a kind, before its first sample and whenever its decoder configuration changes (a period follows).
  virtual void on_source_track(const Track& track) = 0;
  // A period begins: the samples that follow do not continue the ones before. Coders begin anew. Two surprises: the
  // audio that follows a moment later may still be of the period before (it is presented before `start`), and where
  // audio joins, a hole is met or clocks have drifted the video may go on without a sync sample.
  virtual void on_source_period(MediaTime start) = 0;
  // Final times, known duration, in decode order per kind. Also what stands in for a track that stopped.
  virtual void on_source_sample(TrackKind kind, const Sample& sample) = 0;
  virtual void on_source_paused() = 0;
  virtual void on_source_ended() = 0;  // for good; the last call
};

// Receives the rungs of the ladder.
class RungSink {
 public:
  virtual ~RungSink() = default;
  // The ladder is decided: playlists list these from the start. Empty: there is none after all. May be called again
  // (a new source format): a name keeps its track, rungs that are no longer named get gaps.
  virtual void on_ladder(const std::vector<Rung>& rungs) = 0;
  // Before a rung's first sample, and when its decoder configuration changes (at a period's start).
  virtual void on_rung_track(RungId rung, const Track& track) = 0;
  // Decode and presentation times strictly increase, durations are known; presentation times of video are those of
  // source samples. Where a source sample is a sync sample the rung's is, too. Late ones, whose segment was given up,
  // are dropped, and so is what breaks these rules.
  virtual void on_rung_sample(RungId rung, Sample sample) = 0;
  // From the first segment that begins at or after `from` on, the rung has media, or none until said otherwise. A rung
  // begins with media.
  virtual void on_rung_presence(RungId rung, Presence presence, MediaTime from) = 0;
  virtual void on_picture(const Picture& picture) = 0;
  // Answers each on_source_paused, perhaps inside it: all that will come of what was given before has come.
  virtual void on_drained() = 0;
};

// Back to the publisher. Each is a request: an encoder that cannot follow ignores it.
class PublisherPort {
 public:
  virtual ~PublisherPort() = default;
  virtual void request_key_frame() = 0;
  virtual void suggest_bitrate(uint32_t video_bits_per_second) = 0;
  virtual void reconnect_elsewhere(const std::string& tc_url) = 0;  // E-RTMP NetConnection.Connect.ReconnectRequest
};

// A segment that leaves the live window: replays and recordings begin here.
class DepartedSink {
 public:
  virtual ~DepartedSink() = default;
  virtual void on_departed(TrackId track, Msn msn, std::shared_ptr<const Log> segment) = 0;
};

}  // namespace klieg::media

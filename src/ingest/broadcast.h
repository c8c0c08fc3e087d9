// One broadcast at its home: a publisher's media messages in, samples on one sane timeline out.
//
//          publisher_began            first sample           publisher_gone
//   vacant ----------------> waiting --------------> live ------------------> paused
//      |  <----------------                           <-------------------     |
//      |    publisher_gone                            publisher_began and       |
//      |                                              a first sample            |
//      +------> ended <---------------------------------------------------------+
//              the rejoin window is over without a publisher, or end()
//
// Laws
//   * Nothing reaches the sink before the first key frame of video; audio of that time begins with it. When no video
//   was
//     announced within `audio_only_after` of audio, the broadcast begins without; video announced without a key frame
//     for `video_patience` is not waited for either. Video may join later, and so may audio: a further on_track.
//     A track is announced by its decoder configuration, or promised by onMetaData ("videocodecid", "hasAudio"...).
//   * A publisher that leaves politely (FCUnpublish, deleteStream) and one whose connection drops are the same: the
//     broadcast pauses and may go on for `rejoin_window`. An encoder that is restarted for a change of settings says
//     goodbye too, and must not end the show. A broadcast ends when the window is over or the owner ends it.
//   * A new decoder configuration takes effect at the next key frame (of audio: the next frame), after
//     on_discontinuity(format_changed) and on_track; frames in between belong to neither and are dropped. A repeated
//     identical one means nothing.
//   * Broken frames are dropped and counted; a decoder never sees one. An encoder that sends nothing else is refused;
//     one that sends Annex B (start codes) at once, because no later message will be better.
//   * An encoder whose video comes for `key_frame_patience` without a key frame, while nothing is on air, is refused:
//     waiting could last for ever without a word, and what an encoder sends when it connects anew begins with one.
//   * Data messages pass with their AMF as it came; those before the first sample are kept (`data_kept_max`) and follow
//     it. One is also understood: "onKliegTime", a number: the wall clock in milliseconds since 1970 at which what
//     carries the message's timestamp was captured. It stamps every later sample, up to `stamp_age_max`. A capture
//     stamp in H.264 or HEVC SEI (wire/sei.h) goes before. Stamps that our clock contradicts are ignored.
//
// Ownership: the sink must outlive the broadcast. Thread: the broadcast's home loop.
// Limit: before the first sample `audio_kept_max` frames of audio, together at most `audio_kept_bytes_max`, and
// `data_kept_max` data messages of at most `data_kept_bytes_max` each: 1.25 MiB. After it nothing is kept.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "ingest/media_message.h"
#include "ingest/refusal.h"
#include "ingest/timeline.h"
#include "media/ports.h"
#include "media/track.h"
#include "wire/flv.h"
#include "wire/frame.h"

namespace klieg::ingest {

struct BroadcastSettings {
  std::vector<media::Codec> accepted = {media::Codec::avc, media::Codec::hevc, media::Codec::av1, media::Codec::vp9,
                                        media::Codec::aac, media::Codec::opus, media::Codec::mp3};
  Duration rejoin_window = 15s;
};

class Broadcast {
 public:
  static constexpr Duration audio_only_after = 1s;
  static constexpr Duration video_patience = 12s;      // the longest grid the packager takes is 10 s, and some slack
  static constexpr Duration key_frame_patience = 11s;  // the longest grid and a second, and less than video_patience
  static constexpr Duration stamp_age_max = 10s;
  static constexpr Duration stamp_early_max = 60s;  // longer behind arrival: a clock that is wrong, not a slow uplink
  static constexpr Duration stamp_late_max = 500ms;
  static constexpr size_t audio_kept_max = 128;  // 2.7 s of AAC at 48 kHz: more than encoders interleave apart
  static constexpr size_t audio_kept_bytes_max = 1 << 20;  // those at 3 Mbit/s: uncommonly good sound
  static constexpr size_t data_kept_max = 4;
  static constexpr size_t data_kept_bytes_max = 64 << 10;  // of one message; onMetaData has a few hundred bytes
  static constexpr int unusable_max = 100;                 // messages in a row

  enum class State : uint8_t { vacant, waiting, live, paused, ended };

  struct Counts {
    uint64_t samples = 0;
    uint64_t malformed = 0;    // messages that are no FLV tag, configurations and frames that are broken
    uint64_t undecodable = 0;  // frames without a configuration, or before the key frame that begins or renews a track
    uint64_t early_audio = 0;  // audio from before the first key frame
    uint64_t discontinuities = 0;
    uint64_t stamps_ignored = 0;  // capture stamps that our clock contradicts
  };

  Broadcast(BroadcastSettings settings, media::SampleSink& sink);

  // Asserted: there is no publisher, and the broadcast has not ended.
  void publisher_began(LoopTime now, WallTime wall);

  // A refusal means: close this publisher. What it sent so far stands.
  std::optional<Refusal> on_message(const MediaMessage& message, LoopTime now, WallTime wall);

  void publisher_gone(LoopTime now);

  std::optional<LoopTime> wake_at() const { return rejoin_until_; }
  void on_wake(LoopTime now);

  // For good: the owner ended it. Calls on_ended once, whatever the state.
  void end();

  State state() const { return state_; }
  const Counts& counts() const { return counts_; }
  Duration divergence() const { return timeline_.divergence(); }

 private:
  struct Lane {                            // what is known of the medium of one kind
    Bytes config;                          // the last sequence header
    std::optional<media::Track> incoming;  // how frames that arrive now are coded
    std::optional<media::Track> announced;
    bool promised = false;  // by onMetaData
  };
  struct Arrived {  // a frame, taken out of its message
    media::TrackKind kind;
    uint32_t timestamp_ms;
    wire::flv::Packet packet;
    wire::Frame frame;
    WallTime wall;
  };

  Lane& lane_of(media::TrackKind kind) { return lanes_[static_cast<size_t>(kind)]; }
  bool flowing() const { return state_ == State::live; }

  std::optional<Refusal> unusable(const std::string& what);
  std::optional<Refusal> undecodable(media::TrackKind kind, LoopTime now);
  void on_data(const MediaMessage& message);
  void on_metadata(ByteView amf);
  void pass_data(const Bytes& amf);
  std::optional<Refusal> on_config(media::TrackKind kind, const wire::flv::Packet& packet);
  std::optional<Refusal> on_frame(media::TrackKind kind, const MediaMessage& message, wire::flv::Packet packet,
                                  LoopTime now, WallTime wall);
  void coded_as(media::TrackKind kind, media::Track track);
  void wait_with(Arrived arrived, LoopTime now);
  void begin_with(const Arrived& arrived, LoopTime now);
  void emit(const Arrived& arrived, LoopTime now);
  void announce(Lane& lane);
  void break_here(media::Discontinuity why, MediaTime at);
  std::optional<WallTime> capture_time(const Arrived& arrived);

  BroadcastSettings settings_;
  media::SampleSink& sink_;
  State state_ = State::vacant;
  bool publishing_ = false;
  std::optional<LoopTime> rejoin_until_;

  Timeline timeline_;
  Lane lanes_[2];
  MediaTime begin_;     // of this publisher: what lies before is dropped
  MediaTime position_;  // of the last sample

  std::deque<Arrived> waiting_audio_;
  size_t waiting_audio_bytes_ = 0;
  struct FirstAudio {
    uint32_t timestamp_ms;
    LoopTime arrival;
  };
  std::optional<FirstAudio> first_audio_;
  std::optional<LoopTime> keyless_since_;  // video frames come, and none begins the broadcast
  std::vector<Bytes> waiting_data_;

  struct CaptureClock {
    uint32_t timestamp_ms;
    WallTime captured;
  };
  std::optional<CaptureClock> capture_clock_;

  int unusable_ = 0;
  Counts counts_;
};

}  // namespace klieg::ingest

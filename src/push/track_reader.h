// Reads one track of a broadcast: its segments one after the other, each as it grows, cut into chunks.
//
//            ┌──────────────── whole ─────────────────┐
//            ▼                                        │
//        asking (TRACK-N.m4s) ──200──► header known? ──yes──► reading
//            │ refused                    │ no                │ aborted
//            ▼                            └─► TRACK-hV.mp4 ───┘
//        looking (TRACK.m3u8): ended ─► over; a gap, or too late ─► asking, further on; else ─► asking again
//
// It goes by the law of names: segment N of a track is TRACK-N.m4s, and which header it needs stands in its head. What
// is about to be born is held by whoever is asked, so in the ordinary case one request per segment is all.
//
// Owner: the Channel, by shared_ptr, because answers may come after it. Thread: one loop. Nothing is buffered here but
// what the log holds: a chunk is taken when it is whole, at most chunk_bytes_max.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/log.h"
#include "push/chunk_cutter.h"
#include "push/source.h"
#include "push/whole_body.h"
#include "wire/hls_reader.h"
#include "wire/mp4_reader.h"

namespace klieg::push {

class TrackReader;

enum class TrackEnd : uint8_t { ended, lost, unreadable };

class TrackHost {
 public:
  virtual ~TrackHost() = default;
  virtual void on_track_header(TrackReader& reader) = 0;  // another than before; chunks follow
  // The samples share the content's storage.
  virtual void on_track_chunk(TrackReader& reader, Bytes content, std::vector<wire::Mp4Sample> samples) = 0;
  virtual void on_track_over(TrackReader& reader, TrackEnd why) = 0;  // the last call
};

struct TrackReaderLimits {
  size_t header_bytes_max = 64 << 10;
  size_t playlist_bytes_max = 256 << 10;
  Duration ask_again_after = 200ms;  // of a refusal
  // So often in a row without a chunk: half a minute where nobody answers, longer than a node takes to turn to another
  // parent, and several minutes where the publisher is away, because what is next is held for seconds then.
  uint32_t refusals_max = 150;
};

class TrackReader final : public LogWaiter, public std::enable_shared_from_this<TrackReader> {
 public:
  // `topic`: what the names of the track begin with, "/live/ada/x7f.1/video". The host lives until stop().
  TrackReader(Source& source, TrackHost& host, std::string topic, uint64_t first_msn, const TrackReaderLimits& limits);

  void begin() { ask_segment(); }
  void stop();  // nothing is called any more

  std::string_view track_name() const;
  uint64_t msn() const { return msn_; }  // of the segment that is read now, or wanted next
  // Of the header that the chunks told last need; null: none is known yet.
  const wire::Mp4Track* track() const { return header_.tracks.empty() ? nullptr : &header_.tracks.front(); }
  const Bytes& header() const { return header_content_; }

 private:
  void ask(const std::string& path, void (TrackReader::*then)(Answer));
  void ask_segment();
  void ask_again();
  void on_segment(Answer answer);
  void on_header(Answer answer);
  void on_playlist(Answer answer);
  void go_on_by(const wire::hls::MediaPlaylist& playlist);
  void read();
  void tell(Bytes content);
  void on_log_grew() override { read(); }
  void refused();
  void end(TrackEnd why);

  Source& source_;
  TrackHost* host_;  // null: stopped
  const std::string topic_;
  const TrackReaderLimits limits_;
  uint64_t msn_;
  uint32_t refusals_ = 0;
  std::string header_name_;
  Bytes header_content_;
  wire::Mp4 header_;
  Answer segment_;  // being read, or waiting for its header
  uint64_t segment_begin_ = 0;
  ChunkCutter cutter_{0};
  WholeBody body_;
};

}  // namespace klieg::push

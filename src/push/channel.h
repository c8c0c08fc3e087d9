// A broadcast as one loop pushes it: each track is read once, chunk by chunk, and told to whoever renders it.
//
//   finding ──index.m3u8──► reading ──► over (ended, lost, unreadable)
//      └── 404 ──► over (not_live)
//
// A channel asks the node for the broadcast's playlists, headers and growing segments as any viewer would (source.h),
// one segment after another, beginning with the newest. What it reads it tells to its readings, which render it for a
// protocol and keep it in a Reel (reel.h) for viewers. So a chunk is parsed once and rendered once per protocol,
// however many look at it; a viewer is a cursor in a reel.
//
// What a broadcast has may change while it lasts: every few seconds a channel looks again at what there is. A track
// that joins, sound that was not there at the beginning, is read from its next segment on.
//
// A reading may join at any time: it is first told the headers and the chunks since the latest key frame. All headers
// are told before the first chunk, and again, all of them, before the first chunk that needs another.
//
// Order: of each track, decode order; between tracks as they are born, a few tens of milliseconds apart.
//
// Owner: whoever has viewers for it, by shared_ptr (channels.h). Thread: one loop. Limits: ChannelLimits.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "media/pass.h"
#include "media/track.h"
#include "push/source.h"
#include "push/track_reader.h"
#include "push/whole_body.h"
#include "wire/hls.h"
#include "wire/mp4_reader.h"

namespace klieg::push {

struct TrackHeader {
  std::string name;      // of the track in URLs: "video", "720p"
  wire::Mp4Track track;  // codec, decoder configuration, timescale
  Bytes content;         // the CMAF header: ftyp + moov, what Media Source Extensions call an initialization segment
};

struct Headers {
  std::vector<TrackHeader> tracks;  // video first; one of a kind
  const TrackHeader* of(media::TrackKind kind) const;
};

enum class Start : uint8_t { no, yes };  // yes: a viewer may begin with it

struct Chunk {
  media::TrackKind kind = media::TrackKind::video;
  Start start = Start::no;               // a key frame of video; where there is no video, every chunk
  Bytes content;                         // the CMAF chunk as it was written: [styp] [prft] moof mdat
  std::vector<wire::Mp4Sample> samples;  // what is in it, sharing its storage; times in ticks of its track
  Duration decode_time{0};               // of the first sample, on the broadcast's timeline
};

enum class ChannelEnd : uint8_t {
  not_live,    // there is no such name, or nothing on it now
  ended,       // the broadcast is over
  lost,        // nobody could say anything of it for too long
  unreadable,  // what came is no CMAF that we know
};
std::string_view name_of(ChannelEnd end);

// Renders a channel for a protocol. Outlives the channel, or leaves it before; not from inside these calls, but that of
// on_over, after which there is nothing to leave.
class Reading {
 public:
  virtual ~Reading() = default;
  // Before the first chunk, and before the first that needs other headers than these.
  virtual void on_headers(const Headers& headers) = 0;
  virtual void on_chunk(const Chunk& chunk) = 0;
  virtual void on_over(ChannelEnd why) = 0;  // the last call
};

struct ChannelLimits {
  // Since the latest key frame, for readings that join: two and a half seconds of 100 Mbit/s. What goes beyond begins
  // with the next key frame.
  size_t bytes_max = size_t{32} << 20;
  size_t header_bytes_max = 64 << 10;     // the largest seen, HEVC with all its parameter sets, is 2 KiB
  size_t playlist_bytes_max = 256 << 10;  // 60 s of one-second segments, the last with parts: 20 KiB
  Duration look_every = 5s;               // at what there is; the node has it at hand
};

class Channel final : private TrackHost {
 public:
  // `name`: the broadcast's in URLs ("ada"). `rendition`: the track of video that is wished ("720p"); where there is
  // none of that name, the one that came ("video"), else the one that playlists list first.
  static std::shared_ptr<Channel> open(Source& source, std::string name, std::string rendition,
                                       const ChannelLimits& limits = {});
  ~Channel() override;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // What there is to tell already is told from inside, on_over too.
  void join(Reading& reading);
  void leave(Reading& reading);  // asserted: it joined

  const std::string& name() const { return name_; }
  // The track of video that is read for who wishes for `rendition`, by what there is; null: that is not known yet.
  const std::string* read_for(std::string_view rendition) const;
  const std::string& rendition() const { return rendition_; }  // the one that is read; until it is known, the wish
  bool over() const { return over_.has_value(); }
  // Known once headers are told. Who looks on without being asked for a token looks at none that is for guests.
  media::Audience audience() const { return audience_; }

 private:
  Channel(Source& source, std::string name, std::string rendition, const ChannelLimits& limits);

  void ask(const std::string& path, void (Channel::*then)(Answer));
  std::string multivariant_path() const;
  void find();
  void find_again();
  void on_multivariant(Answer answer);
  void look_again();
  void on_looked_again(Answer answer);
  std::vector<std::string> topics_in(const wire::hls::MultivariantPlaylist& playlist);
  void on_playlist(Answer answer);
  void read_from(uint64_t msn, const std::vector<std::string>& topics);
  void on_track_header(TrackReader& reader) override;
  void on_track_chunk(TrackReader& reader, Bytes content, std::vector<wire::Mp4Sample> samples) override;
  void on_track_over(TrackReader& reader, TrackEnd why) override;
  void tell_early();
  void tell_headers();
  void keep(Chunk chunk);
  void end(ChannelEnd why);

  Source& source_;
  const std::string name_;
  std::string rendition_;
  std::vector<std::string> listed_;  // tracks of video, as they were last looked at
  const ChannelLimits limits_;
  std::weak_ptr<Channel> self_;
  WholeBody body_;
  uint32_t looks_ = 0;
  media::Audience audience_ = media::Audience::everybody;
  std::vector<std::string> topics_;                   // of the tracks that were chosen
  std::vector<std::shared_ptr<TrackReader>> tracks_;  // that are not over
  std::vector<Reading*> readings_;
  std::shared_ptr<const Headers> headers_;  // as told; null: none yet
  bool headers_changed_ = false;
  std::vector<Chunk> early_;  // before the headers of all tracks are known, at most track_awaited_max and bytes_max
  size_t early_bytes_ = 0;
  struct Kept {
    std::shared_ptr<const Headers> headers;  // that it needs
    Chunk chunk;
  };
  std::deque<Kept> kept_;  // since the latest key frame; empty: it was too long ago
  size_t kept_bytes_ = 0;
  std::optional<ChannelEnd> over_;
};

}  // namespace klieg::push

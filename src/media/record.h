// What a packaged broadcast is made of: an endless sequence of records.
//
// The packager writes them, an origin window applies them, and whoever holds a window can write it out again as the
// records that make an equal one. That is how a loop mirrors another loop's broadcast, and how a node will mirror its
// parent's. Records are values; their bytes are immutable and shared, so passing one to another loop copies no media.
//
// Order, per broadcast:
//   BroadcastBegun
//   TracksAnnounced                               any number of times: what else is to be expected, and by what name
//   PeriodBegun                                   at the start and after every discontinuity, before its segments
//   HeaderBorn                                    per track, before its first segment and whenever its codec changes
//   SegmentBegun (ChunkBorn+ PartEnded)+ SegmentEnded     per track; tracks interleave freely
//   PictureBorn                                   after BroadcastBegun, now and then
//   StateChanged                                  live -> paused -> live ... -> ended; nothing follows ended
// All tracks of a broadcast cut at the same media times, so a media sequence number means the same span in each. A
// track that has nothing for such a span has a gap: SegmentBegun and SegmentEnded without chunks. The source tracks
// have nothing open when a broadcast pauses; rungs, which come later, may end their segments then.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "media/ladder.h"
#include "media/track.h"

namespace klieg::media {

using TrackId = uint8_t;  // index of a track within its broadcast: 0, 1, ... in order of first HeaderBorn
using Msn = uint64_t;     // media sequence number, from 0 within a broadcast, the same for all its tracks

enum class BroadcastState : uint8_t { live, paused, ended };
enum class Independence : uint8_t { dependent, independent };  // independent: has a place to begin decoding

struct BroadcastBegun {
  std::string id;                  // random, URL-safe; new at every start
  uint32_t epoch = 1;              // number of the lease under which a node owns the broadcast; new at every takeover
  Duration grid;                   // nominal segment duration, the same for all tracks
  uint32_t target_duration_s = 1;  // EXT-X-TARGETDURATION; never changes
  Duration part_target;            // EXT-X-PART-INF PART-TARGET; never changes
};

// The names of all tracks that viewers shall be able to choose from. Players do not read a multivariant playlist twice,
// so none is written before each of these has its header. A later announcement replaces an earlier one.
struct TracksAnnounced {
  std::vector<std::string> names;
};

enum class PeriodStart : uint8_t {
  first,          // the broadcast begins
  discontinuity,  // timeline or coding broke: EXT-X-DISCONTINUITY, a new DASH Period
  off_grid,       // seamless, but segments no longer lie on the grid: a new DASH Period with a SegmentTimeline
};

struct PeriodBegun {
  uint32_t index = 0;  // from 0
  PeriodStart why = PeriodStart::first;
  Msn first_msn = 0;
  MediaTime start;      // presentation time at which it begins
  WallTime start_wall;  // the same instant on the server's clock: EXT-X-PROGRAM-DATE-TIME, MPD availability
  // How many periods of the broadcast began with a discontinuity, this one included. A packager leaves it 0; a window
  // that writes itself out fills it in, because the periods it would be counted from may have left.
  uint32_t discontinuities = 0;
};

struct HeaderBorn {
  TrackId track = 0;
  uint32_t version = 0;    // from 0; names the header's URL
  std::string name;        // of the track in URLs: "video", "audio"; later "720p"
  uint32_t timescale = 1;  // of the track's media
  Track info;
  Bytes content;  // CMAF header: ftyp + moov
  // Of a rung: what its encoder is held to. 0: of a source track, which is what its publisher makes it.
  uint32_t bits_per_second = 0;
};

struct SegmentBegun {
  TrackId track = 0;
  Msn msn = 0;
  uint32_t period = 0;
  uint32_t header_version = 0;
  MediaTime start;           // presentation time of the cut
  int64_t decode_ticks = 0;  // baseMediaDecodeTime of its first chunk, in the track's timescale
};

// One CMAF chunk of one or two frames (optional styp, prft, emsg; moof; mdat): the unit that is appended and sent.
struct ChunkBorn {
  TrackId track = 0;
  Bytes content;
};

// The chunks since the last PartEnded of the track are a part.
struct PartEnded {
  TrackId track = 0;
  Msn msn = 0;
  uint32_t index = 0;   // from 0 within the segment
  uint64_t offset = 0;  // within the segment
  uint64_t size = 0;
  Duration duration;
  Independence independence = Independence::dependent;
};

struct SegmentEnded {
  TrackId track = 0;
  Msn msn = 0;
  Duration duration;  // of the media in it; of a gap, that of the span it stands for
  // gap: not all of the media is there (none of it, or the parts up to a failure).
  Presence presence = Presence::media;
};

struct PictureBorn {
  Picture picture;
};

struct StateChanged {
  BroadcastState state = BroadcastState::live;
};

using Record = std::variant<BroadcastBegun, TracksAnnounced, PeriodBegun, HeaderBorn, SegmentBegun, ChunkBorn,
                            PartEnded, SegmentEnded, PictureBorn, StateChanged>;

}  // namespace klieg::media

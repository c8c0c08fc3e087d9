// Where CMAF chunks of one track lie on the broadcast's timeline, for who gets them as they are born.
//
// Chunks come in decoding order. So that they lie one behind the other all the same, and where playlists and manifests
// have them, each counts from its decode time plus what lay between decoding and presentation of the latest key frame.
//
// Pure; the bytes may be anything.
#pragma once

#include <optional>

#include "base/result.h"
#include "player/viewer.h"
#include "wire/mp4_reader.h"

namespace klieg::player {

// Cuts chunks off a response as it comes: a chunk is every box up to and with the next mdat.
class ChunkCutter {
 public:
  // A key frame of 100 Mbit/s with all of a second in it makes 12.5 MB.
  static constexpr size_t chunk_size_max = size_t{16} << 20;

  struct Cut {
    Bytes content;
    LoopTime first_byte;
    LoopTime last_byte;
  };
  // What became whole with `bytes`. After an error, which says what is wrong, nothing more is to be given.
  Result<std::vector<Cut>> feed(ByteView bytes, LoopTime now);

 private:
  std::vector<uint8_t> chunk_;  // up to chunk_size_max and one read
  size_t looked_ = 0;           // so far its boxes are known to be no mdat
  LoopTime began_;
};

struct ChunkTime {
  MediaTime from;
  Duration duration{0};
  std::optional<WallTime> captured;
  Holds holds = Holds::more;
};

class ChunkTimes {
 public:
  // `header`: the track's initialization segment.
  static Result<ChunkTimes> of(const Bytes& header);

  // Nothing: it has no samples of the track, or they lie beyond all times.
  std::optional<ChunkTime> read(const Bytes& chunk);
  media::TrackKind kind() const { return movie_.tracks.front().info.kind; }

 private:
  explicit ChunkTimes(wire::Mp4 movie) : movie_(std::move(movie)) {}

  wire::Mp4 movie_;
  int64_t key_offset_ticks_ = 0;
};

}  // namespace klieg::player

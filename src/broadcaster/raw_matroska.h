// Uncompressed pictures and sound on their way into an encoder, as a Matroska stream (RFC 9559).
//
// A bare stream of pictures has no times: an encoder that loses one shows all later ones too early. Here every picture
// and every block of sound says when it is, so dropping a picture costs that picture and nothing else. One pipe carries
// both media in order.
//
// Pure: returns bytes to write. Times are milliseconds, as in the FLV that comes out at the other end.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/time.h"

namespace klieg::broadcaster::raw_matroska {

struct Video {
  int width, height;        // I420
  Duration frame_duration;  // nominal
};
struct Audio {
  uint32_t sample_rate;
  uint8_t channels;  // interleaved signed 16-bit, little-endian
};

// EBML header, segment of unknown size, tracks: what comes before the first cluster.
Bytes header(const Video& video, const std::optional<Audio>& audio);

enum class TrackNumber : uint8_t { video = 1, audio = 2 };

// What precedes a cluster of one block whose content, `content_size` bytes, follows it directly.
Bytes block_prefix(TrackNumber track, Duration time, size_t content_size);

}  // namespace klieg::broadcaster::raw_matroska

// One RTMP media message as the publisher sent it, out of its chunks and before its codec is looked at.
//
// A value: the body is immutable and shared, so a message may be posted to the broadcast's home loop without a copy.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace klieg::ingest {

struct MediaMessage {
  enum class Kind : uint8_t {
    video,  // body: FLV VIDEODATA, E-RTMP ExVideoTagHeader included
    audio,  // body: FLV AUDIODATA, E-RTMP ExAudioTagHeader included
    data,   // body: AMF0 values: the handler's name, then its arguments; "@setDataFrame" is already taken off
  };
  Kind kind = Kind::video;
  uint32_t timestamp_ms = 0;  // as on the wire: any origin, wraps at 2^32
  Bytes body;
};

}  // namespace klieg::ingest

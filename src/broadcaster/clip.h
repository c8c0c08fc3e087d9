// A clip: a recording taken apart into the packets that publish it.
//
// From FLV, or MP4 (plain or fragmented): H.264, HEVC, AV1, VP9; AAC, Opus, MP3. At most one video and one audio track.
// Packets share the file's storage. Times are whole milliseconds, as RTMP counts, from the clip's earliest packet.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "media/track.h"
#include "wire/flv.h"

namespace klieg::broadcaster {

struct ClipPacket {
  enum class Kind : uint8_t { video, audio, data };
  Kind kind = Kind::video;
  uint32_t timestamp_ms = 0;
  wire::flv::Packet packet = {};  // of video and audio
  Bytes data = {};                // of data: AMF0 values, beginning with the handler's name
};

struct Clip {
  std::vector<ClipPacket> packets;  // in order of time; a track's configuration before its first frame
  uint32_t duration_ms = 0;         // to where a repetition begins
  media::AudioFormat audio = {};    // what a legacy MP3 header must say
};

// The error says what of the file cannot be published.
Result<Clip> read_clip(const Bytes& file);

// What a message says at a time: what publishing it as video or audio needs.
Result<Bytes> message_body(const ClipPacket& packet, wire::flv::Form form, const media::AudioFormat& audio);

// The frame with our capture stamp (wire/sei.h) before its first slice. Unchanged when its codec has no SEI, or when
// the frame is not what `config`, the track's configuration, says.
Bytes with_capture_stamp(const wire::flv::Packet& frame, const Bytes& config, WallTime captured);

}  // namespace klieg::broadcaster

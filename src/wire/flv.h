// FLV audio and video tag bodies, as RTMP messages carry them: the legacy headers (Adobe FLV 10.1, annex E) and the
// extended ones of Enhanced RTMP v2 (Veovera, "Enhanced Video", "Enhanced Audio").
//
// Accepted, legacy: H.264 (7), HEVC (12, never standard but what many encoders in China send), AAC (10), MP3 (2, 14).
// Accepted, extended: avc1, hvc1, av01, vp09, mp4a, Opus, .mp3; ModEx with TimestampOffsetNano.
// Everything else is refused with words for the person at the encoder, never guessed at.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "media/track.h"

namespace klieg::wire::flv {

struct Packet {
  enum class Type : uint8_t {
    sequence_start,  // body: decoder configuration; MP3 has none
    coded_frames,    // body: one frame
    sequence_end,
    metadata,  // body: AMF0 values ("colorInfo", object), E-RTMP only
    ignored,   // well formed and without meaning for us: video commands, multichannel configuration
  };
  Type type = Type::ignored;
  media::Codec codec = media::Codec::avc;
  bool key_frame = false;          // what the tag claims; wire/frame.h looks at the frame itself
  Duration composition_offset{0};  // of H.264 and HEVC: presentation - decode time, whole milliseconds
  Duration fine_offset{0};         // TimestampOffsetNano: to be added to the message's timestamp, below 1 ms
  Bytes body;                      // shares the message's storage
  bool operator==(const Packet&) const = default;
};

struct Fault {
  enum class Kind : uint8_t {
    malformed,     // this message is broken
    not_accepted,  // the encoder does something that we do not take: the message is written for its owner
  };
  Kind kind = Kind::malformed;
  std::string message;
};

Result<Packet, Fault> read_video(const Bytes& body);
Result<Packet, Fault> read_audio(const Bytes& body);

enum class Form : uint8_t { legacy, extended };

// The tag body for a packet. Asserted: legacy exists for its codec and type, offsets lie in their fields. Legacy audio
// headers of AAC say 44.1 kHz stereo whatever the content is, as the standard wants; `audio` is what MP3's must say.
Bytes write(const Packet& packet, Form form, const media::AudioFormat& audio = {});

}  // namespace klieg::wire::flv

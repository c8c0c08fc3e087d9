// A track: one medium, one codec, one timeline (an elementary stream, ISO/IEC 14496-12).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace klieg::media {

enum class TrackKind : uint8_t { video, audio };
enum class Codec : uint8_t { avc, hevc, av1, vp9, aac, opus, mp3 };

// What the numbers of a picture mean, by those of ITU-T H.273; 2: not said.
struct Colour {
  uint8_t primaries = 2;
  uint8_t transfer = 2;
  uint8_t matrix = 2;
  bool operator==(const Colour&) const = default;
};

struct VideoFormat {
  uint32_t width = 0;  // coded picture after cropping, in pixels
  uint32_t height = 0;
  uint32_t sar_width = 1;  // sample (pixel) aspect ratio
  uint32_t sar_height = 1;
  double frame_rate = 0;  // frames per second as the parameter sets say; 0: they do not
  Colour colour = {};
  bool operator==(const VideoFormat&) const = default;
};

struct AudioFormat {
  uint32_t sample_rate = 0;  // Hz, of what comes out of the decoder
  uint32_t channels = 0;
  uint32_t samples_per_frame = 0;  // 1024 for AAC-LC, 1152 or 576 for MP3; 0: varies from frame to frame (Opus)
  bool operator==(const AudioFormat&) const = default;
};

// What a decoder must know before the first sample, and what manifests say about it.
struct Track {
  TrackKind kind = TrackKind::video;
  Codec codec = Codec::avc;
  // avc, hevc, av1, vp9: the content of avcC, hvcC, av1C, vpcC (the latter with its version and flags);
  // aac: AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1); opus: the ID header "OpusHead..." (RFC 7845 5.1); mp3: empty.
  Bytes decoder_config;
  std::string codecs;  // RFC 6381, from the real parameter sets: "avc1.64001f", "mp4a.40.2"
  VideoFormat video;   // of a video track
  AudioFormat audio;   // of an audio track
  bool operator==(const Track&) const = default;
};

constexpr std::string_view name_of(TrackKind kind) { return kind == TrackKind::video ? "video" : "audio"; }

constexpr std::string_view name_of(Codec codec) {
  switch (codec) {
    case Codec::avc:
      return "avc";
    case Codec::hevc:
      return "hevc";
    case Codec::av1:
      return "av1";
    case Codec::vp9:
      return "vp9";
    case Codec::aac:
      return "aac";
    case Codec::opus:
      return "opus";
    case Codec::mp3:
      return "mp3";
  }
  return "unknown";
}

constexpr TrackKind kind_of(Codec codec) {
  return codec == Codec::aac || codec == Codec::opus || codec == Codec::mp3 ? TrackKind::audio : TrackKind::video;
}

}  // namespace klieg::media

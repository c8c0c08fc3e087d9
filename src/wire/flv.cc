#include "wire/flv.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>

namespace klieg::wire::flv {
namespace {

// Legacy numbers.
constexpr unsigned video_avc = 7, video_hevc = 12;
constexpr unsigned audio_mp3 = 2, audio_extended = 9, audio_aac = 10, audio_mp3_8k = 14;
constexpr unsigned frame_key = 1, frame_inter = 2, frame_command = 5;

// VideoPacketType and AudioPacketType; they differ in the middle.
namespace video_packet {
constexpr unsigned sequence_start = 0, coded_frames = 1, sequence_end = 2, coded_frames_x = 3, metadata = 4,
                   transport_stream_start = 5, multitrack = 6, mod_ex = 7;
}
namespace audio_packet {
constexpr unsigned sequence_start = 0, coded_frames = 1, sequence_end = 2, multichannel_config = 4, multitrack = 5,
                   mod_ex = 7;
}
constexpr unsigned timestamp_offset_nano = 0;

constexpr std::string_view video_wanted = "send H.264, HEVC, AV1 or VP9";
constexpr std::string_view audio_wanted = "send AAC, Opus or MP3";

std::unexpected<Fault> malformed(std::string message) {
  return std::unexpected(Fault{Fault::Kind::malformed, std::move(message)});
}
std::unexpected<Fault> not_accepted(std::string message) {
  return std::unexpected(Fault{Fault::Kind::not_accepted, std::move(message)});
}
std::unexpected<Fault> codec_not_accepted(std::string_view kind, std::string_view name, std::string_view wanted) {
  return not_accepted(fmt::format("{} codec {} is not accepted: {}", kind, name, wanted));
}

constexpr uint32_t four_cc(std::string_view name) {
  uint32_t value = 0;
  for (char c : name) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

// What a person would call it; something unprintable is shown as a number.
std::string name_of_four_cc(uint32_t value) {
  std::string name;
  for (int shift = 24; shift >= 0; shift -= 8) {
    const auto c = static_cast<char>(value >> shift);
    if (c < 0x20 || c > 0x7e) return fmt::format("0x{:08x}", value);
    name += c;
  }
  return name;
}

std::optional<media::Codec> video_codec(uint32_t name) {
  switch (name) {
    case four_cc("avc1"):
      return media::Codec::avc;
    case four_cc("hvc1"):
      return media::Codec::hevc;
    case four_cc("av01"):
      return media::Codec::av1;
    case four_cc("vp09"):
      return media::Codec::vp9;
    default:
      return std::nullopt;
  }
}

std::optional<media::Codec> audio_codec(uint32_t name) {
  switch (name) {
    case four_cc("mp4a"):
      return media::Codec::aac;
    case four_cc("Opus"):
      return media::Codec::opus;
    case four_cc(".mp3"):
      return media::Codec::mp3;
    default:
      return std::nullopt;
  }
}

uint32_t four_cc_of(media::Codec codec) {
  switch (codec) {
    case media::Codec::avc:
      return four_cc("avc1");
    case media::Codec::hevc:
      return four_cc("hvc1");
    case media::Codec::av1:
      return four_cc("av01");
    case media::Codec::vp9:
      return four_cc("vp09");
    case media::Codec::aac:
      return four_cc("mp4a");
    case media::Codec::opus:
      return four_cc("Opus");
    case media::Codec::mp3:
      return four_cc(".mp3");
  }
  return 0;
}

std::string_view legacy_video_name(unsigned id) {
  static constexpr std::string_view names[] = {
      "0", "1 (JPEG)",       "H.263 (Sorenson)", "Screen video", "VP6", "VP6 with alpha", "Screen video 2",
      "7", "8 (Real H.263)", "MPEG-4 Part 2"};
  return id < std::size(names) ? names[id] : std::string_view();
}

std::string_view legacy_audio_name(unsigned id) {
  static constexpr std::string_view names[] = {
      "PCM",          "ADPCM", "MP3", "PCM",  "Nellymoser 16 kHz", "Nellymoser 8 kHz", "Nellymoser", "G.711 A-law",
      "G.711 mu-law", "9",     "AAC", "Speex"};
  return id < std::size(names) ? names[id] : std::string_view();
}

Duration read_composition_offset(ByteReader& in) {
  const auto value = static_cast<int32_t>(in.u24() << 8) >> 8;  // SI24
  return std::chrono::milliseconds(value);
}

Bytes rest_of(const Bytes& body, const ByteReader& in) { return body.slice(body.size() - in.remaining()); }

bool has_composition_offset(media::Codec codec) { return codec == media::Codec::avc || codec == media::Codec::hevc; }

// ModEx: extensions stacked in front of the real packet type. Each takes at least three bytes, so the loop ends.
Result<unsigned, Fault> read_extensions(ByteReader& in, unsigned type, unsigned mod_ex, Packet& packet) {
  while (type == mod_ex) {
    size_t size = size_t{in.u8()} + 1;
    if (size == 256) size = size_t{in.u16()} + 1;
    ByteReader extension(in.bytes(size));
    const uint8_t next = in.u8();
    if (!in.ok()) return malformed("an E-RTMP ModEx extension is cut short");
    if (next >> 4 == timestamp_offset_nano) {
      const uint32_t ns = extension.u24();
      if (!extension.ok()) return malformed("an E-RTMP timestamp offset is cut short");
      if (ns < 1'000'000) packet.fine_offset = Duration(ns);  // more would be a whole millisecond: not allowed
    }
    type = next & 0xf;
  }
  return type;
}

Result<Packet, Fault> read_legacy_video(const Bytes& body, ByteReader& in, Packet packet, unsigned codec_id) {
  if (codec_id == video_avc) {
    packet.codec = media::Codec::avc;
  } else if (codec_id == video_hevc) {
    packet.codec = media::Codec::hevc;
  } else {
    const std::string_view name = legacy_video_name(codec_id);
    return codec_not_accepted("video", name.empty() ? fmt::to_string(codec_id) : std::string(name), video_wanted);
  }
  const uint8_t type = in.u8();
  packet.composition_offset = read_composition_offset(in);
  if (!in.ok()) return malformed("the FLV video tag is cut short");
  if (type > 2) return malformed("the FLV video tag has an unknown packet type");
  packet.type = static_cast<Packet::Type>(type);
  if (packet.type != Packet::Type::coded_frames) packet.composition_offset = Duration(0);
  packet.body = rest_of(body, in);
  return packet;
}

Result<Packet, Fault> read_extended_video(const Bytes& body, ByteReader& in, Packet packet, unsigned first_type,
                                          unsigned frame_type) {
  const Result<unsigned, Fault> type = read_extensions(in, first_type, video_packet::mod_ex, packet);
  if (!type) return std::unexpected(type.error());
  if (*type != video_packet::metadata && frame_type == frame_command) return packet;  // seek markers: nothing for us
  if (*type == video_packet::multitrack)
    return not_accepted("more than one video track is not accepted: turn multitrack video off");
  const uint32_t name = in.u32();
  if (!in.ok()) return malformed("the E-RTMP video tag is cut short");
  const std::optional<media::Codec> codec = video_codec(name);
  if (!codec) return codec_not_accepted("video", name_of_four_cc(name), video_wanted);
  packet.codec = *codec;
  switch (*type) {
    case video_packet::sequence_start:
      packet.type = Packet::Type::sequence_start;
      break;
    case video_packet::coded_frames:
      packet.type = Packet::Type::coded_frames;
      if (has_composition_offset(*codec)) packet.composition_offset = read_composition_offset(in);
      if (!in.ok()) return malformed("the E-RTMP video tag is cut short");
      break;
    case video_packet::coded_frames_x:
      packet.type = Packet::Type::coded_frames;
      break;
    case video_packet::sequence_end:
      packet.type = Packet::Type::sequence_end;
      break;
    case video_packet::metadata:
      packet.type = Packet::Type::metadata;
      break;
    case video_packet::transport_stream_start:
      return not_accepted("AV1 described by an MPEG-2 TS descriptor is not accepted: send an av1C sequence start");
    default:
      return malformed("the E-RTMP video tag has an unknown packet type");
  }
  packet.body = rest_of(body, in);
  return packet;
}

Result<Packet, Fault> read_extended_audio(const Bytes& body, ByteReader& in, Packet packet, unsigned first_type) {
  const Result<unsigned, Fault> type = read_extensions(in, first_type, audio_packet::mod_ex, packet);
  if (!type) return std::unexpected(type.error());
  if (*type == audio_packet::multitrack)
    return not_accepted("more than one audio track is not accepted: turn multitrack audio off");
  const uint32_t name = in.u32();
  if (!in.ok()) return malformed("the E-RTMP audio tag is cut short");
  const std::optional<media::Codec> codec = audio_codec(name);
  if (!codec) return codec_not_accepted("audio", name_of_four_cc(name), audio_wanted);
  packet.codec = *codec;
  switch (*type) {
    case audio_packet::sequence_start:
      packet.type = Packet::Type::sequence_start;
      break;
    case audio_packet::coded_frames:
      packet.type = Packet::Type::coded_frames;
      break;
    case audio_packet::sequence_end:
      packet.type = Packet::Type::sequence_end;
      break;
    case audio_packet::multichannel_config:
      return packet;  // a hint beside the decoder configuration
    default:
      return malformed("the E-RTMP audio tag has an unknown packet type");
  }
  packet.body = rest_of(body, in);
  return packet;
}

void write_four_cc(ByteWriter& out, const Packet& packet, unsigned type, unsigned mod_ex, unsigned high_bits) {
  if (packet.fine_offset != Duration(0)) {
    KLIEG_ASSERT(packet.fine_offset > Duration(0) && packet.fine_offset < 1ms, "a fine offset is below a millisecond");
    out.u8(static_cast<uint8_t>(high_bits | mod_ex));
    out.u8(3 - 1);  // size of the extension, less one
    out.u24(static_cast<uint32_t>(packet.fine_offset.count()));
    out.u8(static_cast<uint8_t>(timestamp_offset_nano << 4 | type));
  } else {
    out.u8(static_cast<uint8_t>(high_bits | type));
  }
  out.u32(four_cc_of(packet.codec));
}

void write_composition_offset(ByteWriter& out, Duration offset) {
  const int64_t ms = to_ms(offset);
  KLIEG_ASSERT(ms >= -0x800000 && ms <= 0x7fffff, "a composition offset has 24 bits");
  out.u24(static_cast<uint32_t>(ms) & 0xffffff);
}

void write_video_header(ByteWriter& out, const Packet& packet, Form form) {
  const unsigned frame = packet.key_frame || packet.type == Packet::Type::sequence_start ? frame_key : frame_inter;
  if (form == Form::legacy) {
    KLIEG_ASSERT(has_composition_offset(packet.codec), "legacy FLV has H.264 and, by custom, HEVC");
    KLIEG_ASSERT(packet.type <= Packet::Type::sequence_end, "legacy FLV has no such packet");
    out.u8(static_cast<uint8_t>(frame << 4 | (packet.codec == media::Codec::avc ? video_avc : video_hevc)));
    out.u8(static_cast<uint8_t>(packet.type));
    write_composition_offset(out, packet.composition_offset);
    return;
  }
  const unsigned high_bits = 0x80 | frame << 4;
  const bool offset_needed = has_composition_offset(packet.codec) && packet.composition_offset != Duration(0);
  unsigned type = static_cast<unsigned>(packet.type);
  if (packet.type == Packet::Type::metadata) type = video_packet::metadata;
  if (packet.type == Packet::Type::coded_frames && has_composition_offset(packet.codec) && !offset_needed)
    type = video_packet::coded_frames_x;
  write_four_cc(out, packet, type, video_packet::mod_ex, high_bits);
  if (type == video_packet::coded_frames && has_composition_offset(packet.codec))
    write_composition_offset(out, packet.composition_offset);
}

void write_audio_header(ByteWriter& out, const Packet& packet, Form form, const media::AudioFormat& audio) {
  if (form == Form::extended) {
    write_four_cc(out, packet, static_cast<unsigned>(packet.type), audio_packet::mod_ex, audio_extended << 4);
    return;
  }
  if (packet.codec == media::Codec::aac) {
    KLIEG_ASSERT(packet.type <= Packet::Type::coded_frames, "legacy AAC has no such packet");
    out.u8(audio_aac << 4 | 0xf);
    out.u8(static_cast<uint8_t>(packet.type));
    return;
  }
  KLIEG_ASSERT(packet.codec == media::Codec::mp3 && packet.type == Packet::Type::coded_frames,
               "legacy FLV has AAC and MP3 frames");
  const unsigned rate = audio.sample_rate >= 44'100 ? 3 : audio.sample_rate >= 22'050 ? 2 : 1;
  out.u8(static_cast<uint8_t>((audio.sample_rate == 8000 ? audio_mp3_8k : audio_mp3) << 4 | rate << 2 | 2 |
                              (audio.channels == 1 ? 0 : 1)));
}

}  // namespace

Result<Packet, Fault> read_video(const Bytes& body) {
  ByteReader in(body);
  const uint8_t header = in.u8();
  if (!in.ok()) return malformed("the FLV video tag is empty");
  const bool extended = (header & 0x80) != 0;
  const unsigned frame_type = header >> 4 & 7;
  Packet packet;
  packet.key_frame = frame_type == frame_key;
  if (extended) return read_extended_video(body, in, packet, header & 0xf, frame_type);
  if (frame_type == frame_command) return packet;
  return read_legacy_video(body, in, packet, header & 0xf);
}

Result<Packet, Fault> read_audio(const Bytes& body) {
  ByteReader in(body);
  const uint8_t header = in.u8();
  if (!in.ok()) return malformed("the FLV audio tag is empty");
  const unsigned format = header >> 4;
  Packet packet;
  packet.key_frame = true;
  if (format == audio_extended) return read_extended_audio(body, in, packet, header & 0xf);
  if (format == audio_aac) {
    packet.codec = media::Codec::aac;
    const uint8_t type = in.u8();
    if (!in.ok()) return malformed("the FLV audio tag is cut short");
    if (type > 1) return malformed("the FLV audio tag has an unknown packet type");
    packet.type = static_cast<Packet::Type>(type);
  } else if (format == audio_mp3 || format == audio_mp3_8k) {
    packet.codec = media::Codec::mp3;
    packet.type = Packet::Type::coded_frames;
  } else {
    const std::string_view name = legacy_audio_name(format);
    return codec_not_accepted("audio", name.empty() ? fmt::to_string(format) : std::string(name), audio_wanted);
  }
  packet.body = rest_of(body, in);
  return packet;
}

Bytes write(const Packet& packet, Form form, const media::AudioFormat& audio) {
  KLIEG_ASSERT(packet.type != Packet::Type::ignored, "there is something to write");
  ByteWriter out;
  if (media::kind_of(packet.codec) == media::TrackKind::video) {
    write_video_header(out, packet, form);
  } else {
    KLIEG_ASSERT(packet.type != Packet::Type::metadata, "only video has metadata packets");
    write_audio_header(out, packet, form, audio);
  }
  out.bytes(packet.body);
  return out.take();
}

}  // namespace klieg::wire::flv

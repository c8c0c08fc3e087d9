#include "broadcaster/raw_matroska.h"

#include <bit>

namespace klieg::broadcaster::raw_matroska {

namespace {

// Element ids, with their length markers, as RFC 8794 and RFC 9559 print them.
enum Id : uint32_t {
  ebml = 0x1A45DFA3,
  doc_type = 0x4282,
  doc_type_version = 0x4287,
  doc_type_read_version = 0x4285,
  segment = 0x18538067,
  info = 0x1549A966,
  timestamp_scale = 0x2AD7B1,
  muxing_app = 0x4D80,
  writing_app = 0x5741,
  tracks = 0x1654AE6B,
  track_entry = 0xAE,
  track_number = 0xD7,
  track_uid = 0x73C5,
  track_type = 0x83,
  flag_lacing = 0x9C,
  codec_id = 0x86,
  default_duration = 0x23E383,
  video_settings = 0xE0,
  pixel_width = 0xB0,
  pixel_height = 0xBA,
  colour_space = 0x2EB524,
  audio_settings = 0xE1,
  sampling_frequency = 0xB5,
  channel_count = 0x9F,
  bit_depth = 0x6264,
  cluster = 0x1F43B675,
  timestamp = 0xE7,
  simple_block = 0xA3,
};

constexpr uint64_t unknown_size = 0x01FF'FFFF'FFFF'FFFF;
constexpr uint64_t eight_byte_size = 0x0100'0000'0000'0000;

void write_id(ByteWriter& out, Id id) {
  if (id > 0xFFFFFF) return out.u32(id);
  if (id > 0xFFFF) return out.u24(id);
  if (id > 0xFF) return out.u16(static_cast<uint16_t>(id));
  out.u8(static_cast<uint8_t>(id));
}

// Sizes are always written in eight bytes: nothing here is small enough to care.
void write_head(ByteWriter& out, Id id, uint64_t size) {
  write_id(out, id);
  out.u64(eight_byte_size | size);
}

void write_number(ByteWriter& out, Id id, uint64_t value) {
  write_head(out, id, 8);
  out.u64(value);
}

void write_text(ByteWriter& out, Id id, std::string_view text) {
  write_head(out, id, text.size());
  out.text(text);
}

void write_element(ByteWriter& out, Id id, const ByteWriter& content) {
  write_head(out, id, content.size());
  out.bytes(content.view());
}

void write_track(ByteWriter& out, TrackNumber number, uint64_t type, std::string_view codec, Id settings_id,
                 const ByteWriter& settings, Duration frame_duration) {
  ByteWriter entry;
  write_number(entry, track_number, static_cast<uint64_t>(number));
  write_number(entry, track_uid, static_cast<uint64_t>(number));
  write_number(entry, track_type, type);
  write_number(entry, flag_lacing, 0);
  write_text(entry, codec_id, codec);
  if (frame_duration > 0ns) write_number(entry, default_duration, static_cast<uint64_t>(frame_duration.count()));
  write_element(entry, settings_id, settings);
  write_element(out, track_entry, entry);
}

}  // namespace

Bytes header(const Video& video, const std::optional<Audio>& audio) {
  ByteWriter out;

  ByteWriter kind;
  write_text(kind, doc_type, "matroska");
  write_number(kind, doc_type_version, 4);
  write_number(kind, doc_type_read_version, 2);
  write_element(out, ebml, kind);

  write_id(out, segment);
  out.u64(unknown_size);

  ByteWriter about;
  write_number(about, timestamp_scale, std::chrono::nanoseconds(1ms).count());
  write_text(about, muxing_app, "klieg");
  write_text(about, writing_app, "klieg");
  write_element(out, info, about);

  ByteWriter entries;
  ByteWriter picture;
  write_number(picture, pixel_width, static_cast<uint64_t>(video.width));
  write_number(picture, pixel_height, static_cast<uint64_t>(video.height));
  write_text(picture, colour_space, "I420");
  write_track(entries, TrackNumber::video, 1, "V_UNCOMPRESSED", video_settings, picture, video.frame_duration);
  if (audio) {
    ByteWriter sound;
    write_number(sound, sampling_frequency, std::bit_cast<uint64_t>(static_cast<double>(audio->sample_rate)));
    write_number(sound, channel_count, audio->channels);
    write_number(sound, bit_depth, 16);
    write_track(entries, TrackNumber::audio, 2, "A_PCM/INT/LIT", audio_settings, sound, 0ns);
  }
  write_element(out, tracks, entries);
  return out.take();
}

Bytes block_prefix(TrackNumber track, Duration time, size_t content_size) {
  constexpr size_t block_head = 4;  // track number, 16-bit time within the cluster, flags
  constexpr size_t timestamp_size = 1 + 8 + 8;
  constexpr size_t simple_block_head = 1 + 8;
  ByteWriter out;
  write_head(out, cluster, timestamp_size + simple_block_head + block_head + content_size);
  write_number(out, timestamp, static_cast<uint64_t>(to_ms(time + 500us)));
  write_head(out, simple_block, block_head + content_size);
  out.u8(static_cast<uint8_t>(0x80 | static_cast<uint8_t>(track)));
  out.u16(0);
  out.u8(0x80);  // every uncompressed block is a key frame
  return out.take();
}

}  // namespace klieg::broadcaster::raw_matroska

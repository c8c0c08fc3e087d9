#include "push/rtmp_reading.h"

#include <cstdlib>
#include <utility>

#include "base/assert.h"
#include "wire/amf0.h"
#include "wire/flv.h"
#include "wire/rtmp_chunk.h"
#include "wire/rtmp_message.h"

namespace klieg::push {
namespace {

using media::Codec;
using media::TrackKind;
using wire::flv::Form;
using wire::flv::Packet;
using wire::rtmp::MessageType;

// Chunk streams of their own, so that a long key frame could be interleaved with sound by whoever relays this.
constexpr uint32_t audio_chunk_stream = 4, video_chunk_stream = 6, data_chunk_stream = 8;

// Appends the bytes of one message. A writer of its own knows nothing of the messages before: fmt 0.
void write_message(std::vector<Bytes>& pieces, MessageType type, uint32_t chunk_stream, Duration time, Bytes payload) {
  wire::rtmp::ChunkWriter writer;
  writer.set_chunk_size(rtmp_play_chunk_size);
  // 32 bits of milliseconds, which wrap after 49 days (RTMP 1.0, 5.1).
  writer.write({type, rtmp_play_stream, static_cast<uint32_t>(to_ms(time)), std::move(payload)}, chunk_stream, pieces);
}

std::string_view fourcc_of(Codec codec) {
  switch (codec) {
    case Codec::avc:
      return "avc1";
    case Codec::hevc:
      return "hvc1";
    case Codec::av1:
      return "av01";
    case Codec::vp9:
      return "vp09";
    case Codec::aac:
      return "mp4a";
    case Codec::opus:
      return "Opus";
    case Codec::mp3:
      return ".mp3";
  }
  return "";
}

Form form_of(Codec codec) {
  return codec == Codec::avc || codec == Codec::aac || codec == Codec::mp3 ? Form::legacy : Form::extended;
}

void write_packet(std::vector<Bytes>& pieces, const wire::Mp4Track& track, const Packet& packet, Duration time) {
  const bool video = track.info.kind == TrackKind::video;
  write_message(pieces, video ? MessageType::video : MessageType::audio,
                video ? video_chunk_stream : audio_chunk_stream, time,
                wire::flv::write(packet, form_of(track.info.codec), track.info.audio));
}

// The numbers of FLV (E.4.2.1, E.4.3.1), or of Enhanced RTMP a FourCC as a number.
double codec_id_of(Codec codec) {
  switch (codec) {
    case Codec::avc:
      return 7;
    case Codec::aac:
      return 10;
    case Codec::mp3:
      return 2;
    default: {
      ByteReader name(as_bytes(fourcc_of(codec)));
      return name.u32();
    }
  }
}

// `video_frame`: how long one lasts; 0: not known.
Bytes metadata_of(const Headers& headers, Duration video_frame) {
  wire::amf0::EcmaArray about;
  const auto add = [&](const char* name, double value) { about.properties.push_back({name, value}); };
  for (const TrackHeader& header : headers.tracks) {
    const media::Track& info = header.track.info;
    if (info.kind == TrackKind::video) {
      add("width", info.video.width);
      add("height", info.video.height);
      if (video_frame > Duration(0)) add("framerate", 1 / to_seconds(video_frame));
      add("videocodecid", codec_id_of(info.codec));
    } else {
      add("audiosamplerate", info.audio.sample_rate);
      add("audiochannels", info.audio.channels);
      about.properties.push_back({"stereo", wire::amf0::Value::boolean(info.audio.channels > 1)});
      add("audiocodecid", codec_id_of(info.codec));
    }
  }
  ByteWriter content;
  write_value(content, wire::amf0::Value("onMetaData"));
  write_value(content, std::move(about));
  return content.take();
}

// Lengths and composition offsets have 24 bits in RTMP; no broadcast of ours comes near them, but bytes come from
// outside.
bool fits_a_message(const wire::Mp4Sample& sample, Duration composition_offset) {
  constexpr size_t tag_header_max = 16;
  constexpr int64_t offset_ms_max = 0x7FFFFF;
  return sample.content.size() + tag_header_max <= 0xFFFFFF && std::abs(to_ms(composition_offset)) <= offset_ms_max;
}

// What a decoder must know, and a player wants to, before this chunk.
Bytes preamble_of(const Headers& headers, const Chunk& before) {
  std::vector<Bytes> pieces;
  const Duration time = before.decode_time;
  const TrackHeader& track = *headers.of(before.kind);
  const Duration frame = before.kind == TrackKind::video
                             ? from_ticks(before.samples.front().duration, track.track.timescale)
                             : Duration(0);
  // At time 0, whenever it is said: FFmpeg takes data of a later time for a track of text besides, and VLC then plays
  // 10 s late, because it waits for that.
  write_message(pieces, MessageType::amf0_data, data_chunk_stream, Duration(0), metadata_of(headers, frame));
  for (const TrackHeader& header : headers.tracks) {
    const media::Track& info = header.track.info;
    if (info.codec == Codec::mp3) continue;  // its frames say everything
    Packet start{.type = Packet::Type::sequence_start, .codec = info.codec, .body = info.decoder_config};
    write_packet(pieces, header.track, start, time);
  }
  return Bytes::join(pieces);
}

}  // namespace

RtmpReading::RtmpReading(std::function<void()> changed, const ReelLimits& limits)
    : changed_(std::move(changed)), reel_(std::make_shared<Reel>(limits)) {}

void RtmpReading::on_headers(const Headers& headers) {
  headers_ = headers;
  begun_ = true;
  fourccs_needed_.clear();
  for (const TrackHeader& header : headers_.tracks) {
    const Codec codec = header.track.info.codec;
    if (form_of(codec) == Form::extended) fourccs_needed_.push_back(fourcc_of(codec));
  }
  headers_due_ = true;
  changed_();
}

void RtmpReading::on_chunk(const Chunk& chunk) {
  const TrackHeader* header = headers_.of(chunk.kind);
  KLIEG_ASSERT(header, "headers are told before the chunks that need them");
  std::vector<Bytes> pieces;
  // For who reads on: in the log itself. A mark carries it for who begins there.
  const bool marked = chunk.start == Start::yes;
  Bytes preamble;
  if (headers_due_ || marked) preamble = preamble_of(headers_, chunk);
  if (std::exchange(headers_due_, false)) reel_->append_words(preamble);
  for (const wire::Mp4Sample& sample : chunk.samples) {
    const uint32_t timescale = header->track.timescale;
    const Duration offset = from_ticks(sample.composition_offset, timescale);
    if (!fits_a_message(sample, offset)) continue;
    const Packet packet{.type = Packet::Type::coded_frames,
                        .codec = header->track.info.codec,
                        .key_frame = sample.sync == media::Sync::yes,
                        .composition_offset = chunk.kind == TrackKind::video ? offset : Duration(0),
                        .body = sample.content};
    write_packet(pieces, header->track, packet, from_ticks(sample.decode_ticks, timescale));
  }
  Bytes piece = Bytes::join(pieces);
  marked ? reel_->append_marked(std::move(piece), chunk.decode_time, std::move(preamble))
         : reel_->append(std::move(piece), chunk.decode_time);
}

void RtmpReading::on_over(ChannelEnd why) {
  over_ = why;
  reel_->end();
  changed_();
}

}  // namespace klieg::push

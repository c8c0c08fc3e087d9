#include "broadcaster/clip.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "wire/amf0.h"
#include "wire/flv_file.h"
#include "wire/mp4_reader.h"
#include "wire/sei.h"

namespace klieg::broadcaster {

namespace flv = wire::flv;

namespace {

constexpr uint32_t frame_ms_unknown = 33;  // of a track with one frame

bool is_frame(const ClipPacket& packet) { return packet.packet.type == flv::Packet::Type::coded_frames; }

// Sorts, moves the earliest packet to zero and finds where a repetition may begin: a frame after each track's last.
Result<Clip> finished(Clip clip, std::vector<int64_t> times_ms) {
  KLIEG_ASSERT(clip.packets.size() == times_ms.size(), "a packet has a time");
  if (std::ranges::none_of(clip.packets, is_frame)) return fail("there is nothing to publish in it");
  std::vector<std::pair<int64_t, size_t>> order;  // by time, and among equals as they came
  for (size_t i = 0; i < times_ms.size(); ++i) order.push_back({times_ms[i], i});
  std::ranges::sort(order);
  std::vector<ClipPacket> sorted;
  sorted.reserve(order.size());
  for (const auto& [time_ms, i] : order) {
    sorted.push_back(std::move(clip.packets[i]));
    sorted.back().timestamp_ms = static_cast<uint32_t>(time_ms - order.front().first);
  }
  clip.packets = std::move(sorted);

  for (const auto kind : {ClipPacket::Kind::video, ClipPacket::Kind::audio}) {
    std::optional<uint32_t> last;
    uint32_t frame_ms = frame_ms_unknown;
    for (const ClipPacket& packet : clip.packets) {
      if (packet.kind != kind || !is_frame(packet)) continue;
      if (last && packet.timestamp_ms > *last) frame_ms = packet.timestamp_ms - *last;
      last = packet.timestamp_ms;
    }
    if (last) clip.duration_ms = std::max(clip.duration_ms, *last + frame_ms);
  }
  return clip;
}

Result<Clip> read_flv(const Bytes& file) {
  auto reader = flv::FileReader::open(file);
  if (!reader) return std::unexpected(reader.error());
  Clip clip;
  std::vector<int64_t> times_ms;
  while (auto tag = reader->next()) {
    ClipPacket packet;
    if (tag->kind == flv::Tag::Kind::script) {
      packet.kind = ClipPacket::Kind::data;
      packet.data = tag->body;
    } else {
      const bool is_video = tag->kind == flv::Tag::Kind::video;
      packet.kind = is_video ? ClipPacket::Kind::video : ClipPacket::Kind::audio;
      auto content = is_video ? flv::read_video(tag->body) : flv::read_audio(tag->body);
      if (!content)
        return fail(
            fmt::format("{} at {} ms: {}", is_video ? "video" : "audio", tag->timestamp_ms, content.error().message));
      if (content->type == flv::Packet::Type::ignored) continue;
      packet.packet = *std::move(content);
    }
    clip.packets.push_back(std::move(packet));
    times_ms.push_back(tag->timestamp_ms);
  }
  return finished(std::move(clip), std::move(times_ms));
}

// What players of the broadcast's first hour look at: size and rate. Everything else is in the media itself.
Bytes metadata_of(const wire::Mp4& movie) {
  wire::amf0::EcmaArray about;
  const auto add = [&about](const char* name, double value) {
    about.properties.push_back({name, wire::amf0::Value(value)});
  };
  if (const auto* video = movie.track(media::TrackKind::video)) {
    add("width", video->info.video.width);
    add("height", video->info.video.height);
  }
  if (const auto* audio = movie.track(media::TrackKind::audio)) {
    add("audiosamplerate", audio->info.audio.sample_rate);
    add("audiochannels", audio->info.audio.channels);
  }
  ByteWriter out;
  wire::amf0::write_value(out, wire::amf0::Value("onMetaData"));
  wire::amf0::write_value(out, wire::amf0::Value(std::move(about)));
  return out.take();
}

Result<Clip> read_movie(const Bytes& file) {
  auto movie = wire::read_mp4(file);
  if (!movie) return std::unexpected(movie.error());
  Clip clip;
  std::vector<int64_t> times_ms;
  const auto ms = [](int64_t ticks, uint32_t timescale) {
    return (from_ticks(ticks, timescale).count() + (ticks < 0 ? -500'000 : 500'000)) / 1'000'000;
  };

  for (const auto kind : {media::TrackKind::video, media::TrackKind::audio}) {
    const wire::Mp4Track* track = movie->track(kind);
    if (track == nullptr || track->timescale == 0) continue;
    const bool is_video = kind == media::TrackKind::video;
    if (!is_video) clip.audio = track->info.audio;
    bool configured = false;
    for (const wire::Mp4Sample& sample : movie->samples) {
      if (sample.track_id != track->id) continue;
      const int64_t decode_ms = ms(sample.decode_ticks - track->edit_start_ticks, track->timescale);
      const int64_t shown_ms =
          ms(sample.decode_ticks - track->edit_start_ticks + sample.composition_offset, track->timescale);
      ClipPacket packet{.kind = is_video ? ClipPacket::Kind::video : ClipPacket::Kind::audio};
      packet.packet.codec = track->info.codec;
      if (!configured && track->info.codec != media::Codec::mp3) {
        ClipPacket first = packet;
        first.packet.type = flv::Packet::Type::sequence_start;
        first.packet.key_frame = true;
        first.packet.body = track->info.decoder_config;
        clip.packets.push_back(std::move(first));
        times_ms.push_back(decode_ms);
      }
      configured = true;
      packet.packet.type = flv::Packet::Type::coded_frames;
      packet.packet.key_frame = sample.sync == media::Sync::yes;
      // Of the others decode and presentation order are one: AV1 and VP9 hide what is not shown inside a frame.
      if (track->info.codec == media::Codec::avc || track->info.codec == media::Codec::hevc) {
        packet.packet.composition_offset = std::chrono::milliseconds(shown_ms - decode_ms);
      }
      packet.packet.body = sample.content;
      clip.packets.push_back(std::move(packet));
      times_ms.push_back(decode_ms);
    }
  }
  if (clip.packets.empty()) return fail("it has no track of H.264, HEVC, AV1, VP9, AAC, Opus or MP3");
  clip.packets.insert(clip.packets.begin(), {.kind = ClipPacket::Kind::data, .data = metadata_of(*movie)});
  times_ms.insert(times_ms.begin(), std::ranges::min(times_ms));
  return finished(std::move(clip), std::move(times_ms));
}

// Type of the NAL unit that begins with `first`, and whether it is a slice.
bool is_slice(media::Codec codec, uint8_t first) {
  if (codec == media::Codec::avc) return (first & 0x1F) >= 1 && (first & 0x1F) <= 5;
  return (first >> 1 & 0x3F) < 32;
}

}  // namespace

Result<Clip> read_clip(const Bytes& file) {
  if (file.text().starts_with("FLV")) return read_flv(file);
  if (file.size() >= 8) {
    const std::string_view box = file.text().substr(4, 4);
    for (const auto known : {"ftyp", "styp", "moov", "free", "mdat"}) {
      if (box == known) return read_movie(file);
    }
  }
  return fail("it is neither FLV nor MP4");
}

Result<Bytes> message_body(const ClipPacket& packet, flv::Form form, const media::AudioFormat& audio) {
  if (packet.kind == ClipPacket::Kind::data) return packet.data;
  const media::Codec codec = packet.packet.codec;
  const bool has_legacy = codec == media::Codec::avc || codec == media::Codec::hevc || codec == media::Codec::aac ||
                          codec == media::Codec::mp3;
  if (form == flv::Form::legacy && !has_legacy) {
    return fail(fmt::format("{} exists in Enhanced RTMP only", media::name_of(codec)));
  }
  if (form == flv::Form::legacy && packet.packet.type == flv::Packet::Type::metadata) return Bytes();
  return flv::write(packet.packet, form, audio);
}

Bytes with_capture_stamp(const flv::Packet& frame, const Bytes& config, WallTime captured) {
  const bool is_avc = frame.codec == media::Codec::avc;
  if (!is_avc && frame.codec != media::Codec::hevc) return frame.body;
  // lengthSizeMinusOne: the fifth byte of avcC, the 22nd of hvcC (ISO/IEC 14496-15 5.3.3.1.2, 8.3.3.1.2).
  const size_t length_size_at = is_avc ? 4 : 21;
  if (config.size() <= length_size_at) return frame.body;
  const unsigned length_size = (config[length_size_at] & 3u) + 1;

  size_t at = 0;
  while (at + length_size < frame.body.size()) {
    uint64_t length = 0;
    for (unsigned i = 0; i < length_size; ++i) length = length << 8 | frame.body[at + i];
    if (is_slice(frame.codec, frame.body[at + length_size])) {
      const Bytes stamp = wire::write_capture_stamp(captured, is_avc ? wire::SeiOf::avc : wire::SeiOf::hevc);
      if (length_size < 4 && stamp.size() >> (8 * length_size) != 0) return frame.body;
      ByteWriter prefix;
      for (unsigned i = length_size; i-- > 0;) prefix.u8(static_cast<uint8_t>(stamp.size() >> (8 * i)));
      return Bytes::join(std::array{frame.body.slice(0, at), prefix.take(), stamp, frame.body.slice(at)});
    }
    if (length > frame.body.size() - at - length_size) break;
    at += length_size + length;
  }
  return frame.body;
}

}  // namespace klieg::broadcaster

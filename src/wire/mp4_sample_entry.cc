#include "wire/mp4_sample_entry.h"

#include "wire/mp4_box.h"

namespace klieg::wire {
namespace {

using media::Codec;
using media::Track;
using media::TrackKind;

// A descriptor of ISO/IEC 14496-1: its content, and the reader moved past it. Empty if it is another.
ByteView read_descriptor(ByteReader& in, uint8_t tag) {
  if (in.u8() != tag) return {};
  uint32_t size = 0;
  for (int i = 0; i < 4; ++i) {
    const uint8_t byte = in.u8();
    size = size << 7 | (byte & 0x7F);
    if (!(byte & 0x80)) break;
  }
  return in.bytes(size);
}

// True if it is AAC or MP3.
bool read_esds(ByteView esds, Track& info) {
  ByteReader in(esds);
  in.skip(4);
  ByteReader stream(read_descriptor(in, 0x03));
  stream.skip(2);
  const uint8_t flags = stream.u8();
  if (flags & 0x80) stream.skip(2);
  if (flags & 0x40) stream.skip(stream.u8());
  if (flags & 0x20) stream.skip(2);
  ByteReader decoder(read_descriptor(stream, 0x04));
  const uint8_t object_type = decoder.u8();
  decoder.skip(12);
  if (!decoder.ok()) return false;
  if (object_type == 0x6B || object_type == 0x69) {
    info.codec = Codec::mp3;
    info.audio.samples_per_frame = object_type == 0x69 && info.audio.sample_rate < 32'000 ? 576 : 1152;
    return true;
  }
  if (object_type != 0x40) return false;
  info.codec = Codec::aac;
  info.audio.samples_per_frame = 1024;
  info.decoder_config = Bytes::copy_of(read_descriptor(decoder, 0x05));
  return !info.decoder_config.empty();
}

// dOps to OpusHead (RFC 7845 5.1): the same fields, big-endian to little-endian.
bool read_dops(ByteView dops, Track& info) {
  ByteReader in(dops);
  in.skip(1);
  const uint8_t channels = in.u8();
  const uint16_t pre_skip = in.u16();
  const uint32_t rate = in.u32();
  const uint16_t gain = in.u16();
  const uint8_t family = in.u8();
  if (!in.ok()) return false;
  ByteWriter head;
  head.text("OpusHead");
  head.u8(1);
  head.u8(channels);
  for (int shift : {0, 8}) head.u8(static_cast<uint8_t>(pre_skip >> shift));
  for (int shift : {0, 8, 16, 24}) head.u8(static_cast<uint8_t>(rate >> shift));
  for (int shift : {0, 8}) head.u8(static_cast<uint8_t>(gain >> shift));
  head.u8(family);
  if (family != 0) head.bytes(in.rest());
  info.codec = Codec::opus;
  info.audio = {.sample_rate = 48'000, .channels = channels, .samples_per_frame = 0};
  info.decoder_config = head.take();
  return true;
}

bool read_video_entry(uint32_t type, ByteView entry, Track& info) {
  std::string_view config_type;
  if (type == fourcc("avc1") || type == fourcc("avc3")) {
    info.codec = Codec::avc;
    config_type = "avcC";
  } else if (type == fourcc("hvc1") || type == fourcc("hev1")) {
    info.codec = Codec::hevc;
    config_type = "hvcC";
  } else if (type == fourcc("av01")) {
    info.codec = Codec::av1;
    config_type = "av1C";
  } else if (type == fourcc("vp09")) {
    info.codec = Codec::vp9;
    config_type = "vpcC";
  } else {
    return false;
  }
  ByteReader in(entry);
  in.skip(24);
  info.video.width = in.u16();
  info.video.height = in.u16();
  in.skip(50);
  if (!in.ok()) return false;
  const auto config = find_box(in.rest(), config_type);
  if (!config) return false;
  info.decoder_config = Bytes::copy_of(*config);
  if (const auto pasp = find_box(in.rest(), "pasp")) {
    ByteReader ratio(*pasp);
    info.video.sar_width = ratio.u32();
    info.video.sar_height = ratio.u32();
  }
  return true;
}

bool read_audio_entry(uint32_t type, ByteView entry, Track& info) {
  if (type != fourcc("mp4a") && type != fourcc("Opus") && type != fourcc(".mp3")) return false;
  ByteReader in(entry);
  in.skip(8);
  const uint16_t version = in.u16();  // QuickTime's versions 1 and 2 carry more fields
  in.skip(6);
  info.audio.channels = in.u16();
  in.skip(6);
  info.audio.sample_rate = in.u32() >> 16;
  if (version == 1) in.skip(16);
  if (version == 2) in.skip(36);
  if (!in.ok()) return false;
  if (type == fourcc(".mp3")) {
    info.codec = Codec::mp3;
    info.audio.samples_per_frame = 1152;
    return true;
  }
  const auto config = find_box(in.rest(), type == fourcc("Opus") ? "dOps" : "esds");
  if (!config) return false;
  return type == fourcc("Opus") ? read_dops(*config, info) : read_esds(*config, info);
}

// The first entry counts: a track that changes its codec half way is none of ours.
SampleEntry read_stsd(ByteView stsd, Track& info) {
  if (stsd.size() < 8) return SampleEntry::unknown;
  Boxes entries(stsd.subspan(8));
  const auto entry = entries.next();
  if (!entry) return SampleEntry::unknown;
  const bool known = info.kind == TrackKind::video ? read_video_entry(entry->type, entry->content, info)
                                                   : read_audio_entry(entry->type, entry->content, info);
  return known ? SampleEntry::known : SampleEntry::unknown;
}

}  // namespace

Result<void> read_mdia(ByteView mdia, Mp4Track& track, SampleTable& table) {
  const auto mdhd = find_box(mdia, "mdhd");
  const auto hdlr = find_box(mdia, "hdlr");
  const auto minf = find_box(mdia, "minf");
  if (!mdhd || !hdlr || !minf) return fail("mdia lacks mdhd, hdlr or minf");
  ByteReader head(*mdhd);
  head.skip(head.u8() == 1 ? 3 + 16 : 3 + 8);
  track.timescale = head.u32();
  ByteReader handler(*hdlr);
  handler.skip(8);
  const uint32_t kind = handler.u32();
  if (!head.ok() || !handler.ok()) return fail("mdhd or hdlr is too short");
  if (kind != fourcc("vide") && kind != fourcc("soun")) return {};
  track.info.kind = kind == fourcc("vide") ? TrackKind::video : TrackKind::audio;
  const auto stbl = find_box(*minf, "stbl");
  if (!stbl) return fail("minf lacks stbl");
  Boxes boxes(*stbl);
  while (auto box = boxes.next()) {
    if (box->type == fourcc("stsd")) table.entry = read_stsd(box->content, track.info);
    if (box->type == fourcc("stts")) table.stts = box->content;
    if (box->type == fourcc("ctts")) table.ctts = box->content;
    if (box->type == fourcc("stss")) table.stss = box->content;
    if (box->type == fourcc("stsc")) table.stsc = box->content;
    if (box->type == fourcc("stsz")) table.stsz = box->content;
    if (box->type == fourcc("stco")) table.stco = box->content;
    if (box->type == fourcc("co64")) table.co64 = box->content;
  }
  if (boxes.malformed()) return fail("a box in stbl is malformed");
  if (track.info.kind == TrackKind::audio && track.info.audio.sample_rate == 0) {
    track.info.audio.sample_rate = track.timescale;  // a rate above 65,535 does not fit its field
  }
  return {};
}

int64_t read_edit_start(ByteView elst) {
  ByteReader in(elst);
  const uint8_t version = in.u8();
  in.skip(3);
  for (uint32_t left = in.u32(); left > 0 && in.ok(); --left) {
    in.skip(version == 1 ? 8 : 4);
    const int64_t start = version == 1 ? static_cast<int64_t>(in.u64()) : static_cast<int32_t>(in.u32());
    in.skip(4);
    if (in.ok() && start >= 0) return start;  // -1: an empty edit
  }
  return 0;
}

}  // namespace klieg::wire

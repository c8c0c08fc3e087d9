#include "wire/cmaf_header.h"

#include <algorithm>

#include "wire/mp4_box.h"

namespace klieg::wire {
namespace {

using media::Codec;
using media::Track;
using media::TrackKind;

constexpr uint32_t unity = 0x00010000;  // 1.0 as 16.16

void write_matrix(ByteWriter& out) {
  for (uint32_t value : {unity, 0u, 0u, 0u, unity, 0u, 0u, 0u, 0x40000000u}) out.u32(value);
}

void write_ftyp(ByteWriter& out) {
  BoxScope ftyp(out, "ftyp");
  out.text("cmfc");
  out.u32(0);
  out.text("cmfccmf2iso6");
}

void write_mvhd(ByteWriter& out) {
  BoxScope mvhd(out, "mvhd", 0, 0);
  out.zeros(8);    // creation and modification time: unknown
  out.u32(1000);   // timescale of the presentation; nothing here is measured in it
  out.u32(0);      // duration: unknown, the movie is fragmented
  out.u32(unity);  // rate
  out.u16(0x0100);
  out.zeros(10);
  write_matrix(out);
  out.zeros(24);
  out.u32(cmaf_track_id + 1);
}

void write_tkhd(ByteWriter& out, const Track& track) {
  BoxScope tkhd(out, "tkhd", 0, 7);  // enabled, in movie, in preview
  out.zeros(8);
  out.u32(cmaf_track_id);
  out.zeros(4 + 4 + 8 + 2 + 2);
  out.u16(track.kind == TrackKind::audio ? 0x0100 : 0);
  out.u16(0);
  write_matrix(out);
  // Width and height as shown, 16.16: the pixel aspect ratio is applied here.
  const uint64_t sar_width = std::max(track.video.sar_width, 1u);
  const uint64_t sar_height = std::max(track.video.sar_height, 1u);
  out.u32(static_cast<uint32_t>((uint64_t{track.video.width} << 16) * sar_width / sar_height));
  out.u32(track.video.height << 16);
}

void write_mdhd_hdlr(ByteWriter& out, const Track& track) {
  {
    BoxScope mdhd(out, "mdhd", 0, 0);
    out.zeros(8);
    out.u32(cmaf_timescale(track));
    out.u32(0);
    out.u16(0x55C4);  // language "und"
    out.u16(0);
  }
  BoxScope hdlr(out, "hdlr", 0, 0);
  out.u32(0);
  out.text(track.kind == TrackKind::video ? "vide" : "soun");
  out.zeros(12);
  out.u8(0);  // an empty name
}

// A descriptor of ISO/IEC 14496-1: tag, length in groups of seven bits, content.
void write_descriptor(ByteWriter& out, uint8_t tag, ByteView content) {
  out.u8(tag);
  for (int shift = 21; shift > 0; shift -= 7) {
    if (content.size() >> shift) out.u8(static_cast<uint8_t>(0x80 | (content.size() >> shift & 0x7F)));
  }
  out.u8(static_cast<uint8_t>(content.size() & 0x7F));
  out.bytes(content);
}

void write_esds(ByteWriter& out, const Track& track) {
  ByteWriter decoder;
  decoder.u8(track.codec == Codec::mp3 ? 0x6B : 0x40);  // MPEG-1 audio; ISO/IEC 14496-3 audio
  decoder.u8(0x15);                                     // audio stream, upstream 0, reserved 1
  decoder.u24(0);
  decoder.u32(0);  // maximum and average bit rate: unknown
  decoder.u32(0);
  if (!track.decoder_config.empty()) write_descriptor(decoder, 0x05, track.decoder_config);
  ByteWriter stream;
  stream.u16(0);  // ES_ID shall be 0 in a file (14496-14 3.1.2)
  stream.u8(0);
  write_descriptor(stream, 0x04, decoder.view());
  write_descriptor(stream, 0x06, as_bytes("\x02"));  // SLConfig: predefined for MP4
  BoxScope esds(out, "esds", 0, 0);
  write_descriptor(out, 0x03, stream.view());
}

// OpusHead is little-endian (RFC 7845 5.1), dOps is the same content big-endian with version 0.
void write_dops(ByteWriter& out, const Track& track) {
  ByteView head = track.decoder_config;
  const auto at = [&](size_t i) { return i < head.size() ? head[i] : uint8_t{0}; };
  const bool known = head.size() >= 19;
  BoxScope dops(out, "dOps");
  out.u8(0);
  out.u8(known ? at(9) : static_cast<uint8_t>(track.audio.channels));
  out.u16(static_cast<uint16_t>(at(11) << 8 | at(10)));
  out.u32(uint32_t{at(15)} << 24 | uint32_t{at(14)} << 16 | uint32_t{at(13)} << 8 | at(12));
  out.u16(static_cast<uint16_t>(at(17) << 8 | at(16)));
  out.u8(at(18));
  if (known && at(18) != 0) out.bytes(head.subspan(19));
}

void write_audio_entry(ByteWriter& out, const Track& track) {
  BoxScope entry(out, track.codec == Codec::opus ? "Opus" : "mp4a");
  out.zeros(6);
  out.u16(1);  // data reference
  out.zeros(8);
  out.u16(static_cast<uint16_t>(track.audio.channels));
  out.u16(16);
  out.u32(0);
  const uint32_t rate = cmaf_timescale(track);
  out.u32(rate <= 0xFFFF ? rate << 16 : 0);  // 16.16: higher rates do not fit and stand in the decoder config
  track.codec == Codec::opus ? write_dops(out, track) : write_esds(out, track);
}

struct VideoEntry {
  std::string_view type;
  std::string_view config;
};
VideoEntry video_entry_of(Codec codec) {
  switch (codec) {
    case Codec::hevc:
      return {"hvc1", "hvcC"};
    case Codec::av1:
      return {"av01", "av1C"};
    case Codec::vp9:
      return {"vp09", "vpcC"};
    default:
      return {"avc1", "avcC"};
  }
}

void write_video_entry(ByteWriter& out, const Track& track) {
  const VideoEntry names = video_entry_of(track.codec);
  BoxScope entry(out, names.type);
  out.zeros(6);
  out.u16(1);
  out.zeros(16);
  out.u16(static_cast<uint16_t>(track.video.width));
  out.u16(static_cast<uint16_t>(track.video.height));
  out.u32(0x00480000);  // 72 dpi, as everyone writes
  out.u32(0x00480000);
  out.u32(0);
  out.u16(1);
  out.zeros(32);  // no compressor name
  out.u16(0x18);
  out.u16(0xFFFF);
  {
    BoxScope config(out, names.config);
    out.bytes(track.decoder_config);
  }
  BoxScope pasp(out, "pasp");
  out.u32(std::max(track.video.sar_width, 1u));
  out.u32(std::max(track.video.sar_height, 1u));
}

void write_minf(ByteWriter& out, const Track& track) {
  BoxScope minf(out, "minf");
  if (track.kind == TrackKind::video) {
    BoxScope vmhd(out, "vmhd", 0, 1);
    out.zeros(8);
  } else {
    BoxScope smhd(out, "smhd", 0, 0);
    out.zeros(4);
  }
  {
    BoxScope dinf(out, "dinf");
    BoxScope dref(out, "dref", 0, 0);
    out.u32(1);
    BoxScope url(out, "url ", 0, 1);  // the media is in this file
  }
  BoxScope stbl(out, "stbl");
  {
    BoxScope stsd(out, "stsd", 0, 0);
    out.u32(1);
    track.kind == TrackKind::video ? write_video_entry(out, track) : write_audio_entry(out, track);
  }
  for (std::string_view empty_table : {"stts", "stsc", "stco"}) {
    BoxScope table(out, empty_table, 0, 0);
    out.u32(0);
  }
  BoxScope stsz(out, "stsz", 0, 0);
  out.zeros(8);
}

void write_mvex(ByteWriter& out, const Track& track) {
  BoxScope mvex(out, "mvex");
  BoxScope trex(out, "trex", 0, 0);
  out.u32(cmaf_track_id);
  out.u32(1);
  out.u32(track.kind == TrackKind::audio ? track.audio.samples_per_frame : 0);
  out.u32(0);
  out.u32(track.kind == TrackKind::audio ? sync_sample_flags : non_sync_sample_flags);
}

}  // namespace

uint32_t cmaf_timescale(const Track& track) {
  if (track.kind == TrackKind::video) return 90'000;
  if (track.codec == Codec::opus || track.audio.sample_rate == 0) return 48'000;
  return track.audio.sample_rate;
}

Bytes write_cmaf_header(const Track& track) {
  ByteWriter out;
  write_ftyp(out);
  {
    BoxScope moov(out, "moov");
    write_mvhd(out);
    {
      BoxScope trak(out, "trak");
      write_tkhd(out, track);
      BoxScope mdia(out, "mdia");
      write_mdhd_hdlr(out, track);
      write_minf(out, track);
    }
    write_mvex(out, track);
  }
  return out.take();
}

}  // namespace klieg::wire

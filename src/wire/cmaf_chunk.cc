#include "wire/cmaf_chunk.h"

#include <algorithm>

#include "wire/cmaf_header.h"
#include "wire/mp4_box.h"

namespace klieg::wire {
namespace {

// trun flags (14496-12 8.8.8.1)
constexpr uint32_t has_data_offset = 0x001;
constexpr uint32_t has_duration = 0x100;
constexpr uint32_t has_size = 0x200;
constexpr uint32_t has_flags = 0x400;
constexpr uint32_t has_composition_offset = 0x800;

void write_styp(ByteWriter& out) {
  BoxScope styp(out, "styp");
  out.text("msdh");
  out.u32(0);
  out.text("msdhcmfs");
}

void write_prft(ByteWriter& out, const ReferenceTime& reference) {
  BoxScope prft(out, "prft", 1, static_cast<uint32_t>(reference.event));
  out.u32(cmaf_track_id);
  // NTP counts seconds since 1900 and 2^-32 of them (RFC 5905 6).
  constexpr uint64_t seconds_from_1900_to_1970 = 2'208'988'800;
  const auto since_1970 = static_cast<uint64_t>(std::max<int64_t>(reference.wall.time_since_epoch().count(), 0));
  out.u32(static_cast<uint32_t>(since_1970 / 1'000'000'000 + seconds_from_1900_to_1970));
  out.u32(static_cast<uint32_t>((since_1970 % 1'000'000'000 << 32) / 1'000'000'000));
  out.u64(reference.media_ticks);
}

void write_emsg(ByteWriter& out, const EventMessage& event, uint32_t timescale) {
  BoxScope emsg(out, "emsg", 1, 0);
  out.u32(timescale);
  out.u64(event.presentation_ticks);
  out.u32(event.duration_ticks);
  out.u32(event.id);
  out.text(event.scheme_id_uri);
  out.u8(0);
  out.text(event.value);
  out.u8(0);
  out.bytes(event.message_data);
}

// Returns where the data offset is to be written once the size of moof is known.
size_t write_trun(ByteWriter& out, const Chunk& chunk) {
  const bool audio = chunk.kind == media::TrackKind::audio;
  uint32_t flags = has_data_offset | has_size;
  for (const ChunkSample& sample : chunk.samples) {
    if (!audio || sample.duration != chunk.usual_duration) flags |= has_duration;
    if (audio != (sample.sync == media::Sync::yes)) flags |= has_flags;
    if (sample.composition_offset != 0) flags |= has_composition_offset;
  }
  BoxScope trun(out, "trun", 1, flags);
  out.u32(static_cast<uint32_t>(chunk.samples.size()));
  const size_t data_offset_at = out.size();
  out.u32(0);
  for (const ChunkSample& sample : chunk.samples) {
    if (flags & has_duration) out.u32(sample.duration);
    out.u32(static_cast<uint32_t>(sample.content.size()));
    if (flags & has_flags) out.u32(sample.sync == media::Sync::yes ? sync_sample_flags : non_sync_sample_flags);
    if (flags & has_composition_offset) out.u32(static_cast<uint32_t>(sample.composition_offset));
  }
  return data_offset_at;
}

}  // namespace

Bytes write_cmaf_chunk(const Chunk& chunk) {
  ByteWriter out;
  if (chunk.place == ChunkPlace::segment_start) write_styp(out);
  if (chunk.reference) write_prft(out, *chunk.reference);
  for (const EventMessage& event : chunk.events) write_emsg(out, event, chunk.timescale);
  const size_t moof_at = out.size();
  size_t data_offset_at = 0;
  {
    BoxScope moof(out, "moof");
    {
      BoxScope mfhd(out, "mfhd", 0, 0);
      out.u32(chunk.sequence_number);
    }
    BoxScope traf(out, "traf");
    {
      BoxScope tfhd(out, "tfhd", 0, 0x020000);  // default-base-is-moof; all defaults come from trex
      out.u32(cmaf_track_id);
    }
    {
      BoxScope tfdt(out, "tfdt", 1, 0);
      out.u64(chunk.decode_ticks);
    }
    data_offset_at = write_trun(out, chunk);
  }
  out.set_u32(data_offset_at, static_cast<uint32_t>(out.size() - moof_at + 8));
  {
    BoxScope mdat(out, "mdat");
    for (const ChunkSample& sample : chunk.samples) out.bytes(sample.content);
  }
  return out.take();
}

}  // namespace klieg::wire

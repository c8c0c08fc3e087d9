#include "wire/mp4_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "wire/mp4_box.h"
#include "wire/mp4_sample_entry.h"
#include "wire/mp4_sample_table.h"

namespace klieg::wire {
namespace {

using media::Sync;

Result<Mp4Track> read_trak(ByteView trak, SampleTable& table) {
  Mp4Track track;
  Boxes boxes(trak);
  while (auto box = boxes.next()) {
    ByteReader in(box->content);
    if (box->type == fourcc("tkhd")) {
      const uint8_t version = in.u8();
      in.skip(version == 1 ? 3 + 16 : 3 + 8);
      track.id = in.u32();
      if (!in.ok()) return fail("tkhd is too short");
    } else if (box->type == fourcc("edts")) {
      const auto elst = find_box(box->content, "elst");
      if (elst) track.edit_start_ticks = read_edit_start(*elst);
    } else if (box->type == fourcc("mdia")) {
      if (auto read = read_mdia(box->content, track, table); !read) return std::unexpected(read.error());
    }
  }
  if (boxes.malformed()) return fail("a box in trak is malformed");
  return track;
}

Result<void> read_moov(Mp4& movie, ByteView moov, std::vector<SampleTable>& tables) {
  Boxes boxes(moov);
  while (auto box = boxes.next()) {
    if (box->type != fourcc("trak")) continue;
    SampleTable table;
    auto track = read_trak(box->content, table);
    if (!track) return std::unexpected(track.error());
    if (table.entry != SampleEntry::known) continue;
    if (track->timescale == 0) return fail("mdhd says a timescale of zero");
    table.track_id = track->id;
    tables.push_back(table);
    movie.tracks.push_back(std::move(*track));
  }
  if (boxes.malformed()) return fail("a box in moov is malformed");
  const auto mvex = find_box(moov, "mvex");
  if (!mvex) return {};
  Boxes defaults(*mvex);
  while (auto box = defaults.next()) {
    if (box->type != fourcc("trex")) continue;
    ByteReader in(box->content);
    in.skip(4);
    const uint32_t id = in.u32();
    in.skip(4);
    const uint32_t duration = in.u32();
    const uint32_t size = in.u32();
    const uint32_t flags = in.u32();
    if (!in.ok()) return fail("trex is too short");
    for (Mp4Track& track : movie.tracks) {
      if (track.id != id) continue;
      track.default_duration = duration;
      track.default_size = size;
      track.default_flags = flags;
    }
  }
  return {};
}

// What a fragment of a track says before its runs.
struct Fragment {
  const Mp4Track* track = nullptr;
  uint64_t base = 0;  // of data offsets, within the input
  uint32_t duration = 0;
  uint32_t size = 0;
  uint32_t flags = 0;
  int64_t decode_ticks = 0;
  uint64_t data_end = 0;  // where the run before this one ended
};

Result<Fragment> read_tfhd(const Mp4& movie, ByteView tfhd, uint64_t moof_at) {
  ByteReader in(tfhd);
  const uint32_t flags = in.u32() & 0xFFFFFF;
  const uint32_t id = in.u32();
  Fragment fragment{.track = movie.track(id), .base = moof_at};
  if (!in.ok()) return fail("tfhd is too short");
  if (!fragment.track) return fragment;
  fragment.duration = fragment.track->default_duration;
  fragment.size = fragment.track->default_size;
  fragment.flags = fragment.track->default_flags;
  if (flags & 0x01) fragment.base = in.u64();
  if (flags & 0x02) in.skip(4);
  if (flags & 0x08) fragment.duration = in.u32();
  if (flags & 0x10) fragment.size = in.u32();
  if (flags & 0x20) fragment.flags = in.u32();
  if (!in.ok()) return fail("tfhd is too short");
  fragment.data_end = fragment.base;
  return fragment;
}

Result<void> read_trun(Mp4& movie, const Bytes& input, ByteView trun, Fragment& fragment) {
  ByteReader in(trun);
  const uint32_t flags = in.u32() & 0xFFFFFF;
  const uint32_t count = in.u32();
  uint64_t at = fragment.data_end;
  if (flags & 0x001) at = fragment.base + static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(in.u32())));
  const std::optional<uint32_t> first_flags = flags & 0x004 ? std::optional(in.u32()) : std::nullopt;
  for (uint32_t i = 0; i < count; ++i) {
    if (movie.samples.size() >= mp4_samples_max) return fail("trun claims too many samples");
    Mp4Sample sample{.track_id = fragment.track->id, .decode_ticks = fragment.decode_ticks};
    sample.duration = flags & 0x100 ? in.u32() : fragment.duration;
    const uint32_t size = flags & 0x200 ? in.u32() : fragment.size;
    uint32_t sample_flags = flags & 0x400 ? in.u32() : fragment.flags;
    if (i == 0 && first_flags) sample_flags = *first_flags;
    if (flags & 0x800) sample.composition_offset = static_cast<int32_t>(in.u32());
    if (!in.ok()) return fail("trun is too short for the samples it claims");
    if (at > input.size() || size > input.size() - at) return fail("a sample lies outside the file");
    sample.sync = sample_flags & 0x00010000 ? Sync::no : Sync::yes;
    sample.content = input.slice(at, size);
    movie.samples.push_back(std::move(sample));
    at += size;
    fragment.decode_ticks =
        static_cast<int64_t>(static_cast<uint64_t>(fragment.decode_ticks) + movie.samples.back().duration);
  }
  fragment.data_end = at;
  return {};
}

Result<void> read_traf(Mp4& movie, const Bytes& input, ByteView traf, uint64_t moof_at) {
  std::optional<Fragment> fragment;
  Boxes boxes(traf);
  while (auto box = boxes.next()) {
    if (box->type == fourcc("tfhd")) {
      auto read = read_tfhd(movie, box->content, moof_at);
      if (!read) return std::unexpected(read.error());
      fragment = *read;
      if (!fragment->track) return {};  // a track passed over in moov
    } else if (box->type == fourcc("tfdt") && fragment) {
      ByteReader in(box->content);
      const uint32_t head = in.u32();
      fragment->decode_ticks = static_cast<int64_t>(head >> 24 == 1 ? in.u64() : in.u32());
      if (!in.ok()) return fail("tfdt is too short");
    } else if (box->type == fourcc("trun")) {
      if (!fragment) return fail("trun comes before tfhd");
      if (auto read = read_trun(movie, input, box->content, *fragment); !read) return read;
    }
  }
  if (boxes.malformed()) return fail("a box in traf is malformed");
  return {};
}

}  // namespace

const Mp4Track* Mp4::track(uint32_t id) const {
  const auto found = std::ranges::find(tracks, id, &Mp4Track::id);
  return found == tracks.end() ? nullptr : &*found;
}

const Mp4Track* Mp4::track(media::TrackKind kind) const {
  const auto found = std::ranges::find_if(tracks, [&](const Mp4Track& track) { return track.info.kind == kind; });
  return found == tracks.end() ? nullptr : &*found;
}

Result<void> Mp4::append(const Bytes& content) {
  std::vector<SampleTable> tables;
  Boxes boxes(content);
  while (auto box = boxes.next()) {
    if (box->type == fourcc("moov")) {
      if (!tracks.empty()) return fail("a second moov");
      if (auto read = read_moov(*this, box->content, tables); !read) return read;
    } else if (box->type == fourcc("moof")) {
      Boxes parts(box->content);
      while (auto part = parts.next()) {
        if (part->type != fourcc("traf")) continue;
        if (auto read = read_traf(*this, content, part->content, box->offset); !read) return read;
      }
      if (parts.malformed()) return fail("a box in moof is malformed");
    }
  }
  if (boxes.malformed()) return fail("the file ends inside a box");
  for (const SampleTable& table : tables) {
    if (auto read = read_sample_table(table, content, samples); !read) return read;
  }
  return {};
}

Result<Mp4> read_mp4(const Bytes& content) {
  Mp4 movie;
  if (auto read = movie.append(content); !read) return std::unexpected(read.error());
  if (movie.tracks.empty()) return fail("no track of a codec that is known");
  return movie;
}

}  // namespace klieg::wire

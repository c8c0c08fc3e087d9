#include "wire/mp4_sample_table.h"

#include "wire/mp4_box.h"
#include "wire/mp4_reader.h"

namespace klieg::wire {
namespace {

// A table of runs: "the next n samples have this value" (stts, ctts).
class Runs {
 public:
  explicit Runs(ByteView box) : in_(box) {
    in_.skip(8);  // version, flags and the count, which the length of the box tells better
  }
  uint32_t next() {
    while (left_ == 0 && in_.remaining() >= 8) {
      left_ = in_.u32();
      value_ = in_.u32();
    }
    if (left_ == 0) return value_;  // a table that is too short goes on as it ended
    --left_;
    return value_;
  }

 private:
  ByteReader in_;
  uint32_t left_ = 0;
  uint32_t value_ = 0;
};

// stss: the numbers of the sync samples, ascending; absent: all are.
class SyncSamples {
 public:
  explicit SyncSamples(ByteView box) : in_(box), all_(box.empty()) {
    in_.skip(8);
    step();
  }
  media::Sync at(uint32_t number) {
    if (all_) return media::Sync::yes;
    while (next_ < number && in_.remaining() >= 4) step();
    return next_ == number ? media::Sync::yes : media::Sync::no;
  }

 private:
  void step() { next_ = in_.remaining() >= 4 ? in_.u32() : 0; }
  ByteReader in_;
  bool all_;
  uint32_t next_ = 0;
};

// stsc: how many samples each chunk holds, as runs that begin at a chunk number.
class SamplesPerChunk {
 public:
  explicit SamplesPerChunk(ByteView box) : in_(box) {
    in_.skip(8);
    step();
  }
  uint32_t at(uint32_t chunk_number) {
    while (next_first_ != 0 && chunk_number >= next_first_) {
      count_ = next_count_;
      step();
    }
    return count_;
  }

 private:
  void step() {
    next_first_ = in_.remaining() >= 12 ? in_.u32() : 0;
    if (next_first_ == 0) return;
    next_count_ = in_.u32();
    in_.skip(4);
  }
  ByteReader in_;
  uint32_t count_ = 0;
  uint32_t next_first_ = 0;
  uint32_t next_count_ = 0;
};

}  // namespace

std::optional<BoxView> Boxes::next() {
  if (at_ == content_.size() || malformed_) return std::nullopt;
  ByteReader in(content_.subspan(at_));
  uint64_t size = in.u32();
  BoxView box{.type = in.u32(), .offset = at_};
  size_t head = 8;
  if (size == 1) {
    size = in.u64();
    head = 16;
  } else if (size == 0) {
    size = content_.size() - at_;  // to the end of the file
  }
  if (!in.ok() || size < head || size > content_.size() - at_) {
    malformed_ = true;
    return std::nullopt;
  }
  box.content = content_.subspan(at_ + head, size - head);
  at_ += size;
  return box;
}

std::optional<ByteView> find_box(ByteView content, std::string_view type) {
  Boxes boxes(content);
  while (auto box = boxes.next()) {
    if (box->type == fourcc(type)) return box->content;
  }
  return std::nullopt;
}

Result<void> read_sample_table(const SampleTable& table, const Bytes& file, std::vector<Mp4Sample>& samples) {
  ByteReader sizes(table.stsz);
  sizes.skip(4);
  const uint32_t same_size = sizes.u32();
  uint32_t left = sizes.u32();
  if (!sizes.ok() || left == 0) return {};  // a fragmented file has no tables
  const bool wide = table.stco.empty();
  ByteReader offsets(wide ? table.co64 : table.stco);
  offsets.skip(8);
  Runs durations(table.stts);
  Runs composition_offsets(table.ctts);
  SyncSamples sync(table.stss);
  SamplesPerChunk per_chunk(table.stsc);
  int64_t decode_ticks = 0;
  uint32_t number = 0;
  for (uint32_t chunk = 1; left > 0; ++chunk) {
    uint64_t at = wide ? offsets.u64() : offsets.u32();
    if (!offsets.ok()) return fail("stco has fewer chunks than stsz has samples");
    for (uint32_t in_chunk = per_chunk.at(chunk); in_chunk > 0 && left > 0; --in_chunk, --left) {
      if (samples.size() >= mp4_samples_max) return fail("stsz claims too many samples");
      const uint32_t size = same_size ? same_size : sizes.u32();
      if (!sizes.ok()) return fail("stsz is too short for the samples it claims");
      if (at > file.size() || size > file.size() - at) return fail("a sample lies outside the file");
      Mp4Sample sample{.track_id = table.track_id, .decode_ticks = decode_ticks, .duration = durations.next()};
      if (!table.ctts.empty()) sample.composition_offset = static_cast<int32_t>(composition_offsets.next());
      sample.sync = sync.at(++number);
      sample.content = file.slice(at, size);
      at += size;
      decode_ticks += sample.duration;
      samples.push_back(std::move(sample));
    }
  }
  return {};
}

}  // namespace klieg::wire

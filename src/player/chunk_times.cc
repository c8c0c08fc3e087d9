#include "player/chunk_times.h"

#include <algorithm>
#include <utility>

#include "wire/cmaf_reader.h"
#include "wire/mp4_box.h"

namespace klieg::player {
namespace {

constexpr int64_t duration_s_max = 3600;       // of a chunk
constexpr int64_t from_s_max = 4'500'000'000;  // some timelines begin with 1970; as wire/dash_reader.h has it

}  // namespace

Result<std::vector<ChunkCutter::Cut>> ChunkCutter::feed(ByteView bytes, LoopTime now) {
  constexpr size_t head_size = 8;
  if (chunk_.empty()) began_ = now;
  chunk_.insert(chunk_.end(), bytes.begin(), bytes.end());
  std::vector<Cut> cut;
  while (chunk_.size() - looked_ >= head_size) {
    ByteReader head(ByteView(chunk_).subspan(looked_));
    const uint32_t size = head.u32();
    const bool is_mdat = head.u32() == wire::fourcc("mdat");
    if (size < head_size || size > chunk_size_max - looked_) return fail("what comes is not made of chunks");
    if (size > chunk_.size() - looked_) break;
    looked_ += size;
    if (!is_mdat) continue;
    const auto end = chunk_.begin() + static_cast<ptrdiff_t>(std::exchange(looked_, 0));
    cut.push_back({Bytes::take(std::vector(chunk_.begin(), end)), began_, now});
    chunk_.erase(chunk_.begin(), end);
    began_ = now;
  }
  return cut;
}

Result<ChunkTimes> ChunkTimes::of(const Bytes& header) {
  auto movie = wire::read_mp4(header);
  if (!movie) return std::unexpected(movie.error());
  if (movie->tracks.front().timescale == 0) return fail("a track has no timescale");
  movie->samples.clear();
  return ChunkTimes(*std::move(movie));
}

std::optional<ChunkTime> ChunkTimes::read(const Bytes& chunk) {
  const wire::Mp4Track& track = movie_.tracks.front();
  movie_.samples.clear();
  if (!movie_.append(chunk)) return std::nullopt;
  std::erase_if(movie_.samples, [&](const wire::Mp4Sample& sample) { return sample.track_id != track.id; });
  if (movie_.samples.empty()) return std::nullopt;
  const wire::Mp4Sample& first = movie_.samples.front();
  if (first.sync == media::Sync::yes) key_offset_ticks_ = first.composition_offset;
  const auto first_ticks =
      static_cast<int64_t>(static_cast<uint64_t>(first.decode_ticks) + static_cast<uint64_t>(key_offset_ticks_));
  if (first_ticks < 0 || first_ticks / track.timescale > from_s_max) return std::nullopt;
  int64_t ticks = 0;
  for (const wire::Mp4Sample& sample : movie_.samples) ticks += sample.duration;
  if (ticks > duration_s_max * track.timescale) return std::nullopt;
  ChunkTime time{.from = MediaTime(from_ticks(first_ticks, track.timescale)),
                 .duration = from_ticks(ticks, track.timescale),
                 .captured = {},
                 .holds = movie_.samples.size() == 1 ? Holds::one_frame : Holds::more};
  const auto reference = wire::first_reference(chunk);
  if (reference && reference->event == wire::ReferenceEvent::captured) time.captured = reference->wall;
  return time;
}

}  // namespace klieg::player

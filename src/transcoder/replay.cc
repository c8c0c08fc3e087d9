#include "transcoder/replay.h"

#include <algorithm>
#include <optional>

namespace klieg::transcoder {
namespace {

// A decoder of AAC or Opus needs what came just before to be exact: Opus 80 ms (RFC 7845 4.6), AAC a frame.
constexpr Duration audio_preroll = 200ms;

}  // namespace

void Replay::add(media::TrackKind kind, const media::Sample& sample) {
  const bool video = kind == media::TrackKind::video;
  if (video && video_count_ == 0 && sample.sync == media::Sync::no) return;
  entries_.push_back({kind, sample});
  video_count_ += video;
  bytes_ += sample.content.size();
  while (bytes_ > bytes_max ||
         (!entries_.empty() && entries_.back().sample.decode_time - entries_.front().sample.decode_time > span_max)) {
    drop_oldest_group();
  }
}

void Replay::forget(MediaTime video_done, MediaTime audio_done) {
  std::optional<size_t> keep_from;
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Entry& entry = entries_[i];
    if (entry.kind != media::TrackKind::video) continue;
    if (entry.sample.sync == media::Sync::yes && entry.sample.presentation_time() <= video_done) keep_from = i;
  }
  if (video_count_ > 0 && !keep_from) return;
  drop_before(keep_from.value_or(entries_.size()), audio_done - audio_preroll);
}

// Of what lies before `index` only audio from `audio_from` on stays.
void Replay::drop_before(size_t index, MediaTime audio_from) {
  const auto end = entries_.begin() + static_cast<ptrdiff_t>(index);
  const auto stays = [&](const Entry& entry) {
    return entry.kind == media::TrackKind::audio && entry.sample.decode_time >= audio_from;
  };
  // The front goes anyway, almost always; what is left of [front, end) moves up to `end`.
  auto kept = end;
  for (auto at = end; at != entries_.begin();) {
    --at;
    if (stays(*at)) {
      std::swap(*--kept, *at);
      continue;
    }
    bytes_ -= at->sample.content.size();
    video_count_ -= at->kind == media::TrackKind::video;
  }
  entries_.erase(entries_.begin(), kept);
}

// Up to the next sync sample of video, all of it goes; without video, the oldest sample.
void Replay::drop_oldest_group() {
  const auto is_video_key = [](const Entry& entry) {
    return entry.kind == media::TrackKind::video && entry.sample.sync == media::Sync::yes;
  };
  if (entries_.front().kind == media::TrackKind::audio) {
    bytes_ -= entries_.front().sample.content.size();
    entries_.pop_front();
    return;
  }
  const auto next = std::find_if(entries_.begin() + 1, entries_.end(), is_video_key);
  drop_before(static_cast<size_t>(next - entries_.begin()), entries_.back().sample.decode_time - span_max / 2);
}

void Replay::drop(media::TrackKind kind) {
  std::erase_if(entries_, [&](const Entry& entry) {
    if (entry.kind != kind) return false;
    bytes_ -= entry.sample.content.size();
    video_count_ -= kind == media::TrackKind::video;
    return true;
  });
}

void Replay::clear() {
  entries_.clear();
  video_count_ = 0;
  bytes_ = 0;
}

}  // namespace klieg::transcoder

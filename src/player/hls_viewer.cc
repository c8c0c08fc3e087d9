#include "player/hls_viewer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "wire/cmaf_reader.h"
#include "wire/hls_reader.h"

namespace klieg::player {

namespace hls = wire::hls;

std::optional<Wanted> HlsViewer::next(LoopTime now) {
  asked_media_ = !items_.empty();
  if (asked_media_) return Wanted{items_.front().path, now};
  if (ended_) return std::nullopt;
  const LoopTime at = std::max(now, poll_at_);
  if (!by_parts() || !next_) return Wanted{playlist_path_, at};
  const char joint = playlist_path_.contains('?') ? '&' : '?';
  return Wanted{fmt::format("{}{}_HLS_msn={}&_HLS_part={}", playlist_path_, joint, next_->msn, next_->part), at};
}

Result<std::optional<Received>> HlsViewer::take(const Answered& answered) {
  const bool good = answered.status == 200 || answered.status == 206;
  if (!good) {
    if (++failures_ == failures_max) {
      return fail(fmt::format("{} answers {} again and again", playlist_path_, answered.status));
    }
    poll_at_ = answered.last_byte + retry_after;
    if (asked_media_) items_.pop_front();  // it will not come again; the next may
    return std::nullopt;
  }
  failures_ = 0;
  if (!asked_media_) {
    if (auto taken = take_playlist(answered); !taken) return std::unexpected(taken.error());
    return std::nullopt;
  }
  const Item item = std::move(items_.front());
  items_.pop_front();
  Received received{
      .begins = item.begins, .duration = item.duration, .captured = {}, .told = item.told, .transfer = answered};
  ByteView content = answered.body;
  if (item.range && item.range->offset <= content.size()) content = content.subspan(item.range->offset);
  const auto reference = wire::first_reference(content);
  if (reference && reference->event == wire::ReferenceEvent::captured) received.captured = reference->wall;
  return received;
}

Result<void> HlsViewer::take_playlist(const Answered& answered) {
  const auto playlist = hls::read_playlist(answered.body.text());
  if (!playlist) return fail(fmt::format("{}: {}", playlist_path_, playlist.error().message));
  if (const auto* variants = std::get_if<hls::MultivariantPlaylist>(&*playlist)) {
    if (is_media_) return fail(fmt::format("{} has become a multivariant playlist", playlist_path_));
    is_media_ = true;
    playlist_path_ = resolved(playlist_path_, variants->variants.front().uri);
    return {};
  }
  is_media_ = true;
  take_media(std::get<hls::MediaPlaylist>(*playlist), answered);
  return {};
}

void HlsViewer::take_media(const hls::MediaPlaylist& playlist, const Answered& answered) {
  has_parts_ = playlist.part_target > 0s;
  ended_ = playlist.ended == hls::Ended::yes;
  const auto before = next_;
  uint64_t msn = playlist.media_sequence;
  for (const hls::Segment& segment : playlist.segments) {
    if (by_parts() && !segment.parts.empty()) {
      add_parts(segment, msn);
    } else if (!by_parts() && segment.gap == hls::Gap::no) {
      add({msn, 0}, {resolved(playlist_path_, segment.uri), segment.begins, segment.duration, {}, {}});
    }
    if (next_ && *next_ < Place{msn + 1, 0}) next_ = {msn + 1, 0};
    ++msn;
  }
  if (by_parts() && playlist.open) add_parts(*playlist.open, msn);
  if (!next_) next_ = {msn, 0};
  if (by_parts() && before) {
    for (Item& item : items_) item.told = answered.first_byte;
  }
  // Who has just come wants the newest alone.
  if (!before) items_.erase(items_.begin(), items_.end() - (items_.empty() ? 0 : 1));
  if (by_parts()) {
    poll_at_ = answered.asked;  // it is held: at once
  } else if (poll_every_) {
    poll_at_ = answered.asked + *poll_every_;
  } else {
    const Duration target = std::chrono::seconds(std::max(1u, playlist.target_duration_s));
    poll_at_ = answered.asked + (next_ == before ? target / 2 : target);
  }
}

void HlsViewer::add_parts(const hls::Segment& segment, uint64_t msn) {
  WallTime begins = segment.begins;
  uint64_t index = 0;
  for (const hls::Part& part : segment.parts) {
    const Place place{msn, index++};
    if (part.gap == hls::Gap::no)
      add(place, {resolved(playlist_path_, part.uri), begins, part.duration, part.range, {}});
    begins += part.duration;
    if (!next_ || *next_ <= place) next_ = {msn, index};
  }
}

void HlsViewer::add(const Place& place, Item item) {
  if (next_ && place < *next_) return;
  items_.push_back(std::move(item));
}

}  // namespace klieg::player

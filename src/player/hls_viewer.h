// A viewer of HLS, of whole segments or of parts (draft-pantos-hls-rfc8216bis 6.3).
//
//   multivariant --> media playlist --> what is new in it, one after the other --> media playlist ...
//
// Watches the first variant, which is the source; begins with the newest piece, as who wants to be live does. Of
// segments the playlist is polled once a target duration, twice as often while it does not change (6.3.4), or as often
// as is wished; of parts it is asked for with _HLS_msn and _HLS_part, and the server holds it.
#pragma once

#include <deque>
#include <string>

#include "player/viewer.h"
#include "wire/hls.h"

namespace klieg::player {

class HlsViewer final : public Viewer {
 public:
  // In a row; a live server that has lost ten answers has lost the broadcast.
  static constexpr int failures_max = 10;
  static constexpr Duration retry_after = 500ms;

  // `path` of the playlist, multivariant or media. ll_hls falls back to segments where there are no parts.
  // `poll_every`: of segments; empty: as the draft wants it.
  HlsViewer(std::string path, Tier tier, std::optional<Duration> poll_every = {})
      : playlist_path_(std::move(path)), tier_(tier), poll_every_(poll_every) {}

  std::optional<Wanted> next(LoopTime now) override;
  Result<std::optional<Received>> take(const Answered& answered) override;

 private:
  struct Item {
    std::string path;
    WallTime begins;
    Duration duration{0};
    std::optional<wire::hls::ByteRange> range;  // of the path's content
    std::optional<LoopTime> told;               // by a held playlist
  };
  struct Place {  // in the playlist: what comes next
    uint64_t msn = 0;
    uint64_t part = 0;
    auto operator<=>(const Place&) const = default;
  };

  Result<void> take_playlist(const Answered& answered);
  void take_media(const wire::hls::MediaPlaylist& playlist, const Answered& answered);
  void add_parts(const wire::hls::Segment& segment, uint64_t msn);
  void add(const Place& place, Item item);
  bool by_parts() const { return tier_ == Tier::ll_hls && has_parts_; }

  std::string playlist_path_;
  Tier tier_;
  std::optional<Duration> poll_every_;
  bool has_parts_ = false;
  bool is_media_ = false;     // playlist_path_ is a media playlist's
  bool asked_media_ = false;  // what next() wanted last is a piece
  bool ended_ = false;
  std::optional<Place> next_;  // empty: nothing was seen yet
  std::deque<Item> items_;     // no more than a playlist lists
  LoopTime poll_at_;
  int failures_ = 0;
};

}  // namespace klieg::player

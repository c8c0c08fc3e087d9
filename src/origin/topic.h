// One topic: what happens to one track of a window, in the words of media/push.h, to all who subscribed to it. The part
// of a Feed (feed.h) that needs no origin, only the window; which it is told about and which outlives it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "media/pass.h"
#include "media/push.h"
#include "origin/names.h"
#include "origin/window.h"

namespace klieg::origin {

struct Subscriber {
  std::string playlist;              // the path of the topic's playlist: its name, and ".m3u8"
  media::PushSink* sink;             // null: it unsubscribed, or was told the end
  std::optional<LoopTime> deadline;  // while its window is not here

  void tell(const media::PushRecord& record) const {
    if (sink) sink->on_push(record);
  }
  void end(media::TopicEnd why) {
    if (media::PushSink* last = std::exchange(sink, nullptr)) last->on_topic_end(why);
  }
};

class Topic {
 public:
  // The same playlist, whole and as a delta update (6.2.5.1 of rfc8216bis).
  static constexpr std::array<std::string_view, 2> playlist_queries{"", "_HLS_skip=YES"};
  using Playlists = std::array<std::optional<media::DocumentChanged>, playlist_queries.size()>;

  // `playlist`: its path. `audience`: of the channel; what is for guests is marked as such. Begins with nobody to tell,
  // in the middle of whatever the window holds.
  Topic(const Window& window, media::TrackId track, std::string playlist, media::Audience audience);
  Topic(const Topic&) = delete;
  Topic& operator=(const Topic&) = delete;

  // What the newcomer has to know to understand what follows. It is one of the subscribers from then on.
  void add(const std::shared_ptr<Subscriber>& newcomer);
  void end(media::TopicEnd why);
  // Forgets who unsubscribed; whether that were all.
  bool abandoned();
  std::vector<std::shared_ptr<Subscriber>> take_subscribers() { return std::move(subscribers_); }

  void on_applied(const media::Record& record);

  // The playlists are others than those that were told last.
  bool playlists_changed() const { return playlists_of_ != track().version; }
  // As they are now, with what of them exists; told if they differ.
  void tell_playlists(Playlists now);

  // The same of what lists this track among others: the multivariant playlist, the manifest. Empty: what there is must
  // be asked for.
  using Overviews = std::array<std::optional<media::DocumentChanged>, 2>;
  bool overviews_changed() const { return overviews_of_ != window_.version(); }
  void tell_overviews(Overviews now);

  const Window& window() const { return window_; }
  bool ended() const { return window_.state() == media::BroadcastState::ended; }
  const std::string& playlist() const { return playlist_; }
  std::string_view channel() const { return parse_name(playlist_)->channel; }
  media::Audience audience() const { return audience_; }
  // How far the playlist lists: the open segment once it has a part.
  media::DocumentVersion version() const;

 private:
  using Tell = std::function<void(const media::PushRecord&)>;

  const TrackWindow& track() const { return window_.tracks().at(id_); }
  std::string name_of(media::Msn msn, uint64_t part) const;
  void tell(const media::PushRecord& record);

  void on_chunk(const Bytes& content);
  void end_object(LogEnd how);
  void expect();
  void expect(media::Msn msn, uint64_t part);
  void give_up_before(media::Msn msn);

  std::shared_ptr<const media::ObjectHead> told_head_of(const Object& object, std::string_view name) const;
  void tell_header(uint32_t version, const Tell& whom);
  void tell_begun(const Segment& segment, const Tell& whom) const;
  void tell_part(const Segment& segment, uint64_t part, const Tell& whom) const;

  const Window& window_;
  const media::TrackId id_;
  const std::string playlist_;
  const media::Audience audience_;
  const std::string directory_;  // of its names: "/live/NAME/ID.EPOCH/"
  const Tell everybody_;
  media::ObjectNumber next_number_ = 0;
  std::optional<media::ObjectNumber> open_;             // of the open segment, once it has a chunk
  std::set<std::pair<media::Msn, uint64_t>> expected_;  // parts and whole segments: told, and not born yet
  Playlists playlists_;                                 // as told
  std::optional<uint64_t> playlists_of_;                // the track's version that they tell of
  Overviews overviews_;                                 // as told
  std::optional<uint64_t> overviews_of_;                // the window's version that they tell of
  std::vector<std::shared_ptr<Subscriber>> subscribers_;
};

}  // namespace klieg::origin

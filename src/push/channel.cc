#include "push/channel.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "wire/hls_reader.h"

namespace klieg::push {
namespace {

// A node that has no answer yet may have one in a moment. So often, half a second apart, before the channel is lost.
constexpr Duration look_again_after = 500ms;
constexpr uint32_t looks_max = 20;

// A track that was listed and does not come: viewers begin without it, and get it when it is there.
constexpr Duration track_awaited_max = 2s;

// "x7f.1/video.m3u8": video.
std::string_view track_name_of(std::string_view playlist_uri) {
  playlist_uri = playlist_uri.substr(playlist_uri.rfind('/') + 1);
  return playlist_uri.substr(0, playlist_uri.rfind('.'));
}

}  // namespace

const TrackHeader* Headers::of(media::TrackKind kind) const {
  const auto found = std::ranges::find_if(tracks, [&](const auto& header) { return header.track.info.kind == kind; });
  return found == tracks.end() ? nullptr : &*found;
}

std::string_view name_of(ChannelEnd end) {
  switch (end) {
    case ChannelEnd::not_live:
      return "not_live";
    case ChannelEnd::ended:
      return "ended";
    case ChannelEnd::lost:
      return "lost";
    case ChannelEnd::unreadable:
      return "unreadable";
  }
  return "unknown";
}

std::shared_ptr<Channel> Channel::open(Source& source, std::string name, std::string rendition,
                                       const ChannelLimits& limits) {
  const std::shared_ptr<Channel> channel(new Channel(source, std::move(name), std::move(rendition), limits));
  channel->self_ = channel;
  channel->find();
  return channel;
}

Channel::Channel(Source& source, std::string name, std::string rendition, const ChannelLimits& limits)
    : source_(source), name_(std::move(name)), rendition_(std::move(rendition)), limits_(limits) {}

Channel::~Channel() {
  for (const auto& track : tracks_) track->stop();
}

// Finding.

void Channel::ask(const std::string& path, void (Channel::*then)(Answer)) {
  source_.ask(path, [weak = self_, then](Answer answer) {
    const auto self = weak.lock();
    if (self && !self->over_) (*self.*then)(std::move(answer));
  });
}

std::string Channel::multivariant_path() const { return "/live/" + name_ + "/index.m3u8"; }

void Channel::find() { ask(multivariant_path(), &Channel::on_multivariant); }

void Channel::find_again() {
  if (++looks_ > looks_max) return end(ChannelEnd::lost);
  source_.after(look_again_after, [weak = self_] {
    const auto self = weak.lock();
    if (self && !self->over_) self->find();
  });
}

void Channel::on_multivariant(Answer answer) {
  if (answer.status == 404) return end(ChannelEnd::not_live);
  if (answer.status != 200) return find_again();
  audience_ = answer.audience;
  body_.read(std::move(answer), limits_.playlist_bytes_max, [this](Result<Bytes, BodyFault> text) {
    if (!text) return find_again();
    const auto playlist = wire::hls::read_multivariant_playlist(text->text());
    if (!playlist) return end(ChannelEnd::unreadable);
    topics_ = topics_in(*playlist);
    if (topics_.empty()) return end(ChannelEnd::unreadable);
    rendition_ = *read_for(rendition_);
    ask(topics_.front() + ".m3u8", &Channel::on_playlist);
  });
}

const std::string* Channel::read_for(std::string_view rendition) const {
  for (std::string_view name : {rendition, std::string_view("video")}) {
    if (const auto found = std::ranges::find(listed_, name); found != listed_.end()) return &*found;
  }
  return listed_.empty() ? nullptr : &listed_.front();
}

// Video first, of the rendition that is wished.
std::vector<std::string> Channel::topics_in(const wire::hls::MultivariantPlaylist& playlist) {
  listed_.clear();
  for (const auto& variant : playlist.variants) listed_.emplace_back(track_name_of(variant.uri));
  std::vector<std::string> topics;
  const std::string* const chosen = read_for(rendition_);
  if (!chosen) return topics;
  const auto add = [&](std::string_view uri) {
    if (uri.ends_with(".m3u8")) topics.push_back("/live/" + name_ + '/' + std::string(uri.substr(0, uri.size() - 5)));
  };
  const auto& variant = playlist.variants[static_cast<size_t>(chosen - listed_.data())];
  add(variant.uri);
  if (variant.audio == wire::hls::Audio::of_group && !playlist.audio.empty()) add(playlist.audio.front().uri);
  return topics;
}

void Channel::on_playlist(Answer answer) {
  if (answer.status != 200) return find_again();
  body_.read(std::move(answer), limits_.playlist_bytes_max, [this](Result<Bytes, BodyFault> text) {
    if (!text) return find_again();
    const auto playlist = wire::hls::read_media_playlist(text->text());
    if (!playlist) return end(ChannelEnd::unreadable);
    if (playlist->ended == wire::hls::Ended::yes) return end(ChannelEnd::ended);
    // The one that is open; or is about to be, where none is. Numbers mean the same in every track.
    read_from(playlist->media_sequence + playlist->segments.size(), topics_);
    look_again();
  });
}

void Channel::read_from(uint64_t msn, const std::vector<std::string>& topics) {
  const TrackReaderLimits limits{.header_bytes_max = limits_.header_bytes_max,
                                 .playlist_bytes_max = limits_.playlist_bytes_max};
  TrackHost& host = *this;
  for (const std::string& topic : topics) {
    tracks_.push_back(std::make_shared<TrackReader>(source_, host, topic, msn, limits));
    tracks_.back()->begin();
  }
}

void Channel::look_again() {
  source_.after(limits_.look_every, [weak = self_] {
    const auto self = weak.lock();
    if (self && !self->over_) self->ask(self->multivariant_path(), &Channel::on_looked_again);
  });
}

void Channel::on_looked_again(Answer answer) {
  look_again();
  if (answer.status != 200) return;
  body_.read(std::move(answer), limits_.playlist_bytes_max, [this](Result<Bytes, BodyFault> text) {
    const auto playlist = text ? wire::hls::read_multivariant_playlist(text->text()) : fail("it broke off");
    if (!playlist || tracks_.empty()) return;
    std::vector<std::string> more = topics_in(*playlist);
    const auto taken =
        std::erase_if(more, [&](const auto& topic) { return std::ranges::find(topics_, topic) != topics_.end(); });
    if (more.empty() || taken != topics_.size()) return;  // nothing has come, or it is another broadcast
    topics_.insert(topics_.end(), more.begin(), more.end());
    rendition_ = *read_for(rendition_);  // of sound alone there is video now
    // The segment that is open began without it, or is half over.
    read_from(std::ranges::max(tracks_, {}, [](const auto& track) { return track->msn(); })->msn() + 1, more);
  });
}

// Reading.

void Channel::on_track_header(TrackReader&) { headers_changed_ = true; }

void Channel::on_track_chunk(TrackReader& reader, Bytes content, std::vector<wire::Mp4Sample> samples) {
  const wire::Mp4Track& track = *reader.track();
  const Duration decode_time = from_ticks(samples.front().decode_ticks, track.timescale);
  early_bytes_ += content.size();
  early_.push_back({.kind = track.info.kind,
                    .start = samples.front().sync == media::Sync::yes ? Start::yes : Start::no,
                    .content = std::move(content),
                    .samples = std::move(samples),
                    .decode_time = decode_time});
  tell_early();
}

// All tracks of the beginning are awaited, so that they are told in one; later each chunk is told as it comes.
void Channel::tell_early() {
  if (early_.empty()) return;
  const bool all_known = std::ranges::all_of(tracks_, [](const auto& track) { return track->track() != nullptr; });
  const bool waited = early_.back().decode_time >= early_.front().decode_time + track_awaited_max;
  if (!headers_ && !all_known && !waited && early_bytes_ <= limits_.bytes_max) return;
  const auto self = self_.lock();
  if (std::exchange(headers_changed_, false)) tell_headers();
  early_bytes_ = 0;
  for (Chunk& chunk : std::exchange(early_, {})) {
    if (!headers_->of(chunk.kind)) continue;  // its track has become one of another kind: no packager of ours does that
    if (chunk.kind == media::TrackKind::audio && headers_->of(media::TrackKind::video)) chunk.start = Start::no;
    keep(std::move(chunk));
  }
}

void Channel::tell_headers() {
  auto headers = std::make_shared<Headers>();
  for (const auto& reader : tracks_) {
    if (reader->track())
      headers->tracks.push_back({std::string(reader->track_name()), *reader->track(), reader->header()});
  }
  std::ranges::sort(headers->tracks, {}, [](const TrackHeader& header) { return header.track.info.kind; });
  headers_ = std::move(headers);
  for (Reading* reading : readings_) reading->on_headers(*headers_);
}

void Channel::keep(Chunk chunk) {
  for (Reading* reading : readings_) reading->on_chunk(chunk);
  if (chunk.start == Start::yes) {
    kept_.clear();
    kept_bytes_ = 0;
  } else if (kept_.empty()) {
    return;  // nobody can begin here
  }
  kept_bytes_ += chunk.content.size();
  kept_.push_back({headers_, std::move(chunk)});
  if (kept_bytes_ > limits_.bytes_max) kept_.clear();
}

void Channel::join(Reading& reading) {
  if (over_) return reading.on_over(*over_);
  readings_.push_back(&reading);
  const Headers* told = nullptr;
  for (const Kept& kept : kept_) {
    if (kept.headers.get() != told) reading.on_headers(*(told = kept.headers.get()));
    reading.on_chunk(kept.chunk);
  }
  if (headers_ && headers_.get() != told) reading.on_headers(*headers_);
}

void Channel::leave(Reading& reading) {
  KLIEG_ASSERT(over_ || std::erase(readings_, &reading) == 1, "only who joined leaves");
}

// Over.

void Channel::on_track_over(TrackReader& reader, TrackEnd why) {
  if (why == TrackEnd::unreadable) return end(ChannelEnd::unreadable);
  const auto kind = reader.track() ? std::optional(reader.track()->info.kind) : std::nullopt;
  const auto still = std::erase_if(tracks_, [&](const auto& track) { return track.get() == &reader; });
  KLIEG_ASSERT(still == 1, "a track ends once");
  // The other tracks end by themselves; what was told of them is not lost.
  if (tracks_.empty()) return end(why == TrackEnd::lost ? ChannelEnd::lost : ChannelEnd::ended);
  // Nobody is told headers of this one any more, so none of its chunks either.
  std::erase_if(early_, [&](const Chunk& chunk) { return chunk.kind == kind; });
  tell_early();
}

void Channel::end(ChannelEnd why) {
  const auto self = self_.lock();
  over_ = why;
  for (const auto& track : tracks_) track->stop();
  body_.give_up();
  kept_.clear();
  for (Reading* reading : std::exchange(readings_, {})) reading->on_over(why);
}

}  // namespace klieg::push

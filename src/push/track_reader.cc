#include "push/track_reader.h"

#include <fmt/format.h>

#include <utility>

#include "wire/hls_reader.h"

namespace klieg::push {
namespace {

std::string_view folder_of(std::string_view path) { return path.substr(0, path.rfind('/') + 1); }

}  // namespace

TrackReader::TrackReader(Source& source, TrackHost& host, std::string topic, uint64_t first_msn,
                         const TrackReaderLimits& limits)
    : source_(source), host_(&host), topic_(std::move(topic)), limits_(limits), msn_(first_msn) {}

void TrackReader::stop() {
  host_ = nullptr;
  stop_waiting();
  body_.give_up();
  segment_ = {};
}

std::string_view TrackReader::track_name() const { return std::string_view(topic_).substr(folder_of(topic_).size()); }

// Asks for a name; `then` is called while this is wanted.
void TrackReader::ask(const std::string& path, void (TrackReader::*then)(Answer)) {
  source_.ask(path, [weak = weak_from_this(), then](Answer answer) {
    const auto self = weak.lock();
    if (self && self->host_) (*self.*then)(std::move(answer));
  });
}

void TrackReader::ask_segment() { ask(fmt::format("{}-{}.m4s", topic_, msn_), &TrackReader::on_segment); }

void TrackReader::on_segment(Answer answer) {
  if (answer.status != 200) return refused();
  segment_begin_ = answer.offset;
  cutter_ = ChunkCutter(answer.offset);
  segment_ = std::move(answer);
  if (segment_.header_name == header_name_ && track()) return read();
  if (segment_.header_name.empty()) return end(TrackEnd::unreadable);
  ask(std::string(folder_of(topic_)) + segment_.header_name, &TrackReader::on_header);
}

void TrackReader::on_header(Answer answer) {
  if (answer.status != 200) return refused();
  body_.read(std::move(answer), limits_.header_bytes_max, [this](Result<Bytes, BodyFault> content) {
    if (!content && content.error() == BodyFault::broken_off) return refused();
    if (!content) return end(TrackEnd::unreadable);
    Result<wire::Mp4> header = wire::read_mp4(*content);
    if (!header) return end(TrackEnd::unreadable);
    header_ = std::move(*header);
    header_content_ = std::move(*content);
    header_name_ = segment_.header_name;
    host_->on_track_header(*this);
    if (host_) read();
  });
}

void TrackReader::read() {
  const auto self = shared_from_this();  // the host may let go of it
  while (host_) {
    const Log& log = *segment_.log;
    Result<std::optional<Bytes>, CutError> chunk =
        cutter_.next(log, std::min(segment_.end.value_or(log.size()), log.size()));
    if (!chunk) return end(TrackEnd::unreadable);
    if (*chunk) {
      tell(std::move(**chunk));
      continue;
    }
    const bool whole = segment_.end ? log.size() >= *segment_.end : log.state() == LogEnd::complete;
    if (!whole && log.growing()) return log.wake_me(*this);
    if (!whole) return refused();  // what was read of it is told; the rest is a gap, or nobody can say
    ++msn_;
    segment_ = {};
    return ask_segment();
  }
}

void TrackReader::tell(Bytes content) {
  header_.samples.clear();
  if (!header_.append(content)) return end(TrackEnd::unreadable);
  refusals_ = 0;
  if (header_.samples.empty()) return;
  host_->on_track_chunk(*this, std::move(content), std::exchange(header_.samples, {}));
}

void TrackReader::refused() {
  // Nobody has the rest of a segment that broke off: on with the next.
  if (std::exchange(segment_, {}).log && cutter_.offset() > segment_begin_) ++msn_;
  if (++refusals_ > limits_.refusals_max) return end(TrackEnd::lost);
  ask(topic_ + ".m3u8", &TrackReader::on_playlist);
}

void TrackReader::on_playlist(Answer answer) {
  if (answer.status == 404 || answer.status == 410) return end(TrackEnd::ended);  // it is over, and forgotten
  if (answer.status != 200) return ask_again();
  body_.read(std::move(answer), limits_.playlist_bytes_max, [this](Result<Bytes, BodyFault> text) {
    if (!text) return ask_again();
    const auto playlist = wire::hls::read_media_playlist(text->text());
    if (!playlist) return ask_again();
    go_on_by(*playlist);
  });
}

// The first segment from msn_ on that is there, or is to come.
void TrackReader::go_on_by(const wire::hls::MediaPlaylist& playlist) {
  uint64_t next = std::max(msn_, playlist.media_sequence);
  const uint64_t behind_last = playlist.media_sequence + playlist.segments.size();
  while (next < behind_last && playlist.segments[next - playlist.media_sequence].gap == wire::hls::Gap::yes) ++next;
  if (next >= behind_last && playlist.ended == wire::hls::Ended::yes) return end(TrackEnd::ended);
  const bool further = next != msn_;
  msn_ = next;
  further ? ask_segment() : ask_again();
}

void TrackReader::ask_again() {
  source_.after(limits_.ask_again_after, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && self->host_) self->ask_segment();
  });
}

void TrackReader::end(TrackEnd why) {
  TrackHost* const host = host_;
  stop();
  host->on_track_over(*this, why);
}

}  // namespace klieg::push

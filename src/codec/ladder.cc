#include "codec/ladder.h"

#include <algorithm>
#include <deque>
#include <utility>

extern "C" {
#include <libavutil/pixdesc.h>
}

namespace klieg::codec {

using namespace wire::codec;

namespace {

template <class Rung>
Rung* find_rung(std::vector<Rung>& rungs, media::RungId id) {
  const auto found = std::ranges::find(rungs, id, &Rung::id);
  return found == rungs.end() ? nullptr : &*found;
}

// The source's colours, for all its rungs alike. What it does not say is what players take it for: by its height, so
// that a small rung of a large source must say it.
media::Colour colour_of(const media::VideoFormat& source) {
  const uint8_t usual = source.height < 720 ? AVCOL_SPC_SMPTE170M : AVCOL_SPC_BT709;  // the same in all three lists
  const auto usual_unless = [&](uint8_t& number, const char* name) {
    if (number == media::Colour{}.matrix || !name) number = usual;
  };
  media::Colour colour = source.colour;
  usual_unless(colour.primaries, av_color_primaries_name(static_cast<AVColorPrimaries>(colour.primaries)));
  usual_unless(colour.transfer, av_color_transfer_name(static_cast<AVColorTransferCharacteristic>(colour.transfer)));
  usual_unless(colour.matrix, av_color_space_name(static_cast<AVColorSpace>(colour.matrix)));
  if (colour.matrix == AVCOL_SPC_RGB) colour.matrix = AVCOL_SPC_SMPTE170M;  // what Scaler makes of RGB
  return colour;
}

Look look_of(const media::Track& source, const media::Rung& rung) {
  return {source.video.frame_rate / std::max(1u, rung.frame_divisor), colour_of(source.video)};
}

double aspect_of(const AVFrame& picture, const media::Track& source, Orientation orientation) {
  AVRational sar = picture.sample_aspect_ratio;
  if (sar.num <= 0 || sar.den <= 0) {
    sar = {static_cast<int>(source.video.sar_width), static_cast<int>(source.video.sar_height)};
  }
  const double shape = sar.num > 0 && sar.den > 0 ? av_q2d(sar) : 1;
  const double aspect = shape * picture.width / std::max(1, picture.height);
  return orientation.transposed ? 1 / aspect : aspect;
}

}  // namespace

bool Ladder::UnderWay::over() const { return !end.valid() || end.wait_for(0s) == std::future_status::ready; }

Ladder::Ladder(Settings settings, Crew& crew, Say say, std::function<LoopTime()> clock)
    : settings_(settings), crew_(crew), say_(std::move(say)), clock_(std::move(clock)) {}

void Ladder::on_message(const ToWorker& message) {
  std::visit([&](const auto& content) { on(content); }, message);
}

void Ladder::on(const Configure& configure) {
  finish();
  generation_.reset();
  if (Result<void> opened = open(configure); !opened) {
    video_source_.reset();
    audio_source_.reset();
    video_rungs_.clear();
    audio_rungs_.clear();
    say_(Refused{opened.error().message});
    return;
  }
  for (const VideoRung& rung : video_rungs_) say_(RungTrack{rung.id(), rung.track()});
  for (const AudioRung& rung : audio_rungs_) say_(RungTrack{rung.id(), rung.track()});
  say_(Configured{});
}

Result<void> Ladder::open(const Configure& configure) {
  video_.reset();
  audio_.reset();
  video_source_.reset();
  audio_source_.reset();
  video_rungs_.clear();
  audio_rungs_.clear();
  snapshots_.clear();
  grid_line_.reset();
  key_grid_ = configure.key_grid;
  for (const media::Track& track : configure.sources) {
    if (media::kind_of(track.codec) != track.kind) return fail("a source track is not of its codec's kind");
    (track.kind == media::TrackKind::video ? video_ : audio_) = track;
  }
  if (video_) {
    Result<VideoSource> source = VideoSource::open(*video_);
    if (!source) return std::unexpected(source.error());
    video_source_ = std::move(*source);
    snapshots_.emplace_back(media::PictureUse::poster, configure.pictures.poster_every,
                            configure.pictures.poster_height);
    snapshots_.emplace_back(media::PictureUse::thumbnail, configure.pictures.thumbnail_every,
                            configure.pictures.thumbnail_height);
  }
  if (audio_) {
    Result<Decoder> source = Decoder::open(*audio_);
    if (!source) return std::unexpected(source.error());
    audio_source_ = std::move(*source);
  }
  for (size_t id = 0; id < configure.rungs.size(); ++id) {
    const media::Rung& rung = configure.rungs[id];
    const auto rung_id = static_cast<media::RungId>(id);
    const bool has_source = rung.kind == media::TrackKind::video ? video_.has_value() : audio_.has_value();
    if (!has_source) return fail("rung " + rung.name + " has no source of its kind");
    if (rung.kind == media::TrackKind::video) {
      if (auto opened = open_video_rung(rung_id, rung); !opened) return opened;
    } else {
      Result<AudioRung> opened = AudioRung::open(rung_id, rung, *audio_);
      if (!opened) return std::unexpected(opened.error());
      audio_rungs_.push_back(std::move(*opened));
    }
  }
  std::ranges::sort(video_rungs_, std::greater{}, &VideoRung::pixels);
  return {};
}

Result<void> Ladder::open_video_rung(media::RungId id, const media::Rung& rung) {
  const Look look = look_of(*video_, rung);
  Result<VideoEncoder> encoder = VideoEncoder::open(rung, look, settings_.coding, settings_.preset);
  // A device takes only so many sessions.
  if (!encoder && settings_.coding != Coding::x264) {
    encoder = VideoEncoder::open(rung, look, Coding::x264, settings_.preset);
  }
  if (!encoder) return std::unexpected(encoder.error());
  video_rungs_.emplace_back(id, rung, std::move(*encoder));
  return {};
}

void Ladder::on(const Begin& begin) {
  finish();
  generation_ = begin.generation;
  video_yield_.begin();
  audio_yield_.begin();
  key_origin_ = begin.key_origin;
  orientation_ = {};
  grid_line_.reset();
  const auto from_of = [&](media::RungId id) { return id < begin.from.size() ? begin.from[id] : MediaTime::min(); };
  pictures_from_ = video_rungs_.empty() ? MediaTime::min() : MediaTime::max();
  for (VideoRung& rung : video_rungs_) {
    rung.begin(from_of(rung.id()));
    pictures_from_ = std::min(pictures_from_, from_of(rung.id()));
  }
  for (AudioRung& rung : audio_rungs_) rung.begin(from_of(rung.id()));
}

void Ladder::on(const SourceSample& source) {
  if (!generation_) return;
  const LoopTime begun = clock_();
  if (source.kind == media::TrackKind::video && video_source_) {
    const std::vector<SourceFrame> frames = video_source_->decode(source.sample);
    for (const SourceFrame& frame : frames) on_frame(frame);
    note_yield(source, frames.size(), video_source_->objection());
    say_progress(source.sample, begun);
  } else if (source.kind == media::TrackKind::audio && audio_source_) {
    const std::vector<av::Frame> sounds = audio_source_->decode(source.sample);
    note_yield(source, sounds.size(), audio_source_->objection());
    for (const av::Frame& sound : sounds) {
      for (AudioRung& rung : audio_rungs_) rung.push(*sound);
      if (!video_source_) done_ = MediaTime(Duration(sound->pts));
    }
    for (AudioRung& rung : audio_rungs_) say_made(rung);
    if (!video_source_) say_progress(source.sample, begun);
  }
}

void Ladder::on(const SetPresence& set) {
  if (VideoRung* rung = find_rung(video_rungs_, set.rung)) rung->set_presence(set.presence);
  if (AudioRung* rung = find_rung(audio_rungs_, set.rung)) {
    rung->set_presence(set.presence);
    if (generation_) say_made(*rung);
  }
}

void Ladder::on(const Drain&) {
  finish();
  generation_.reset();
  say_(Drained{});
}

void Ladder::on_frame(const SourceFrame& frame) {
  const Key key = key_at(frame);
  // What a key frame says of its orientation holds up to the next one (ITU-T H.264 D.2.27).
  const std::optional<Orientation> said = orientation_of(*frame.picture);
  if (said || frame.sync == media::Sync::yes) orientation_ = said.value_or(Orientation{});
  made_.assign(1, {frame.picture.get(), orientation_});
  std::deque<UnderWay> under_way;
  const auto say_first = [&] {
    if (under_way.front().end.valid()) under_way.front().end.get();
    say_made(under_way.front().rung);
    under_way.pop_front();
  };
  for (VideoRung& rung : video_rungs_) {
    under_way.push_back(start_coding(rung, frame, key));
    while (!under_way.empty() && under_way.front().over()) say_first();
  }
  if (frame.at >= pictures_from_) take_snapshots(frame);
  while (!under_way.empty()) say_first();
  made_.clear();
  done_ = frame.at;
}

Ladder::UnderWay Ladder::start_coding(VideoRung& rung, const SourceFrame& frame, Key key) {
  const VideoRung::Turn turn = rung.turn(frame, key);
  if (turn == VideoRung::Turn::pass) return {rung, {}};
  Scaler& scaler = rung.scaler();
  const Made& from = made_for(scaler.width(), scaler.height());
  const AVFrame* picture = scaler.scale(*from.picture, from.orientation);
  if (!picture) return {rung, {}};
  made_.push_back({picture, {}});
  return {rung, crew_.start([&rung, &frame, picture, turn] { rung.code(*picture, frame, turn); })};
}

Key Ladder::key_at(const SourceFrame& frame) {
  if (key_grid_ <= Duration(0)) return frame.sync == media::Sync::yes ? Key::yes : Key::no;
  const Duration since_origin = frame.at - key_origin_;
  const int64_t line = since_origin / key_grid_ - (since_origin % key_grid_ < Duration(0) ? 1 : 0);
  const bool passed = !grid_line_ || line != *grid_line_;
  grid_line_ = line;
  return passed ? Key::yes : Key::no;
}

const Ladder::Made& Ladder::made_for(int width, int height) const {
  for (size_t i = made_.size(); i-- > 1;) {
    if (made_[i].picture->width >= width && made_[i].picture->height >= height) return made_[i];
  }
  return made_.front();
}

void Ladder::take_snapshots(const SourceFrame& frame) {
  for (Snapshot& snapshot : snapshots_) {
    if (!snapshot.due(frame.at)) continue;
    const double aspect = aspect_of(*frame.picture, *video_, made_.front().orientation);
    const int height = static_cast<int>(snapshot.height());
    const Made& from = made_for(static_cast<int>(height * aspect), height);
    if (auto picture = snapshot.take(*from.picture, from.orientation, aspect, frame.at)) {
      say_(PictureMade{std::move(*picture)});
    }
  }
}

// Brings out what is still inside, under the generation that it belongs to.
void Ladder::finish() {
  if (!generation_) return;
  if (video_source_) {
    for (const SourceFrame& frame : video_source_->drain()) on_frame(frame);
  }
  if (audio_source_) {
    for (const av::Frame& sound : audio_source_->drain()) {
      for (AudioRung& rung : audio_rungs_) rung.push(*sound);
    }
  }
  for (VideoRung& rung : video_rungs_) {
    rung.finish();
    say_made(rung);
  }
  for (AudioRung& rung : audio_rungs_) {
    rung.finish();
    say_made(rung);
  }
}

template <class Rung>
void Ladder::say_made(Rung& rung) {
  for (media::Sample& sample : rung.take_made()) say_(RungSample{*generation_, rung.id(), std::move(sample)});
}

void Ladder::note_yield(const SourceSample& source, size_t frames, const std::string& objection) {
  const bool video = source.kind == media::TrackKind::video;
  Yield& yield = video ? video_yield_ : audio_yield_;
  if (!yield.gave_nothing(source.sample.duration, frames)) return;
  std::string words = (video ? "no picture" : "no sound") + std::string(" comes of ") +
                      std::string(name_of((video ? video_ : audio_)->codec)) + " after " +
                      std::to_string(yield.samples()) + " samples";
  if (!objection.empty()) words += ": " + objection;
  say_(Undecodable{*generation_, source.kind, std::move(words)});
}

void Ladder::say_progress(const media::Sample& sample, LoopTime begun) {
  say_(Progress{*generation_, done_, clock_() - begun, sample.duration});
}

}  // namespace klieg::codec

#include "transcoder/pass_through.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace klieg::transcoder {
namespace {

// A second and 1.001 s (30,000/1,001 fps) are the same to a grid, and millisecond timestamps round by one more.
constexpr Duration grid_tolerance = 20ms;
// Encoders put an extra key frame at a scene change and then count anew: one interval may be odd.
constexpr int off_grid_max = 2;
// Long enough that a key frame or a burst of motion is not the judge.
constexpr Duration bitrate_window = 10s;

bool lies_on_a_grid(Duration interval) {
  for (const Duration grid : {Duration(1s), Duration(2s)}) {
    // Several key frames in a segment are no harm: a half and a quarter of it are on the grid too.
    for (const int parts : {1, 2, 4}) {
      if (std::chrono::abs(interval * parts - grid) <= grid_tolerance) return true;
    }
  }
  return false;
}

}  // namespace

void PassThrough::on_track(const media::Track& track) {
  if (track.kind != media::TrackKind::video) return;
  has_video_ = true;
  if (track.codec != media::Codec::avc) {
    object(fmt::format("not every player decodes {}", media::name_of(track.codec)));
  }
}

void PassThrough::on_period() {
  last_key_.reset();
  recent_.clear();
  recent_bytes_ = 0;
  off_grid_ = 0;
}

void PassThrough::on_sample(media::TrackKind kind, const media::Sample& sample) {
  if (kind != media::TrackKind::video) {
    if (!has_video_) judged_ = true;
    return;
  }
  if (sample.sync == media::Sync::yes) {
    if (last_key_) judge_key_interval(sample.presentation_time() - *last_key_);
    last_key_ = sample.presentation_time();
  } else if (last_key_ && sample.presentation_time() - *last_key_ > Duration(2s) + grid_tolerance) {
    object("its key frames are more than 2 s apart");
  }
  judge_bitrate(sample);
}

void PassThrough::judge_key_interval(Duration interval) {
  if (lies_on_a_grid(interval)) {
    off_grid_ = 0;
    judged_ = true;
    return;
  }
  if (++off_grid_ < off_grid_max) return;
  object(fmt::format("its key frames are {} ms apart, not 1 or 2 s", to_ms(interval)));
}

void PassThrough::judge_bitrate(const media::Sample& sample) {
  recent_.push_back({sample.decode_time, sample.content.size()});
  recent_bytes_ += sample.content.size();
  while (recent_.back().at - recent_.front().at > bitrate_window) {
    recent_bytes_ -= recent_.front().bytes;
    recent_.pop_front();
    const double bits_per_second = static_cast<double>(recent_bytes_) * 8 / to_seconds(bitrate_window);
    if (bits_per_second > limits_.bits_per_second_max) {
      return object(fmt::format("it has {:.1f} Mbit/s, above the {:.1f} that are passed on", bits_per_second / 1e6,
                                limits_.bits_per_second_max / 1e6));
    }
  }
}

void PassThrough::object(std::string words) {
  judged_ = true;
  if (objection_.empty()) objection_ = std::move(words);
}

}  // namespace klieg::transcoder

#include "codec/video_rung.h"

#include <algorithm>
#include <utility>

namespace klieg::codec {

VideoRung::VideoRung(media::RungId id, const media::Rung& rung, VideoEncoder encoder)
    : id_(id),
      divisor_(std::max(1u, rung.frame_divisor)),
      encoder_(std::move(encoder)),
      scaler_(static_cast<int>(rung.width), static_cast<int>(rung.height), Range::limited) {}

void VideoRung::begin(MediaTime from) {
  finish();
  encoder_.restart();
  from_ = from;
  begun_ = started_ = false;
}

VideoRung::Turn VideoRung::turn(const SourceFrame& frame, Key key) {
  if (frame.at < from_) return Turn::pass;
  const bool may_change = key == Key::yes || !begun_;
  begun_ = true;
  if (may_change && presence_ != wanted_) {
    finish();
    presence_ = wanted_;
    started_ = false;
  }
  if (presence_ == media::Presence::gap) return Turn::pass;
  if (key == Key::yes || !started_) return Turn::key;
  if (since_taken_ >= divisor_) return Turn::inter;
  ++since_taken_;
  if (waiting_) {
    waiting_->duration += frame.duration;
    if (since_taken_ == divisor_) finish();
  }
  return Turn::pass;
}

void VideoRung::code(const AVFrame& picture, const SourceFrame& frame, Turn turn) {
  KLIEG_ASSERT(turn != Turn::pass, "only pictures that are taken are coded");
  finish();
  CodedPicture coded = encoder_.encode(picture, frame.at, turn == Turn::key ? Key::yes : Key::no, frame.captured);
  started_ = true;
  since_taken_ = 1;
  waiting_ = media::Sample{.decode_time = frame.at,
                           .duration = frame.duration,
                           .sync = coded.sync,
                           .content = std::move(coded.content),
                           .captured = std::nullopt};
  if (divisor_ == 1) finish();
}

void VideoRung::finish() {
  if (waiting_) made_.push_back(std::move(*waiting_));
  waiting_.reset();
}

}  // namespace klieg::codec

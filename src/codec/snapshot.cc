#include "codec/snapshot.h"

#include <algorithm>
#include <cmath>

namespace klieg::codec {
namespace {

constexpr int quality = 5;          // of 2 (best) to 31; at 5 a 640x360 face takes about 30 KB
constexpr double width_max = 4096;  // a picture ten times as wide as high is a hostile one

}  // namespace

bool Snapshot::due(MediaTime at) const {
  return every_ > Duration(0) && height_ > 0 && (!last_ || at.time_since_epoch() / every_ != *last_);
}

std::optional<media::Picture> Snapshot::take(const AVFrame& from, Orientation orientation, double aspect,
                                             MediaTime at) {
  last_ = at.time_since_epoch() / every_;
  const int width = static_cast<int>(std::clamp(std::round(height_ * aspect / 2), 8.0, width_max / 2)) * 2;
  if (!prepare(width)) return std::nullopt;
  const AVFrame* scaled = scaler_->scale(from, orientation);
  if (!scaled) return std::nullopt;
  av::Frame input = av::new_frame();
  KLIEG_ASSERT(av_frame_ref(input.get(), scaled) == 0, "there is memory");
  input->format = AV_PIX_FMT_YUVJ420P;
  input->color_range = AVCOL_RANGE_JPEG;
  input->quality = quality * FF_QP2LAMBDA;
  input->pict_type = AV_PICTURE_TYPE_NONE;
  av::Packet packet = av::new_packet();
  if (avcodec_send_frame(encoder_.get(), input.get()) < 0) return std::nullopt;
  if (avcodec_receive_packet(encoder_.get(), packet.get()) < 0) return std::nullopt;
  return media::Picture{use_, at, static_cast<uint32_t>(scaler_->width()), static_cast<uint32_t>(scaler_->height()),
                        Bytes::copy_of({packet->data, static_cast<size_t>(packet->size)})};
}

bool Snapshot::prepare(int width) {
  if (scaler_ && scaler_->width() == width) return encoder_ != nullptr;
  const int height = static_cast<int>(height_ / 2 * 2);
  scaler_.emplace(width, height, Range::full);
  encoder_.reset();
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
  if (!codec || height < 16 || height > 4096) return false;
  av::CodecContext context = av::new_context(codec);
  context->width = width;
  context->height = height;
  context->pix_fmt = AV_PIX_FMT_YUVJ420P;
  context->color_range = AVCOL_RANGE_JPEG;
  context->time_base = {1, 25};
  context->flags |= AV_CODEC_FLAG_QSCALE;
  context->global_quality = quality * FF_QP2LAMBDA;
  context->thread_count = 1;
  if (avcodec_open2(context.get(), codec, nullptr) < 0) return false;
  encoder_ = std::move(context);
  return true;
}

}  // namespace klieg::codec

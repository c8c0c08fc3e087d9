#include "codec/scaler.h"

#include <cstdlib>
#include <cstring>
#include <utility>

extern "C" {
#include <libavutil/display.h>
#include <libavutil/pixdesc.h>
}

namespace klieg::codec {
namespace {

// The formats called yuvj are the others with full range, which is said beside the format everywhere here.
int plain_format(int format) {
  switch (format) {
    case AV_PIX_FMT_YUVJ420P:
      return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P:
      return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P:
      return AV_PIX_FMT_YUV444P;
    case AV_PIX_FMT_YUVJ440P:
      return AV_PIX_FMT_YUV440P;
    default:
      return format;
  }
}

Range range_of(const AVFrame& picture) {
  return picture.color_range == AVCOL_RANGE_JPEG || plain_format(picture.format) != picture.format ? Range::full
                                                                                                   : Range::limited;
}

int full(Range range) { return range == Range::full ? 1 : 0; }

void turn_plane(const AVFrame& from, AVFrame& to, int plane, int width, int height, Orientation orientation) {
  for (int y = 0; y < height; ++y) {
    const int along = orientation.mirrored_y ? height - 1 - y : y;
    uint8_t* row = to.data[plane] + static_cast<ptrdiff_t>(y) * to.linesize[plane];
    for (int x = 0; x < width; ++x) {
      const int across = orientation.mirrored_x ? width - 1 - x : x;
      const ptrdiff_t from_row = orientation.transposed ? across : along;
      const ptrdiff_t from_column = orientation.transposed ? along : across;
      row[x] = from.data[plane][from_row * from.linesize[plane] + from_column];
    }
  }
}

}  // namespace

// The matrix takes the pixel (p, q) to x = m0 p + m3 q, y = m1 p + m4 q (ISO/IEC 14496-12 6.2.2), up to a shift.
std::optional<Orientation> orientation_of(const AVFrame& picture) {
  const AVFrameSideData* side = av_frame_get_side_data(&picture, AV_FRAME_DATA_DISPLAYMATRIX);
  if (!side || side->size < 9 * sizeof(int32_t)) return std::nullopt;
  int32_t matrix[9];
  std::memcpy(matrix, side->data, sizeof matrix);
  const auto dominates = [](int32_t one, int32_t other) { return std::abs(int64_t{one}) > std::abs(int64_t{other}); };
  if (dominates(matrix[0], matrix[3]) && dominates(matrix[4], matrix[1])) {
    return Orientation{false, matrix[0] < 0, matrix[4] < 0};
  }
  if (dominates(matrix[3], matrix[0]) && dominates(matrix[1], matrix[4])) {
    return Orientation{true, matrix[3] < 0, matrix[1] < 0};
  }
  return Orientation{};
}

const AVFrame* Scaler::scale(const AVFrame& from, Orientation orientation) {
  const From now{from.width,     from.height,     plain_format(from.format),
                 range_of(from), from.colorspace, orientation.transposed};
  if (orientation == Orientation{} && now.width == width_ && now.height == height_ &&
      now.format == AV_PIX_FMT_YUV420P && now.range == range_) {
    return &from;
  }
  if (now != prepared_ && !prepare(now)) return nullptr;
  KLIEG_ASSERT(av_frame_make_writable(scaled_.get()) == 0, "there is memory");
  if (sws_scale(scaling_.get(), from.data, from.linesize, 0, from.height, scaled_->data, scaled_->linesize) < 0) {
    return nullptr;
  }
  if (orientation == Orientation{}) return scaled_.get();
  if (!turned_) turned_ = av::new_picture(AV_PIX_FMT_YUV420P, width_, height_);
  KLIEG_ASSERT(av_frame_make_writable(turned_.get()) == 0, "there is memory");
  for (int plane = 0; plane < 3; ++plane) {
    const int halves = plane == 0 ? 1 : 2;
    turn_plane(*scaled_, *turned_, plane, width_ / halves, height_ / halves, orientation);
  }
  return turned_.get();
}

bool Scaler::prepare(const From& from) {
  prepared_ = {};
  const int width = from.transposed ? height_ : width_;
  const int height = from.transposed ? width_ : height_;
  const auto format = static_cast<AVPixelFormat>(from.format);
  if (!sws_isSupportedInput(format)) return false;
  scaling_.reset(sws_getContext(from.width, from.height, format, width, height, AV_PIX_FMT_YUV420P, SWS_BICUBIC,
                                nullptr, nullptr, nullptr));
  if (!scaling_) return false;
  // One matrix for both sides: only the range is converted. The encoders are told the source's matrix.
  const int* matrix = sws_getCoefficients(from.matrix);
  (void)sws_setColorspaceDetails(scaling_.get(), matrix, full(from.range), matrix, full(range_), 0, 1 << 16, 1 << 16);
  scaled_ = av::new_picture(AV_PIX_FMT_YUV420P, width, height);
  prepared_ = from;
  return true;
}

}  // namespace klieg::codec

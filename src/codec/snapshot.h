// Takes a picture of the source now and then, as JPEG.
#pragma once

#include <optional>

#include "codec/decoder.h"
#include "codec/scaler.h"
#include "media/ladder.h"

namespace klieg::codec {

class Snapshot {
 public:
  // One at the first frame at or after each multiple of `every` in media time; none where it is 0.
  Snapshot(media::PictureUse use, Duration every, uint32_t height) : use_(use), every_(every), height_(height) {}

  uint32_t height() const { return height_; }
  bool due(MediaTime at) const;
  // `from` shows what `frame` does, upright or to be turned; `aspect` is width over height as it is to be seen.
  std::optional<media::Picture> take(const AVFrame& from, Orientation orientation, double aspect, MediaTime at);

 private:
  bool prepare(int width);

  media::PictureUse use_;
  Duration every_;
  uint32_t height_;
  std::optional<int64_t> last_;  // which multiple
  std::optional<Scaler> scaler_;
  av::CodecContext encoder_;
};

}  // namespace klieg::codec

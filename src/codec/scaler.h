// Turns a decoded picture into what an encoder wants: upright, of one size, 8 bits 4:2:0, of one range.
#pragma once

#include <cstdint>
#include <optional>

#include "codec/av.h"

namespace klieg::codec {

// How a picture is to be turned, as its display matrix says: first the axes change places, then each may run backwards.
struct Orientation {
  bool transposed = false;
  bool mirrored_x = false;
  bool mirrored_y = false;
  bool operator==(const Orientation&) const = default;
};
// Empty where the picture does not say. Other angles than multiples of 90 degrees are taken as upright.
std::optional<Orientation> orientation_of(const AVFrame& picture);

enum class Range : uint8_t { limited, full };

class Scaler {
 public:
  // Even numbers, of the upright picture.
  Scaler(int width, int height, Range range) : width_(width), height_(height), range_(range) {}

  // Lives until the next call; `from` itself, where there is nothing to do. Null where FFmpeg knows no way.
  const AVFrame* scale(const AVFrame& from, Orientation orientation);

  int width() const { return width_; }
  int height() const { return height_; }

 private:
  struct From {
    int width = 0;
    int height = 0;
    int format = -1;
    Range range = Range::limited;
    int matrix = 0;
    bool transposed = false;
    bool operator==(const From&) const = default;
  };
  bool prepare(const From& from);

  int width_;
  int height_;
  Range range_;
  From prepared_;
  av::Scaling scaling_;
  av::Frame scaled_;
  av::Frame turned_;
};

}  // namespace klieg::codec

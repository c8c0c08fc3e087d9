// Sample aspect ratios by number: aspect_ratio_idc of H.264 (table E-1) and HEVC (table E.1) are the same list.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "media/track.h"
#include "wire/bits.h"

namespace klieg::wire {

inline constexpr uint32_t extended_sample_aspect = 255;  // width and height follow in 16 bits each

inline constexpr std::array<std::pair<uint16_t, uint16_t>, 17> sample_aspects = {{{1, 1},
                                                                                  {1, 1},
                                                                                  {12, 11},
                                                                                  {10, 11},
                                                                                  {16, 11},
                                                                                  {40, 33},
                                                                                  {24, 11},
                                                                                  {20, 11},
                                                                                  {32, 11},
                                                                                  {80, 33},
                                                                                  {18, 11},
                                                                                  {15, 11},
                                                                                  {64, 33},
                                                                                  {160, 99},
                                                                                  {4, 3},
                                                                                  {3, 2},
                                                                                  {2, 1}}};

// What the VUI of H.264 (Annex E.1.1) and H.265 (Annex E.2.1) begin with alike, up to the chroma location.
inline void read_picture_description(BitReader& in, media::VideoFormat& format) {
  if (in.flag()) {  // aspect_ratio_info_present_flag
    const uint32_t aspect = in.bits(8);
    if (aspect == extended_sample_aspect) {
      const uint32_t width = in.bits(16);
      const uint32_t height = in.bits(16);
      if (width > 0 && height > 0) format.sar_width = width, format.sar_height = height;
    } else if (aspect < sample_aspects.size()) {
      format.sar_width = sample_aspects[aspect].first;
      format.sar_height = sample_aspects[aspect].second;
    }
  }
  if (in.flag()) in.skip(1);  // overscan
  if (in.flag()) {            // video_signal_type_present_flag
    in.skip(4);
    if (in.flag()) {  // colour_description_present_flag
      format.colour.primaries = static_cast<uint8_t>(in.bits(8));
      format.colour.transfer = static_cast<uint8_t>(in.bits(8));
      format.colour.matrix = static_cast<uint8_t>(in.bits(8));
    }
  }
  if (in.flag()) in.unsigned_golomb(), in.unsigned_golomb();  // chroma location
}

}  // namespace klieg::wire

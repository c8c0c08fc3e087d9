// Sample aspect ratios by number: aspect_ratio_idc of H.264 (table E-1) and HEVC (table E.1) are the same list.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

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

}  // namespace klieg::wire

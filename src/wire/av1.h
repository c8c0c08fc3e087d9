// AV1: av1C, sequence headers and temporal units (AV1 Bitstream & Decoding Process; AV1 Codec ISO Media File Format
// Binding 1.2).
#pragma once

#include "wire/frame.h"

namespace klieg::wire::av1 {

enum ObuType : uint8_t { sequence_header = 1, temporal_delimiter = 2, frame_header = 3, frame = 6, tile_list = 8 };

struct SequenceHeader {
  uint8_t profile = 0;
  uint8_t level = 0;  // seq_level_idx_0
  bool high_tier = false;
  uint8_t bit_depth = 8;
  bool monochrome = false;
  bool subsampled_x = true;
  bool subsampled_y = true;
  uint8_t chroma_position = 0;
  bool still_picture_header = false;  // reduced_still_picture_header
  media::VideoFormat format;
};
Result<SequenceHeader> read_sequence_header(ByteView payload);  // of the OBU, without its header

// A decoder configuration without sequence header, which the binding allows, gives a track of unknown format.
Result<media::Track> read_config(const Bytes& content);

// Temporal delimiters are taken out of the content. A sync frame is a shown key frame with its sequence header.
Result<Frame> read_frame(const media::Track& track, const Bytes& content);

}  // namespace klieg::wire::av1

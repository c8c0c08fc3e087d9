// VP9: vpcC (VP Codec ISO Media File Format Binding 1.0) and the uncompressed frame header (VP9 Bitstream 6.2).
#pragma once

#include "wire/frame.h"

namespace klieg::wire::vp9 {

// The configuration says nothing of the picture's size, so the track stays of unknown format until a key frame renews
// it. Encoders that send no configuration get one made from that key frame; those that leave out vpcC's version and
// flags get them added.
Result<media::Track> read_config(const Bytes& content);
Result<Frame> read_frame(const media::Track& track, const Bytes& content);

}  // namespace klieg::wire::vp9

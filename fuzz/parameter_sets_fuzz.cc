// Decoder configurations and frames of every codec. The first byte chooses the codec, the next two say how much of the
// rest is configuration; what remains is one frame.
#include "base/assert.h"
#include "wire/frame.h"
#include "wire/sei.h"

using namespace klieg;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ByteReader in(ByteView(data, size));
  const auto codec = static_cast<media::Codec>(in.u8() % 7);
  const size_t config_size = in.u16();
  if (!in.ok() || config_size > in.remaining()) return 0;
  const Bytes config = Bytes::copy_of(in.bytes(config_size));
  const Bytes content = Bytes::copy_of(in.rest());

  wire::read_capture_stamp(content, wire::SeiOf::avc);
  wire::read_capture_stamp(content, wire::SeiOf::hevc);

  const Result<media::Track> track = wire::read_config(codec, config);
  if (!track) return 0;
  KLIEG_ASSERT(track->codec == codec && track->kind == media::kind_of(codec), "the track is of its codec");
  const Result<wire::Frame> frame = wire::read_frame(*track, content);
  if (!frame || !frame->renewed) return 0;
  // A track made of a frame's own parameter sets is one that can be read again, and its frame is no news to it.
  KLIEG_ASSERT(wire::format_known(*frame->renewed), "a renewed track is complete");
  const Result<wire::Frame> again = wire::read_frame(*frame->renewed, content);
  KLIEG_ASSERT(again && !again->renewed && again->sync == frame->sync, "a frame renews a track once");
  return 0;
}

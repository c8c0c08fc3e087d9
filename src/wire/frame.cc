#include "wire/frame.h"

#include "wire/aac.h"
#include "wire/av1.h"
#include "wire/avc.h"
#include "wire/hevc.h"
#include "wire/mp3.h"
#include "wire/opus.h"
#include "wire/vp9.h"

namespace klieg::wire {

Result<media::Track> read_config(media::Codec codec, const Bytes& config) {
  switch (codec) {
    case media::Codec::avc:
      return avc::read_config(config);
    case media::Codec::hevc:
      return hevc::read_config(config);
    case media::Codec::av1:
      return av1::read_config(config);
    case media::Codec::vp9:
      return vp9::read_config(config);
    case media::Codec::aac:
      return aac::read_config(config);
    case media::Codec::opus:
      return opus::read_config(config);
    case media::Codec::mp3:
      return mp3::blank_track();
  }
  return fail("no such codec");
}

Result<Frame> read_frame(const media::Track& track, const Bytes& content) {
  if (content.empty()) return fail("the frame is empty");
  switch (track.codec) {
    case media::Codec::avc:
      return avc::read_frame(track, content);
    case media::Codec::hevc:
      return hevc::read_frame(track, content);
    case media::Codec::av1:
      return av1::read_frame(track, content);
    case media::Codec::vp9:
      return vp9::read_frame(track, content);
    case media::Codec::aac:
      return aac::read_frame(track, content);
    case media::Codec::opus:
      return opus::read_frame(track, content);
    case media::Codec::mp3:
      return mp3::read_frame(track, content);
  }
  return fail("no such codec");
}

bool format_known(const media::Track& track) {
  if (track.kind == media::TrackKind::video) return track.video.width > 0 && track.video.height > 0;
  return track.audio.sample_rate > 0 && track.audio.channels > 0;
}

}  // namespace klieg::wire

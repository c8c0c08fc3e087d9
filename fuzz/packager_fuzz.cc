// Samples of any times, sizes and order, tracks that come and go: the laws of a packaged broadcast hold.
// Four bytes of input are one call: what, how far in time (16 bits, milliseconds), and a detail.
#include <algorithm>
#include <cstdio>

#include "base/logging.h"
#include "packager/laws.h"
#include "packager/packager.h"

namespace {

using namespace klieg;

struct Kept final : media::RecordSink {
  void on_record(const media::Record& record) override { records.push_back(record); }
  std::vector<media::Record> records;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  logging::configure(logging::Level::error, logging::Format::text);
  Kept kept;
  packager::Packager packager({.broadcast_id = "id"}, kept);
  media::Track video;
  video.decoder_config = Bytes::copy_of("avcC");
  video.video = {.width = 64, .height = 36};
  media::Track audio;
  audio.kind = media::TrackKind::audio;
  audio.codec = media::Codec::aac;
  audio.decoder_config = Bytes::copy_of("\x11\x90");
  audio.audio = {.sample_rate = 48'000, .channels = 2, .samples_per_frame = 1024};
  Duration now[2] = {};
  ByteReader in({data, std::min<size_t>(size, 4096)});
  while (in.remaining() >= 4) {
    const uint8_t what = in.u8();
    const auto step = Duration(1ms) * in.u16();
    const uint8_t detail = in.u8();
    switch (what) {
      case 0:
        packager.on_track(video);
        break;
      case 1:
        packager.on_track(audio);
        break;
      case 2:
        packager.on_paused();
        break;
      case 3:
        packager.on_resumed();
        break;
      case 4:
        packager.on_discontinuity(media::Discontinuity::timestamp_jump, MediaTime(now[0]));
        break;
      case 5:
        video.video.width = 2u + detail;
        packager.on_track(video);
        break;
      default: {
        const size_t kind = what & 1;
        now[kind] += what & 2 ? step : Duration(1ms) * (detail & 63);
        media::Sample sample;
        sample.decode_time = MediaTime(now[kind]);
        sample.composition_offset = Duration(1ms) * (static_cast<int>(detail) - 64);
        sample.sync = what & 4 ? media::Sync::yes : media::Sync::no;
        sample.content = Bytes::copy_of("x");
        packager.on_sample(kind == 0 ? media::TrackKind::video : media::TrackKind::audio, sample, WallTime(now[kind]));
      }
    }
  }
  packager.on_ended();
  packager::Laws laws;
  if (!laws.check(kept.records)) {
    std::fprintf(stderr, "broken: %s\n", laws.broken().c_str());
    __builtin_trap();
  }
  return 0;
}

// Samples of any times, sizes and order, tracks that come and go, rungs that do what they like: the laws of a packaged
// broadcast hold. Four bytes of input are one call: what, how far in time (16 bits, milliseconds), and a detail.
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
  const auto rung = [&](uint8_t detail) { return static_cast<media::RungId>(detail & 3); };
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
      case 248: {
        std::vector<media::Rung> rungs;
        if (detail & 1) rungs.push_back({.name = "720p", .bits_per_second = 3'000'000});
        if (detail & 2) rungs.push_back({.name = "240p", .bits_per_second = 400'000});
        if (detail & 4) rungs.push_back({.name = "64k", .kind = media::TrackKind::audio, .bits_per_second = 64'000});
        packager.rungs().on_ladder(rungs);
        break;
      }
      case 249:
        packager.rungs().on_rung_track(rung(detail), detail & 4 ? audio : video);
        break;
      case 250:
        packager.rungs().on_rung_presence(rung(detail), detail & 4 ? media::Presence::gap : media::Presence::media,
                                          MediaTime(now[0] + step - 32s));
        break;
      case 251:
      case 252:
      case 253:
      case 254: {
        media::Sample sample;
        sample.decode_time = MediaTime(now[0] + step - 32s);
        sample.composition_offset = Duration(1ms) * (what - 251) * (detail & 31);
        sample.duration = Duration(1ms) * (detail >> 2);
        sample.sync = detail & 128 ? media::Sync::yes : media::Sync::no;
        sample.content = Bytes::copy_of("r");
        packager.rungs().on_rung_sample(rung(detail), sample);
        break;
      }
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

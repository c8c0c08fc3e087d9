// What a hostile publisher's stream becomes inside a codec worker: samples of any bytes through every decoder, and
// messages in any order. The core of the worker, without its process.
//
// The input is a first byte that picks the sources, then pieces: a byte that says what the piece is, a byte for times
// and flags, two bytes of size, content.
#include <algorithm>
#include <array>

#include "codec/ladder.h"

extern "C" {
#include <libavutil/log.h>
}

namespace {

using namespace klieg;
using namespace klieg::wire::codec;

constexpr size_t pieces_max = 40;  // an input that takes seconds finds nothing more

media::Track track_of(media::Codec codec, Bytes config) {
  media::Track track;
  track.kind = media::kind_of(codec);
  track.codec = codec;
  track.decoder_config = std::move(config);
  if (track.kind == media::TrackKind::video) track.video = {64, 48, 1, 1, 25};
  if (track.kind == media::TrackKind::audio) track.audio = {48'000, 2, 1024};
  return track;
}

Configure configure_of(uint8_t choice, Bytes config) {
  constexpr std::array videos = {media::Codec::avc, media::Codec::hevc, media::Codec::av1, media::Codec::vp9};
  constexpr std::array audios = {media::Codec::aac, media::Codec::opus, media::Codec::mp3};
  Configure configure;
  if ((choice & 0x40) == 0) {
    configure.sources.push_back(track_of(videos[choice % videos.size()], config));
    configure.rungs.push_back({"48p", media::TrackKind::video, 50'000, 64, 48, 1});
    configure.rungs.push_back({"24p", media::TrackKind::video, 20'000, 32, 24, 2});
  }
  if ((choice & 0x80) != 0 || configure.sources.empty()) {
    // An audio source takes its configuration only where it stands alone; else there is one that always opens.
    const bool alone = configure.sources.empty();
    configure.sources.push_back(alone ? track_of(audios[choice % audios.size()], config)
                                      : track_of(media::Codec::mp3, {}));
    configure.rungs.push_back({"audio", media::TrackKind::audio, 64'000, 0, 0, 1});
  }
  if ((choice & 0x20) != 0) configure.key_grid = 1s;
  configure.pictures = {1s, 32, 1s, 24};
  return configure;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  av_log_set_level(AV_LOG_QUIET);
  if (size > (64 << 10)) return 0;
  ByteReader in({data, size});
  codec::Crew alone(0);
  codec::Ladder ladder(
      {.preset = "ultrafast"}, alone, [](const FromWorker& message) { (void)wire::codec::write(message); },
      [] { return LoopTime{}; });
  const uint8_t choice = in.u8();
  ladder.on_message(configure_of(choice, Bytes::copy_of(in.bytes(in.u8()))));
  ladder.on_message(Begin{1, {}});
  MediaTime now{};
  for (size_t i = 0; i < pieces_max && in.remaining() > 4; ++i) {
    const uint8_t what = in.u8();
    const uint8_t flags = in.u8();
    const ByteView content = in.bytes(std::min<size_t>(in.u16(), in.remaining()));
    media::Sample sample;
    now += std::chrono::milliseconds(flags & 0x3f);
    sample.decode_time = now;
    sample.composition_offset = std::chrono::milliseconds((flags & 0x40) != 0 ? 80 : 0);
    sample.duration = 40ms;
    sample.sync = (flags & 0x80) != 0 ? media::Sync::yes : media::Sync::no;
    sample.content = Bytes::copy_of(content);
    if (what < 200) {
      const auto kind = what % 4 == 3 ? media::TrackKind::audio : media::TrackKind::video;
      ladder.on_message(SourceSample{(choice & 0x40) != 0 ? media::TrackKind::audio : kind, sample});
    } else if (what < 220) {
      ladder.on_message(Begin{what, {now, now}});
    } else if (what < 240) {
      ladder.on_message(SetPresence{static_cast<media::RungId>(flags % 4), static_cast<media::Presence>(flags & 1)});
    } else {
      ladder.on_message(Drain{});
      ladder.on_message(Begin{what, {}});
    }
  }
  ladder.on_message(Drain{});
  return 0;
}

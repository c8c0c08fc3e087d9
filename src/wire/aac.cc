#include "wire/aac.h"

#include <fmt/format.h>

#include <array>

#include "wire/bits.h"

namespace klieg::wire::aac {
namespace {

constexpr uint8_t type_sbr = 5;
constexpr uint8_t type_ps = 29;
constexpr uint8_t type_usac = 42;
constexpr std::array<uint32_t, 13> rates = {96'000, 88'200, 64'000, 48'000, 44'100, 32'000, 24'000,
                                            22'050, 16'000, 12'000, 11'025, 8'000,  7'350};
// Rates can be said in full. One below the least that has a number would make frames of seconds.
constexpr uint32_t rate_max = 192'000;
constexpr std::array<uint8_t, 15> channels_of = {0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8};

uint8_t read_object_type(BitReader& in) {
  const uint32_t type = in.bits(5);
  return static_cast<uint8_t>(type == 31 ? 32 + in.bits(6) : type);
}

uint32_t read_rate(BitReader& in) {
  const uint32_t index = in.bits(4);
  if (index == 15) return in.bits(24);
  return index < rates.size() ? rates[index] : 0;
}

// program_config_element(), 4.5.2.1: the channels of a layout that has no number.
uint32_t read_program_channels(BitReader& in) {
  in.skip(4 + 2 + 4);
  const unsigned front = in.bits(4);
  const unsigned side = in.bits(4);
  const unsigned back = in.bits(4);
  const unsigned lfe = in.bits(2);
  in.skip(3 + 4);
  if (in.flag()) in.skip(4);  // mono mixdown
  if (in.flag()) in.skip(4);  // stereo mixdown
  if (in.flag()) in.skip(3);  // matrix mixdown
  uint32_t channels = lfe;
  for (unsigned i = 0; i < front + side + back && in.ok(); ++i) {
    channels += in.flag() ? 2 : 1;
    in.skip(4);
  }
  return channels;
}

}  // namespace

Result<Config> parse_config(ByteView content) {
  BitReader in(content);
  Config out;
  uint8_t type = read_object_type(in);
  out.core_rate = read_rate(in);
  const uint32_t layout = in.bits(4);
  if (layout < channels_of.size()) out.channels = channels_of[layout];
  out.output_rate = out.core_rate;
  if (type == type_sbr || type == type_ps) {
    out.sbr = true;
    out.ps = type == type_ps;
    out.output_rate = read_rate(in);
    type = read_object_type(in);
  }
  out.object_type = type;
  if (!in.ok()) return fail("the AAC configuration is cut short");
  if (type != 1 && type != 2 && type != 3 && type != 4 && type != type_usac)
    return fail(fmt::format("AAC object type {} is not accepted: send AAC-LC or HE-AAC", type));
  if (type == type_usac) {
    // UsacConfig() names its own rate and frame length; what stands here is what decoders start from.
    if (out.channels == 0) out.channels = 2;
  } else {
    if (in.flag()) out.core_samples_per_frame = 960;
    if (in.flag()) in.skip(14);  // core coder delay
    in.skip(1);                  // extensionFlag
    if (layout == 0) out.channels = read_program_channels(in);
  }
  if (!in.ok()) return fail("the AAC configuration is cut short");
  if (!out.sbr && layout != 0 && in.remaining() >= 16) {
    if (in.bits(11) == 0x2b7 && read_object_type(in) == type_sbr && in.flag()) {
      const uint32_t rate = read_rate(in);
      if (in.ok() && rate > 0) {
        out.sbr = true;
        out.output_rate = rate;
        if (in.remaining() >= 12 && in.bits(11) == 0x548) out.ps = in.flag();
      }
    }
  }
  if (out.core_rate == 0 || out.output_rate == 0) return fail("the AAC configuration names no sample rate");
  // SBR doubles the rate, or keeps it.
  if (out.core_rate < rates.back() || out.core_rate > rate_max || out.output_rate > rate_max ||
      out.output_rate < out.core_rate || out.output_rate > out.core_rate * 2) {
    return fail("the AAC sample rate is not possible");
  }
  if (out.channels == 0) return fail("the AAC configuration names no channels");
  if (out.ps) out.channels = 2;  // PS makes two of one
  return out;
}

Result<media::Track> read_config(const Bytes& content) {
  const Result<Config> config = parse_config(content);
  if (!config) return std::unexpected(config.error());
  const unsigned object_type = config->ps ? type_ps : config->sbr ? type_sbr : config->object_type;
  media::Track track{.kind = media::TrackKind::audio, .codec = media::Codec::aac};
  track.decoder_config = content;
  track.codecs = fmt::format("mp4a.40.{}", object_type);
  track.audio = {.sample_rate = config->output_rate,
                 .channels = config->channels,
                 .samples_per_frame = static_cast<uint32_t>(uint64_t{config->core_samples_per_frame} *
                                                            config->output_rate / config->core_rate)};
  return track;
}

Result<Frame> read_frame(const media::Track& track, const Bytes& content) {
  // The length of a raw frame is not coded; the one thing to be caught is an ADTS header that does not belong here.
  if (content.size() >= 7 && content[0] == 0xff && (content[1] & 0xf6) == 0xf0)
    return fail("AAC frames come with ADTS headers: RTMP carries them raw");
  return Frame{.sync = media::Sync::yes, .content = content, .samples = track.audio.samples_per_frame};
}

}  // namespace klieg::wire::aac

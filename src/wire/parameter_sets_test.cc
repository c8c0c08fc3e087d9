// Decoder configurations and parameter sets of real encoders, against what ffprobe says of the same streams.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "wire/aac.h"
#include "wire/av1.h"
#include "wire/avc.h"
#include "wire/bits.h"
#include "wire/frame.h"
#include "wire/hevc.h"
#include "wire/hex_test.h"
#include "wire/mp3.h"
#include "wire/opus.h"
#include "wire/sei.h"
#include "wire/vp9.h"

namespace klieg::wire {
namespace {

using media::Codec;

media::Track track_of(Codec codec, std::string_view config) {
  Result<media::Track> track = read_config(codec, from_hex(config));
  EXPECT_TRUE(track) << track.error().message;
  return track ? *track : media::Track{};
}

struct VideoCase {
  const char* name;
  Codec codec;
  const char* config;
  const char* codecs;
  uint32_t width, height, sar_width, sar_height;
  double frame_rate;
};

constexpr const char* avc_x264 =
    "0164 0015 ffe1 001a 6764 0015 acd9 41b1 fe4f 0110 0000 0300 1000 0003 03c0 f162 d960 0100 0468 ef8f cbfd f8f8 00";
constexpr const char* hevc_x265 =
    "01016000000090000000 00003cf000fcfdf8f800000f03 2000010018 40010c01ffff01600000030090000003000003003c959409"
    "2100010029 42010101600000030090000003000003003ca00d880f1c9e595952930bc39a02000007d20000ea6010"
    "2200010006 4401c073c189";

const VideoCase video_cases[] = {
    {"x264, 426x240: cropped in both directions", Codec::avc, avc_x264, "avc1.640015", 426, 240, 1, 1, 30},
    {"flower: High, 540 lines are not a multiple of 16", Codec::avc,
     "0164001fffe1001d6764001fac56240f0117ef016a0c0c0c800001f480007530078c18c4c001000668e88ecb22c0fdf8f800",
     "avc1.64001f", 960, 540, 1, 1, 30000.0 / 1001},
    {"friday: Main, no pixel aspect", Codec::avc,
     "014d401effe1001b674d401eecc0501ed3501010640000030004000003 00f23c58b66801000568e97b2c80", "avc1.4d401e", 640, 480,
     1, 1, 30},
    {"chrome: Constrained Baseline, NAL lengths of two bytes", Codec::avc,
     "0142c015fde100176742c015bb40f047f580880000030320 0000bb5478b17501000468ce32c8", "avc1.42c015", 480, 270, 1, 1,
     30000.0 / 1001},
    {"h264_white_frame_sar_16_9: pixels of 16:9", Codec::avc,
     "0164001effe1001d6764001eacd940a03dbff001000091000003000100000300320f162d96010006 68ebe3cb22c0fdf8f800",
     "avc1.64001e", 640, 480, 16, 9, 25},
    {"gortmplib's H.264", Codec::avc,
     "014d401effe10023674d401e965605017fcb80b5010101400000fa00003a983800007a10000f425bbcb82801000468ee3c80",
     "avc1.4d401e", 640, 360, 1, 1, 30},
    {"x265, 426x240, pixels of 4:3", Codec::hevc, hevc_x265, "hvc1.1.6.L60.90", 426, 240, 4, 3, 30000.0 / 1001},
    {"x265, ten bits", Codec::hevc,
     "01022000000090000000 00003cf000fcfdfafa00000f03 200001001840010c01ffff02200000030090000003000003003c959409"
     "210001002b42010102200000030090000003000003003ca00a880c1c44cd965654a4c2f0168080000003008000000c84"
     "22000100064401c073c189",
     "hvc1.2.4.L60.90", 322, 182, 1, 1, 25},
    {"x265, 4:4:4", Codec::hevc,
     "01040800 00009e08 00000000 3cf000fc fff8f800 000f0320 00010017 40010c01 ffff0408 00000300 9e080000 0300003c"
     "959809 21 0001 002b 42010104 08000003 009e0800 00030000 3c900141 01e2cb2b 34926578 0b502020 00400000 03004000"
     "000642 22 0001 0008 4401c172 860c4624",
     "hvc1.4.10.L60.9E.8", 320, 240, 1, 1, 25},
    {"a phone's HEVC", Codec::hevc,
     "01016000 0000b000 00000000 7bf000fc fdf8f800 000b03a0 0001001a 40010c02 ffff0160 00000300 b0000003 00000300 "
     "7b000015"
     "c090 a1 0001 0026 42010201 60000003 00b00000 03000003 007b0000 a003c080 1107cb88 15ee4595 4d404040 4020 a2 0001 "
     "0007"
     "4401c02c bc14c9",
     "hvc1.1.6.L123.B0", 1920, 1080, 1, 1, 0},
    {"gortmplib's HEVC", Codec::hevc,
     "0101400000009000000000007bf000fcfdf8f800000f03a00001001740010c01ffff01400000030090000003000003007bac09"
     "a10001003d420101014000000300900000030000030 07ba003c0801107cb96b4a42592e3016a02020208000003000800000301e3"
     "002ef28800026 25a000013 12d020 a2000100074401c0f7c0cc90",
     "hvc1.1.2.L123.90", 1920, 1080, 1, 1, 60},
    {"SVT-AV1", Codec::av1, "8100 0c00 0a0b 0000 0004 3ea7 bc02 f800 40", "av01.0.00M.08", 426, 240, 1, 1, 0},
    {"libaom, 4:4:4", Codec::av1, "813f 0000 0a0d 2000 00fa 1e7f de21 0ad0 2020 25", "av01.1.31M.08", 320, 240, 1, 1,
     0},
    {"gortmplib's AV1", Codec::av1, "8108 0c00 0a0b 0000 0042 abbf c370 0be0 01", "av01.0.08M.08", 1920, 1080, 1, 1, 0},
};

TEST(ParameterSets, video_is_described_as_ffprobe_describes_it) {
  for (const VideoCase& c : video_cases) {
    SCOPED_TRACE(c.name);
    const media::Track track = track_of(c.codec, c.config);
    EXPECT_EQ(track.codecs, c.codecs);
    EXPECT_EQ(track.video.width, c.width);
    EXPECT_EQ(track.video.height, c.height);
    EXPECT_EQ(track.video.sar_width, c.sar_width);
    EXPECT_EQ(track.video.sar_height, c.sar_height);
    EXPECT_NEAR(track.video.frame_rate, c.frame_rate, 0.001);
    EXPECT_TRUE(format_known(track));
  }
}

TEST(ParameterSets, a_configuration_cut_anywhere_is_an_error_and_never_a_crash) {
  for (const VideoCase& c : video_cases) {
    const Bytes whole = from_hex(c.config);
    if (c.codec == Codec::av1) continue;  // a shorter av1C is a valid one without sequence header
    for (size_t size = 0; size + 8 < whole.size(); ++size)
      EXPECT_FALSE(read_config(c.codec, whole.slice(0, size))) << c.name << " cut at " << size;
  }
}

TEST(ParameterSets, a_configuration_is_written_as_the_encoder_wrote_it) {
  const Bytes avcc = from_hex(avc_x264);
  EXPECT_EQ(avc::write_config(*avc::parse_config(avcc)), avcc);
  const Bytes rewritten = hevc::write_config(*hevc::parse_config(from_hex(hevc_x265)));
  EXPECT_EQ(read_config(Codec::hevc, rewritten)->codecs, "hvc1.1.6.L60.90");
  EXPECT_EQ(read_config(Codec::hevc, rewritten)->video.width, 426u);
}

struct AudioCase {
  const char* name;
  Codec codec;
  const char* config;
  const char* codecs;
  uint32_t sample_rate, channels, samples_per_frame;
};

const AudioCase audio_cases[] = {
    {"ffmpeg's AAC-LC: an extension that says there is no SBR", Codec::aac, "11 90 56 e5 00", "mp4a.40.2", 48000, 2,
     1024},
    {"plain AAC-LC", Codec::aac, "12 10", "mp4a.40.2", 44100, 2, 1024},
    {"HE-AAC, hierarchical (fq)", Codec::aac, "2b 92 08 00", "mp4a.40.5", 44100, 2, 2048},
    {"HE-AAC, backward compatible", Codec::aac, "13 10 56 e5 98", "mp4a.40.5", 48000, 2, 2048},
    {"HE-AAC v2, hierarchical", Codec::aac, "eb 09 88 00", "mp4a.40.29", 48000, 2, 2048},
    {"5.1", Codec::aac, "11 b0", "mp4a.40.2", 48000, 6, 1024},
    {"7.1", Codec::aac, "11 b8", "mp4a.40.2", 48000, 8, 1024},
    {"Opus of libopus", Codec::opus, "4f70 7573 4865 6164 0102 3801 80bb 0000 0000 00", "opus", 48000, 2, 0},
};

TEST(ParameterSets, audio_is_described_with_the_rate_that_comes_out_of_the_decoder) {
  for (const AudioCase& c : audio_cases) {
    SCOPED_TRACE(c.name);
    const media::Track track = track_of(c.codec, c.config);
    EXPECT_EQ(track.codecs, c.codecs);
    EXPECT_EQ(track.audio.sample_rate, c.sample_rate);
    EXPECT_EQ(track.audio.channels, c.channels);
    EXPECT_EQ(track.audio.samples_per_frame, c.samples_per_frame);
  }
}

TEST(ParameterSets, vp9_learns_its_size_from_the_first_key_frame) {
  const media::Track blank = track_of(Codec::vp9, "");
  EXPECT_FALSE(format_known(blank));
  const Result<Frame> frame = read_frame(blank, from_hex("82 49 83 42 00 1a 90 0e f6 00 38 24 1c 18 42 00"));
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->sync, media::Sync::yes);
  ASSERT_TRUE(frame->renewed);
  EXPECT_EQ(frame->renewed->codecs, "vp09.00.21.08");
  EXPECT_EQ(frame->renewed->video.width, 426u);
  EXPECT_EQ(frame->renewed->video.height, 240u);
  EXPECT_EQ(frame->renewed->decoder_config, from_hex("01000000 00 15 82 020202 0000"));
}

TEST(ParameterSets, vp9_takes_the_encoders_configuration_with_or_without_version) {
  const media::Track with = track_of(Codec::vp9, "01000000 00 28 82 020202 0000");
  const media::Track without = track_of(Codec::vp9, "00 28 82 020202 0000");
  EXPECT_EQ(with, without);
  EXPECT_EQ(with.codecs, "vp09.00.40.08");
}

TEST(ParameterSets, vp9_inter_frames_are_not_sync) {
  const media::Track blank = track_of(Codec::vp9, "");
  EXPECT_EQ(read_frame(blank, from_hex("86 00 40 92 9c"))->sync, media::Sync::no);
  EXPECT_FALSE(read_frame(blank, from_hex("42 49 83 42")));
}

TEST(ParameterSets, av1_frames_lose_their_temporal_delimiter_and_are_sync_with_a_sequence_header) {
  const media::Track track = track_of(Codec::av1, "8100 0c00 0a0b 0000 0004 3ea7 bc02 f800 40");
  const Result<Frame> key = read_frame(track, from_hex("1200 0a0b 0000 0004 3ea7 bc02 f800 40 3203 10ff00"));
  ASSERT_TRUE(key);
  EXPECT_EQ(key->sync, media::Sync::yes);
  EXPECT_FALSE(key->renewed) << "it repeats what the configuration says";
  EXPECT_EQ(key->content, from_hex("0a0b 0000 0004 3ea7 bc02 f800 40 3203 10ff00"));
  EXPECT_EQ(read_frame(track, from_hex("3203 30ff00"))->sync, media::Sync::no) << "an inter frame";
  EXPECT_EQ(read_frame(track, from_hex("3203 10ff00"))->sync, media::Sync::no) << "a key frame alone";
  EXPECT_FALSE(read_frame(track, from_hex("32ff 10"))) << "a size that points outside";
  EXPECT_FALSE(read_frame(track, from_hex("1200"))) << "no frame at all";
}

TEST(ParameterSets, av1_without_sequence_header_in_its_configuration_waits_for_a_key_frame) {
  const media::Track blank = track_of(Codec::av1, "8100 0c00");
  EXPECT_FALSE(format_known(blank));
  const Result<Frame> key = read_frame(blank, from_hex("0a0b 0000 0004 3ea7 bc02 f800 40 3203 10ff00"));
  ASSERT_TRUE(key && key->renewed);
  EXPECT_EQ(key->renewed->decoder_config, from_hex("8100 0c00 0a0b 0000 0004 3ea7 bc02 f800 40"));
  EXPECT_EQ(key->renewed->video.width, 426u);
}

TEST(ParameterSets, avc_frames_are_walked_and_broken_lengths_found) {
  const media::Track track = track_of(Codec::avc, avc_x264);
  EXPECT_EQ(read_frame(track, from_hex("00000002 6588"))->sync, media::Sync::yes);
  EXPECT_EQ(read_frame(track, from_hex("00000002 4188"))->sync, media::Sync::no);
  EXPECT_FALSE(read_frame(track, from_hex("00000003 6588"))) << "longer than the sample";
  EXPECT_FALSE(read_frame(track, from_hex("00000002 6588 0000"))) << "half a length";
  EXPECT_FALSE(read_frame(track, from_hex("00000000 00000002 6588"))) << "an empty NAL unit";
  EXPECT_FALSE(read_frame(track, from_hex("00000001 09"))) << "no picture";
}

TEST(ParameterSets, avc_parameter_sets_in_band_are_news_only_when_they_differ) {
  const media::Track track = track_of(Codec::avc, avc_x264);
  const std::string same =
      "0000001a 67640015acd941b1fe4f011000000300100000 0303c0f162d960 00000004 68ef8fcb 00000002 6588";
  EXPECT_FALSE(read_frame(track, from_hex(same))->renewed);
  const std::string other =
      "0000001b 674d401eecc0501ed350101064000003000400000300f23c58b668 00000005 68e97b2c80 00000002 6588";
  const Result<Frame> frame = read_frame(track, from_hex(other));
  ASSERT_TRUE(frame && frame->renewed);
  EXPECT_EQ(frame->renewed->codecs, "avc1.4d401e");
  EXPECT_EQ(frame->renewed->video.height, 480u);
  EXPECT_EQ(read_config(Codec::avc, frame->renewed->decoder_config), *frame->renewed);
}

TEST(ParameterSets, hevc_random_access_pictures_are_sync) {
  const media::Track track = track_of(Codec::hevc, hevc_x265);
  EXPECT_EQ(read_frame(track, from_hex("00000003 260188"))->sync, media::Sync::yes) << "IDR_W_RADL";
  EXPECT_EQ(read_frame(track, from_hex("00000003 2a0188"))->sync, media::Sync::yes) << "CRA";
  EXPECT_EQ(read_frame(track, from_hex("00000003 020188"))->sync, media::Sync::no) << "TRAIL_R";
}

TEST(ParameterSets, mp3_describes_itself_in_every_frame) {
  Bytes frame = from_hex("fffbe464");  // 320 kbit/s, 48 kHz, MPEG-1
  const Result<mp3::FrameHeader> header = mp3::read_header(frame);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->sample_rate, 48000u);
  EXPECT_EQ(header->channels, 2u);
  EXPECT_EQ(header->samples, 1152u);
  EXPECT_EQ(header->size, 960u);
  EXPECT_FALSE(read_frame(mp3::blank_track(), frame)) << "shorter than it says";
  std::vector<uint8_t> whole(960);
  std::ranges::copy(frame.view(), whole.begin());
  const Result<Frame> read = read_frame(mp3::blank_track(), Bytes::take(whole));
  ASSERT_TRUE(read && read->renewed);
  EXPECT_EQ(read->samples, 1152u);
  EXPECT_EQ(read->renewed->audio.sample_rate, 48000u);
  EXPECT_FALSE(mp3::read_header(from_hex("fffd e464"))) << "Layer II";
}

TEST(ParameterSets, opus_packets_say_how_long_they_last) {
  EXPECT_EQ(*opus::packet_samples(from_hex("fc")), 960u) << "CELT, one frame of 20 ms";
  EXPECT_EQ(*opus::packet_samples(from_hex("e0")), 120u) << "CELT, 2.5 ms";
  EXPECT_EQ(*opus::packet_samples(from_hex("18")), 2880u) << "SILK, 60 ms";
  EXPECT_EQ(*opus::packet_samples(from_hex("fd")), 1920u) << "two frames";
  EXPECT_EQ(*opus::packet_samples(from_hex("ff 03")), 2880u) << "three frames";
  EXPECT_FALSE(opus::packet_samples(from_hex("1b 03"))) << "180 ms";
  EXPECT_FALSE(opus::packet_samples(from_hex("ff")));
}

TEST(ParameterSets, aac_whose_frames_would_last_for_seconds_or_no_time_is_refused) {
  for (const char* config : {"17 80 00 00 90", "2d 97 81 77 00 08 00", "28 15 88 00"}) {
    EXPECT_FALSE(read_config(Codec::aac, from_hex(config))) << config;
  }
  EXPECT_EQ(track_of(Codec::aac, "17 80 0f a0 10").audio.sample_rate, 8000u);
}

TEST(ParameterSets, aac_with_adts_headers_is_refused) {
  EXPECT_FALSE(read_frame(track_of(Codec::aac, "1210"), from_hex("fff1 5080 04 1ffc 2100")));
  EXPECT_EQ(read_frame(track_of(Codec::aac, "1210"), from_hex("2100 4990"))->samples, 1024u);
}

TEST(CaptureStamp, is_read_back_from_the_nal_unit_it_was_written_into) {
  for (SeiOf codec : {SeiOf::avc, SeiOf::hevc}) {
    for (int64_t ns : {int64_t{0}, int64_t{1}, int64_t{0x100000203}, int64_t{1795170000123456789}}) {
      const Bytes unit = write_capture_stamp(WallTime(Duration(ns)), codec);
      EXPECT_EQ(read_capture_stamp(unit, codec), WallTime(Duration(ns)));
      for (size_t i = 0; i + 2 < unit.size(); ++i)
        EXPECT_FALSE(unit[i] == 0 && unit[i + 1] == 0 && unit[i + 2] < 3) << "a start code inside";
    }
  }
}

TEST(CaptureStamp, is_found_behind_other_messages_and_not_in_x264s) {
  Bytes stamp = write_capture_stamp(WallTime(Duration(42)), SeiOf::avc);
  ByteWriter both;
  both.bytes(from_hex("06 04 03 b50031"));
  both.bytes(stamp.slice(1));
  EXPECT_EQ(read_capture_stamp(both.view(), SeiOf::avc), WallTime(Duration(42)));
  EXPECT_FALSE(
      read_capture_stamp(from_hex("06 05 18 dc45e9bde6d948b7962cd820d923eeef 0000000000000000 80"), SeiOf::avc));
}

TEST(CaptureStamp, of_a_frame_reaches_whoever_reads_the_frame) {
  ByteWriter content;
  write_nal_unit(content, write_capture_stamp(WallTime(Duration(7)), SeiOf::avc), 4);
  write_nal_unit(content, from_hex("6588"), 4);
  const Bytes sample = content.take();
  const Result<Frame> frame = read_frame(track_of(Codec::avc, avc_x264), sample);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->captured, WallTime(Duration(7)));
  EXPECT_EQ(frame->content, sample) << "it passes through";
}

RC_GTEST_PROP(Bits, whatever_is_written_is_read_back, (std::vector<std::pair<uint32_t, uint8_t>> fields)) {
  BitWriter out;
  for (auto& [value, count] : fields) {
    count %= 33;
    if (count < 32) value &= (1u << count) - 1;
    out.bits(value, count);
  }
  const std::vector<uint8_t> bytes = out.take();
  BitReader in(bytes);
  for (const auto& [value, count] : fields) RC_ASSERT(in.bits(count) == value);
  RC_ASSERT(in.ok());
  RC_ASSERT(in.remaining() < 8);
}

RC_GTEST_PROP(Bits, emulation_prevention_comes_off_as_it_went_on, ()) {
  const auto payload = *rc::gen::container<std::vector<uint8_t>>(rc::gen::inRange<uint8_t>(0, 5));
  const std::vector<uint8_t> escaped = with_emulation_prevention(payload);
  for (size_t i = 0; i + 2 < escaped.size(); ++i)
    RC_ASSERT(!(escaped[i] == 0 && escaped[i + 1] == 0 && escaped[i + 2] < 3));
  RC_ASSERT(without_emulation_prevention(escaped) == payload);
}

TEST(Bits, golomb_codes_are_those_of_the_standard) {
  const Bytes table = from_hex("a6 42 98 e2 04 8a 00");  // 1 010 011 00100 00101 00110 00111 0001000 0001001 0001010
  BitReader in(table);
  for (uint32_t expected = 0; expected < 10; ++expected) EXPECT_EQ(in.unsigned_golomb(), expected);
  BitReader again(table);
  for (int32_t expected : {0, 1, -1, 2, -2, 3, -3}) EXPECT_EQ(again.signed_golomb(), expected);
  const Bytes zeros = from_hex("00 00 00 00 00 00");
  BitReader never(zeros);
  EXPECT_EQ(never.unsigned_golomb(), 0u);
  EXPECT_FALSE(never.ok());
}

}  // namespace
}  // namespace klieg::wire

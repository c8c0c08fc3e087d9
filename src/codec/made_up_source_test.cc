#include "codec/made_up_source.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "codec/annex_b.h"
#include "codec/av.h"
#include "wire/avc.h"
#include "wire/hevc.h"

extern "C" {
#include <libavcodec/bsf.h>
#include <libavutil/pixdesc.h>
}

// x265 is here only to make sources. It loses a little each time, and its threads are not built for TSan to see.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" const char* __lsan_default_suppressions() { return "leak:libx265"; }
extern "C" const char* __tsan_default_suppressions() { return "called_from_lib:libx265.so\nrace:x265::"; }
// NOLINTEND(bugprone-reserved-identifier)

namespace klieg::codec {
namespace {

// Drawn in 8 bits 4:2:0 and brought into the wanted format by FFmpeg.
av::Frame draw(const MadeUpVideo& wanted, int number) {
  av::Frame plain = av::new_picture(AV_PIX_FMT_YUV420P, wanted.width, wanted.height);
  for (int y = 0; y < wanted.height; ++y) {
    for (int x = 0; x < wanted.width; ++x) {
      const bool bright = x < wanted.width / 2 && y < wanted.height / 2;
      plain->data[0][y * plain->linesize[0] + x] = static_cast<uint8_t>((bright ? 180 : 50) + (x + y + number) % 32);
    }
  }
  for (int plane = 1; plane < 3; ++plane) {
    for (int y = 0; y < (wanted.height + 1) / 2; ++y) {
      std::fill_n(plain->data[plane] + y * plain->linesize[plane], (wanted.width + 1) / 2,
                  static_cast<uint8_t>(plane == 1 ? 110 : 150));
    }
  }
  const AVPixelFormat format = av_get_pix_fmt(wanted.pixel_format);
  if (format == AV_PIX_FMT_YUV420P) return plain;
  av::Frame picture = av::new_picture(format, wanted.width, wanted.height);
  const av::Scaling scaling(sws_getContext(wanted.width, wanted.height, AV_PIX_FMT_YUV420P, wanted.width, wanted.height,
                                           format, SWS_BICUBIC, nullptr, nullptr, nullptr));
  KLIEG_ASSERT(scaling, "FFmpeg converts between these");
  sws_scale(scaling.get(), plain->data, plain->linesize, 0, wanted.height, picture->data, picture->linesize);
  return picture;
}

av::Frame sound(const MadeUpAudio& wanted, AVSampleFormat format, int64_t first, int count) {
  av::Frame frame = av::new_frame();
  frame->format = format;
  frame->nb_samples = count;
  frame->sample_rate = wanted.sample_rate;
  av_channel_layout_default(&frame->ch_layout, wanted.channels);
  KLIEG_ASSERT(av_frame_get_buffer(frame.get(), 0) == 0, "there is memory");
  const bool planar = av_sample_fmt_is_planar(format) != 0;
  for (int i = 0; i < count; ++i) {
    const int64_t at = first + i;
    const double angle = 2 * std::numbers::pi * 440 * static_cast<double>(at) / wanted.sample_rate;
    const bool click = at % wanted.sample_rate < wanted.sample_rate / 200;
    const double value = click ? 0.9 : 0.1 * std::sin(angle);
    for (int channel = 0; channel < wanted.channels; ++channel) {
      uint8_t* plane = frame->extended_data[planar ? channel : 0];
      const int index = planar ? i : i * wanted.channels + channel;
      if (av_get_packed_sample_fmt(format) == AV_SAMPLE_FMT_FLT) {
        reinterpret_cast<float*>(plane)[index] = static_cast<float>(value);
      } else {
        reinterpret_cast<int16_t*>(plane)[index] = static_cast<int16_t>(value * 32767);
      }
    }
  }
  frame->pts = first;
  return frame;
}

Bytes with_lengths(ByteView stream) {
  ByteWriter content;
  for (ByteView nal_unit : nal_units_of(stream)) wire::write_nal_unit(content, nal_unit, 4);
  return content.take();
}

Bytes copy_of(const AVPacket& packet) { return Bytes::copy_of({packet.data, static_cast<size_t>(packet.size)}); }

media::Track video_track(const AVCodecContext& context, const MadeUpVideo& wanted) {
  const ByteView extradata = av::extradata_of(context);
  media::Track track;
  if (context.codec_id == AV_CODEC_ID_H264) {
    wire::avc::Config config;
    for (ByteView nal_unit : nal_units_of(extradata)) {
      if (wire::avc::type_of(nal_unit) == wire::avc::sps) config.sps.push_back(nal_unit);
      if (wire::avc::type_of(nal_unit) == wire::avc::pps) config.pps.push_back(nal_unit);
    }
    track = wire::avc::read_config(wire::avc::write_config(config)).value();
  } else if (context.codec_id == AV_CODEC_ID_HEVC) {
    wire::hevc::Config config;
    for (ByteView nal_unit : nal_units_of(extradata)) {
      if (wire::hevc::type_of(nal_unit) == wire::hevc::vps) config.vps.push_back(nal_unit);
      if (wire::hevc::type_of(nal_unit) == wire::hevc::sps) config.sps.push_back(nal_unit);
      if (wire::hevc::type_of(nal_unit) == wire::hevc::pps) config.pps.push_back(nal_unit);
    }
    config.level = wire::hevc::read_sps(config.sps.at(0)).value().level;
    track = wire::hevc::read_config(wire::hevc::write_config(config)).value();
  } else {
    track.codec = context.codec_id == AV_CODEC_ID_AV1 ? media::Codec::av1 : media::Codec::vp9;
    track.video = {static_cast<uint32_t>(wanted.width), static_cast<uint32_t>(wanted.height), 1, 1,
                   static_cast<double>(wanted.frames_per_second)};
  }
  return track;
}

// Has the packets say how they are to be turned, as phones do.
std::vector<av::Packet> turned(std::vector<av::Packet> packets, const AVCodecContext& context, int degrees) {
  AVBSFContext* filter = nullptr;
  KLIEG_ASSERT(av_bsf_alloc(av_bsf_get_by_name("h264_metadata"), &filter) == 0, "FFmpeg has the filter");
  avcodec_parameters_from_context(filter->par_in, &context);
  av_opt_set(filter->priv_data, "display_orientation", "insert", 0);
  av_opt_set_double(filter->priv_data, "rotate", degrees, 0);
  KLIEG_ASSERT(av_bsf_init(filter) == 0, "the filter takes the stream");
  std::vector<av::Packet> out;
  for (av::Packet& packet : packets) {
    KLIEG_ASSERT(av_bsf_send_packet(filter, packet.get()) == 0, "the filter takes the packet");
    av::Packet made = av::new_packet();
    KLIEG_ASSERT(av_bsf_receive_packet(filter, made.get()) == 0, "the filter gives a packet");
    out.push_back(std::move(made));
  }
  av_bsf_free(&filter);
  return out;
}

void receive(AVCodecContext& context, std::vector<av::Packet>& out) {
  for (;;) {
    av::Packet packet = av::new_packet();
    if (avcodec_receive_packet(&context, packet.get()) < 0) return;
    out.push_back(std::move(packet));
  }
}

}  // namespace

Result<MadeUpSource> make_video(const MadeUpVideo& wanted) {
  const AVCodec* codec = avcodec_find_encoder_by_name(wanted.encoder);
  if (!codec) return fail(std::string("this FFmpeg has no ") + wanted.encoder);
  av::CodecContext context = av::new_context(codec);
  context->width = wanted.width;
  context->height = wanted.height;
  context->pix_fmt = av_get_pix_fmt(wanted.pixel_format);
  context->time_base = {1, wanted.frames_per_second};
  context->framerate = {wanted.frames_per_second, 1};
  context->gop_size = wanted.frames_per_key;
  context->max_b_frames = wanted.b_frames;
  context->sample_aspect_ratio = {wanted.sar_width, wanted.sar_height};
  context->color_range = wanted.full_range ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
  context->color_primaries = static_cast<AVColorPrimaries>(wanted.colour.primaries);
  context->color_trc = static_cast<AVColorTransferCharacteristic>(wanted.colour.transfer);
  context->colorspace = static_cast<AVColorSpace>(wanted.colour.matrix);
  context->bit_rate = 1'000'000;
  context->thread_count = 1;
  context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  // The quickest of each; what an encoder does not know it passes over.
  for (const auto& [name, value] : std::map<const char*, const char*>{{"preset", "ultrafast"},
                                                                      {"deadline", "realtime"},
                                                                      {"usage", "realtime"},
                                                                      {"cpu-used", "8"},
                                                                      {"lag-in-frames", "0"},
                                                                      {"x264-params", "scenecut=0"},
                                                                      {"x265-params", "log-level=none:pools=1"}}) {
    av_opt_set(context->priv_data, name, value, 0);
  }
  if (wanted.b_frames > 0) av_opt_set(context->priv_data, "preset", "veryfast", 0);
  if (avcodec_open2(context.get(), codec, nullptr) < 0) return fail(std::string(wanted.encoder) + " does not open");
  std::vector<av::Packet> packets;
  for (int number = 0; number < wanted.frames; ++number) {
    av::Frame picture = draw(wanted, number);
    picture->pts = number;
    picture->color_range = context->color_range;
    if (number % wanted.frames_per_key == 0) picture->pict_type = AV_PICTURE_TYPE_I;
    if (avcodec_send_frame(context.get(), picture.get()) < 0) return fail("the encoder takes no picture");
    receive(*context, packets);
  }
  avcodec_send_frame(context.get(), nullptr);
  receive(*context, packets);
  if (wanted.rotation != 0) packets = turned(std::move(packets), *context, wanted.rotation);

  MadeUpSource made{video_track(*context, wanted), {}};
  const auto rate = static_cast<uint32_t>(wanted.frames_per_second);
  int64_t number = -wanted.b_frames;  // decode times lie before presentation times
  const bool nal_units = made.track.codec == media::Codec::avc || made.track.codec == media::Codec::hevc;
  for (const av::Packet& packet : packets) {
    media::Sample sample;
    sample.decode_time = MediaTime(from_ticks(number++, rate));
    sample.composition_offset = MediaTime(from_ticks(packet->pts, rate)) - sample.decode_time;
    sample.duration = MediaTime(from_ticks(number, rate)) - sample.decode_time;
    sample.sync = (packet->flags & AV_PKT_FLAG_KEY) != 0 ? media::Sync::yes : media::Sync::no;
    sample.content = nal_units ? with_lengths({packet->data, static_cast<size_t>(packet->size)}) : copy_of(*packet);
    made.samples.push_back(std::move(sample));
  }
  return made;
}

Result<MadeUpSource> make_audio(const MadeUpAudio& wanted) {
  const AVCodec* codec = avcodec_find_encoder_by_name(wanted.encoder);
  if (!codec) return fail(std::string("this FFmpeg has no ") + wanted.encoder);
  av::CodecContext context = av::new_context(codec);
  context->bit_rate = 64'000 * wanted.channels;
  context->sample_rate = wanted.sample_rate;
  // Drawn as float where the encoder takes it, else as 16-bit integers.
  context->sample_fmt = AV_SAMPLE_FMT_S16;
  for (const AVSampleFormat* format = codec->sample_fmts; *format != AV_SAMPLE_FMT_NONE; ++format) {
    if (av_get_packed_sample_fmt(*format) == AV_SAMPLE_FMT_FLT) context->sample_fmt = *format;
  }
  context->time_base = {1, wanted.sample_rate};
  av_channel_layout_default(&context->ch_layout, wanted.channels);
  context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  if (avcodec_open2(context.get(), codec, nullptr) < 0) return fail(std::string(wanted.encoder) + " does not open");
  std::vector<av::Packet> packets;
  const int64_t total = int64_t{wanted.sample_rate} * wanted.milliseconds / 1000;
  for (int64_t first = 0; first + context->frame_size <= total; first += context->frame_size) {
    const av::Frame frame = sound(wanted, context->sample_fmt, first, context->frame_size);
    if (avcodec_send_frame(context.get(), frame.get()) < 0) return fail("the encoder takes no sound");
    receive(*context, packets);
  }
  MadeUpSource made;
  made.track.kind = media::TrackKind::audio;
  made.track.codec = context->codec_id == AV_CODEC_ID_AAC    ? media::Codec::aac
                     : context->codec_id == AV_CODEC_ID_OPUS ? media::Codec::opus
                                                             : media::Codec::mp3;
  if (made.track.codec != media::Codec::mp3) {
    made.track.decoder_config = Bytes::copy_of(av::extradata_of(*context));
  }
  made.track.audio = {static_cast<uint32_t>(wanted.sample_rate), static_cast<uint32_t>(wanted.channels),
                      static_cast<uint32_t>(context->frame_size)};
  for (const av::Packet& packet : packets) {
    media::Sample sample;
    const auto rate = static_cast<uint32_t>(wanted.sample_rate);
    sample.decode_time = MediaTime(from_ticks(packet->pts, rate));
    sample.duration = from_ticks(context->frame_size, rate);
    sample.sync = media::Sync::yes;
    sample.content = copy_of(*packet);
    made.samples.push_back(std::move(sample));
  }
  return made;
}

}  // namespace klieg::codec

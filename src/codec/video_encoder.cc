#include "codec/video_encoder.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "codec/annex_b.h"
#include "wire/avc.h"
#include "wire/sei.h"

namespace klieg::codec {
namespace {

// Where the source does not tell its rate: as much as phones send. Fewer pictures come then as pictures that last
// longer, and get the bits of that time.
constexpr double frame_rate_unknown = 60;
constexpr double frame_rate_max = 240;

const AVCodec* encoder_of(Coding coding) {
  return avcodec_find_encoder_by_name(coding == Coding::nvenc ? "h264_nvenc" : "libx264");
}

void set_coding(AVCodecContext& context, Coding coding, const char* preset) {
  if (coding == Coding::nvenc) {
    av::set_option(context, "preset", "p4");
    av::set_option(context, "tune", "ull");
    av::set_option(context, "rc", "cbr");
    av::set_option(context, "zerolatency", "1");
    av::set_option(context, "delay", "0");
  } else {
    av::set_option(context, "preset", preset);
    av::set_option(context, "tune", "zerolatency");
    // One picture is one slice and the work of one thread: slices of several threads would cost quality.
    av::set_option(context, "x264-params", "sliced-threads=0:scenecut=0");
  }
  av::set_option(context, "forced-idr", "1");
}

Result<av::CodecContext> open_context(const media::Rung& rung, const Look& look, double frame_rate, Coding coding,
                                      const char* preset) {
  const AVCodec* codec = encoder_of(coding);
  if (!codec) return fail("this FFmpeg has no H.264 encoder: install one built with libx264");
  av::CodecContext context = av::new_context(codec);
  context->width = static_cast<int>(rung.width);
  context->height = static_cast<int>(rung.height);
  context->sample_aspect_ratio = {1, 1};
  context->pix_fmt = AV_PIX_FMT_YUV420P;
  context->framerate = av_d2q(frame_rate, 1001 * 240);
  context->time_base = av_inv_q(context->framerate);
  context->color_range = AVCOL_RANGE_MPEG;
  // FFmpeg's numbers are those of H.273, too.
  context->color_primaries = static_cast<AVColorPrimaries>(look.colour.primaries);
  context->color_trc = static_cast<AVColorTransferCharacteristic>(look.colour.transfer);
  context->colorspace = static_cast<AVColorSpace>(look.colour.matrix);
  context->bit_rate = rung.bits_per_second;
  context->rc_max_rate = rung.bits_per_second;
  context->rc_buffer_size = static_cast<int>(std::min<uint32_t>(rung.bits_per_second, INT32_MAX));  // a second
  context->gop_size = 1 << 30;                                                                      // x264: for ever
  context->max_b_frames = 0;
  context->thread_count = 1;
  context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  set_coding(*context, coding, preset);
  if (const int error = avcodec_open2(context.get(), codec, nullptr); error < 0) {
    return fail("the H.264 encoder of rung " + rung.name + " does not open: " + av::words_of(error));
  }
  return context;
}

Result<media::Track> track_of(const AVCodecContext& context, double frame_rate) {
  wire::avc::Config config;
  for (ByteView nal_unit : nal_units_of(av::extradata_of(context))) {
    if (wire::avc::type_of(nal_unit) == wire::avc::sps) config.sps.push_back(nal_unit);
    if (wire::avc::type_of(nal_unit) == wire::avc::pps) config.pps.push_back(nal_unit);
  }
  if (config.sps.empty() || !wire::avc::read_sps(config.sps.front())) return fail("the H.264 encoder wrote no SPS");
  Result<media::Track> track = wire::avc::read_config(wire::avc::write_config(config));
  if (track) track->video.frame_rate = frame_rate;
  return track;
}

}  // namespace

Coding best_coding() {
  // A picture of a size that every device takes.
  const media::Rung probe{.name = "probe", .bits_per_second = 1'000'000, .width = 640, .height = 360};
  return encoder_of(Coding::nvenc) && open_context(probe, {}, 30, Coding::nvenc, "") ? Coding::nvenc : Coding::x264;
}

Result<VideoEncoder> VideoEncoder::open(const media::Rung& rung, const Look& look, Coding coding, const char* preset) {
  const bool possible = rung.width % 2 == 0 && rung.height % 2 == 0 && rung.width >= 16 && rung.height >= 16 &&
                        rung.width <= 8192 && rung.height <= 8192 && rung.bits_per_second > 0;
  if (!possible) return fail("rung " + rung.name + " has a size or bitrate that no H.264 encoder takes");
  const bool rate_known = look.frame_rate >= 1 && look.frame_rate <= frame_rate_max;
  const double frame_rate = rate_known ? look.frame_rate : frame_rate_unknown / rung.frame_divisor;
  Result<av::CodecContext> context = open_context(rung, look, frame_rate, coding, preset);
  if (!context) return std::unexpected(context.error());
  Result<media::Track> track = track_of(**context, rate_known ? frame_rate : 0);
  if (!track) return std::unexpected(track.error());
  return VideoEncoder(std::move(*context), std::move(*track), frame_rate);
}

VideoEncoder::VideoEncoder(av::CodecContext context, media::Track track, double frame_rate)
    : context_(std::move(context)), track_(std::move(track)), frame_rate_(frame_rate) {}

void VideoEncoder::restart() { origin_.reset(); }

CodedPicture VideoEncoder::encode(const AVFrame& picture, MediaTime at, Key key, std::optional<WallTime> captured) {
  if (!origin_) {
    origin_ = at;
    origin_tick_ = last_tick_ + 1;
  }
  const int64_t elapsed = std::llround(to_seconds(at - *origin_) * frame_rate_);
  last_tick_ = std::max(last_tick_ + 1, origin_tick_ + elapsed);

  KLIEG_ASSERT(av_frame_ref(input_.get(), &picture) == 0, "there is memory");
  input_->pts = last_tick_;
  input_->pict_type = key == Key::yes ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
  const int sent = avcodec_send_frame(context_.get(), input_.get());
  av_frame_unref(input_.get());
  KLIEG_ASSERT(sent == 0 && avcodec_receive_packet(context_.get(), packet_.get()) == 0,
               "an encoder without delay gives a packet for each picture");

  ByteWriter content;
  if (captured) wire::write_nal_unit(content, wire::write_capture_stamp(*captured, wire::SeiOf::avc).view(), 4);
  const ByteView stream(packet_->data, static_cast<size_t>(packet_->size));
  for (ByteView nal_unit : nal_units_of(stream)) wire::write_nal_unit(content, nal_unit, 4);
  const auto sync = (packet_->flags & AV_PKT_FLAG_KEY) != 0 ? media::Sync::yes : media::Sync::no;
  av_packet_unref(packet_.get());
  return {content.take(), sync};
}

}  // namespace klieg::codec

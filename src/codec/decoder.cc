#include "codec/decoder.h"

#include <cstring>
#include <utility>

#include "wire/frame.h"

namespace klieg::codec {
namespace {

// 8K, which no phone sends; above it a few bytes of a hostile stream could ask for gigabytes.
constexpr int64_t pixels_max = int64_t{8192} * 4352;
// H.264 and HEVC keep at most 16 pictures back; more are expected only where samples were lost inside a decoder.
constexpr size_t expected_max = 64;

const AVCodec* decoder_of(media::Codec codec) {
  switch (codec) {
    case media::Codec::avc:
      return avcodec_find_decoder(AV_CODEC_ID_H264);
    case media::Codec::hevc:
      return avcodec_find_decoder(AV_CODEC_ID_HEVC);
    case media::Codec::av1:  // FFmpeg's own needs hardware
      return avcodec_find_decoder_by_name("libdav1d");
    case media::Codec::vp9:
      return avcodec_find_decoder_by_name("vp9");
    case media::Codec::aac:
      return avcodec_find_decoder(AV_CODEC_ID_AAC);
    case media::Codec::opus:
      return avcodec_find_decoder_by_name("opus");
    case media::Codec::mp3:
      return avcodec_find_decoder_by_name("mp3float");
  }
  return nullptr;
}

}  // namespace

Result<Decoder> Decoder::open(const media::Track& track) {
  const std::string name(name_of(track.codec));
  const AVCodec* codec = decoder_of(track.codec);
  if (!codec) return fail("this FFmpeg has no decoder for " + name);
  av::CodecContext context = av::new_context(codec);
  if (track.codec != media::Codec::vp9) av::set_extradata(*context, track.decoder_config);  // vpcC is for players
  context->pkt_timebase = {1, 1'000'000'000};
  context->thread_count = 1;
  context->max_pixels = pixels_max;
  if (track.codec == media::Codec::av1) context->flags |= AV_CODEC_FLAG_LOW_DELAY;
  if (track.kind == media::TrackKind::audio) {
    context->sample_rate = static_cast<int>(track.audio.sample_rate);
    av_channel_layout_default(&context->ch_layout, static_cast<int>(track.audio.channels));
  }
  if (const int error = avcodec_open2(context.get(), codec, nullptr); error < 0) {
    return fail("the decoder of " + name + " does not take the source: " + av::words_of(error));
  }
  return Decoder(std::move(context));
}

std::vector<av::Frame> Decoder::decode(const media::Sample& sample) {
  if (sample.content.empty() || av_new_packet(packet_.get(), static_cast<int>(sample.content.size())) < 0) return {};
  std::memcpy(packet_->data, sample.content.data(), sample.content.size());
  packet_->pts = sample.presentation_time().time_since_epoch().count();
  packet_->dts = sample.decode_time.time_since_epoch().count();
  if (sample.sync == media::Sync::yes) packet_->flags |= AV_PKT_FLAG_KEY;
  // An error is the sample's: nothing comes of it.
  if (const int error = avcodec_send_packet(context_.get(), packet_.get()); error < 0) objection_ = error;
  av_packet_unref(packet_.get());
  return received();
}

std::vector<av::Frame> Decoder::drain() {
  (void)avcodec_send_packet(context_.get(), nullptr);
  std::vector<av::Frame> last = received();
  avcodec_flush_buffers(context_.get());
  return last;
}

std::vector<av::Frame> Decoder::received() {
  std::vector<av::Frame> frames;
  for (;;) {
    av::Frame frame = av::new_frame();
    if (const int error = avcodec_receive_frame(context_.get(), frame.get()); error < 0) {
      if (error != AVERROR(EAGAIN) && error != AVERROR_EOF) objection_ = error;
      return frames;
    }
    if (frame->pts != AV_NOPTS_VALUE) frames.push_back(std::move(frame));
  }
}

Result<VideoSource> VideoSource::open(const media::Track& track) {
  Result<Decoder> decoder = Decoder::open(track);
  if (!decoder) return std::unexpected(decoder.error());
  return VideoSource(track, std::move(*decoder));
}

std::vector<SourceFrame> VideoSource::decode(const media::Sample& sample) {
  if (!first_offset_) first_offset_ = sample.composition_offset;
  if (sample.composition_offset != *first_offset_) reordered_ = true;
  expected_[sample.presentation_time()] = {sample.duration, sample.sync, capture_stamp_in(sample)};
  if (expected_.size() > expected_max) expected_.erase(expected_.begin());
  std::vector<SourceFrame> frames;
  arrange(decoder_.decode(sample), frames);
  return frames;
}

std::optional<WallTime> VideoSource::capture_stamp_in(const media::Sample& sample) const {
  if (track_.codec != media::Codec::avc && track_.codec != media::Codec::hevc) return std::nullopt;
  const Result<wire::Frame> frame = wire::read_frame(track_, sample.content);
  return frame ? frame->captured : std::nullopt;
}

std::vector<SourceFrame> VideoSource::drain() {
  std::vector<SourceFrame> frames;
  arrange(decoder_.drain(), frames);
  if (held_) frames.push_back(std::move(*held_));
  held_.reset();
  expected_.clear();
  first_offset_.reset();
  reordered_ = false;
  last_.reset();
  return frames;
}

void VideoSource::arrange(std::vector<av::Frame> pictures, std::vector<SourceFrame>& out) {
  for (av::Frame& picture : pictures) {
    const MediaTime at{Duration(picture->pts)};
    const auto expected = expected_.find(at);
    // A time that no sample has, or one out of order: a broken stream, and nothing to place the picture by.
    if (expected == expected_.end() || (last_ && at <= *last_)) continue;
    last_ = at;
    SourceFrame frame{std::move(picture), at, expected->second.duration, expected->second.sync,
                      expected->second.captured};
    expected_.erase(expected_.begin(), std::next(expected));
    if (held_) {
      held_->duration = at - held_->at;
      out.push_back(std::move(*held_));
      held_.reset();
    }
    if (reordered_) {
      held_ = std::move(frame);
    } else {
      out.push_back(std::move(frame));
    }
  }
}

}  // namespace klieg::codec

#include "codec/audio_rung.h"

#include <algorithm>
#include <utility>

#include "wire/aac.h"

namespace klieg::codec {
namespace {

constexpr int frame_samples = 1024;             // of AAC-LC
constexpr Duration jitter_max = 1ms;            // rounding of stamps: the times stay as counted
constexpr Duration offset_max = 50ms;           // below it lips and voice are together: only the times move
constexpr Duration silence_max = 2s;            // the hole of a lost packet or two; a longer one is a hole
constexpr int stored_max = 16 * frame_samples;  // what swresample may hold back, with room

int rate_of(const media::Track& source) {
  int rate = static_cast<int>(source.audio.sample_rate);
  // A decoder of AAC may find that each frame has twice the samples (SBR that the configuration does not tell).
  if (source.codec == media::Codec::aac && rate <= 24'000) rate *= 2;
  constexpr int rates[] = {16'000, 22'050, 24'000, 32'000, 44'100, 48'000};
  return std::ranges::find(rates, rate) != std::end(rates) ? rate : 48'000;
}

int channels_of(const media::Track& source) { return source.audio.channels == 1 ? 1 : 2; }

}  // namespace

AudioRung::AudioRung(media::RungId id, const media::Rung& rung, media::Track source, int rate)
    : id_(id), rung_(rung), source_(std::move(source)), rate_(rate) {}

Result<AudioRung> AudioRung::open(media::RungId id, const media::Rung& rung, const media::Track& source) {
  AudioRung opened(id, rung, source, rate_of(source));
  if (auto encoder = opened.open_encoder(); !encoder) return std::unexpected(encoder.error());
  const Bytes config = Bytes::copy_of(av::extradata_of(*opened.encoder_));
  Result<media::Track> track = wire::aac::read_config(config);
  if (!track) return std::unexpected(track.error());
  opened.track_ = std::move(*track);
  return opened;
}

Result<void> AudioRung::open_encoder() {
  const AVCodec* codec = avcodec_find_encoder_by_name("aac");
  if (!codec) return fail("this FFmpeg has no AAC encoder");
  encoder_ = av::new_context(codec);
  encoder_->bit_rate = rung_.bits_per_second;
  encoder_->sample_rate = rate_;
  encoder_->sample_fmt = AV_SAMPLE_FMT_FLTP;
  av_channel_layout_default(&encoder_->ch_layout, channels_of(source_));
  encoder_->thread_count = 1;
  encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  if (const int error = avcodec_open2(encoder_.get(), codec, nullptr); error < 0) {
    return fail("the AAC encoder of rung " + rung_.name + " does not open: " + av::words_of(error));
  }
  fifo_.reset(av_audio_fifo_alloc(AV_SAMPLE_FMT_FLTP, encoder_->ch_layout.nb_channels, stored_max));
  KLIEG_ASSERT(fifo_, "there is memory");
  return {};
}

void AudioRung::begin(MediaTime from) {
  // What is inside belongs to the old generation. The parameters are those that it opened with before.
  KLIEG_ASSERT(open_encoder(), "an encoder opens again");
  av_audio_fifo_reset(fifo_.get());
  resampler_.reset();
  anchors_.clear();
  from_ = from;
  skip_ = stored_ = sent_ = coded_ = 0;
  last_.reset();
}

void AudioRung::set_presence(media::Presence presence) {
  if (presence == presence_) return;
  finish();
  const MediaTime from = from_;
  begin(from);
  presence_ = presence;
}

bool AudioRung::prepare(const AVFrame& sound) {
  const bool same =
      sound.format == from_format_ && sound.sample_rate == from_rate_ && sound.ch_layout.nb_channels == from_channels_;
  if (resampler_ && same) return true;
  SwrContext* made = nullptr;
  AVChannelLayout layout{};
  // A layout without order (unknown positions) is taken as the usual one for its number.
  if (sound.ch_layout.order == AV_CHANNEL_ORDER_UNSPEC) {
    av_channel_layout_default(&layout, sound.ch_layout.nb_channels);
  } else if (av_channel_layout_copy(&layout, &sound.ch_layout) < 0) {
    return false;
  }
  const int set = swr_alloc_set_opts2(&made, &encoder_->ch_layout, AV_SAMPLE_FMT_FLTP, rate_, &layout,
                                      static_cast<AVSampleFormat>(sound.format), sound.sample_rate, 0, nullptr);
  av_channel_layout_uninit(&layout);
  resampler_.reset(made);
  if (set < 0 || swr_init(resampler_.get()) < 0) {
    resampler_.reset();
    return false;
  }
  from_format_ = sound.format;
  from_rate_ = sound.sample_rate;
  from_channels_ = sound.ch_layout.nb_channels;
  return true;
}

void AudioRung::push(const AVFrame& sound) {
  if (presence_ == media::Presence::gap || sound.nb_samples <= 0 || sound.sample_rate <= 0) return;
  if (sound.ch_layout.nb_channels <= 0 || !prepare(sound)) return;
  const MediaTime at{Duration(sound.pts)};
  const Duration lasts = from_ticks(sound.nb_samples, static_cast<uint32_t>(sound.sample_rate));
  if (anchors_.empty()) {
    place(at);
    const bool own_frames = sound.nb_samples == frame_samples && sound.sample_rate == rate_;
    if (!own_frames) {
      const int64_t index = to_ticks(at.time_since_epoch(), static_cast<uint32_t>(rate_));
      skip_ = ((-index) % frame_samples + frame_samples) % frame_samples;
      anchors_.front().at += from_ticks(skip_, static_cast<uint32_t>(rate_));
    }
  } else if (const Duration off = at - expected_; off > offset_max && off <= silence_max) {
    store_silence(to_ticks(off, static_cast<uint32_t>(rate_)));
  } else if (off < -offset_max) {
    const int64_t twice = to_ticks(-off, static_cast<uint32_t>(sound.sample_rate));
    if (twice >= sound.nb_samples) return;
    store(&sound, static_cast<int>(twice));
    expected_ = at + lasts;
    return encode_whole_frames();
  } else if (off > jitter_max || off < -jitter_max) {
    place(at);
  }
  store(&sound, 0);
  expected_ = at + lasts;
  encode_whole_frames();
}

void AudioRung::place(MediaTime at) {
  const int64_t inside = swr_get_delay(resampler_.get(), rate_);
  anchors_.push_back({stored_ + inside, at});
}

MediaTime AudioRung::time_of(int64_t index) const {
  const auto later = std::ranges::find_if(anchors_, [&](const Anchor& anchor) { return anchor.index > index; });
  const Anchor& anchor = later == anchors_.begin() ? anchors_.front() : *std::prev(later);
  return anchor.at + from_ticks(index - anchor.index, static_cast<uint32_t>(rate_));
}

void AudioRung::store(const AVFrame* sound, int skipped) {
  const uint8_t* planes[AV_NUM_DATA_POINTERS] = {};
  const int count = sound ? sound->nb_samples - skipped : 0;
  if (sound) {
    const auto format = static_cast<AVSampleFormat>(sound->format);
    const bool planar = av_sample_fmt_is_planar(format) != 0;
    const int channels = sound->ch_layout.nb_channels;
    if (planar && channels > AV_NUM_DATA_POINTERS) return;
    const ptrdiff_t step = ptrdiff_t{av_get_bytes_per_sample(format)} * (planar ? 1 : channels);
    for (int plane = 0; plane < (planar ? channels : 1); ++plane) {
      planes[plane] = sound->extended_data[plane] + skipped * step;
    }
  }
  av::Frame converted = av::new_frame();
  converted->format = AV_SAMPLE_FMT_FLTP;
  converted->nb_samples = std::max(1, swr_get_out_samples(resampler_.get(), count));
  KLIEG_ASSERT(av_channel_layout_copy(&converted->ch_layout, &encoder_->ch_layout) == 0, "there is memory");
  KLIEG_ASSERT(av_frame_get_buffer(converted.get(), 0) == 0, "there is memory");
  int made =
      swr_convert(resampler_.get(), converted->extended_data, converted->nb_samples, sound ? planes : nullptr, count);
  if (made <= 0) return;
  const int dropped = static_cast<int>(std::min<int64_t>(skip_, made));
  skip_ -= dropped;
  void* rest[2] = {};
  for (int channel = 0; channel < encoder_->ch_layout.nb_channels; ++channel) {
    rest[channel] = converted->extended_data[channel] + dropped * static_cast<ptrdiff_t>(sizeof(float));
  }
  made -= dropped;
  if (made > 0) av_audio_fifo_write(fifo_.get(), rest, made);
  stored_ += made;
}

void AudioRung::store_silence(int64_t samples) {
  const float silence[frame_samples] = {};
  while (samples > 0) {
    const int count = static_cast<int>(std::min<int64_t>(samples, frame_samples));
    void* planes[2] = {const_cast<float*>(silence), const_cast<float*>(silence)};
    av_audio_fifo_write(fifo_.get(), planes, count);
    stored_ += count;
    samples -= count;
  }
}

void AudioRung::encode_whole_frames() {
  while (av_audio_fifo_size(fifo_.get()) >= frame_samples) {
    av::Frame frame = av::new_frame();
    frame->format = AV_SAMPLE_FMT_FLTP;
    frame->nb_samples = frame_samples;
    frame->sample_rate = rate_;
    KLIEG_ASSERT(av_channel_layout_copy(&frame->ch_layout, &encoder_->ch_layout) == 0, "there is memory");
    KLIEG_ASSERT(av_frame_get_buffer(frame.get(), 0) == 0, "there is memory");
    av_audio_fifo_read(fifo_.get(), reinterpret_cast<void**>(frame->extended_data), frame_samples);
    frame->pts = sent_;
    sent_ += frame_samples;
    encode(frame.get());
  }
}

void AudioRung::encode(const AVFrame* frame) {
  if (avcodec_send_frame(encoder_.get(), frame) < 0) return;
  av::Packet packet = av::new_packet();
  while (avcodec_receive_packet(encoder_.get(), packet.get()) == 0) {
    // What comes out lies before what went in by the encoder's delay. What lies before the first sound is only its
    // running start.
    const int64_t index = coded_ - encoder_->initial_padding;
    coded_ += frame_samples;
    MediaTime at = time_of(index);
    while (anchors_.size() > 1 && anchors_[1].index <= index) anchors_.pop_front();
    if (last_ && at <= *last_) at = *last_ + 1us;  // times moved back: a frame's length at most
    if (index >= 0 && at + jitter_max >= from_) {
      last_ = at;
      made_.push_back({.decode_time = at,
                       .duration = from_ticks(frame_samples, static_cast<uint32_t>(rate_)),
                       .sync = media::Sync::yes,
                       .content = Bytes::copy_of({packet->data, static_cast<size_t>(packet->size)}),
                       .captured = std::nullopt});
    }
    av_packet_unref(packet.get());
  }
}

void AudioRung::finish() {
  if (anchors_.empty()) return;
  store(nullptr, 0);
  if (const int left = av_audio_fifo_size(fifo_.get()) % frame_samples; left > 0) store_silence(frame_samples - left);
  encode_whole_frames();
  encode(nullptr);
  anchors_.clear();  // what follows is placed anew, by begin()
}

}  // namespace klieg::codec

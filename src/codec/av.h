// FFmpeg's objects as values that free themselves, and its errors as words.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/audio_fifo.h>
#include <libavutil/channel_layout.h>
#include <libavutil/frame.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
}

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace klieg::codec::av {

struct Free {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
  void operator()(AVAudioFifo* fifo) const { av_audio_fifo_free(fifo); }
  void operator()(SwrContext* resampler) const { swr_free(&resampler); }
  void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
};
using Frame = std::unique_ptr<AVFrame, Free>;
using Packet = std::unique_ptr<AVPacket, Free>;
using CodecContext = std::unique_ptr<AVCodecContext, Free>;
using AudioFifo = std::unique_ptr<AVAudioFifo, Free>;
using Resampler = std::unique_ptr<SwrContext, Free>;
using Scaling = std::unique_ptr<SwsContext, Free>;

// Never null: a worker without memory ends, and another takes its place.
Frame new_frame();
Frame new_picture(AVPixelFormat format, int width, int height);
Packet new_packet();
CodecContext new_context(const AVCodec* codec);

// Of an option that this FFmpeg has: asserted.
void set_option(AVCodecContext& context, const char* name, const char* value);
void set_extradata(AVCodecContext& context, ByteView content);
ByteView extradata_of(const AVCodecContext& context);

std::string words_of(int error);

}  // namespace klieg::codec::av

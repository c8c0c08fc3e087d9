#include "codec/av.h"

#include <cstring>

namespace klieg::codec::av {

Frame new_frame() {
  Frame frame(av_frame_alloc());
  KLIEG_ASSERT(frame, "there is memory");
  return frame;
}

Frame new_picture(AVPixelFormat format, int width, int height) {
  Frame frame = new_frame();
  frame->format = format;
  frame->width = width;
  frame->height = height;
  KLIEG_ASSERT(av_frame_get_buffer(frame.get(), 0) == 0, "there is memory");
  return frame;
}

Packet new_packet() {
  Packet packet(av_packet_alloc());
  KLIEG_ASSERT(packet, "there is memory");
  return packet;
}

CodecContext new_context(const AVCodec* codec) {
  CodecContext context(avcodec_alloc_context3(codec));
  KLIEG_ASSERT(context, "there is memory");
  return context;
}

void set_option(AVCodecContext& context, const char* name, const char* value) {
  KLIEG_ASSERT(av_opt_set(context.priv_data, name, value, 0) == 0, "the encoder has the option");
}

void set_extradata(AVCodecContext& context, ByteView content) {
  if (content.empty()) return;
  context.extradata = static_cast<uint8_t*>(av_mallocz(content.size() + AV_INPUT_BUFFER_PADDING_SIZE));
  KLIEG_ASSERT(context.extradata, "there is memory");
  std::memcpy(context.extradata, content.data(), content.size());
  context.extradata_size = static_cast<int>(content.size());
}

ByteView extradata_of(const AVCodecContext& context) {
  return {context.extradata, static_cast<size_t>(context.extradata_size)};
}

std::string words_of(int error) {
  char words[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, words, sizeof words);
  return words;
}

}  // namespace klieg::codec::av

#include "wire/gzip.h"

#include <zlib.h>

namespace klieg::wire {

Bytes gzip(ByteView content) {
  constexpr int gzip_window_bits = 15 + 16;  // 32 KiB window; +16: gzip instead of zlib framing
  constexpr int level = 4;                   // a playlist is a few KiB: higher levels cost twice for a percent
  z_stream stream{};
  KLIEG_ASSERT(deflateInit2(&stream, level, Z_DEFLATED, gzip_window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK,
               "zlib has memory");
  std::vector<uint8_t> out(deflateBound(&stream, content.size()));
  stream.next_in = const_cast<uint8_t*>(content.data());  // zlib's signature predates const; it does not write
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  KLIEG_ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END, "deflateBound is a bound");
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return Bytes::take(std::move(out));
}

}  // namespace klieg::wire

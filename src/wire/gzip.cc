#include "wire/gzip.h"

#include <zlib.h>

namespace klieg::wire {
namespace {

constexpr int gzip_window_bits = 15 + 16;  // 32 KiB window; +16: gzip instead of zlib framing

}  // namespace

Bytes gzip(ByteView content) {
  constexpr int level = 4;  // a playlist is a few KiB: higher levels cost twice for a percent
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

std::optional<Bytes> gunzip(ByteView zipped, size_t size_max) {
  z_stream stream{};
  KLIEG_ASSERT(inflateInit2(&stream, gzip_window_bits) == Z_OK, "zlib has memory");
  stream.next_in = const_cast<uint8_t*>(zipped.data());
  stream.avail_in = static_cast<uInt>(zipped.size());
  std::vector<uint8_t> out;
  int status = Z_OK;
  while (status == Z_OK && out.size() <= size_max) {
    const size_t had = out.size();
    out.resize(had + 16 * 1024);
    stream.next_out = out.data() + had;
    stream.avail_out = static_cast<uInt>(out.size() - had);
    status = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END || out.size() > size_max) return std::nullopt;
  return Bytes::take(std::move(out));
}

}  // namespace klieg::wire

#include "wire/flv_file.h"

namespace klieg::wire::flv {
namespace {
constexpr size_t header_size = 9;
constexpr size_t tag_header_size = 11;
constexpr size_t back_pointer_size = 4;  // PreviousTagSize
}  // namespace

Result<FileReader> FileReader::open(const Bytes& file) {
  ByteReader in(file);
  const bool signature = in.u24() == 0x464c56;  // "FLV"
  in.skip(2);
  const uint32_t header = in.u32();
  if (!in.ok() || !signature || header < header_size || header > file.size()) return fail("not an FLV file");
  return FileReader(file.slice(header));
}

std::optional<Tag> FileReader::next() {
  while (rest_.size() >= back_pointer_size + tag_header_size) {
    ByteReader in(rest_);
    in.skip(back_pointer_size);
    const uint8_t kind = in.u8() & 0x1f;
    const uint32_t size = in.u24();
    const uint32_t low = in.u24();
    const uint32_t high = in.u8();
    in.skip(3);
    if (size > in.remaining()) break;
    Tag tag{.kind = static_cast<Tag::Kind>(kind),
            .timestamp_ms = high << 24 | low,
            .body = rest_.slice(back_pointer_size + tag_header_size, size)};
    rest_ = rest_.slice(back_pointer_size + tag_header_size + size);
    if (tag.kind == Tag::Kind::audio || tag.kind == Tag::Kind::video || tag.kind == Tag::Kind::script) return tag;
  }
  rest_ = {};
  return std::nullopt;
}

Bytes write_file_header() {
  ByteWriter out;
  out.text("FLV");
  out.u8(1);
  out.u8(5);
  out.u32(header_size);
  out.u32(0);  // there is no tag before the first
  return out.take();
}

Bytes write_tag(const Tag& tag) {
  KLIEG_ASSERT(tag.body.size() < 1 << 24, "a tag's size has 24 bits");
  ByteWriter out;
  out.u8(static_cast<uint8_t>(tag.kind));
  out.u24(static_cast<uint32_t>(tag.body.size()));
  out.u24(tag.timestamp_ms & 0xffffff);
  out.u8(static_cast<uint8_t>(tag.timestamp_ms >> 24));
  out.u24(0);
  out.bytes(tag.body);
  out.u32(static_cast<uint32_t>(tag_header_size + tag.body.size()));
  return out.take();
}

}  // namespace klieg::wire::flv

#include "wire/rtmp_chunk.h"

#include <algorithm>

namespace klieg::wire::rtmp {
namespace {

constexpr size_t chunk_streams_max = 64;
constexpr uint32_t no_time = 0xFFFFFF;  // in a 24-bit field: the time follows in 32 bits
constexpr uint32_t chunk_size_max = 0x7FFFFFFF;

// Message header sizes of fmt 0 to 3.
constexpr std::array<size_t, 4> message_header_sizes = {11, 7, 3, 0};

constexpr size_t basic_header_size(uint8_t first) {
  switch (first & 0x3F) {
    case 0:
      return 2;
    case 1:
      return 3;
    default:
      return 1;
  }
}

// RTMP writes the message stream's id in the other byte order.
uint32_t u32_little_endian(ByteReader& reader) {
  const ByteView b = reader.bytes(4);
  return b.size() < 4 ? 0 : static_cast<uint32_t>(b[0] | b[1] << 8 | b[2] << 16) | static_cast<uint32_t>(b[3]) << 24;
}

// A chunk stream's id from the basic header: two forms carry it in one or two extra bytes, less 64.
uint32_t chunk_stream_id_of(ByteReader& reader) {
  const uint8_t first = reader.u8() & 0x3F;
  if (first == 0) return 64u + reader.u8();
  if (first != 1) return first;
  const uint32_t low = reader.u8();
  return 64u + low + (static_cast<uint32_t>(reader.u8()) << 8);
}

}  // namespace

std::string_view name_of(ChunkError error) {
  switch (error) {
    case ChunkError::header_missing:
      return "header_missing";
    case ChunkError::header_inside_message:
      return "header_inside_message";
    case ChunkError::message_too_large:
      return "message_too_large";
    case ChunkError::too_many_chunk_streams:
      return "too_many_chunk_streams";
    case ChunkError::bad_control_message:
      return "bad_control_message";
    case ChunkError::bad_aggregate:
      return "bad_aggregate";
  }
  return "unknown";
}

Result<std::optional<Message>, ChunkError> ChunkReader::read(ByteView& bytes) {
  for (;;) {
    if (aggregate_begun_) {
      Result<std::optional<Message>, ChunkError> inner = next_of_aggregate();
      if (!inner || *inner) return inner;
    }
    // Payload that was taken for a time comes before what has just arrived.
    std::array<uint8_t, 4> again{};
    const size_t again_size = std::exchange(unread_size_, 0);
    std::copy_n(unread_.begin(), again_size, again.begin());
    ByteView first(again.data(), again_size);
    ByteView& source = again_size > 0 ? first : bytes;
    if (source.empty()) return std::nullopt;
    Result<std::optional<Message>, ChunkError> message = step(source);
    if (again_size > 0 && !first.empty()) {
      KLIEG_ASSERT(unread_size_ == 0, "bytes are given back once");
      std::ranges::copy(first, unread_.begin());
      unread_size_ = first.size();
    }
    if (!message) return message;
    if (!*message) continue;
    if (std::optional<ChunkError> error = obey(**message)) return std::unexpected(*error);
    switch ((*message)->type) {
      case MessageType::set_chunk_size:
      case MessageType::abort:
        continue;
      case MessageType::aggregate:
        aggregate_ = std::move(**message);
        aggregate_begun_ = true;
        aggregate_time_shift_ms_ = 0;
        if (aggregate_.payload.size() >= 11) {
          ByteReader reader(aggregate_.payload);
          reader.skip(4);
          const uint32_t first_time = reader.u24();
          aggregate_time_shift_ms_ = aggregate_.timestamp_ms - (static_cast<uint32_t>(reader.u8()) << 24 | first_time);
        }
        continue;
      default:
        return message;
    }
  }
}

// One bit of progress: a header byte or more, or some of a chunk's content.
Result<std::optional<Message>, ChunkError> ChunkReader::step(ByteView& bytes) {
  if (chunk_left_ > 0) return take_chunk_content(bytes);
  for (size_t needed = header_size_so_far(); header_size_ < needed; needed = header_size_so_far()) {
    if (bytes.empty()) return std::nullopt;
    const size_t taken = std::min(needed - header_size_, bytes.size());
    std::copy_n(bytes.begin(), taken, header_.begin() + static_cast<ptrdiff_t>(header_size_));
    header_size_ += taken;
    bytes = bytes.subspan(taken);
  }
  if (std::optional<ChunkError> error = begin_chunk()) return std::unexpected(*error);
  header_size_ = 0;
  // Goes on at once, because a message of no bytes is whole already; but what begin_chunk() gave back comes first.
  ByteView none;
  return take_chunk_content(unread_size_ > 0 ? none : bytes);
}

// How long the chunk header must be, as far as its bytes so far tell.
size_t ChunkReader::header_size_so_far() const {
  if (header_size_ == 0) return 1;
  const size_t basic = basic_header_size(header_[0]);
  const int fmt = header_[0] >> 6;
  const size_t size = basic + message_header_sizes[fmt];
  if (header_size_ < size) return size;
  ByteReader reader(ByteView(header_).first(header_size_));
  const uint32_t id = chunk_stream_id_of(reader);
  if (fmt < 3) return reader.u24() == no_time ? size + 4 : size;
  const ChunkStream* chunk_stream = find(id);
  const bool extended = chunk_stream && chunk_stream->extended_time && extended_repeats_ != ExtendedRepeats::no;
  return extended ? size + 4 : size;
}

// The header is whole: what does it say?
std::optional<ChunkError> ChunkReader::begin_chunk() {
  ByteReader reader(ByteView(header_).first(header_size_));
  const int fmt = header_[0] >> 6;
  const uint32_t id = chunk_stream_id_of(reader);
  ChunkStream* chunk_stream = find(id);
  if (!chunk_stream) {
    // librtmp opens a chunk stream with fmt 1 (its ping answers), so only what cannot be guessed is refused.
    if (fmt >= 2) return ChunkError::header_missing;
    if (chunk_streams_.size() == chunk_streams_max) return ChunkError::too_many_chunk_streams;
    chunk_stream = &chunk_streams_.emplace_back();
    chunk_stream->id = id;
  }
  current_ = static_cast<uint32_t>(chunk_stream - chunk_streams_.data());
  ChunkStream& s = *chunk_stream;
  if (fmt < 3) {
    if (s.in_message) return ChunkError::header_inside_message;
    const uint32_t field = reader.u24();
    if (fmt < 2) {
      s.length = reader.u24();
      s.type = static_cast<MessageType>(reader.u8());
    }
    if (fmt == 0) s.stream_id = u32_little_endian(reader);
    s.extended_time = field == no_time;
    s.time_field = s.extended_time ? reader.u32() : field;
    s.timestamp_ms = fmt == 0 ? s.time_field : s.timestamp_ms + s.time_field;
  } else {
    if (s.extended_time && extended_repeats_ != ExtendedRepeats::no) {
      const uint32_t repeated = reader.u32();
      if (extended_repeats_ == ExtendedRepeats::unknown) {
        extended_repeats_ =
            repeated == s.time_field || repeated == s.timestamp_ms ? ExtendedRepeats::yes : ExtendedRepeats::no;
        if (extended_repeats_ == ExtendedRepeats::no) {
          unread_size_ = 4;
          std::copy_n(header_.begin() + static_cast<ptrdiff_t>(header_size_ - 4), 4, unread_.begin());
        }
      }
    }
    // A new message by fmt 3: the time field counts again, also that of a fmt 0 (section 5.3.1.2.4).
    if (!s.in_message) s.timestamp_ms += s.time_field;
  }
  if (!s.in_message) {
    if (s.length > room()) return ChunkError::message_too_large;
    s.in_message = true;
  }
  chunk_left_ = std::min(chunk_size_, s.length - static_cast<uint32_t>(s.body.size()));
  return std::nullopt;
}

Result<std::optional<Message>, ChunkError> ChunkReader::take_chunk_content(ByteView& bytes) {
  ChunkStream& s = chunk_streams_[current_];
  const size_t taken = std::min<size_t>(chunk_left_, bytes.size());
  if (taken > room()) return std::unexpected(ChunkError::message_too_large);  // several unfinished ones together
  if (s.body.size() + taken > s.body.capacity()) {
    s.body.reserve(std::min<size_t>(s.length, std::max(2 * s.body.size(), s.body.size() + taken)));
  }
  s.body.insert(s.body.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(taken));
  bytes = bytes.subspan(taken);
  buffered_ += taken;
  chunk_left_ -= static_cast<uint32_t>(taken);
  if (s.body.size() < s.length || chunk_left_ > 0) return std::nullopt;
  s.in_message = false;
  buffered_ -= s.body.size();
  return Message{s.type, s.stream_id, s.timestamp_ms, Bytes::take(std::exchange(s.body, {}))};
}

std::optional<ChunkError> ChunkReader::obey(const Message& message) {
  if (message.type != MessageType::set_chunk_size && message.type != MessageType::abort) return std::nullopt;
  ByteReader reader(message.payload);
  const uint32_t value = reader.u32();
  if (!reader.ok()) return ChunkError::bad_control_message;
  if (message.type == MessageType::set_chunk_size) {
    if (value == 0 || value > chunk_size_max) return ChunkError::bad_control_message;
    chunk_size_ = value;
  } else if (ChunkStream* aborted = find(value)) {
    buffered_ -= aborted->body.size();
    aborted->body = {};
    aborted->in_message = false;
  }
  return std::nullopt;
}

// An aggregate's payload is a run of FLV tags: type, size, time, stream id, content, and the tag's size again.
Result<std::optional<Message>, ChunkError> ChunkReader::next_of_aggregate() {
  if (aggregate_.payload.empty()) {
    aggregate_begun_ = false;
    return std::nullopt;
  }
  ByteReader reader(aggregate_.payload);
  const auto type = static_cast<MessageType>(reader.u8());
  const uint32_t size = reader.u24();
  const uint32_t time_low = reader.u24();
  const uint32_t time_ms = static_cast<uint32_t>(reader.u8()) << 24 | time_low;
  reader.skip(3);
  constexpr size_t tag_header_size = 11;
  if (!reader.ok() || size > reader.remaining() || type == MessageType::aggregate) {
    return std::unexpected(ChunkError::bad_aggregate);
  }
  // A copy: who keeps a small message must not keep an aggregate of megabytes with it.
  Message message{type, aggregate_.stream_id, time_ms + aggregate_time_shift_ms_,
                  Bytes::copy_of(aggregate_.payload.slice(tag_header_size, size))};
  // The last back pointer may be missing.
  const size_t tag_size = std::min<size_t>(tag_header_size + size + 4, aggregate_.payload.size());
  aggregate_.payload = aggregate_.payload.slice(tag_size);
  return message;
}

ChunkReader::ChunkStream* ChunkReader::find(uint32_t id) {
  const auto found = std::ranges::find(chunk_streams_, id, &ChunkStream::id);
  return found == chunk_streams_.end() ? nullptr : &*found;
}

void ChunkWriter::set_chunk_size(uint32_t chunk_size) {
  KLIEG_ASSERT(chunk_size > 0 && chunk_size <= chunk_size_max, "a chunk size has 31 bits and is not 0");
  chunk_size_ = chunk_size;
}

namespace {

void write_basic_header(ByteWriter& out, int fmt, uint32_t id) {
  const auto form = static_cast<uint8_t>(fmt << 6);
  if (id < 64) {
    out.u8(form | static_cast<uint8_t>(id));
  } else if (id < 64 + 256) {
    out.u8(form);
    out.u8(static_cast<uint8_t>(id - 64));
  } else {
    out.u8(form | 1);
    out.u8(static_cast<uint8_t>(id - 64));
    out.u8(static_cast<uint8_t>((id - 64) >> 8));
  }
}

}  // namespace

void ChunkWriter::write(const Message& message, uint32_t chunk_stream_id, std::vector<Bytes>& out) {
  KLIEG_ASSERT(chunk_stream_id >= 2 && chunk_stream_id <= 65'599, "a chunk stream id lies in 2..65599");
  KLIEG_ASSERT(message.payload.size() <= 0xFFFFFF, "a message's length has 24 bits");
  const auto length = static_cast<uint32_t>(message.payload.size());
  auto found = std::ranges::find(chunk_streams_, chunk_stream_id, &ChunkStream::id);
  const bool fresh = found == chunk_streams_.end();
  if (fresh) found = chunk_streams_.insert(found, ChunkStream{.id = chunk_stream_id, .delta_ms = {}});
  ChunkStream& s = *found;

  // The shortest header that says it. A delta that needs 32 bits, or is negative, is said as an absolute time.
  const uint32_t delta_ms = message.timestamp_ms - s.timestamp_ms;
  int fmt = 3;
  if (fresh || s.stream_id != message.stream_id || delta_ms >= no_time) {
    fmt = 0;
  } else if (s.length != length || s.type != message.type) {
    fmt = 1;
  } else if (s.delta_ms != delta_ms) {
    fmt = 2;
  }
  const uint32_t time = fmt == 0 ? message.timestamp_ms : delta_ms;
  const bool extended = time >= no_time;
  s = {chunk_stream_id, message.timestamp_ms, fmt == 0 ? std::nullopt : std::optional(delta_ms),
       length,          message.stream_id,    message.type};

  ByteWriter headers;
  write_basic_header(headers, fmt, chunk_stream_id);
  if (fmt < 3) headers.u24(extended ? no_time : time);
  if (fmt < 2) {
    headers.u24(length);
    headers.u8(static_cast<uint8_t>(message.type));
  }
  if (fmt == 0) {
    for (int shift = 0; shift < 32; shift += 8) headers.u8(static_cast<uint8_t>(message.stream_id >> shift));
  }
  if (extended) headers.u32(time);
  const size_t first_size = headers.size();
  if (length > chunk_size_) {  // one continuation header, sent as often as needed
    write_basic_header(headers, 3, chunk_stream_id);
    if (extended) headers.u32(time);
  }
  const Bytes both = headers.take();
  out.push_back(both.slice(0, first_size));
  for (uint32_t at = 0; at < length; at += chunk_size_) {
    if (at > 0) out.push_back(both.slice(first_size));
    out.push_back(message.payload.slice(at, std::min(chunk_size_, length - at)));
    if (length - at <= chunk_size_) break;  // at + chunk_size_ may not fit 32 bits
  }
}

}  // namespace klieg::wire::rtmp

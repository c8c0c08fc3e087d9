#include "wire/codec_message.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace klieg::wire::codec {
namespace {

constexpr size_t size_field = 4;
// 73 years either way: what is read can be added and subtracted without overflow.
constexpr int64_t time_max = int64_t{1} << 61;

// The fields of each message are listed once (`fields` below), for both directions: a FieldWriter passes them out, a
// FieldReader fills them in and refuses what no honest side would send.
class FieldWriter {
 public:
  void number(std::unsigned_integral auto& value) { unsigned_be(value, sizeof value); }
  void real(double& value) { out_.u64(std::bit_cast<uint64_t>(value)); }
  void duration(Duration& value) { out_.u64(static_cast<uint64_t>(value.count())); }
  template <class Enum>
  void choice(Enum& value, Enum /*last*/) {
    out_.u8(static_cast<uint8_t>(value));
  }
  void name(std::string& value) {
    KLIEG_ASSERT(value.size() <= name_size_max, "a name is short");
    out_.u8(static_cast<uint8_t>(value.size()));
    out_.text(value);
  }
  void words(std::string& value) {
    const std::string_view kept = std::string_view(value).substr(0, words_size_max);
    out_.u16(static_cast<uint16_t>(kept.size()));
    out_.text(kept);
  }
  void bytes(Bytes& value) {
    out_.u32(static_cast<uint32_t>(value.size()));
    out_.bytes(value);
  }
  template <class T>
  void list(std::vector<T>& values, auto&& field) {
    KLIEG_ASSERT(values.size() <= rungs_max, "a ladder has few rungs");
    out_.u8(static_cast<uint8_t>(values.size()));
    for (T& value : values) field(*this, value);
  }
  void rest(Bytes& value) { rest_ = value; }

  std::vector<Bytes> framed(uint8_t type) {
    const size_t size = 1 + out_.size() + rest_.size();
    KLIEG_ASSERT(size <= message_size_max, "no sample is larger than ingest accepts");
    ByteWriter head;
    head.u32(static_cast<uint32_t>(size));
    head.u8(type);
    head.bytes(out_.view());
    std::vector<Bytes> pieces{head.take()};
    if (!rest_.empty()) pieces.push_back(rest_);
    return pieces;
  }

 private:
  void unsigned_be(uint64_t value, size_t size) {
    while (size-- > 0) out_.u8(static_cast<uint8_t>(value >> (8 * size)));
  }

  ByteWriter out_;
  Bytes rest_;
};

bool is_name_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
         letter == '.' || letter == '-' || letter == '_';
}

class FieldReader {
 public:
  explicit FieldReader(ByteView body) : in_(body) {}

  template <std::unsigned_integral T>
  void number(T& value) {
    value = static_cast<T>(sizeof value == 1 ? in_.u8() : sizeof value == 2 ? in_.u16() : in_.u32());
    static_assert(sizeof(T) <= 4);
  }
  void real(double& value) {
    value = std::bit_cast<double>(in_.u64());
    require(std::isfinite(value) && value >= 0);
  }
  void duration(Duration& value) {
    const auto count = static_cast<int64_t>(in_.u64());
    require(count >= -time_max && count <= time_max);
    value = Duration(ok_ ? count : 0);
  }
  template <class Enum>
  void choice(Enum& value, Enum last) {
    const uint8_t number = in_.u8();
    require(number <= static_cast<uint8_t>(last));
    value = ok_ ? static_cast<Enum>(number) : Enum{};
  }
  // Names go into URLs and playlists.
  void name(std::string& value) {
    value = text_of(in_.bytes(in_.u8()));
    require(value.size() <= name_size_max && std::ranges::all_of(value, is_name_letter));
  }
  // Words go into the log.
  void words(std::string& value) {
    value = text_of(in_.bytes(in_.u16()));
    require(value.size() <= words_size_max);
    std::ranges::replace_if(value, [](char letter) { return letter < ' ' || letter > '~'; }, '?');
  }
  void bytes(Bytes& value) { value = Bytes::copy_of(in_.bytes(in_.u32())); }
  template <class T>
  void list(std::vector<T>& values, auto&& field) {
    const size_t count = in_.u8();
    require(count <= rungs_max);
    for (size_t i = 0; i < count && ok(); ++i) field(*this, values.emplace_back());
  }
  void rest(Bytes& value) { value = Bytes::copy_of(in_.bytes(in_.remaining())); }

  void require(bool holds) { ok_ = ok_ && holds; }
  bool ok() const { return ok_ && in_.ok(); }
  bool at_end() const { return in_.remaining() == 0; }

 private:
  static std::string text_of(ByteView content) { return {content.begin(), content.end()}; }

  ByteReader in_;
  bool ok_ = true;
};

void time(auto& io, MediaTime& value) {
  Duration since_start = value.time_since_epoch();
  io.duration(since_start);
  value = MediaTime(since_start);
}

void fields(auto& io, media::Rung& rung) {
  io.name(rung.name);
  io.choice(rung.kind, media::TrackKind::audio);
  io.number(rung.bits_per_second);
  io.number(rung.width);
  io.number(rung.height);
  io.number(rung.frame_divisor);
}

void fields(auto& io, media::Track& track) {
  io.choice(track.kind, media::TrackKind::audio);
  io.choice(track.codec, media::Codec::mp3);
  io.bytes(track.decoder_config);
  io.name(track.codecs);
  io.number(track.video.width);
  io.number(track.video.height);
  io.number(track.video.sar_width);
  io.number(track.video.sar_height);
  io.real(track.video.frame_rate);
  io.number(track.video.colour.primaries);
  io.number(track.video.colour.transfer);
  io.number(track.video.colour.matrix);
  io.number(track.audio.sample_rate);
  io.number(track.audio.channels);
  io.number(track.audio.samples_per_frame);
}

void fields(auto& io, media::Sample& sample) {
  time(io, sample.decode_time);
  io.duration(sample.composition_offset);
  io.duration(sample.duration);
  io.choice(sample.sync, media::Sync::yes);
  io.rest(sample.content);
}

void fields(auto& io, media::Picture& picture) {
  io.choice(picture.use, media::PictureUse::thumbnail);
  time(io, picture.at);
  io.number(picture.width);
  io.number(picture.height);
  io.rest(picture.jpeg);
}

void fields(auto& io, Configure& configure) {
  io.list(configure.sources, [](auto& inner, media::Track& track) { fields(inner, track); });
  io.list(configure.rungs, [](auto& inner, media::Rung& rung) { fields(inner, rung); });
  io.duration(configure.key_grid);
  io.duration(configure.pictures.poster_every);
  io.number(configure.pictures.poster_height);
  io.duration(configure.pictures.thumbnail_every);
  io.number(configure.pictures.thumbnail_height);
}

void fields(auto& io, Begin& begin) {
  io.number(begin.generation);
  io.list(begin.from, [](auto& inner, MediaTime& from) { time(inner, from); });
  time(io, begin.key_origin);
}

void fields(auto& io, SourceSample& source) {
  io.choice(source.kind, media::TrackKind::audio);
  fields(io, source.sample);
}

void fields(auto& io, SetPresence& set) {
  io.number(set.rung);
  io.choice(set.presence, media::Presence::gap);
}

void fields(auto& /*io*/, Drain&) {}

void fields(auto& io, Hello& hello) {
  io.number(hello.version);
  io.words(hello.words);
}

void fields(auto& io, RungTrack& rung) {
  io.number(rung.rung);
  fields(io, rung.track);
}

void fields(auto& /*io*/, Configured&) {}

void fields(auto& io, Refused& refused) { io.words(refused.words); }

void fields(auto& io, RungSample& rung) {
  io.number(rung.generation);
  io.number(rung.rung);
  fields(io, rung.sample);
}

void fields(auto& io, PictureMade& made) { fields(io, made.picture); }

void fields(auto& io, Progress& progress) {
  io.number(progress.generation);
  time(io, progress.done);
  io.duration(progress.busy);
  io.duration(progress.span);
}

void fields(auto& /*io*/, Drained&) {}

void fields(auto& io, Undecodable& undecodable) {
  io.number(undecodable.generation);
  io.choice(undecodable.kind, media::TrackKind::audio);
  io.words(undecodable.words);
}

// A message's type is its place in the variant; those of the worker have the high bit, so that one that goes the wrong
// way is known for what it is.
template <class Message>
constexpr uint8_t type_first = std::same_as<Message, FromWorker> ? 0x80 : 0;

template <class Message>
std::vector<Bytes> write_any(const Message& message) {
  return std::visit(
      [&](auto copy) {  // a copy, because `fields` is for both directions; it shares the content
        FieldWriter out;
        fields(out, copy);
        return out.framed(static_cast<uint8_t>(type_first<Message> + message.index()));
      },
      message);
}

template <class Message, size_t index = 0>
Result<Message> read_any(uint8_t type, ByteView body) {
  if constexpr (index == std::variant_size_v<Message>) {
    return fail("a message of the unknown type " + std::to_string(type));
  } else {
    if (type != type_first<Message> + index) return read_any<Message, index + 1>(type, body);
    std::variant_alternative_t<index, Message> message;
    FieldReader in(body);
    fields(in, message);
    if (!in.ok()) return fail("a message of type " + std::to_string(type) + " with a field that cannot be");
    if (!in.at_end()) return fail("a message of type " + std::to_string(type) + " with more than its fields");
    return message;
  }
}

}  // namespace

std::vector<Bytes> write(const ToWorker& message) { return write_any(message); }
std::vector<Bytes> write(const FromWorker& message) { return write_any(message); }

template <class Message>
Result<void> Reader<Message>::push(Bytes received) {
  if (error_) return std::unexpected(*error_);
  const ByteView content = received.view();
  partial_.insert(partial_.end(), content.begin(), content.end());
  ByteView rest = partial_;
  while (!error_ && rest.size() >= size_field) {
    const size_t size = ByteReader(rest).u32();
    if (size == 0 || size > message_size_max) {
      error_ = Error{"a message of " + std::to_string(size) + " bytes"};
    } else if (rest.size() - size_field < size) {
      break;
    } else {
      Result<Message> message = read_any<Message>(rest[size_field], rest.subspan(size_field + 1, size - 1));
      if (message) {
        ready_.push_back(std::move(*message));
      } else {
        error_ = message.error();
      }
      rest = rest.subspan(size_field + size);
    }
  }
  partial_.erase(partial_.begin(), partial_.end() - static_cast<ptrdiff_t>(rest.size()));
  if (error_) return std::unexpected(*error_);
  return {};
}

template <class Message>
std::optional<Message> Reader<Message>::next() {
  if (ready_.empty()) return std::nullopt;
  std::optional<Message> message = std::move(ready_.front());
  ready_.pop_front();
  return message;
}

template class Reader<FromWorker>;
template class Reader<ToWorker>;

}  // namespace klieg::wire::codec

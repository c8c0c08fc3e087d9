#include "wire/push_record.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include "wire/live_path.h"

namespace klieg::wire::push {
namespace {

constexpr std::string_view magic = "kliegp";
constexpr size_t frame_size = 5;
constexpr size_t grown_size = 12;  // of ObjectGrew before its content

enum Type : uint8_t { begun = 1, grew, ended, alias, document, expected, gone, revoked };

// --- writing ---

void put_name(ByteWriter& out, std::string_view name) {
  KLIEG_ASSERT(name.size() <= name_size_max, "names are short");
  out.u16(static_cast<uint16_t>(name.size()));
  out.text(name);
}

void put_head(ByteWriter& out, const std::shared_ptr<const media::ObjectHead>& head) {
  const size_t begins = out.size();
  out.u16(head ? static_cast<uint16_t>(head->size()) : 0);
  if (!head) return;
  for (const auto& [name, value] : *head) {
    KLIEG_ASSERT(name.size() <= UINT8_MAX && value.size() <= head_size_max, "a field is short");
    out.u8(static_cast<uint8_t>(name.size()));
    out.u16(static_cast<uint16_t>(value.size()));
    out.text(name);
    out.text(value);
  }
  KLIEG_ASSERT(head->size() <= head_fields_max && out.size() - begins <= head_size_max, "heads are short");
}

// The frame before what `fields` holds and `content` follows.
void put_record(Type type, const ByteWriter& fields, const Bytes& content, std::vector<Bytes>& out) {
  ByteWriter head;
  head.u8(type);
  head.u32(static_cast<uint32_t>(fields.size() + content.size()));
  head.bytes(fields.view());
  out.push_back(head.take());
  if (!content.empty()) out.push_back(content);
}

void put(const media::ObjectBegun& record, std::vector<Bytes>& out) {
  ByteWriter fields;
  fields.u32(record.number);
  put_name(fields, record.name);
  put_head(fields, record.head);
  put_record(begun, fields, {}, out);
}

void put(const media::ObjectGrew& record, std::vector<Bytes>& out) {
  for (size_t at = 0; at < record.content.size(); at += content_size_max) {
    ByteWriter fields;
    fields.u32(record.number);
    fields.u64(record.offset + at);
    put_record(grew, fields, record.content.slice(at, std::min(content_size_max, record.content.size() - at)), out);
  }
}

void put(const media::ObjectEnded& record, std::vector<Bytes>& out) {
  KLIEG_ASSERT(record.how != LogEnd::growing, "an end is complete or aborted");
  ByteWriter fields;
  fields.u32(record.number);
  fields.u8(record.how == LogEnd::complete ? 0 : 1);
  put_record(ended, fields, {}, out);
}

void put(const media::AliasBorn& record, std::vector<Bytes>& out) {
  ByteWriter fields;
  fields.u32(record.of);
  fields.u64(record.offset);
  fields.u64(record.size);
  put_name(fields, record.name);
  put_head(fields, record.head);
  put_record(alias, fields, {}, out);
}

void put(const media::DocumentChanged& record, std::vector<Bytes>& out) {
  KLIEG_ASSERT(record.content.size() <= document_size_max, "documents are short");
  ByteWriter fields;
  fields.u64(record.version.msn);
  fields.u64(record.version.parts);
  fields.u8(record.version.last == media::Segment::finished ? 1 : 0);
  fields.u8(record.finality == media::Finality::is_final ? 1 : 0);
  put_name(fields, record.name);
  put_head(fields, record.head);
  put_record(document, fields, record.content, out);
}

void put_named(Type type, std::string_view name, std::vector<Bytes>& out) {
  ByteWriter fields;
  put_name(fields, name);
  put_record(type, fields, {}, out);
}
void put(const media::NameExpected& record, std::vector<Bytes>& out) { put_named(expected, record.name, out); }
void put(const media::NameGone& record, std::vector<Bytes>& out) { put_named(gone, record.name, out); }

void put(const media::GuestsRevoked& record, std::vector<Bytes>& out) {
  ByteWriter fields;
  fields.u64(static_cast<uint64_t>(record.issued_until_s));
  fields.u8(record.viewer ? 0 : 1);
  fields.u64(record.viewer.value_or(0));
  put_name(fields, std::string(live_prefix) + record.channel);
  put_record(revoked, fields, {}, out);
}

// --- reading ---

// How long a record of the type may be; empty: of no type we know.
std::optional<size_t> size_max(uint8_t type) {
  constexpr size_t name = 2 + name_size_max;
  switch (type) {
    case begun:
      return 4 + name + head_size_max;
    case grew:
      return grown_size + content_size_max;
    case ended:
      return 5;
    case alias:
      return 20 + name + head_size_max;
    case document:
      return 18 + name + head_size_max + document_size_max;
    case expected:
    case gone:
      return name;
    case revoked:
      return 17 + name;
    default:
      return std::nullopt;
  }
}

// RFC 9110 5.6.2, in lower case.
bool is_token_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(letter) != std::string_view::npos;
}

// What the hop says of itself, never of the object (media/push.h); a length from elsewhere would cut our own framing.
bool belongs_to_hop(std::string_view name) {
  constexpr std::array<std::string_view, 10> fields{
      "connection", "content-length",   "date",    "keep-alive",        "te",
      "trailer",    "proxy-connection", "upgrade", "transfer-encoding", "proxy-authenticate"};
  return std::ranges::find(fields, name) != fields.end();
}

class Fields {
 public:
  explicit Fields(ByteView content) : in_(content) {}

  uint32_t number() { return in_.u32(); }
  uint64_t offset() {
    const uint64_t value = in_.u64();
    require(value <= offset_max);
    return value;
  }
  uint64_t count() { return in_.u64(); }
  bool flag() {
    const uint8_t value = in_.u8();
    require(value <= 1);
    return value == 1;
  }
  // The target of a request: it goes into a cache's index and into our own requests.
  std::string name() {
    std::string name = text(in_.u16());
    require(name.starts_with('/') && name.size() <= name_size_max &&
            std::ranges::all_of(name, [](char letter) { return letter > ' ' && letter <= '~'; }));
    return name;
  }
  std::shared_ptr<const media::ObjectHead> head() {
    auto head = std::make_shared<media::ObjectHead>();
    const size_t before = in_.remaining();
    const size_t count = in_.u16();
    require(count <= head_fields_max);
    for (size_t i = 0; i < count && ok(); ++i) {
      const size_t name_size = in_.u8();
      const size_t value_size = in_.u16();
      auto& [name, value] = head->emplace_back();
      name = text(name_size);
      value = text(value_size);
      require(!name.empty() && std::ranges::all_of(name, is_token_letter) && !belongs_to_hop(name));
      require(std::ranges::none_of(value, [](char letter) {
        return (letter >= 0 && letter < ' ' && letter != '\t') || letter == 127;  // RFC 9110 5.5
      }));
    }
    require(before - in_.remaining() <= head_size_max);
    return head;
  }
  std::string channel() {
    std::string path = name();
    require(path.starts_with(live_prefix) && path.size() > live_prefix.size());
    return ok() ? path.substr(live_prefix.size()) : std::string();
  }
  int64_t seconds() {
    const uint64_t value = in_.u64();
    require(value <= INT64_MAX);
    return static_cast<int64_t>(value);
  }
  Bytes rest() {
    require(in_.remaining() <= document_size_max);
    return ok() ? Bytes::copy_of(in_.bytes(in_.remaining())) : Bytes();
  }

  bool ok() const { return ok_ && in_.ok(); }
  bool at_end() const { return in_.remaining() == 0; }

 private:
  void require(bool holds) { ok_ = ok_ && holds; }
  std::string text(size_t size) {
    const ByteView content = in_.bytes(size);
    return {content.begin(), content.end()};
  }

  ByteReader in_;
  bool ok_ = true;
};

media::PushRecord read(uint8_t type, Fields& in) {
  switch (type) {
    case begun: {
      const media::ObjectNumber number = in.number();
      std::string name = in.name();
      return media::ObjectBegun{number, std::move(name), in.head(), nullptr};
    }
    case ended: {
      const media::ObjectNumber number = in.number();
      return media::ObjectEnded{number, in.flag() ? LogEnd::aborted : LogEnd::complete};
    }
    case alias: {
      media::AliasBorn born;
      born.of = in.number();
      born.offset = in.offset();
      born.size = in.offset();
      born.name = in.name();
      born.head = in.head();
      return born;
    }
    case document: {
      media::DocumentChanged changed;
      changed.version.msn = in.count();
      changed.version.parts = in.count();
      changed.version.last = in.flag() ? media::Segment::finished : media::Segment::open;
      changed.finality = in.flag() ? media::Finality::is_final : media::Finality::may_change;
      changed.name = in.name();
      changed.head = in.head();
      changed.content = in.rest();
      return changed;
    }
    case expected:
      return media::NameExpected{in.name()};
    case revoked: {
      media::GuestsRevoked guests;
      guests.issued_until_s = in.seconds();
      const bool everybody = in.flag();
      const uint64_t viewer = in.count();
      if (!everybody) guests.viewer = viewer;
      guests.channel = in.channel();
      return guests;
    }
    default:
      return media::NameGone{in.name()};
  }
}

}  // namespace

Bytes preamble() {
  ByteWriter out;
  out.text(magic);
  out.u16(version);
  return out.take();
}

void append(const media::PushRecord& record, std::vector<Bytes>& out) {
  std::visit([&](const auto& one) { put(one, out); }, record);
}

// What is fed: its rest, and its owner if content may share it.
struct Decoder::Input {
  ByteView rest;
  const Bytes* owner;

  ByteView take(size_t size) {
    const ByteView taken = rest.first(size);
    rest = rest.subspan(size);
    return taken;
  }
  Bytes take_bytes(size_t size) {
    const ByteView taken = take(size);
    return owner ? owner->slice(static_cast<size_t>(taken.data() - owner->data()), size) : Bytes::copy_of(taken);
  }
};

Result<void> Decoder::feed(const Bytes& received, std::vector<media::PushRecord>& out) {
  return feed(Input{received.view(), &received}, out);
}

Result<void> Decoder::feed(ByteView received, std::vector<media::PushRecord>& out) {
  return feed(Input{received, nullptr}, out);
}

Result<void> Decoder::feed(Input input, std::vector<media::PushRecord>& out) {
  while (!error_ && !input.rest.empty()) {
    const size_t size = std::min(rest_ - gathered_.size(), input.rest.size());
    if (next_ == Next::content || next_ == Next::unknown) {
      if (next_ == Next::content) {
        out.push_back(media::ObjectGrew{grown_.number, grown_.offset, input.take_bytes(size)});
        grown_.offset += size;
      } else {
        input.take(size);
      }
      rest_ -= size;
      if (rest_ == 0) expect(Next::frame, frame_size);
      continue;
    }
    const ByteView taken = input.take(size);
    const bool whole = gathered_.size() + size == rest_;
    if (whole && gathered_.empty()) {
      understand(taken, out);
      continue;
    }
    gathered_.insert(gathered_.end(), taken.begin(), taken.end());
    if (whole) understand(std::exchange(gathered_, {}), out);
  }
  if (error_) return std::unexpected(*error_);
  return {};
}

void Decoder::expect(Next next, size_t size) {
  next_ = next;
  rest_ = size;
}

void Decoder::understand(ByteView gathered, std::vector<media::PushRecord>& out) {
  ByteReader in(gathered);
  switch (next_) {
    case Next::preamble: {
      const ByteView begins = in.bytes(magic.size());
      if (!std::ranges::equal(begins, as_bytes(magic))) return refuse("this is no subscription of klieg's");
      const uint16_t spoken = in.u16();
      if (spoken != version) return refuse("the parent speaks version " + std::to_string(spoken) + " of push records");
      return expect(Next::frame, frame_size);
    }
    case Next::frame: {
      const uint8_t type = in.u8();
      return begin_record(type, in.u32());
    }
    case Next::grown_fields: {
      Fields fields(gathered);
      grown_.number = fields.number();
      grown_.offset = fields.offset();
      if (!fields.ok()) return refuse("an object that grows beyond all bounds");
      return content_size_ > 0 ? expect(Next::content, content_size_) : expect(Next::frame, frame_size);
    }
    default: {
      Fields fields(gathered);
      media::PushRecord record = read(type_, fields);
      if (!fields.ok()) return refuse("a record of type " + std::to_string(type_) + " with a field that cannot be");
      if (!fields.at_end()) return refuse("a record of type " + std::to_string(type_) + " with more than its fields");
      out.push_back(std::move(record));
      return expect(Next::frame, frame_size);
    }
  }
}

void Decoder::begin_record(uint8_t type, size_t size) {
  type_ = type;
  const std::optional<size_t> known_max = size_max(type);
  if (!known_max) return size > 0 ? expect(Next::unknown, size) : expect(Next::frame, frame_size);
  const size_t least = type == grew ? grown_size : 1;
  if (size < least || size > *known_max) {
    return refuse("a record of type " + std::to_string(type) + " with " + std::to_string(size) + " bytes");
  }
  if (type != grew) return expect(Next::fields, size);
  content_size_ = size - grown_size;
  expect(Next::grown_fields, grown_size);
}

}  // namespace klieg::wire::push

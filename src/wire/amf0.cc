#include "wire/amf0.h"

#include <bit>

namespace klieg::wire::amf0 {
namespace {

enum Marker : uint8_t {
  number_marker = 0x00,
  boolean_marker = 0x01,
  string_marker = 0x02,
  object_marker = 0x03,
  null_marker = 0x05,
  undefined_marker = 0x06,
  ecma_array_marker = 0x08,
  object_end_marker = 0x09,
  strict_array_marker = 0x0A,
  date_marker = 0x0B,
  long_string_marker = 0x0C,
  unsupported_marker = 0x0D,
  xml_document_marker = 0x0F,
  typed_object_marker = 0x10,
  avmplus_marker = 0x11,
};

class Parser {
 public:
  explicit Parser(ByteView content) : reader_(content) {}

  Result<Value> value(int depth) {
    if (depth > depth_max) return fail("AMF0: nested deeper than 16 levels");
    if (++values_ > values_max) return fail("AMF0: more than 4096 values in one message");
    const uint8_t marker = reader_.u8();
    if (!reader_.ok()) return fail("AMF0: ends where a value should begin");
    switch (marker) {
      case number_marker:
        return whole(Value(std::bit_cast<double>(reader_.u64())));
      case boolean_marker:
        return whole(Value::boolean(reader_.u8() != 0));
      case string_marker:
        return whole(Value(text(reader_.u16())));
      case long_string_marker:
      case xml_document_marker:
        return whole(Value(text(reader_.u32())));
      case null_marker:
        return Value(Null{});
      case undefined_marker:
      case unsupported_marker:
        return Value(Undefined{});
      case date_marker: {
        const Date date{std::bit_cast<double>(reader_.u64())};
        reader_.skip(2);  // time zone: reserved, zero
        return whole(Value(date));
      }
      case object_marker:
        return properties<Object>(depth);
      case typed_object_marker:
        reader_.skip(reader_.u16());
        return properties<Object>(depth);
      case ecma_array_marker:
        reader_.skip(4);
        return properties<EcmaArray>(depth);
      case strict_array_marker:
        return elements(depth);
      case avmplus_marker:
        return amf3_scalar();
      default:
        return fail(fmt_marker("AMF0: a value of a kind that is not accepted, marker ", marker));
    }
  }

  ByteView rest() const { return reader_.rest(); }
  bool at_end() const { return reader_.remaining() == 0; }

 private:
  static std::string fmt_marker(const std::string& message, uint8_t marker) { return message + std::to_string(marker); }

  Result<Value> whole(Value value) const {
    if (!reader_.ok()) return fail("AMF0: ends inside a value");
    return value;
  }

  std::string text(size_t size) {
    const ByteView content = reader_.bytes(size);
    return {reinterpret_cast<const char*>(content.data()), content.size()};
  }

  template <class Kind>
  Result<Value> properties(int depth) {
    Kind kind;
    for (;;) {
      std::string name = text(reader_.u16());
      if (!reader_.ok()) return fail("AMF0: ends inside an object");
      // An empty name with the end marker closes.
      if (name.empty()) {
        if (at_end()) return fail("AMF0: an object without its end marker");
        if (reader_.rest().front() == object_end_marker) {
          reader_.skip(1);
          return Value(std::move(kind));
        }
      }
      Result<Value> element = value(depth + 1);
      if (!element) return element;
      kind.properties.push_back({std::move(name), std::move(*element)});
    }
  }

  Result<Value> elements(int depth) {
    const uint32_t count = reader_.u32();  // not reserved: only what is there is built
    StrictArray array;
    for (uint32_t i = 0; i < count; ++i) {
      Result<Value> element = value(depth + 1);
      if (!element) return element;
      array.elements.push_back(std::move(*element));
    }
    return whole(Value(std::move(array)));
  }

  // AMF3's variable-length integer: up to three bytes of seven bits, then one of eight (AMF3 1.3.1).
  uint32_t u29() {
    uint32_t value = 0;
    for (int i = 0; i < 3; ++i) {
      const uint8_t byte = reader_.u8();
      value = value << 7 | (byte & 0x7F);
      if ((byte & 0x80) == 0) return value;
    }
    return value << 8 | reader_.u8();
  }

  Result<Value> amf3_scalar() {
    const uint8_t marker = reader_.u8();
    switch (marker) {
      case 0x00:
        return whole(Value(Undefined{}));
      case 0x01:
        return Value(Null{});
      case 0x02:
        return Value::boolean(false);
      case 0x03:
        return Value::boolean(true);
      case 0x04: {  // 29 bits, two's complement
        const auto integer = static_cast<int32_t>(u29() << 3) >> 3;
        return whole(Value(static_cast<double>(integer)));
      }
      case 0x05:
        return whole(Value(std::bit_cast<double>(reader_.u64())));
      case 0x06: {
        const uint32_t size = u29();
        if ((size & 1) == 0) return fail("AMF3: a string by reference is not accepted");
        return whole(Value(text(size >> 1)));
      }
      default:
        return fail(fmt_marker("AMF3: a value of a kind that is not accepted, marker ", marker));
    }
  }

  ByteReader reader_;
  size_t values_ = 0;
};

void write_name(ByteWriter& out, std::string_view name) {
  KLIEG_ASSERT(name.size() <= 0xFFFF, "an AMF0 property name fits 16 bits");
  out.u16(static_cast<uint16_t>(name.size()));
  out.text(name);
}

void write_properties(ByteWriter& out, const std::vector<Property>& properties) {
  for (const Property& property : properties) {
    write_name(out, property.name);
    write_value(out, property.value);
  }
  out.u16(0);
  out.u8(object_end_marker);
}

struct Write {
  ByteWriter& out;

  void operator()(Null) const { out.u8(null_marker); }
  void operator()(Undefined) const { out.u8(undefined_marker); }
  void operator()(double number) const {
    out.u8(number_marker);
    out.u64(std::bit_cast<uint64_t>(number));
  }
  void operator()(bool truth) const {
    out.u8(boolean_marker);
    out.u8(truth ? 1 : 0);
  }
  void operator()(const std::string& text) const {
    if (text.size() <= 0xFFFF) {
      out.u8(string_marker);
      write_name(out, text);
    } else {
      out.u8(long_string_marker);
      out.u32(static_cast<uint32_t>(text.size()));
      out.text(text);
    }
  }
  void operator()(Date date) const {
    out.u8(date_marker);
    out.u64(std::bit_cast<uint64_t>(date.unix_ms));
    out.u16(0);
  }
  void operator()(const Object& object) const {
    out.u8(object_marker);
    write_properties(out, object.properties);
  }
  void operator()(const EcmaArray& array) const {
    out.u8(ecma_array_marker);
    out.u32(static_cast<uint32_t>(array.properties.size()));
    write_properties(out, array.properties);
  }
  void operator()(const StrictArray& array) const {
    out.u8(strict_array_marker);
    out.u32(static_cast<uint32_t>(array.elements.size()));
    for (const Value& element : array.elements) write_value(out, element);
  }
};

}  // namespace

bool Object::operator==(const Object&) const = default;
bool EcmaArray::operator==(const EcmaArray&) const = default;
bool StrictArray::operator==(const StrictArray&) const = default;

// Here and not in the header, where Property is not yet complete.
Value::Value() = default;
Value::Value(Null) {}
Value::Value(Undefined) : content_(Undefined{}) {}
Value::Value(double number) : content_(number) {}
Value::Value(const char* text) : content_(std::string(text)) {}
Value::Value(std::string_view text) : content_(std::string(text)) {}
Value::Value(std::string text) : content_(std::move(text)) {}
Value::Value(Date date) : content_(date) {}
Value::Value(Object object) : content_(std::move(object)) {}
Value::Value(EcmaArray array) : content_(std::move(array)) {}
Value::Value(StrictArray array) : content_(std::move(array)) {}
Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;
bool Value::operator==(const Value&) const = default;

Value Value::boolean(bool truth) {
  Value value;
  value.content_ = truth;
  return value;
}

const std::vector<Value>* Value::elements() const {
  const auto* array = std::get_if<StrictArray>(&content_);
  return array ? &array->elements : nullptr;
}

const std::vector<Property>* Value::properties() const {
  if (const auto* object = std::get_if<Object>(&content_)) return &object->properties;
  if (const auto* array = std::get_if<EcmaArray>(&content_)) return &array->properties;
  return nullptr;
}

const Value* Value::find(std::string_view name) const {
  const std::vector<Property>* all = properties();
  if (!all) return nullptr;
  for (const Property& property : *all) {
    if (property.name == name) return &property.value;
  }
  return nullptr;
}

std::string_view Value::text_at(std::string_view name) const {
  const Value* value = find(name);
  const std::string* text = value ? value->text() : nullptr;
  return text ? std::string_view(*text) : std::string_view();
}

double Value::number_at(std::string_view name, double otherwise) const {
  const Value* value = find(name);
  const double* number = value ? value->number() : nullptr;
  return number ? *number : otherwise;
}

Result<Value> read_value(ByteView& content) {
  Parser parser(content);
  Result<Value> value = parser.value(1);
  if (value) content = parser.rest();
  return value;
}

Result<std::vector<Value>> read_values(ByteView content) {
  Parser parser(content);
  std::vector<Value> values;
  while (!parser.at_end()) {
    Result<Value> value = parser.value(1);
    if (!value) return std::unexpected(value.error());
    values.push_back(std::move(*value));
  }
  return values;
}

void write_value(ByteWriter& out, const Value& value) { std::visit(Write{out}, value.content()); }

}  // namespace klieg::wire::amf0

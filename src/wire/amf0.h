// AMF0: the values inside RTMP commands and data messages (Adobe, Action Message Format 0, 2007).
//
// References (0x07), movie clips and record sets are refused: no encoder sends them. A typed object is read as an
// object, its class name dropped. A value behind the AVM+ marker (0x11) is AMF3: its scalars are read, since some old
// encoders switch in the middle of a command; its objects are refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace klieg::wire::amf0 {

struct Null {
  bool operator==(const Null&) const = default;
};
struct Undefined {
  bool operator==(const Undefined&) const = default;
};
struct Date {
  double unix_ms = 0;
  bool operator==(const Date&) const = default;
};

class Value;
struct Property;
struct Object {  // in the order written; a name may repeat
  std::vector<Property> properties;
  bool operator==(const Object&) const;
};
struct EcmaArray {  // an object by another marker; its count field is only a hint
  std::vector<Property> properties;
  bool operator==(const EcmaArray&) const;
};
struct StrictArray {
  std::vector<Value> elements;
  bool operator==(const StrictArray&) const;
};

// Implicitly made from what it can hold, so that a command can be written down as a list.
class Value {
 public:
  using Content = std::variant<Null, Undefined, double, bool, std::string, Date, Object, EcmaArray, StrictArray>;

  // NOLINTBEGIN(google-explicit-constructor)
  Value();  // null
  Value(Null);
  Value(Undefined);
  Value(double number);
  Value(const char* text);
  Value(std::string_view text);
  Value(std::string text);
  Value(Date date);
  Value(Object object);
  Value(EcmaArray array);
  Value(StrictArray array);
  // NOLINTEND(google-explicit-constructor)
  static Value boolean(bool truth);  // not a constructor: pointers would become booleans by accident

  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();
  bool operator==(const Value&) const;

  const Content& content() const { return content_; }
  // Null pointer where the value is of another kind.
  const double* number() const { return std::get_if<double>(&content_); }
  const bool* boolean() const { return std::get_if<bool>(&content_); }
  const std::string* text() const { return std::get_if<std::string>(&content_); }
  const std::vector<Value>* elements() const;
  const std::vector<Property>* properties() const;  // of an object or an ECMA array

  // A property by name; null pointers where this is no object or has none of that name.
  const Value* find(std::string_view name) const;
  std::string_view text_at(std::string_view name) const;  // "" when absent or not a string
  double number_at(std::string_view name, double otherwise = 0) const;

 private:
  Content content_;
};

struct Property {
  std::string name;
  Value value;
  bool operator==(const Property&) const = default;
};

// What one message may make us build: 16 levels, 4,096 values of about 100 bytes each beside the text they hold, which
// is never longer than the message itself. So at most 0.4 MiB, and only while the message is looked at.
inline constexpr int depth_max = 16;
inline constexpr size_t values_max = 4096;

// Reads one value off the front of `content`, which then begins behind it.
Result<Value> read_value(ByteView& content);
// All values up to the end of `content`.
Result<std::vector<Value>> read_values(ByteView content);

void write_value(ByteWriter& out, const Value& value);

}  // namespace klieg::wire::amf0

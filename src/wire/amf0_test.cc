#include "wire/amf0.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "wire/test_material.h"

namespace klieg::wire::amf0 {
namespace {

Bytes written(const Value& value) {
  ByteWriter out;
  write_value(out, value);
  return out.take();
}

Value read(std::vector<uint8_t> content) {
  ByteView view(content);
  Result<Value> value = read_value(view);
  EXPECT_TRUE(value.has_value()) << (value ? "" : value.error().message);
  EXPECT_TRUE(view.empty());
  return value ? *value : Value();
}

bool refused(std::vector<uint8_t> content) {
  ByteView view(content);
  return !read_value(view).has_value() && view.size() == content.size();
}

TEST(Amf0, values_made_by_others_are_read_and_written_to_the_same_bytes) {
  const std::pair<const char*, Value> vectors[] = {
      {"array_strict", StrictArray{{1.0, 2.0, 3.0}}},
      {"boolean_false", Value::boolean(false)},
      {"boolean_true", Value::boolean(true)},
      {"null", Null{}},
      {"number_0", 0.0},
      {"number_1_5", 1.5},
      {"object_nested", Object{{{"a", Object{{{"b", 1.0}}}}}}},
      {"object_simple", Object{{{"key", "value"}}}},
      {"string_empty", ""},
      {"string_test", "test"},
  };
  for (const auto& [name, value] : vectors) {
    const auto content = test_material(std::string("suites/rtmp-go-golden/tests/golden/amf0_") + name + ".bin");
    KLIEG_SKIP_WITHOUT(content);
    EXPECT_EQ(read(content), value) << name;
    EXPECT_EQ(written(value), Bytes::copy_of(content)) << name;
  }
}

rc::Gen<Value> any_value(int depth) {
  const auto scalar = rc::gen::oneOf(
      rc::gen::map(rc::gen::arbitrary<int>(), [](int n) { return Value(n / 8.0); }),
      rc::gen::map(rc::gen::arbitrary<bool>(), [](bool b) { return Value::boolean(b); }),
      rc::gen::map(rc::gen::arbitrary<std::string>(), [](std::string s) { return Value(std::move(s)); }),
      rc::gen::map(rc::gen::inRange<size_t>(65'530, 65'545), [](size_t n) { return Value(std::string(n, 'x')); }),
      rc::gen::just(Value(Null{})), rc::gen::just(Value(Undefined{})), rc::gen::just(Value(Date{1.5e12})));
  if (depth == 0) return scalar;
  const auto properties = rc::gen::map(rc::gen::container<std::vector<std::pair<std::string, Value>>>(
                                           rc::gen::pair(rc::gen::nonEmpty<std::string>(), any_value(depth - 1))),
                                       [](std::vector<std::pair<std::string, Value>> pairs) {
                                         std::vector<Property> made;
                                         for (auto& [name, value] : pairs) made.push_back({name, value});
                                         return made;
                                       });
  return rc::gen::oneOf(
      scalar, rc::gen::map(properties, [](std::vector<Property> p) { return Value(Object{std::move(p)}); }),
      rc::gen::map(properties, [](std::vector<Property> p) { return Value(EcmaArray{std::move(p)}); }),
      rc::gen::map(rc::gen::container<std::vector<Value>>(any_value(depth - 1)),
                   [](std::vector<Value> v) { return Value(StrictArray{std::move(v)}); }));
}

RC_GTEST_PROP(Amf0, what_is_written_is_read_back, ()) {
  const Value value = *rc::gen::resize(8, any_value(3));
  const Bytes content = written(value);
  ByteView view(content);
  const Result<Value> read = read_value(view);
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == value);
  RC_ASSERT(view.empty());
}

RC_GTEST_PROP(Amf0, a_value_that_breaks_off_anywhere_is_refused, ()) {
  const Value value = *rc::gen::resize(6, any_value(2));
  const Bytes content = written(value);
  const size_t size = *rc::gen::inRange<size_t>(0, content.size());
  ByteView view = content.view().first(size);
  RC_ASSERT(!read_value(view).has_value());
}

TEST(Amf0, a_typed_object_is_read_as_an_object) {
  EXPECT_EQ(read({0x10, 0, 1, 'C', 0, 1, 'a', 0x05, 0, 0, 9}), Value(Object{{{"a", Null{}}}}));
}

TEST(Amf0, the_scalars_of_amf3_are_read_behind_their_marker) {
  EXPECT_EQ(read({0x11, 0x00}), Value(Undefined{}));
  EXPECT_EQ(read({0x11, 0x01}), Value(Null{}));
  EXPECT_EQ(read({0x11, 0x03}), Value::boolean(true));
  EXPECT_EQ(read({0x11, 0x04, 0x05}), Value(5.0));
  EXPECT_EQ(read({0x11, 0x04, 0xFF, 0xFF, 0xFF, 0xFF}), Value(-1.0));
  EXPECT_EQ(read({0x11, 0x05, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0}), Value(1.5));
  EXPECT_EQ(read({0x11, 0x06, 0x07, 'a', 'b', 'c'}), Value("abc"));
}

TEST(Amf0, references_movie_clips_and_amf3_objects_are_refused) {
  EXPECT_TRUE(refused({0x07, 0, 0}));
  EXPECT_TRUE(refused({0x04}));
  EXPECT_TRUE(refused({0x0E}));
  EXPECT_TRUE(refused({0x11, 0x0A, 0x01}));
  EXPECT_TRUE(refused({0x11, 0x06, 0x00}));
  EXPECT_TRUE(refused({0xFF}));
}

TEST(Amf0, nesting_deeper_than_sixteen_levels_is_refused) {
  std::vector<uint8_t> arrays;
  for (int i = 0; i < depth_max - 1; ++i) arrays.insert(arrays.end(), {0x0A, 0, 0, 0, 1});
  auto allowed = arrays;
  allowed.push_back(0x05);
  read(allowed);
  arrays.insert(arrays.end(), {0x0A, 0, 0, 0, 1, 0x05});
  EXPECT_TRUE(refused(arrays));
}

TEST(Amf0, a_count_of_four_billion_builds_only_what_is_there) {
  EXPECT_TRUE(refused({0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x05}));
  EXPECT_TRUE(refused({0x0C, 0xFF, 0xFF, 0xFF, 0xFF, 'x'}));
  EXPECT_EQ(read({0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 9}), Value(EcmaArray{}));
}

TEST(Amf0, more_than_4096_values_in_one_message_are_refused) {
  EXPECT_TRUE(read_values(std::vector<uint8_t>(values_max, 0x05)).has_value());
  EXPECT_FALSE(read_values(std::vector<uint8_t>(values_max + 1, 0x05)).has_value());
}

TEST(Amf0, a_property_is_found_by_name_and_has_a_default_where_it_is_missing) {
  const Value value = Object{{{"app", "live"}, {"capsEx", 5.0}}};
  EXPECT_EQ(value.text_at("app"), "live");
  EXPECT_EQ(value.text_at("capsEx"), "");
  EXPECT_EQ(value.number_at("capsEx"), 5);
  EXPECT_EQ(value.number_at("other", 7), 7);
  EXPECT_EQ(Value(1.0).find("app"), nullptr);
}

}  // namespace
}  // namespace klieg::wire::amf0

#include "wire/structured_field.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "wire/test_material.h"

namespace klieg::wire::sf {
namespace {

using nlohmann::json;

// The vectors of the HTTP working group: https://github.com/httpwg/structured-field-tests, format in its README.
const std::array<const char*, 21> vector_files = {
    "binary",
    "boolean",
    "date",
    "dictionary",
    "display-string",
    "examples",
    "item",
    "key-generated",
    "large-generated",
    "list",
    "listlist",
    "number",
    "number-generated",
    "param-dict",
    "param-list",
    "param-listlist",
    "string",
    "string-generated",
    "token",
    "token-generated",
    "serialisation-tests/number",
};
const std::array<const char*, 3> writing_files = {
    "serialisation-tests/key-generated", "serialisation-tests/string-generated", "serialisation-tests/token-generated"};

std::string from_archive(const std::filesystem::path& archive, const std::string& name) {
  const std::string command = "tar -xJOf '" + archive.string() + "' 'structured-field-tests/" + name + ".json'";
  std::string text;
  FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return text;
  char piece[65536];
  for (size_t size; (size = fread(piece, 1, sizeof piece, pipe)) > 0;) text.append(piece, size);
  pclose(pipe);
  return text;
}

std::vector<uint8_t> base32_content(const std::string& text) {
  std::vector<uint8_t> content;
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const size_t digit = std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567").find(c);
    if (digit == std::string_view::npos) break;
    bits = bits << 5 | static_cast<uint32_t>(digit);
    if ((held += 5) >= 8) content.push_back(static_cast<uint8_t>(bits >> (held -= 8)));
  }
  return content;
}

BareItem bare_item_of(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_integer()) return value.get<int64_t>();
  if (value.is_number()) return Decimal{static_cast<int64_t>(std::nearbyint(value.get<double>() * 1000))};
  if (value.is_string()) return value.get<std::string>();
  const std::string type = value.at("__type");
  if (type == "token") return Token{value.at("value")};
  if (type == "binary") return Binary{base32_content(value.at("value"))};
  if (type == "date") return Date{value.at("value")};
  return DisplayString{value.at("value")};
}

Parameters parameters_of(const json& value) {
  Parameters parameters;
  for (const json& pair : value) parameters.emplace_back(pair.at(0), bare_item_of(pair.at(1)));
  return parameters;
}

Item item_of(const json& value) { return {bare_item_of(value.at(0)), parameters_of(value.at(1))}; }

Member member_of(const json& value) {
  if (!value.at(0).is_array()) return item_of(value);
  InnerList list;
  for (const json& item : value.at(0)) list.items.push_back(item_of(item));
  list.parameters = parameters_of(value.at(1));
  return list;
}

List list_of(const json& value) {
  List list;
  for (const json& member : value) list.push_back(member_of(member));
  return list;
}

Dictionary dictionary_of(const json& value) {
  Dictionary dictionary;
  for (const json& pair : value) dictionary.emplace_back(pair.at(0), member_of(pair.at(1)));
  return dictionary;
}

std::string joined(const json& lines) {
  std::string text;
  for (const json& line : lines) text += (text.empty() ? "" : ", ") + line.get<std::string>();
  return text;
}

template <class Value>
void check(const json& vector, const std::optional<Value>& parsed, const Value& expected) {
  const bool must_fail = vector.value("must_fail", false);
  if (vector.contains("raw")) {
    if (must_fail) {
      EXPECT_FALSE(parsed);
      return;
    }
    if (!parsed && vector.value("can_fail", false)) return;
    ASSERT_TRUE(parsed);
    EXPECT_TRUE(*parsed == expected);
  }
  const auto text = text_of(expected);
  ASSERT_EQ(text.has_value(), !must_fail);
  if (text) EXPECT_EQ(*text, joined(vector.contains("canonical") ? vector["canonical"] : vector["raw"]));
}

void check(const json& vector) {
  SCOPED_TRACE(vector.at("name").get<std::string>());
  const std::string raw = vector.contains("raw") ? joined(vector["raw"]) : "";
  const std::string type = vector.at("header_type");
  const json expected = vector.value("expected", json());
  if (type == "item") {
    check(vector, parse_item(raw), expected.is_null() ? Item{} : item_of(expected));
  } else if (type == "list") {
    check(vector, parse_list(raw), list_of(expected));
  } else {
    check(vector, parse_dictionary(raw), dictionary_of(expected));
  }
}

TEST(StructuredField, the_working_groups_vectors_are_read_and_written_as_they_say) {
  const auto archive = test_material_root() / "suites/structured-field-tests.tar.xz";
  if (!exists(archive)) GTEST_SKIP() << "no " << archive << "; set KLIEG_SHARED_DATA";
  size_t checked = 0;
  std::vector<const char*> files(vector_files.begin(), vector_files.end());
  files.insert(files.end(), writing_files.begin(), writing_files.end());
  for (const char* file : files) {
    SCOPED_TRACE(file);
    const json vectors = json::parse(from_archive(archive, file), nullptr, false);
    ASSERT_TRUE(vectors.is_array());
    for (const json& vector : vectors) check(vector), ++checked;
  }
  EXPECT_GT(checked, 2000u);
}

TEST(StructuredField, what_is_too_much_is_refused) {
  std::string members, parameters = "a", items = "(";
  for (size_t i = 0; i < members_max + 1; ++i) members += (i ? ",k" : "k") + std::to_string(i);
  for (size_t i = 0; i < parameters_max + 1; ++i) parameters += ";k" + std::to_string(i);
  for (size_t i = 0; i < inner_items_max + 1; ++i) items += "1 ";
  EXPECT_FALSE(parse_dictionary(members));
  EXPECT_FALSE(parse_list(members));
  EXPECT_FALSE(parse_item(parameters));
  EXPECT_FALSE(parse_list(items + ")"));
  EXPECT_TRUE(parse_list(members.substr(0, members.rfind(','))));
}

TEST(StructuredField, lines_of_one_field_are_joined_in_their_order) {
  const HeaderView headers[] = {{"a", "1"}, {"b", "x"}, {"a", ""}, {"a", "2"}};
  EXPECT_EQ(joined_lines(headers, "a"), "1, , 2");
  EXPECT_EQ(joined_lines(headers, "c"), "");
}

TEST(StructuredField, a_member_is_found_by_its_key) {
  const auto dictionary = parse_dictionary("a=1, b;x, a=2");
  ASSERT_TRUE(dictionary);
  ASSERT_NE(find(*dictionary, "a"), nullptr);
  EXPECT_EQ(std::get<Item>(*find(*dictionary, "a")).value, BareItem(int64_t{2}));
  EXPECT_EQ(find(*dictionary, "x"), nullptr);
}

// Text made of what structured fields are made of, so that much of it parses.
rc::Gen<std::string> field_like() {
  return rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab*A01.-_\"\\:?@%=;,() \t\x7f\xc3zZ+/")));
}

RC_GTEST_PROP(StructuredField, what_is_read_is_written_so_that_it_reads_the_same, ()) {
  const std::string field = *field_like();
  if (const auto item = parse_item(field)) {
    const auto text = text_of(*item);
    RC_ASSERT(text && parse_item(*text) == item);
  }
  if (const auto list = parse_list(field)) {
    const auto text = text_of(*list);
    RC_ASSERT(text && parse_list(*text) == list);
  }
  if (const auto dictionary = parse_dictionary(field)) {
    const auto text = text_of(*dictionary);
    RC_ASSERT(text && parse_dictionary(*text) == dictionary);
  }
}

RC_GTEST_PROP(StructuredField, any_bytes_survive_as_a_binary_and_any_ascii_as_a_string,
              (std::vector<uint8_t> content)) {
  const Item binary{Binary{content}, {}};
  RC_ASSERT(parse_item(*text_of(binary)) == binary);
  std::string text;
  for (const uint8_t c : content) text += static_cast<char>(' ' + c % 95);
  const Item string{text, {{"k", Decimal{static_cast<int64_t>(content.size()) - 3}}}};
  RC_ASSERT(parse_item(*text_of(string)) == string);
}

}  // namespace
}  // namespace klieg::wire::sf

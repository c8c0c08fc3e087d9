// Structured fields of HTTP (RFC 9651): text <-> items, lists, dictionaries.
//
//   parse_item / parse_list / parse_dictionary     one whole field; a field in several lines is joined with ", " first
//   text_of(...)                                   the canonical text
//
// A field that breaks the rules anywhere means nothing at all (section 4.2): nullopt, and the caller goes on as if it
// had not been sent. Values own their bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "wire/http_field.h"

namespace klieg::wire::sf {

// The least that a parser has to accept (section 4.2 and the sections of each type). Members and parameters are looked
// for one by one when their keys are compared, so more of them would cost more than they are worth.
constexpr size_t members_max = 1024;
constexpr size_t inner_items_max = 256;
constexpr size_t parameters_max = 256;

constexpr int64_t integer_max = 999'999'999'999'999;

struct Decimal {
  int64_t thousandths = 0;
  bool operator==(const Decimal&) const = default;
};
struct Token {
  std::string text;
  bool operator==(const Token&) const = default;
};
struct Binary {
  std::vector<uint8_t> content;
  bool operator==(const Binary&) const = default;
};
struct Date {
  int64_t seconds = 0;  // since 1970-01-01T00:00:00Z
  bool operator==(const Date&) const = default;
};
struct DisplayString {
  std::string utf8;
  bool operator==(const DisplayString&) const = default;
};

// A std::string is a String of printable ASCII.
using BareItem = std::variant<bool, int64_t, Decimal, std::string, Token, Binary, Date, DisplayString>;

using Parameters = std::vector<std::pair<std::string, BareItem>>;  // each key once

struct Item {
  BareItem value;
  Parameters parameters;
  bool operator==(const Item&) const = default;
};
struct InnerList {
  std::vector<Item> items;
  Parameters parameters;
  bool operator==(const InnerList&) const = default;
};
using Member = std::variant<Item, InnerList>;
using List = std::vector<Member>;
using Dictionary = std::vector<std::pair<std::string, Member>>;  // each key once

std::optional<Item> parse_item(std::string_view field);
std::optional<List> parse_list(std::string_view field);
std::optional<Dictionary> parse_dictionary(std::string_view field);

// The lines of a field as one text (RFC 9110 section 5.3); empty: there is none.
std::string joined_lines(std::span<const HeaderView> headers, std::string_view name);

// nullptr: the dictionary has no such key.
const Member* find(const Dictionary& dictionary, std::string_view key);

// nullopt: the value has no text, e.g. a string that is not ASCII, a number out of range, a key in capitals. A list or
// dictionary without members has the empty text: its field is left out.
std::optional<std::string> text_of(const Item& item);
std::optional<std::string> text_of(const List& list);
std::optional<std::string> text_of(const Dictionary& dictionary);

}  // namespace klieg::wire::sf

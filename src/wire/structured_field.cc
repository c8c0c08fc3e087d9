#include "wire/structured_field.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "wire/base64.h"

namespace klieg::wire::sf {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_alpha(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }
constexpr bool is_printable(char c) { return c >= ' ' && c <= '~'; }
constexpr bool begins_key(char c) { return is_lower(c) || c == '*'; }
constexpr bool is_in_key(char c) { return begins_key(c) || is_digit(c) || c == '_' || c == '-' || c == '.'; }
constexpr bool begins_token(char c) { return is_alpha(c) || c == '*'; }
constexpr bool is_in_token(char c) {
  return is_alpha(c) || is_digit(c) || std::string_view(":/!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

constexpr int hex_digit(char c) {  // lower case only (section 4.2.10)
  if (is_digit(c)) return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Section 4.2. Each read takes what it knows off the front of the field; nullopt: the field is broken.
class Parser {
 public:
  explicit Parser(std::string_view field) : rest_(field) {}

  template <class Read>
  auto whole_field(Read read) -> decltype(read(*this)) {
    skip(" ");
    auto value = read(*this);
    skip(" ");
    if (!rest_.empty()) return std::nullopt;
    return value;
  }

  std::optional<List> list() {
    List list;
    while (!rest_.empty()) {
      if (list.size() == members_max) return std::nullopt;
      auto value = member();
      if (!value) return std::nullopt;
      list.push_back(*std::move(value));
      if (!next_member()) return std::nullopt;
    }
    return list;
  }

  std::optional<Dictionary> dictionary() {
    Dictionary dictionary;
    while (!rest_.empty()) {
      auto name = key();
      if (!name) return std::nullopt;
      std::optional<Member> value;
      if (take('=')) {
        value = member();
      } else if (auto flags = parameters()) {
        value = Item{true, *std::move(flags)};
      }
      if (!value || !put(dictionary, *std::move(name), *std::move(value), members_max)) return std::nullopt;
      if (!next_member()) return std::nullopt;
    }
    return dictionary;
  }

  std::optional<Item> item() {
    auto value = bare_item();
    if (!value) return std::nullopt;
    auto about = parameters();
    if (!about) return std::nullopt;
    return Item{*std::move(value), *std::move(about)};
  }

 private:
  void skip(std::string_view characters) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(characters), rest_.size()));
  }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  template <class Is>
  std::string_view take_while(Is is) {
    const auto end = std::ranges::find_if_not(rest_, is);
    const std::string_view taken = rest_.substr(0, static_cast<size_t>(end - rest_.begin()));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  // The last of equal keys counts, in the place of the first.
  template <class Value>
  static bool put(std::vector<std::pair<std::string, Value>>& into, std::string key, Value value, size_t size_max) {
    const auto known = std::ranges::find(into, key, &std::pair<std::string, Value>::first);
    if (known != into.end()) {
      known->second = std::move(value);
    } else if (into.size() < size_max) {
      into.emplace_back(std::move(key), std::move(value));
    } else {
      return false;
    }
    return true;
  }

  // Past the comma; false: something else, or a comma with nothing behind it.
  bool next_member() {
    skip(" \t");
    if (rest_.empty()) return true;
    if (!take(',')) return false;
    skip(" \t");
    return !rest_.empty();
  }

  std::optional<Member> member() {
    if (rest_.starts_with('(')) return inner_list();
    return item();
  }

  std::optional<InnerList> inner_list() {
    InnerList list;
    take('(');
    for (;;) {
      skip(" ");
      if (take(')')) break;
      if (list.items.size() == inner_items_max) return std::nullopt;
      auto next = item();
      if (!next || !(rest_.starts_with(' ') || rest_.starts_with(')'))) return std::nullopt;
      list.items.push_back(*std::move(next));
    }
    auto about = parameters();
    if (!about) return std::nullopt;
    list.parameters = *std::move(about);
    return list;
  }

  std::optional<Parameters> parameters() {
    Parameters found;
    while (take(';')) {
      skip(" ");
      auto name = key();
      if (!name) return std::nullopt;
      std::optional<BareItem> value = true;
      if (take('=')) value = bare_item();
      if (!value || !put(found, *std::move(name), *std::move(value), parameters_max)) return std::nullopt;
    }
    return found;
  }

  std::optional<std::string> key() {
    if (rest_.empty() || !begins_key(rest_.front())) return std::nullopt;
    return std::string(take_while(is_in_key));
  }

  std::optional<BareItem> bare_item() {
    if (rest_.empty()) return std::nullopt;
    const char first = rest_.front();
    if (first == '-' || is_digit(first)) return number();
    if (begins_token(first)) return Token{std::string(take_while(is_in_token))};
    rest_.remove_prefix(1);
    switch (first) {
      case '"':
        return string();
      case ':':
        return binary();
      case '?':
        return boolean();
      case '@':
        return date();
      case '%':
        return display_string();
      default:
        return std::nullopt;
    }
  }

  std::optional<BareItem> number() {
    const int64_t sign = take('-') ? -1 : 1;
    const std::string_view whole = take_while(is_digit);
    if (whole.empty() || whole.size() > 15) return std::nullopt;
    int64_t value = 0;
    for (const char c : whole) value = value * 10 + (c - '0');
    if (!take('.')) return sign * value;
    const std::string_view fraction = take_while(is_digit);
    if (whole.size() > 12 || fraction.empty() || fraction.size() > 3) return std::nullopt;
    for (size_t i = 0; i < 3; ++i) value = value * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
    return Decimal{sign * value};
  }

  std::optional<BareItem> string() {
    std::string text;
    for (;;) {
      if (rest_.empty() || !is_printable(rest_.front())) return std::nullopt;
      if (take('"')) return text;
      if (take('\\') && !rest_.starts_with('"') && !rest_.starts_with('\\')) return std::nullopt;
      text += rest_.front();
      rest_.remove_prefix(1);
    }
  }

  std::optional<BareItem> binary() {
    const size_t end = rest_.find(':');
    if (end == rest_.npos) return std::nullopt;
    auto content = base64_content(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    if (!content) return std::nullopt;
    return Binary{*std::move(content)};
  }

  std::optional<BareItem> boolean() {
    if (take('1')) return true;
    if (take('0')) return false;
    return std::nullopt;
  }

  std::optional<BareItem> date() {
    const auto value = number();
    if (!value || !std::holds_alternative<int64_t>(*value)) return std::nullopt;
    return Date{std::get<int64_t>(*value)};
  }

  std::optional<BareItem> display_string() {
    if (!take('"')) return std::nullopt;
    std::string text;
    for (;;) {
      if (rest_.empty() || !is_printable(rest_.front())) return std::nullopt;
      if (take('"')) break;
      if (take('%')) {
        if (rest_.size() < 2) return std::nullopt;
        const int high = hex_digit(rest_[0]), low = hex_digit(rest_[1]);
        if (high < 0 || low < 0) return std::nullopt;
        text += static_cast<char>(high << 4 | low);
        rest_.remove_prefix(2);
      } else {
        text += rest_.front();
        rest_.remove_prefix(1);
      }
    }
    if (!is_utf8(text)) return std::nullopt;
    return DisplayString{std::move(text)};
  }

  std::string_view rest_;
};

// Section 4.1. Each appends its text; false: the value has none.
class Writer {
 public:
  std::optional<std::string> text() && { return valid_ ? std::optional(std::move(out_)) : std::nullopt; }

  void operator()(bool value) { out_ += value ? "?1" : "?0"; }
  void operator()(int64_t value) {
    require(value >= -integer_max && value <= integer_max);
    out_ += std::to_string(value);
  }
  void operator()(const Decimal& value) {
    require(value.thousandths >= -integer_max && value.thousandths <= integer_max);
    if (!valid_) return;
    const int64_t size = std::abs(value.thousandths);
    if (value.thousandths < 0) out_ += '-';
    out_ += std::to_string(size / 1000) + '.';
    std::string fraction = std::to_string(1000 + size % 1000).substr(1);
    while (fraction.size() > 1 && fraction.ends_with('0')) fraction.pop_back();
    out_ += fraction;
  }
  void operator()(const std::string& value) {
    require(std::ranges::all_of(value, is_printable));
    out_ += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') out_ += '\\';
      out_ += c;
    }
    out_ += '"';
  }
  void operator()(const Token& value) {
    require(!value.text.empty() && begins_token(value.text.front()) && std::ranges::all_of(value.text, is_in_token));
    out_ += value.text;
  }
  void operator()(const Binary& value) { out_ += ':' + base64(value.content) + ':'; }
  void operator()(const Date& value) {
    out_ += '@';
    (*this)(value.seconds);
  }
  void operator()(const DisplayString& value) {
    require(is_utf8(value.utf8));
    out_ += "%\"";
    for (const char c : value.utf8) {
      if (is_printable(c) && c != '"' && c != '%') {
        out_ += c;
      } else {
        constexpr std::string_view digits = "0123456789abcdef";
        out_ += {'%', digits[static_cast<uint8_t>(c) >> 4], digits[static_cast<uint8_t>(c) & 15]};
      }
    }
    out_ += '"';
  }

  void operator()(const Item& item) {
    std::visit(*this, item.value);
    parameters(item.parameters);
  }
  void operator()(const InnerList& list) {
    out_ += '(';
    for (size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0) out_ += ' ';
      (*this)(list.items[i]);
    }
    out_ += ')';
    parameters(list.parameters);
  }
  void operator()(const List& list) {
    for (const Member& member : list) {
      separate();
      std::visit(*this, member);
    }
  }
  void operator()(const Dictionary& dictionary) {
    for (const auto& [name, member] : dictionary) {
      separate();
      key(name);
      const auto* item = std::get_if<Item>(&member);
      if (item && item->value == BareItem(true)) {
        parameters(item->parameters);
      } else {
        out_ += '=';
        std::visit(*this, member);
      }
    }
  }

 private:
  void require(bool condition) { valid_ = valid_ && condition; }
  void separate() {
    if (!out_.empty()) out_ += ", ";
  }
  void key(const std::string& name) {
    require(!name.empty() && begins_key(name.front()) && std::ranges::all_of(name, is_in_key));
    out_ += name;
  }
  void parameters(const Parameters& parameters) {
    for (const auto& [name, value] : parameters) {
      out_ += ';';
      key(name);
      if (value == BareItem(true)) continue;
      out_ += '=';
      std::visit(*this, value);
    }
  }

  std::string out_;
  bool valid_ = true;
};

template <class Value>
std::optional<std::string> written(const Value& value) {
  Writer writer;
  writer(value);
  return std::move(writer).text();
}

}  // namespace

std::optional<Item> parse_item(std::string_view field) {
  return Parser(field).whole_field([](Parser& parser) { return parser.item(); });
}
std::optional<List> parse_list(std::string_view field) {
  return Parser(field).whole_field([](Parser& parser) { return parser.list(); });
}
std::optional<Dictionary> parse_dictionary(std::string_view field) {
  return Parser(field).whole_field([](Parser& parser) { return parser.dictionary(); });
}

std::string joined_lines(std::span<const HeaderView> headers, std::string_view name) {
  std::string joined;
  bool first = true;
  for (const HeaderView& field : headers) {
    if (field.name != name) continue;
    if (!first) joined += ", ";
    joined += field.value;
    first = false;
  }
  return joined;
}

const Member* find(const Dictionary& dictionary, std::string_view key) {
  const auto found = std::ranges::find(dictionary, key, &Dictionary::value_type::first);
  return found == dictionary.end() ? nullptr : &found->second;
}

std::optional<std::string> text_of(const Item& item) { return written(item); }
std::optional<std::string> text_of(const List& list) { return written(list); }
std::optional<std::string> text_of(const Dictionary& dictionary) { return written(dictionary); }

}  // namespace klieg::wire::sf

#include "wire/base64.h"

#include <openssl/evp.h>

#include <algorithm>

#include "base/assert.h"

namespace klieg::wire {
namespace {

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr size_t content_size_max = 1 << 20;  // OpenSSL counts in int

}  // namespace

std::string base64(ByteView content) {
  KLIEG_ASSERT(content.size() <= content_size_max, "keys, digests and fields are short");
  std::string text((content.size() + 2) / 3 * 4, '\0');
  // It writes a zero behind the text, where a string has one.
  EVP_EncodeBlock(reinterpret_cast<uint8_t*>(text.data()), content.data(), static_cast<int>(content.size()));
  return text;
}

std::string base64url(ByteView content) {
  std::string text = base64(content);
  text.resize(std::min(text.find('='), text.size()));
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

std::optional<std::vector<uint8_t>> base64_content(std::string_view text) {
  size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) text.remove_suffix(1), ++padding;
  if (text.size() % 4 == 1 || (padding > 0 && (text.size() + padding) % 4 != 0)) return std::nullopt;
  std::vector<uint8_t> content;
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const size_t digit = digits.find(c);
    if (digit == digits.npos) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    content.push_back(static_cast<uint8_t>(bits >> held));
  }
  return content;
}

std::optional<std::vector<uint8_t>> base64url_content(std::string_view text) {
  if (text.find_first_of("+/") != text.npos) return std::nullopt;
  std::string other(text);
  std::ranges::replace(other, '-', '+');
  std::ranges::replace(other, '_', '/');
  return base64_content(other);
}

}  // namespace klieg::wire

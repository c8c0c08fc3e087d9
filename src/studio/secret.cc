#include "studio/secret.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "wire/base64.h"

namespace klieg::studio {
namespace {

constexpr size_t random_size = 24;
constexpr size_t random_text_size = random_size * 4 / 3;  // in base64, without padding
constexpr size_t link_size = 12;                          // a password's, too
constexpr std::string_view csrf_context = "klieg: csrf token";
static_assert(csrf_context.size() >= crypto_generichash_KEYBYTES_MIN);

std::string_view prefix_of(SecretKind kind) {
  switch (kind) {
    case SecretKind::session:
      return "klieg_session_";
    case SecretKind::api_token:
      return "klieg_token_";
    case SecretKind::invite:
      return "klieg_invite_";
    case SecretKind::stream_key:
      return "klieg_key_";
  }
  std::unreachable();
}

std::string random_text(size_t size) {
  KLIEG_ASSERT(sodium_init() >= 0, "the system has randomness");
  std::vector<uint8_t> random(size);
  randombytes_buf(random.data(), random.size());
  return wire::base64url(random);
}

constexpr bool is_url_text(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

}  // namespace

std::string new_secret(SecretKind kind) { return std::string(prefix_of(kind)) + random_text(random_size); }

bool is_secret(SecretKind kind, std::string_view text) {
  const std::string_view prefix = prefix_of(kind);
  return text.starts_with(prefix) && text.size() == prefix.size() + random_text_size &&
         std::ranges::all_of(text.substr(prefix.size()), is_url_text);
}

Bytes digest_of(std::string_view secret) {
  std::vector<uint8_t> digest(digest_size);
  crypto_generichash(digest.data(), digest.size(), reinterpret_cast<const uint8_t*>(secret.data()), secret.size(),
                     nullptr, 0);
  return Bytes::take(std::move(digest));
}

std::string new_password() { return random_text(link_size); }

std::string new_link() { return random_text(link_size); }

std::string csrf_token_of(std::string_view session) {
  // Another function of the session than its digest at rest: who reads the database cannot make one.
  std::array<uint8_t, digest_size> token{};
  crypto_generichash(token.data(), token.size(), reinterpret_cast<const uint8_t*>(session.data()), session.size(),
                     reinterpret_cast<const uint8_t*>(csrf_context.data()), csrf_context.size());
  return wire::base64url(token);
}

bool is_csrf_token_of(std::string_view session, std::string_view offered) {
  const std::string wanted = csrf_token_of(session);
  return offered.size() == wanted.size() && sodium_memcmp(offered.data(), wanted.data(), wanted.size()) == 0;
}

}  // namespace klieg::studio

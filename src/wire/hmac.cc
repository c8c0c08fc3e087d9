#include "wire/hmac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace klieg::wire {

Hmac hmac_sha256(ByteView key, ByteView content) {
  static constexpr uint8_t nothing = 0;  // OpenSSL takes a null key for "the one of before"
  Hmac made{};
  unsigned size = hmac_size;
  const bool done = HMAC(EVP_sha256(), key.empty() ? &nothing : key.data(), static_cast<int>(key.size()),
                         content.data(), content.size(), made.data(), &size) != nullptr;
  KLIEG_ASSERT(done && size == hmac_size, "OpenSSL provides HMAC-SHA256");
  return made;
}

bool equal_in_constant_time(ByteView one, ByteView other) {
  return one.size() == other.size() && (one.empty() || CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0);
}

}  // namespace klieg::wire

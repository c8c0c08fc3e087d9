// Notices for browsers that have no page of ours open: encrypted for one browser, and signed by this server.
//
//   RFC 8291   what is said, for a push service to carry and not to read: aes128gcm (RFC 8188) with a key that only the
//              browser and whoever has its p256dh and auth can make
//   RFC 8292   VAPID: who says it, so that a push service takes from us alone what is for those who asked us
//
// Pure but for the generator of keys and salts. Thread: any.
#pragma once

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"

namespace klieg::studio {

constexpr size_t p256_point_size = 65;  // uncompressed (SEC 1 section 2.3.3)
constexpr size_t p256_scalar_size = 32;
constexpr size_t push_secret_size = 16;
// RFC 8291 section 4: a push service takes 4,096 bytes, of which header, padding and tag are 103.
constexpr size_t push_text_max = 3'993;

// A key pair of P-256.
class P256Key {
 public:
  static P256Key make();
  static std::optional<P256Key> of(ByteView scalar);  // nullopt: it is none

  Bytes scalar() const;
  const Bytes& point() const { return point_; }

  // ECDH (RFC 5903 section 9): the secret that both sides come to. nullopt: `point` is not on the curve.
  std::optional<Bytes> agree(ByteView point) const;
  // ES256 (RFC 7518 section 3.4): r and s.
  Bytes sign(ByteView content) const;

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };
  using Pointer = std::unique_ptr<EVP_PKEY, Free>;
  explicit P256Key(Pointer key);
  static Pointer public_key(ByteView point);

  Pointer key_;
  Bytes point_;
};

// What a browser gave us to write to it with: PushSubscription's p256dh and auth.
struct PushKeys {
  Bytes point;
  Bytes secret;
};

// The body of a push message. nullopt: the browser's point is none. Asserted: sizes.
std::optional<Bytes> encrypt_push(ByteView text, const PushKeys& to);
std::optional<Bytes> encrypt_push(ByteView text, const PushKeys& to, const P256Key& own, ByteView salt);

// The field Authorization of a request to the push service at `audience` ("https://push.example"). `contact`: a mailto:
// or https: address of whoever runs this server; empty: not said.
std::string vapid_authorization(const P256Key& key, std::string_view audience, std::string_view contact,
                                WallTime expires);

}  // namespace klieg::studio

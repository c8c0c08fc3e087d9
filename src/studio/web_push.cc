#include "studio/web_push.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "wire/base64.h"
#include "wire/hmac.h"

namespace klieg::studio {
namespace {

constexpr size_t salt_size = 16, key_size = 16, nonce_size = 12, tag_size = 16;
constexpr uint32_t record_size = 4'096;

// OpenSSL fails where memory does, or where we give it nonsense: neither is anybody else's doing.
void expect(int done) { KLIEG_ASSERT(done == 1, "OpenSSL does what it is asked"); }

template <auto free_function>
struct Freed {
  template <class T>
  void operator()(T* pointer) const {
    free_function(pointer);
  }
};
using Context = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, Freed<EVP_CIPHER_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Freed<BN_clear_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>>;
using Group = std::unique_ptr<EC_GROUP, Freed<EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, Freed<EC_POINT_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;

// nullptr: OpenSSL finds that it is no key. `scalar` may be null.
EVP_PKEY* key_of(ByteView point, const BIGNUM* scalar) {
  const Builder builder(OSSL_PARAM_BLD_new());
  expect(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, SN_X9_62_prime256v1, 0));
  expect(OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()));
  if (scalar) expect(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar));
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const Context context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  expect(EVP_PKEY_fromdata_init(context.get()));
  EVP_PKEY* key = nullptr;
  const int selection = scalar ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
  return EVP_PKEY_fromdata(context.get(), &key, selection, parameters.get()) == 1 ? key : nullptr;
}

// HKDF (RFC 5869) for no more than one block.
std::vector<uint8_t> derived(ByteView salt, ByteView secret, std::vector<uint8_t> info, size_t size) {
  const wire::Hmac extracted = wire::hmac_sha256(salt, secret);
  info.push_back(1);
  const wire::Hmac expanded = wire::hmac_sha256(extracted, info);
  return {expanded.begin(), expanded.begin() + static_cast<ptrdiff_t>(size)};
}

void append(std::vector<uint8_t>& to, ByteView more) { to.insert(to.end(), more.begin(), more.end()); }
std::vector<uint8_t> terminated(std::string_view text) {
  std::vector<uint8_t> bytes(text.begin(), text.end());
  bytes.push_back(0);
  return bytes;
}

void append_sealed(std::vector<uint8_t>& to, ByteView plain, ByteView key, ByteView nonce) {
  const Cipher cipher(EVP_CIPHER_CTX_new());
  expect(EVP_EncryptInit_ex(cipher.get(), EVP_aes_128_gcm(), nullptr, key.data(), nonce.data()));
  const size_t begin = to.size();
  to.resize(begin + plain.size() + tag_size);
  int size = 0, last = 0;
  expect(EVP_EncryptUpdate(cipher.get(), to.data() + begin, &size, plain.data(), static_cast<int>(plain.size())));
  expect(EVP_EncryptFinal_ex(cipher.get(), to.data() + begin + size, &last));
  expect(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, tag_size, to.data() + begin + plain.size()));
}

}  // namespace

P256Key::P256Key(Pointer key) : key_(std::move(key)) {
  std::array<uint8_t, p256_point_size> point{};
  size_t size = 0;
  expect(EVP_PKEY_get_octet_string_param(key_.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(), &size));
  KLIEG_ASSERT(size == p256_point_size, "points are uncompressed unless told otherwise");
  point_ = Bytes::copy_of(point);
}

P256Key P256Key::make() { return P256Key(Pointer(EVP_EC_gen("P-256"))); }

std::optional<P256Key> P256Key::of(ByteView scalar) {
  if (scalar.size() != p256_scalar_size) return std::nullopt;
  const Number number(BN_bin2bn(scalar.data(), p256_scalar_size, nullptr));
  const Group group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  if (BN_is_zero(number.get()) || BN_cmp(number.get(), EC_GROUP_get0_order(group.get())) >= 0) return std::nullopt;
  const Point point(EC_POINT_new(group.get()));
  expect(EC_POINT_mul(group.get(), point.get(), number.get(), nullptr, nullptr, nullptr));
  std::array<uint8_t, p256_point_size> bytes{};
  EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, bytes.data(), bytes.size(), nullptr);
  Pointer key(key_of(bytes, number.get()));
  KLIEG_ASSERT(key, "a point that was made of its scalar is on the curve");
  return P256Key(std::move(key));
}

Bytes P256Key::scalar() const {
  BIGNUM* raw = nullptr;
  expect(EVP_PKEY_get_bn_param(key_.get(), OSSL_PKEY_PARAM_PRIV_KEY, &raw));
  const Number number(raw);
  std::array<uint8_t, p256_scalar_size> bytes{};
  BN_bn2binpad(number.get(), bytes.data(), bytes.size());
  return Bytes::copy_of(bytes);
}

P256Key::Pointer P256Key::public_key(ByteView point) {
  return Pointer(point.size() == p256_point_size ? key_of(point, nullptr) : nullptr);
}

std::optional<Bytes> P256Key::agree(ByteView point) const {
  const Pointer peer = public_key(point);
  if (!peer) return std::nullopt;
  const Context context(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr));
  expect(EVP_PKEY_derive_init(context.get()));
  if (EVP_PKEY_derive_set_peer(context.get(), peer.get()) != 1) return std::nullopt;  // not on the curve
  std::array<uint8_t, p256_scalar_size> secret{};
  size_t size = secret.size();
  expect(EVP_PKEY_derive(context.get(), secret.data(), &size));
  return Bytes::copy_of(secret);
}

Bytes P256Key::sign(ByteView content) const {
  const Digest digest(EVP_MD_CTX_new());
  expect(EVP_DigestSignInit_ex(digest.get(), nullptr, "SHA256", nullptr, nullptr, key_.get(), nullptr));
  std::array<uint8_t, 80> der{};  // two integers of 33 bytes, and what says so
  size_t size = der.size();
  expect(EVP_DigestSign(digest.get(), der.data(), &size, content.data(), content.size()));
  const uint8_t* at = der.data();
  const Signature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
  std::array<uint8_t, 2 * p256_scalar_size> raw{};
  BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), raw.data(), p256_scalar_size);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), raw.data() + p256_scalar_size, p256_scalar_size);
  return Bytes::copy_of(raw);
}

std::optional<Bytes> encrypt_push(ByteView text, const PushKeys& to) {
  std::array<uint8_t, salt_size> salt{};
  expect(RAND_bytes(salt.data(), salt.size()));
  return encrypt_push(text, to, P256Key::make(), salt);
}

// RFC 8291 section 3.4, in its names.
std::optional<Bytes> encrypt_push(ByteView text, const PushKeys& to, const P256Key& own, ByteView salt) {
  KLIEG_ASSERT(text.size() <= push_text_max, "a push message is one record");
  KLIEG_ASSERT(to.secret.size() == push_secret_size && salt.size() == salt_size, "sizes are RFC 8291's");
  const auto ecdh_secret = own.agree(to.point);
  if (!ecdh_secret) return std::nullopt;
  std::vector<uint8_t> key_info = terminated("WebPush: info");
  append(key_info, to.point);
  append(key_info, own.point());
  const auto ikm = derived(to.secret, *ecdh_secret, std::move(key_info), wire::hmac_size);
  const auto cek = derived(salt, ikm, terminated("Content-Encoding: aes128gcm"), key_size);
  const auto nonce = derived(salt, ikm, terminated("Content-Encoding: nonce"), nonce_size);

  std::vector<uint8_t> message(salt.begin(), salt.end());  // RFC 8188 section 2.1
  for (int shift = 24; shift >= 0; shift -= 8) message.push_back(static_cast<uint8_t>(record_size >> shift));
  message.push_back(p256_point_size);
  append(message, own.point());
  std::vector<uint8_t> record(text.begin(), text.end());
  record.push_back(2);  // the last record, without padding
  append_sealed(message, record, cek, nonce);
  return Bytes::take(std::move(message));
}

std::string vapid_authorization(const P256Key& key, std::string_view audience, std::string_view contact,
                                WallTime expires) {
  nlohmann::json claims = {
      {"aud", audience}, {"exp", std::chrono::duration_cast<std::chrono::seconds>(expires.time_since_epoch()).count()}};
  if (!contact.empty()) claims["sub"] = contact;
  const std::string head = wire::base64url(as_bytes(R"({"typ":"JWT","alg":"ES256"})"));
  const std::string content = head + "." + wire::base64url(as_bytes(claims.dump()));
  return fmt::format("vapid t={}.{}, k={}", content, wire::base64url(key.sign(as_bytes(content))),
                     wire::base64url(key.point()));
}

}  // namespace klieg::studio

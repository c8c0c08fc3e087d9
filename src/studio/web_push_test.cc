#include "studio/web_push.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>

#include "wire/base64.h"

namespace klieg::studio {
namespace {

Bytes decoded(std::string_view text) { return Bytes::take(*wire::base64url_content(text)); }

// RFC 8291 appendix A.
TEST(WebPush, says_byte_by_byte_what_the_standard_says) {
  const auto own = P256Key::of(decoded("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"));
  ASSERT_TRUE(own);
  EXPECT_EQ(wire::base64url(own->point()),
            "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8");
  const PushKeys browser{
      decoded("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
      decoded("BTBZMqHH6r4Tts7J_aSIgg")};
  EXPECT_EQ(wire::base64url(*own->agree(browser.point)), "kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs");
  const auto message = encrypt_push(as_bytes("When I grow up, I want to be a watermelon"), browser, *own,
                                    decoded("DGv6ra1nlYgDCS1FRnbzlw"));
  ASSERT_TRUE(message);
  EXPECT_EQ(wire::base64url(*message),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8w"
            "EqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN");
}

TEST(WebPush, says_the_same_in_another_cipher_each_time) {
  const PushKeys browser{P256Key::make().point(), Bytes::copy_of(std::string(push_secret_size, 's'))};
  const auto one = encrypt_push(as_bytes("x"), browser), other = encrypt_push(as_bytes("x"), browser);
  ASSERT_TRUE(one && other);
  EXPECT_NE(*one, *other);
  const std::string longest(push_text_max, 'x');
  EXPECT_EQ(encrypt_push(as_bytes(longest), browser)->size(), 4'096u);
}

TEST(WebPush, a_point_that_is_not_on_the_curve_is_none) {
  const Bytes secret = Bytes::copy_of(std::string(push_secret_size, 's'));
  const Bytes good = P256Key::make().point();
  std::vector<uint8_t> bent(good.view().begin(), good.view().end());
  bent.back() ^= 1;
  EXPECT_FALSE(encrypt_push(as_bytes("x"), {Bytes::take(bent), secret}));
  EXPECT_FALSE(encrypt_push(as_bytes("x"), {Bytes::copy_of(std::string(p256_point_size, '\0')), secret}));
  EXPECT_FALSE(encrypt_push(as_bytes("x"), {Bytes::copy_of("short"), secret}));
}

TEST(WebPush, a_key_is_what_its_scalar_says) {
  const P256Key made = P256Key::make();
  EXPECT_EQ(P256Key::of(made.scalar())->point(), made.point());
  EXPECT_FALSE(P256Key::of(Bytes::copy_of(std::string(p256_scalar_size, '\0'))));
  EXPECT_FALSE(P256Key::of(Bytes::copy_of(std::string(p256_scalar_size, '\xff')))) << "more than the group's order";
  EXPECT_FALSE(P256Key::of(Bytes::copy_of("short")));
}

// By the other half of OpenSSL, as a push service does it.
bool verifies(const Bytes& point, std::string_view content, const Bytes& raw) {
  ECDSA_SIG* signature = ECDSA_SIG_new();
  ECDSA_SIG_set0(signature, BN_bin2bn(raw.data(), 32, nullptr), BN_bin2bn(raw.data() + 32, 32, nullptr));
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature, &der);
  ECDSA_SIG_free(signature);
  std::string group = "prime256v1";
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, const_cast<uint8_t*>(point.data()), point.size()),
      OSSL_PARAM_construct_end()};
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr);
  EVP_PKEY* key = nullptr;
  EVP_PKEY_fromdata_init(context);
  EXPECT_EQ(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters), 1);
  EVP_MD_CTX* digest = EVP_MD_CTX_new();
  EVP_DigestVerifyInit_ex(digest, nullptr, "SHA256", nullptr, nullptr, key, nullptr);
  const auto* bytes = reinterpret_cast<const unsigned char*>(content.data());
  const bool good = EVP_DigestVerify(digest, der, static_cast<size_t>(size), bytes, content.size()) == 1;
  OPENSSL_free(der);
  EVP_MD_CTX_free(digest);
  EVP_PKEY_free(key);
  EVP_PKEY_CTX_free(context);
  return good;
}

// The example of RFC 8292 section 2.4: its signature, and its claims by us.
TEST(Vapid, is_signed_as_the_standard_says) {
  const std::string content =
      "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9."
      "eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0";
  const Bytes point =
      decoded("BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs");
  ASSERT_TRUE(
      verifies(point, content,
               decoded("i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA")));

  const P256Key key = P256Key::make();
  const std::string ours =
      vapid_authorization(key, "https://push.example.net", "mailto:push@example.com", WallTime(1'453'523'768s));
  ASSERT_TRUE(ours.starts_with("vapid t=" + content + ".")) << ours;
  const size_t end = ours.find(", k=");
  EXPECT_EQ(ours.substr(end + 4), wire::base64url(key.point()));
  const Bytes signature = decoded(ours.substr(9 + content.size(), end - 9 - content.size()));
  ASSERT_EQ(signature.size(), 64u);
  EXPECT_TRUE(verifies(key.point(), content, signature));
  EXPECT_FALSE(verifies(point, content, signature)) << "nor by another key";
}

}  // namespace
}  // namespace klieg::studio

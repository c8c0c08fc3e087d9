// A self-made certificate for 127.0.0.1 in files of its own. Included by tests alone.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "base/assert.h"

namespace klieg::net {

class TestCertificate {
 public:
  TestCertificate() : certificate_(make_path()), key_(make_path()) { renew(); }
  ~TestCertificate() {
    std::remove(certificate_.c_str());
    std::remove(key_.c_str());
  }
  TestCertificate(const TestCertificate&) = delete;
  TestCertificate& operator=(const TestCertificate&) = delete;

  void renew() {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* x509 = X509_new();
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -60);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("klieg test"), -1, -1, 0);
    X509_set_issuer_name(x509, X509_get_subject_name(x509));
    X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(x509, names, -1);
    X509_EXTENSION_free(names);
    X509_set_pubkey(x509, key);
    X509_sign(x509, key, EVP_sha256());
    save(certificate_, [&](FILE* file) { return PEM_write_X509(file, x509); });
    save(key_, [&](FILE* file) { return PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr); });
    X509_free(x509);
    EVP_PKEY_free(key);
  }
  const std::string& certificate_file() const { return certificate_; }
  const std::string& key_file() const { return key_; }

 private:
  static std::string make_path() {
    std::string path = "/tmp/klieg-test-XXXXXX";
    const int file = ::mkstemp(path.data());
    KLIEG_ASSERT(file >= 0, "a temporary file can be made");
    ::close(file);
    return path;
  }
  template <class Write>
  static void save(const std::string& path, Write write) {
    FILE* file = std::fopen(path.c_str(), "w");
    KLIEG_ASSERT(file && write(file) == 1, "a temporary file can be written");
    std::fclose(file);
  }

  const std::string certificate_, key_;
};

}  // namespace klieg::net

// Certificates of a test's own.

#ifndef WEIGHTINIT_TESTS_PROTO_CPP_TEST_CERTIFICATES_H_
#define WEIGHTINIT_TESTS_PROTO_CPP_TEST_CERTIFICATES_H_

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "openssl/bio.h"
#include "openssl/ec.h"
#include "openssl/evp.h"
#include "openssl/pem.h"
#include "openssl/rsa.h"
#include "openssl/x509.h"
#include "openssl/x509v3.h"

namespace weightinit {

// A certificate and its key in PEM form.
struct TestIdentity {
  std::string cert;
  std::string key;
};

// What a certificate says.
struct TestSubject {
  // As OpenSSL writes them: "DNS:localhost,IP:127.0.0.1,URI:spiffe://a/b".
  std::string names = "DNS:localhost,IP:127.0.0.1";
  // From now on.
  absl::Duration begin = -absl::Hours(1);
  absl::Duration end = absl::Hours(24);
  bool signs = false;
  unsigned rsa_bits = 0;  // 0 for a key on an elliptic curve.
};

// One that signs certificates: its own, and those of others.
class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "test authority")
      : key_(EVP_EC_gen("P-256"), &EVP_PKEY_free), cert_(nullptr, &X509_free) {
    TestSubject subject;
    subject.names.clear();
    subject.signs = true;
    cert_ = Sign(subject, name, key_.get(), nullptr);
  }

  std::string cert() const { return Pem(cert_.get()); }

  TestIdentity Issue(const TestSubject& subject = {}) const {
    const Key key(subject.rsa_bits > 0
                      ? EVP_RSA_gen(static_cast<size_t>(subject.rsa_bits))
                      : EVP_EC_gen("P-256"),
                  &EVP_PKEY_free);
    return {Pem(Sign(subject, "test", key.get(), cert_.get()).get()),
            Pem(key.get())};
  }

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
  using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

  static std::string TextOf(BIO* bio) {
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<size_t>(size)};
  }
  static std::string Pem(X509* certificate) {
    const Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
    PEM_write_bio_X509(bio.get(), certificate);
    return TextOf(bio.get());
  }
  static std::string Pem(EVP_PKEY* key) {
    const Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
    PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr,
                             nullptr);
    return TextOf(bio.get());
  }

  static void Extend(X509* certificate, X509* issuer, int kind,
                     const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension =
        X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
    EXPECT_NE(extension, nullptr) << value;
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  Certificate Sign(const TestSubject& subject, const std::string& name,
                   EVP_PKEY* key, X509* issuer) const {
    static int64_t serial = 0;
    Certificate certificate(X509_new(), &X509_free);
    X509* const raw = certificate.get();
    if (issuer == nullptr) issuer = raw;
    X509_set_version(raw, X509_VERSION_3);
    ASN1_INTEGER_set_int64(X509_get_serialNumber(raw), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(raw),
                    absl::ToInt64Seconds(subject.begin));
    X509_gmtime_adj(X509_getm_notAfter(raw), absl::ToInt64Seconds(subject.end));
    const std::unique_ptr<X509_NAME, decltype(&X509_NAME_free)> subject_name(
        X509_NAME_new(), &X509_NAME_free);
    X509_NAME_add_entry_by_txt(
        subject_name.get(), "CN", MBSTRING_ASC,
        reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_subject_name(raw, subject_name.get());
    X509_set_issuer_name(raw, X509_get_subject_name(issuer));
    X509_set_pubkey(raw, key);
    if (subject.signs) {
      Extend(raw, issuer, NID_basic_constraints, "critical,CA:TRUE");
    }
    if (!subject.names.empty()) {
      Extend(raw, issuer, NID_subject_alt_name, subject.names);
    }
    EXPECT_GT(X509_sign(raw, key_.get(), EVP_sha256()), 0);
    return certificate;
  }

  Key key_;
  Certificate cert_;
};

// A directory of a test's own, with files.
class TestFiles {
 public:
  TestFiles() {
    std::string path = absl::StrCat(testing::TempDir(), "weightinit-XXXXXX");
    EXPECT_NE(mkdtemp(path.data()), nullptr);
    path_ = path;
  }
  ~TestFiles() { std::filesystem::remove_all(path_); }
  TestFiles(const TestFiles&) = delete;
  TestFiles& operator=(const TestFiles&) = delete;

  std::string Path(const std::string& name) const {
    return absl::StrCat(path_, "/", name);
  }
  // In one moment, as those who rotate certificates do. Returns the path.
  std::string Write(const std::string& name, const std::string& text) const {
    const std::string next = Path(absl::StrCat(name, ".next"));
    std::ofstream(next) << text;
    std::filesystem::rename(next, Path(name));
    return Path(name);
  }

 private:
  std::string path_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_TESTS_PROTO_CPP_TEST_CERTIFICATES_H_

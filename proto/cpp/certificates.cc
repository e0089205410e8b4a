#include "proto/cpp/certificates.h"

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "openssl/bio.h"
#include "openssl/err.h"
#include "openssl/evp.h"
#include "openssl/pem.h"
#include "openssl/x509.h"
#include "openssl/x509v3.h"

namespace weightinit {
namespace {

constexpr size_t kMaxFileBytes = size_t{1} << 20;

// What OpenSSL's security level 2 asks for, which distributions set.
constexpr int kMinSecurityBits = 112;

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using File = std::unique_ptr<std::FILE, Freed<std::fclose>>;

Bio Open(absl::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// In place of a question at the terminal.
int NoPassword(char* /*buffer*/, int /*size*/, int /*writing*/,
               void* /*unused*/) {
  return 0;
}

absl::StatusOr<std::vector<Certificate>> Certificates(absl::string_view text) {
  ERR_clear_error();
  const Bio bio = Open(text);
  std::vector<Certificate> certificates;
  for (;;) {
    Certificate certificate(
        PEM_read_bio_X509(bio.get(), nullptr, NoPassword, nullptr));
    if (certificate == nullptr) break;
    certificates.push_back(std::move(certificate));
  }
  const bool at_end =
      ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) {
    return absl::InvalidArgumentError(
        absl::StrCat("certificate ", certificates.size() + 1,
                     " of the file cannot be read"));
  }
  if (certificates.empty()) {
    return absl::InvalidArgumentError(
        "has no certificate in PEM form (-----BEGIN CERTIFICATE-----)");
  }
  return certificates;
}

absl::Time TimeOf(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return absl::InfinitePast();
  return absl::FromTM(parts, absl::UTCTimeZone());
}

std::string DateOf(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

absl::Status CheckDates(const X509* certificate, absl::Time now) {
  const absl::Time begin = TimeOf(X509_get0_notBefore(certificate));
  const absl::Time end = TimeOf(X509_get0_notAfter(certificate));
  if (now < begin) {
    return absl::InvalidArgumentError(
        absl::StrCat("is valid from ", DateOf(begin), " on"));
  }
  if (now >= end) {
    return absl::InvalidArgumentError(
        absl::StrCat("has expired on ", DateOf(end)));
  }
  return absl::OkStatus();
}

absl::Status CheckStrength(X509* certificate) {
  if (EVP_PKEY_get_security_bits(X509_get0_pubkey(certificate)) <
      kMinSecurityBits) {
    return absl::InvalidArgumentError(
        "has a key that is too weak; RSA keys have to have 2048 bits");
  }
  int digest = 0;
  int key = 0;
  int bits = 0;
  uint32_t flags = 0;
  const bool self_signed =
      (X509_get_extension_flags(certificate) & EXFLAG_SS) != 0;
  if (!self_signed &&
      X509_get_signature_info(certificate, &digest, &key, &bits, &flags) == 1 &&
      bits < kMinSecurityBits) {
    return absl::InvalidArgumentError(
        "is signed with a digest that is too weak; use SHA-256");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadSmallFile(const std::string& path) {
  const auto failed = [&path](int error) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot read \"", path,
                     "\": ", std::generic_category().message(error)));
  };
  const File file(std::fopen(path.c_str(), "re"));
  if (file == nullptr) return failed(errno);
  std::string text(kMaxFileBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return failed(errno);
  if (text.size() > kMaxFileBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", path, "\" has more than ", kMaxFileBytes, " bytes"));
  }
  return text;
}

absl::StatusOr<absl::Time> CheckChain(absl::string_view chain, absl::Time now) {
  const auto certificates = Certificates(chain);
  if (!certificates.ok()) return certificates.status();
  absl::Time expiry = absl::InfiniteFuture();
  for (size_t i = 0; i < certificates->size(); ++i) {
    X509* const certificate = (*certificates)[i].get();
    absl::Status status = CheckDates(certificate, now);
    status.Update(CheckStrength(certificate));
    if (status.ok() && i > 0 &&
        (X509_check_issued(certificate, (*certificates)[i - 1].get()) !=
             X509_V_OK ||
         X509_verify((*certificates)[i - 1].get(),
                     X509_get0_pubkey(certificate)) != 1)) {
      status = absl::InvalidArgumentError(
          "has not signed the one before it; the order is: the certificate of "
          "this end, then each that signed the one before");
    }
    ERR_clear_error();
    if (!status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "certificate ", i + 1, " of the file ", status.message()));
    }
    expiry = std::min(expiry, TimeOf(X509_get0_notAfter(certificate)));
  }
  return expiry;
}

absl::Status CheckKey(absl::string_view key, absl::string_view chain) {
  const Bio bio = Open(key);
  const Key parsed(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr));
  ERR_clear_error();
  if (parsed == nullptr) {
    return absl::InvalidArgumentError(
        "has no private key in PEM form without a password");
  }
  const auto certificates = Certificates(chain);
  if (!certificates.ok()) return certificates.status();
  const bool matches =
      X509_check_private_key(certificates->front().get(), parsed.get()) == 1;
  ERR_clear_error();
  if (!matches) {
    return absl::InvalidArgumentError(
        "is not the key of the certificate, the first of its file");
  }
  return absl::OkStatus();
}

absl::Status CheckAuthorities(absl::string_view authorities, absl::Time now) {
  const auto certificates = Certificates(authorities);
  if (!certificates.ok()) return certificates.status();
  absl::Status status;
  for (const Certificate& certificate : *certificates) {
    status = CheckDates(certificate.get(), now);
    if (status.ok()) return status;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("has no certificate that is valid now; the last of ",
                   certificates->size(), " ", status.message()));
}

}  // namespace weightinit

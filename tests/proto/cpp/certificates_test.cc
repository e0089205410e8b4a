#include "proto/cpp/certificates.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/proto/cpp/test_certificates.h"

namespace weightinit {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// What is said of a chain; "" if nothing is wrong.
std::string WrongWith(const std::string& chain) {
  return std::string(CheckChain(chain, absl::Now()).status().message());
}

TEST(CertificatesTest, ChainExpiresWithTheFirstOfItsCertificates) {
  const TestAuthority authority;
  const TestIdentity identity = authority.Issue({"DNS:a", {}, absl::Hours(2)});
  const auto expiry = CheckChain(absl::StrCat(identity.cert, authority.cert()),
                                 absl::Now() + absl::Minutes(1));
  ASSERT_TRUE(expiry.ok()) << expiry.status();
  EXPECT_LE(*expiry, absl::Now() + absl::Hours(2));
  EXPECT_GE(*expiry, absl::Now() + absl::Hours(2) - absl::Minutes(2));
}

TEST(CertificatesTest, CertificateIsRefusedOutsideOfItsTime) {
  const TestAuthority authority;
  EXPECT_THAT(
      WrongWith(
          authority.Issue({"DNS:a", -absl::Hours(2), -absl::Hours(1)}).cert),
      HasSubstr("certificate 1 of the file has expired on 20"));
  EXPECT_THAT(
      WrongWith(
          authority.Issue({"DNS:a", absl::Hours(1), absl::Hours(2)}).cert),
      HasSubstr("certificate 1 of the file is valid from 20"));
}

TEST(CertificatesTest, ChainIsRefusedWhereOneDoesNotSignTheOneBefore) {
  const TestAuthority authority;
  // Of the same name, with another key.
  const TestAuthority impostor;
  const std::string cert = authority.Issue().cert;
  EXPECT_THAT(WrongWith(absl::StrCat(cert, impostor.cert())),
              HasSubstr("certificate 2 of the file has not signed the one"));
  EXPECT_THAT(WrongWith(absl::StrCat(authority.cert(), cert)),
              HasSubstr("certificate 2 of the file has not signed the one"));
}

TEST(CertificatesTest, WeakKeyIsRefused) {
  TestSubject subject;
  subject.rsa_bits = 1024;
  EXPECT_THAT(WrongWith(TestAuthority().Issue(subject).cert),
              HasSubstr("a key that is too weak; RSA keys have to have 2048"));
}

TEST(CertificatesTest, TextWithoutOrWithABrokenCertificateIsRefused) {
  const std::string cert = TestAuthority().Issue().cert;
  EXPECT_THAT(WrongWith(""), HasSubstr("has no certificate in PEM form"));
  EXPECT_THAT(WrongWith("garbage\n"), HasSubstr("has no certificate in PEM"));
  std::string broken = cert;
  broken[cert.size() / 2] = '\x01';
  EXPECT_EQ(WrongWith(broken), "certificate 1 of the file cannot be read");
  EXPECT_EQ(WrongWith(absl::StrCat(cert, cert.substr(0, cert.size() / 2))),
            "certificate 2 of the file cannot be read");
}

TEST(CertificatesTest, KeyOfAnotherCertificateIsRefusedWithoutTellingIt) {
  const TestAuthority authority;
  const TestIdentity one = authority.Issue();
  const TestIdentity other = authority.Issue();
  EXPECT_TRUE(CheckKey(one.key, one.cert).ok());
  const absl::Status status = CheckKey(other.key, one.cert);
  EXPECT_EQ(status.message(),
            "is not the key of the certificate, the first of its file");
  EXPECT_EQ(CheckKey("no key", one.cert).message(),
            "has no private key in PEM form without a password");
}

TEST(CertificatesTest, EncryptedKeyIsRefusedAndNobodyIsAskedForAPassword) {
  const std::string cert = TestAuthority().Issue().cert;
  EXPECT_EQ(
      CheckKey("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
               "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAi0qp3tGGTq\n"
               "-----END ENCRYPTED PRIVATE KEY-----\n",
               cert)
          .message(),
      "has no private key in PEM form without a password");
}

TEST(CertificatesTest, AuthoritiesNeedOneThatIsValid) {
  const TestAuthority authority;
  const std::string expired =
      authority.Issue({"DNS:a", -absl::Hours(2), -absl::Hours(1)}).cert;
  EXPECT_TRUE(
      CheckAuthorities(absl::StrCat(expired, authority.cert()), absl::Now())
          .ok());
  EXPECT_THAT(std::string(CheckAuthorities(expired, absl::Now()).message()),
              HasSubstr("has no certificate that is valid now; the last of 1"));
}

TEST(CertificatesTest, FileThatCannotBeReadIsNamed) {
  const TestFiles files;
  EXPECT_THAT(std::string(ReadSmallFile(files.Path("no")).status().message()),
              AllOf(HasSubstr(files.Path("no")), HasSubstr("No such file")));
  EXPECT_THAT(std::string(ReadSmallFile(files.Path("")).status().message()),
              AllOf(HasSubstr(files.Path("")), HasSubstr("Is a directory")));
  EXPECT_THAT(
      std::string(ReadSmallFile(files.Write("large", std::string(1 << 21, 'x')))
                      .status()
                      .message()),
      HasSubstr("has more than 1048576 bytes"));
  EXPECT_EQ(*ReadSmallFile(files.Write("a", "text")), "text");
}

}  // namespace
}  // namespace weightinit

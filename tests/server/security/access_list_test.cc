#include "server/security/access_list.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weightinit {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The SHA-256 of "abc".
constexpr char kHash[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

AccessList ListOf(const std::string& text) {
  auto list = AccessList::Parse(text, "access");
  EXPECT_TRUE(list.ok()) << list.status();
  return list.ok() ? *std::move(list) : AccessList();
}

std::string ErrorOf(const std::string& text) {
  return std::string(AccessList::Parse(text, "access").status().message());
}

TEST(AccessListTest, ClientIsFoundByAnyOfItsCredentials) {
  const AccessList list = ListOf(
      absl::StrCat("# who may call\n"
                   "\n"
                   "trainer generate,describe sha256:",
                   kHash,
                   "\n"
                   "trainer\tgenerate\ttoken:second#token  # for the change\r\n"
                   "mesh seed san:uri:spiffe://example.org/a#b\n"
                   "host describe san:dns:Trainer.Example.org\n"));
  ASSERT_NE(list.OfToken("abc"), nullptr);
  EXPECT_EQ(list.OfToken("abc")->name, "trainer");
  EXPECT_TRUE(list.OfToken("abc")->Has(kDescribe));
  EXPECT_TRUE(list.OfToken("abc")->Has(kGenerate));
  EXPECT_FALSE(list.OfToken("abc")->Has(kSeed));
  ASSERT_NE(list.OfToken("second#token"), nullptr);
  EXPECT_FALSE(list.OfToken("second#token")->Has(kDescribe));
  ASSERT_NE(list.OfUri("spiffe://example.org/a#b"), nullptr);
  EXPECT_EQ(list.OfUri("spiffe://example.org/a#b")->name, "mesh");
  // Case does not matter in names of hosts.
  ASSERT_NE(list.OfDnsName("trainer.example.ORG"), nullptr);
  EXPECT_EQ(list.OfDnsName("trainer.example.ORG")->name, "host");
}

TEST(AccessListTest, OtherCredentialsAreOfNobody) {
  const AccessList list = ListOf(
      absl::StrCat("a seed sha256:", kHash, "\nb seed san:dns:example.org\n"));
  EXPECT_EQ(list.OfToken("abd"), nullptr);
  EXPECT_EQ(list.OfToken(""), nullptr);
  EXPECT_EQ(list.OfToken(kHash), nullptr);
  EXPECT_EQ(list.OfDnsName("www.example.org"), nullptr);
  EXPECT_EQ(list.OfUri("example.org"), nullptr);
}

TEST(AccessListTest, ErrorTellsTheLineAndWhatIsAllowed) {
  EXPECT_EQ(ErrorOf("# nothing\na describe\n"),
            "\"access\", line 2: has 2 words, not the three NAME ROLES "
            "CREDENTIAL");
  EXPECT_THAT(ErrorOf("a describe,admin token:abc"),
              HasSubstr("line 1: the role \"admin\" is none of describe, "
                        "generate and seed"));
  EXPECT_THAT(ErrorOf("a describe, token:abc"),
              HasSubstr("line 1: the role \"\" is none of"));
  EXPECT_THAT(ErrorOf("a:b describe token:abc"),
              HasSubstr("line 1: the name \"a:b\" is not 1 to 64 of letters"));
  EXPECT_THAT(ErrorOf("\n\na seed token:abc\nb seed token:abc"),
              HasSubstr("line 4: the credential is that of line 3"));
  EXPECT_THAT(ErrorOf(absl::StrCat("a seed token:abc\nb seed sha256:", kHash)),
              HasSubstr("line 2: the credential is that of line 1"));
  EXPECT_THAT(ErrorOf("# nobody\n"), HasSubstr("\"access\" names nobody"));
}

TEST(AccessListTest, ErrorDoesNotTellTheCredential) {
  for (const char* const credential :
       {"secret", "sha256:secret", "Token:secret", "san:secret",
        "sha256:", "token:", "san:dns:", "token:secret\xc3\xa9"}) {
    const std::string error = ErrorOf(absl::StrCat("a seed ", credential));
    EXPECT_THAT(error, HasSubstr("line 1: the credential is none of sha256:"))
        << credential;
    EXPECT_THAT(error, Not(HasSubstr("secret"))) << credential;
  }
}

}  // namespace
}  // namespace weightinit

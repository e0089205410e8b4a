#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/client/cpp/client_fixture.h"
#include "tests/proto/cpp/test_certificates.h"
#include "tests/server/security/security_fixture.h"
#include "weightinit/client/weight_client.h"

namespace weightinit {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

// A client of a server with certificates and tokens.
class ClientSecurityTest : public SecurityFixture {
 protected:
  void SetUp() override {
    ca_ = files_.Write("authority", authority_.cert());
    const TestIdentity own = authority_.Issue();
    cert_ = files_.Write("own-cert", own.cert);
    key_ = files_.Write("own-key", own.key);
  }

  // Of the server that runs.
  WeightClientOptions Options() const {
    return FastOptions({server_->address()});
  }

  static absl::Status Create(const WeightClientOptions& options) {
    return WeightClient::Create(options).status();
  }

  // How a call ends, which may be tried as often as ClientOf does.
  static absl::Status Call(WeightClientOptions options) {
    options.max_attempts_without_progress = 50;
    const auto client = WeightClient::Create(options);
    if (!client.ok()) return client.status();
    return (*client)->Info().status();
  }

  std::string ca_, cert_, key_;
};

TEST_F(ClientSecurityTest, TensorComesByTlsWithACertificateAndAToken) {
  ServerOptions server = MutualServer();
  server.security.access_file =
      files_.Write("access", "trainer describe,generate token:the-token\n");
  Start(server);
  WeightClientOptions options = Options();
  options.tls = TlsOptions{ca_, cert_, key_};
  options.token = "the-token";
  options.parallel = 3;
  options.max_attempts_without_progress = 250;
  const auto client = WeightClient::Create(options);
  ASSERT_TRUE(client.ok()) << client.status();
  v1::InitializeTensorRequest request = Request();
  // Enough for several streams.
  request.mutable_tensor()->set_shape(0, 1 << 20);
  std::string bytes((size_t{1} << 20) * 10 * 4, '\0');
  std::string expected = bytes;
  const auto span = [](std::string& text) {
    return absl::MakeSpan(reinterpret_cast<uint8_t*>(text.data()), text.size());
  };
  const auto fetched = (*client)->Fetch(request, span(bytes));
  ASSERT_TRUE(fetched.ok()) << fetched.status();
  ASSERT_TRUE((*WeightClient::Local())->Fetch(request, span(expected)).ok());
  EXPECT_TRUE(bytes == expected);
}

TEST_F(ClientSecurityTest, ErrorSaysThatTheServerSpeaksTls) {
  Start(TlsServer());
  const absl::Status status = Call(Options());
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()),
              EndsWith("(a server that speaks TLS does so; this client does "
                       "not)"));
}

TEST_F(ClientSecurityTest, ErrorSaysThatTheServerDoesNotSpeakTls) {
  Start({});
  WeightClientOptions options = Options();
  options.tls = TlsOptions{ca_, "", ""};
  const absl::Status status = Call(options);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()),
              EndsWith("(the server does not speak TLS)"));
}

TEST_F(ClientSecurityTest, ErrorSaysThatTheServerIsNotTrusted) {
  Start(TlsServer());
  WeightClientOptions options = Options();
  options.tls =
      TlsOptions{files_.Write("other", TestAuthority().cert()), "", ""};
  EXPECT_THAT(std::string(Call(options).message()),
              EndsWith("(the server's certificate is not one that this client "
                       "trusts for that host)"));
  // Nor is one of another host.
  const TestIdentity other = authority_.Issue({"DNS:other.example.org"});
  ServerOptions server = TlsServer();
  server.security.tls.cert = files_.Write("cert", other.cert);
  server.security.tls.key = files_.Write("key", other.key);
  Start(server);
  options = Options();
  options.tls = TlsOptions{ca_, "", ""};
  EXPECT_THAT(std::string(Call(options).message()),
              EndsWith("(the server's certificate is not one that this client "
                       "trusts for that host)"));
}

TEST_F(ClientSecurityTest, ErrorSaysThatTheServerMayWantACertificate) {
  Start(MutualServer());
  WeightClientOptions options = Options();
  options.tls = TlsOptions{ca_, "", ""};
  EXPECT_THAT(std::string(Call(options).message()),
              EndsWith("(the server may want a client certificate that it "
                       "trusts)"));
}

TEST_F(ClientSecurityTest, RefusedTokenIsNotTriedAgain) {
  ServerOptions server;
  server.security.access_file =
      files_.Write("access", "trainer generate token:the-token\n");
  Start(server);
  WeightClientOptions options = Options();
  options.token = "other-token";
  absl::Status status = Call(options);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("other-token")));
  options.token = "the-token";
  status = Call(options);
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()), HasSubstr("the role describe"));
}

TEST_F(ClientSecurityTest, TokenGoesUnencryptedOnlyToLoopback) {
  WeightClientOptions options = FastOptions({"127.0.0.1:1", "[::1]:1"});
  options.token = "the-token";
  EXPECT_TRUE(Create(options).ok());
  for (const char* const server :
       {"192.0.2.1:1", "127.0.0.1.example.org:1", "dns:///192.0.2.1:1"}) {
    options.servers = {"127.0.0.1:1", server};
    const absl::Status status = Create(options);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << server;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(absl::StrCat("\"", server, "\" unencrypted")),
                      Not(HasSubstr("the-token"))));
  }
  options.allow_plaintext_token = true;
  EXPECT_TRUE(Create(options).ok());
  options.allow_plaintext_token = false;
  options.tls = TlsOptions{ca_, "", ""};
  EXPECT_TRUE(Create(options).ok());
}

TEST_F(ClientSecurityTest, ASocketOfTheFileSystemIsAskedWithoutTls) {
  ServerOptions server = MutualServer();
  const std::string socket = absl::StrCat("unix:", files_.Path("socket"));
  server.listen = {"127.0.0.1:0", socket};
  server.security.access_file =
      files_.Write("access", "trainer describe token:the-token\n");
  Start(server);
  WeightClientOptions options = FastOptions({socket});
  options.token = "the-token";
  EXPECT_TRUE(Call(options).ok()) << Call(options);
  options.tls = TlsOptions{ca_, "", ""};
  EXPECT_TRUE(Call(options).ok()) << Call(options);
}

TEST_F(ClientSecurityTest, FilesThatCannotBeUsedAreNamed) {
  WeightClientOptions options = FastOptions({"127.0.0.1:1"});
  const auto error_of = [&](const TlsOptions& tls) {
    options.tls = tls;
    const absl::Status status = Create(options);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_THAT(error_of({files_.Path("none"), "", ""}),
              HasSubstr("tls.ca_file: cannot read \""));
  EXPECT_THAT(error_of({key_, "", ""}), HasSubstr("tls.ca_file: \""));
  EXPECT_THAT(error_of({ca_, cert_, ""}),
              HasSubstr("cert_file and key_file are given together"));
  EXPECT_THAT(error_of({ca_, key_, key_}), HasSubstr("tls.cert_file: \""));
  EXPECT_THAT(error_of({ca_, ca_, key_}), HasSubstr("tls.key_file: \""));
}

TEST_F(ClientSecurityTest, TokenOfOtherCharactersIsRefusedAndNotShown) {
  WeightClientOptions options = FastOptions({"127.0.0.1:1"});
  for (const char* const token : {"two words", "line\n", "caf\xc3\xa9"}) {
    options.token = token;
    const absl::Status status = Create(options);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(),
              "WeightClientOptions.token is not shown here, it has to be of "
              "visible ASCII characters");
  }
}

}  // namespace
}  // namespace weightinit

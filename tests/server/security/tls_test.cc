#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "server/server.h"
#include "tests/proto/cpp/test_certificates.h"
#include "tests/server/security/security_fixture.h"
#include "tests/server/server_fixture.h"

namespace weightinit {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class TlsTest : public SecurityFixture {};

TEST_F(TlsTest, OnlyClientsThatSpeakItAndTrustTheCertificateAreServed) {
  Start(TlsServer());
  EXPECT_TRUE(IsServed({authority_.cert()}));
  EXPECT_EQ(Ask({}).error_code(), grpc::UNAVAILABLE);
  EXPECT_EQ(Ask({TestAuthority().cert()}).error_code(), grpc::UNAVAILABLE);
}

TEST_F(TlsTest, ClientNeedsACertificateWhereOneIsAskedFor) {
  Start(MutualServer());
  const std::string ca = authority_.cert();
  EXPECT_TRUE(IsServed({ca, authority_.Issue()}));
  EXPECT_EQ(Ask({ca}).error_code(), grpc::UNAVAILABLE);
  EXPECT_EQ(Ask({ca, TestAuthority().Issue()}).error_code(), grpc::UNAVAILABLE);
  EXPECT_EQ(
      Ask({ca, authority_.Issue({"DNS:a", -absl::Hours(2), -absl::Hours(1)})})
          .error_code(),
      grpc::UNAVAILABLE);
}

TEST_F(TlsTest, SocketInTheFileSystemIsNotEncrypted) {
  ServerOptions options = MutualServer();
  const std::string path = absl::StrCat("unix:", files_.Path("socket"));
  options.listen = {path, "127.0.0.1:0"};
  Start(options);
  EXPECT_TRUE(Ask({}, path).ok());
  EXPECT_EQ(Ask({}, server_->addresses()[1]).error_code(), grpc::UNAVAILABLE);
}

TEST_F(TlsTest, ChangedFilesAreUsedForNewConnectionsAndOldOnesGoOn) {
  Start(MutualServer());
  const absl::Time first = *server_->security_figures().certificate_expiry;
  EXPECT_LE(first, absl::Now() + absl::Hours(24));
  const auto stub =
      StubOf({authority_.cert(), authority_.Issue()}, server_->address());
  v1::GetServerInfoResponse response;
  EXPECT_TRUE(Eventually([&] {
    grpc::ClientContext context;
    return stub->GetServerInfo(&context, {}, &response).ok();
  }));

  const TestAuthority next("another authority");
  TestSubject subject;
  subject.end = absl::Hours(48);
  const TestIdentity identity = next.Issue(subject);
  files_.Write("ca", next.cert());
  files_.Write("cert", identity.cert);
  files_.Write("key", identity.key);
  EXPECT_TRUE(IsServed({next.cert(), next.Issue()}));
  EXPECT_EQ(Ask({next.cert(), authority_.Issue()}).error_code(),
            grpc::UNAVAILABLE);
  EXPECT_EQ(Ask({authority_.cert(), next.Issue()}).error_code(),
            grpc::UNAVAILABLE);
  grpc::ClientContext context;
  EXPECT_TRUE(stub->GetServerInfo(&context, {}, &response).ok());

  const SecurityFigures figures = server_->security_figures();
  EXPECT_GE(figures.tls.succeeded, 1);
  EXPECT_GT(*figures.certificate_expiry, first + absl::Hours(23));
}

TEST_F(TlsTest, FilesThatCannotBeUsedAreReportedAndThoseOfBeforeStay) {
  std::mutex mutex;
  std::vector<std::string> reports;
  ServerOptions options = TlsServer();
  options.security.on_reload = [&](const absl::Status& status,
                                   const std::string& files) {
    const std::lock_guard<std::mutex> lock(mutex);
    reports.push_back(absl::StrCat(files, ": ", status.message()));
  };
  Start(options);
  const auto failed = [&](int64_t count) {
    return Eventually(
        [&] { return server_->security_figures().tls.failed == count; });
  };
  const TestIdentity expired =
      authority_.Issue({"DNS:a", -absl::Hours(2), -absl::Hours(1)});
  files_.Write("cert", "garbage");
  EXPECT_TRUE(failed(1));
  EXPECT_TRUE(IsServed({authority_.cert()}));
  files_.Write("key", expired.key);
  files_.Write("cert", expired.cert);
  EXPECT_TRUE(failed(2));
  EXPECT_TRUE(IsServed({authority_.cert()}));
  server_.reset();
  ASSERT_EQ(reports.size(), 2);
  EXPECT_THAT(reports[0],
              AllOf(HasSubstr("TLS files: --tls-cert: \""),
                    HasSubstr("\": has no certificate in PEM form")));
  EXPECT_THAT(reports[1], HasSubstr("\": certificate 1 of the file has exp"));
}

// The message of a server that does not start.
std::string ErrorOf(const ServerOptions& options) {
  const auto server = Server::Start(options);
  EXPECT_EQ(server.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(server.status().message());
}

TEST_F(TlsTest, FilesThatCannotBeUsedAtTheStartAreNamedWithTheirFlag) {
  const ServerOptions good = TlsServer();
  ServerOptions options = good;
  options.security.tls.key = files_.Path("none");
  EXPECT_THAT(ErrorOf(options),
              AllOf(HasSubstr("--tls-key: cannot read"), HasSubstr("none")));
  options = good;
  options.security.tls.key = files_.Write("other", authority_.Issue().key);
  EXPECT_THAT(ErrorOf(options),
              AllOf(HasSubstr("--tls-key: \""), HasSubstr("other\": is not")));
  options = good;
  options.security.tls.client_ca = files_.Write("empty", "");
  EXPECT_THAT(ErrorOf(options), HasSubstr("--tls-client-ca: \""));
}

TEST_F(TlsTest, OptionsThatDoNotGoTogetherAreRefused) {
  const ServerOptions good = MutualServer();
  ServerOptions options = good;
  options.security.tls.key.clear();
  EXPECT_THAT(ErrorOf(options), HasSubstr("--tls-cert and --tls-key"));
  options = good;
  options.security.tls.cert.clear();
  EXPECT_THAT(ErrorOf(options), HasSubstr("--tls-cert and --tls-key"));
  options = good;
  options.security.tls.cert.clear();
  options.security.tls.key.clear();
  EXPECT_THAT(ErrorOf(options), HasSubstr("--tls-client-ca: it needs"));
  options = good;
  options.security.client_certificate_optional = true;
  EXPECT_THAT(ErrorOf(options), HasSubstr("--tls-client-certificate: optional "
                                          "needs"));
}

}  // namespace
}  // namespace weightinit

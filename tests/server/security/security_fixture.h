// A server of the test's own with certificates and tokens, and clients of it.

#ifndef WEIGHTINIT_TESTS_SERVER_SECURITY_SECURITY_FIXTURE_H_
#define WEIGHTINIT_TESTS_SERVER_SECURITY_SECURITY_FIXTURE_H_

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "server/server.h"
#include "tests/proto/cpp/test_certificates.h"
#include "tests/server/server_fixture.h"
#include "weightinit/v1/weight_init_service.grpc.pb.h"

namespace weightinit {

// What a client shows and trusts.
struct ClientSide {
  // NOLINTNEXTLINE(google-explicit-constructor,misc-explicit-constructor)
  ClientSide(std::string trusted = "", TestIdentity own = {},
             std::string shown = "")
      : ca(std::move(trusted)),
        identity(std::move(own)),
        token(std::move(shown)) {}

  std::string ca;         // Empty: no TLS.
  TestIdentity identity;  // May be empty.
  std::string token;      // Empty for none.
};

class SecurityFixture : public ::testing::Test {
 protected:
  // A server that shows a certificate of `authority_`.
  ServerOptions TlsServer() {
    ServerOptions options;
    const TestIdentity identity = authority_.Issue();
    options.security.tls.cert = files_.Write("cert", identity.cert);
    options.security.tls.key = files_.Write("key", identity.key);
    return options;
  }

  // The same, and asks clients for a certificate of `authority_`.
  ServerOptions MutualServer() {
    ServerOptions options = TlsServer();
    options.security.tls.client_ca = files_.Write("ca", authority_.cert());
    return options;
  }

  void Start(const ServerOptions& options) {
    server_ = StartServer(options);
    ASSERT_NE(server_, nullptr);
  }

  // A new connection.
  static std::unique_ptr<v1::WeightInitService::Stub> StubOf(
      const ClientSide& side, const std::string& address) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto credentials =
        side.ca.empty() ? grpc::InsecureChannelCredentials()
                        : grpc::SslCredentials(
                              {side.ca, side.identity.key, side.identity.cert});
    return v1::WeightInitService::NewStub(
        grpc::CreateCustomChannel(address, credentials, arguments));
  }

  static void Show(const std::string& token, grpc::ClientContext& context) {
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
  }

  // How GetServerInfo ends by a new connection.
  grpc::Status Ask(const ClientSide& side) const {
    return Ask(side, server_->address());
  }
  static grpc::Status Ask(const ClientSide& side, const std::string& address) {
    const auto stub = StubOf(side, address);
    grpc::ClientContext context;
    Show(side.token, context);
    v1::GetServerInfoResponse response;
    return stub->GetServerInfo(&context, {}, &response);
  }

  // The same of a client that gRPC 1.51 now and then tells of a failure to
  // connect that was none.
  bool IsServed(const ClientSide& side) const {
    return Eventually([&] { return Ask(side).ok(); });
  }

  TestFiles files_;
  TestAuthority authority_;
  std::unique_ptr<Server> server_;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_TESTS_SERVER_SECURITY_SECURITY_FIXTURE_H_

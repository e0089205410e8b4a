#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "server/server.h"
#include "server/stream/call_observer.h"
#include "tests/proto/cpp/error_details_of.h"
#include "tests/proto/cpp/test_certificates.h"
#include "tests/server/security/security_fixture.h"
#include "tests/server/server_fixture.h"

namespace weightinit {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr char kAccess[] =
    "d describe token:token-d\n"
    "g generate token:token-g\n"
    "s seed token:token-s\n"
    "dgs describe,generate,seed token:token-dgs\n";

class AccessTest : public SecurityFixture {
 protected:
  ServerOptions AccessOptions(const std::string& text = kAccess) {
    ServerOptions options;
    options.security.access_file = files_.Write("access", text);
    options.root_seed = RootSeedOf('r');
    return options;
  }

  // How each method ends, by a request with these fields.
  struct Codes {
    grpc::Status describe_tensor, describe_model, info, tensor, model, seed;
  };
  Codes CodesOf(const std::string& token, const std::string& seed) const {
    const auto stub = StubOf({}, server_->address());
    const std::string tensor = absl::StrCat("tensor { shape: 4 } ", seed);
    const std::string model = absl::StrCat(
        "model { version: 1 entries { name: 'a' tensor { shape: 4 } } } ",
        seed);
    Codes codes;
    {
      grpc::ClientContext context;
      Show(token, context);
      v1::DescribeTensorResponse response;
      codes.describe_tensor = stub->DescribeTensor(
          &context, ParseRequest<v1::DescribeTensorRequest>(tensor), &response);
    }
    {
      grpc::ClientContext context;
      Show(token, context);
      const auto reader = stub->DescribeModel(
          &context, ParseRequest<v1::DescribeModelRequest>(model));
      v1::DescribeModelResponse response;
      while (reader->Read(&response)) {
      }
      codes.describe_model = reader->Finish();
    }
    {
      grpc::ClientContext context;
      Show(token, context);
      v1::GetServerInfoResponse response;
      codes.info = stub->GetServerInfo(&context, {}, &response);
    }
    {
      grpc::ClientContext context;
      Show(token, context);
      const auto reader =
          stub->InitializeTensor(&context, ParseRequest(tensor));
      v1::InitializeTensorResponse response;
      while (reader->Read(&response)) {
      }
      codes.tensor = reader->Finish();
    }
    {
      grpc::ClientContext context;
      Show(token, context);
      const auto reader = stub->InitializeModel(
          &context, ParseRequest<v1::InitializeModelRequest>(model));
      v1::InitializeModelResponse response;
      while (reader->Read(&response)) {
      }
      codes.model = reader->Finish();
    }
    {
      grpc::ClientContext context;
      Show(token, context);
      v1::ResolveSeedRequest request;
      request.set_seed_name("name");
      v1::ResolveSeedResponse response;
      codes.seed = stub->ResolveSeed(&context, request, &response);
    }
    return codes;
  }

  // As letters: d, m (models described), i, t, m (models), s; "." for denied,
  // the message for anything else.
  std::string Allowed(const std::string& token, const std::string& seed) const {
    const Codes codes = CodesOf(token, seed);
    std::string text;
    const auto add = [&text](const grpc::Status& status, char letter) {
      if (status.ok()) {
        text += letter;
      } else if (status.error_code() == grpc::PERMISSION_DENIED) {
        text += '.';
      } else {
        text += status.error_message();
      }
    };
    add(codes.describe_tensor, 'd');
    add(codes.describe_model, 'm');
    add(codes.info, 'i');
    add(codes.tensor, 't');
    add(codes.model, 'm');
    add(codes.seed, 's');
    return text;
  }
};

TEST_F(AccessTest, RolesDecideWhichMethodsAClientMayCall) {
  Start(AccessOptions());
  EXPECT_EQ(Allowed("token-d", "seed: 1"), "dmi...");
  EXPECT_EQ(Allowed("token-g", "seed: 1"), "...tm.");
  EXPECT_EQ(Allowed("token-s", "seed: 1"), ".....s");
  EXPECT_EQ(Allowed("token-dgs", "seed: 1"), "dmitms");
}

TEST_F(AccessTest, NameOfASeedNeedsTheRoleSeedBesides) {
  Start(AccessOptions());
  EXPECT_EQ(Allowed("token-d", "seed_name: 'a'"), "..i...");
  EXPECT_EQ(Allowed("token-g", "seed_name: 'a'"), "......");
  EXPECT_EQ(Allowed("token-dgs", "seed_name: 'a'"), "dmitms");
}

TEST_F(AccessTest, WhoShowsNoOrAWrongTokenIsNotAuthenticated) {
  Start(AccessOptions());
  for (const std::string token : {"", "wrong", "token-d2", "token-"}) {
    const Codes codes = CodesOf(token, "seed: 1");
    for (const grpc::Status& status :
         {codes.describe_tensor, codes.describe_model, codes.info, codes.tensor,
          codes.model, codes.seed}) {
      EXPECT_EQ(status.error_code(), grpc::UNAUTHENTICATED) << token;
      EXPECT_EQ(DetailsOf(status).reason, "NO_CREDENTIAL");
    }
  }
}

TEST_F(AccessTest, ErrorNamesTheRoleThatIsMissing) {
  Start(AccessOptions());
  const grpc::Status status = CodesOf("token-d", "seed: 1").tensor;
  EXPECT_EQ(status.error_message(),
            "d does not have the role generate, which the call needs");
  EXPECT_EQ(DetailsOf(status).reason, "NO_ROLE");
}

TEST_F(AccessTest, AuthorizationOfAnotherFormIsNotAuthenticated) {
  Start(AccessOptions());
  const auto stub = StubOf({}, server_->address());
  const auto ask = [&](const std::vector<std::string>& values) {
    grpc::ClientContext context;
    for (const std::string& value : values) {
      context.AddMetadata("authorization", value);
    }
    v1::GetServerInfoResponse response;
    return stub->GetServerInfo(&context, {}, &response).error_code();
  };
  EXPECT_EQ(ask({"bearer token-d"}), grpc::OK);
  EXPECT_EQ(ask({"token-d"}), grpc::UNAUTHENTICATED);
  EXPECT_EQ(ask({"Basic token-d"}), grpc::UNAUTHENTICATED);
  EXPECT_EQ(ask({"Bearer"}), grpc::UNAUTHENTICATED);
  EXPECT_EQ(ask({"Bearer token-d", "Bearer token-d"}), grpc::UNAUTHENTICATED);
}

TEST_F(AccessTest, ReflectionNeedsTheRoleDescribe) {
  Start(AccessOptions());
  const auto ask = [&](const std::string& token) {
    using grpc::reflection::v1::ServerReflection;
    const auto stub = ServerReflection::NewStub(Connect(server_->address()));
    grpc::ClientContext context;
    Show(token, context);
    const auto stream = stub->ServerReflectionInfo(&context);
    stream->WritesDone();
    return stream->Finish().error_code();
  };
  EXPECT_EQ(ask("token-d"), grpc::OK);
  EXPECT_EQ(ask("token-g"), grpc::PERMISSION_DENIED);
  EXPECT_EQ(ask("wrong"), grpc::UNAUTHENTICATED);
  EXPECT_EQ(ask(""), grpc::UNAUTHENTICATED);
}

TEST_F(AccessTest, HealthIsOpenToEverybody) {
  Start(AccessOptions());
  const auto health =
      grpc::health::v1::Health::NewStub(Connect(server_->address()));
  grpc::ClientContext context;
  grpc::health::v1::HealthCheckResponse response;
  EXPECT_TRUE(health->Check(&context, {}, &response).ok());
}

TEST_F(AccessTest, NameInACertificateIsACredential) {
  ServerOptions options = MutualServer();
  options.security.access_file =
      files_.Write("access",
                   "host describe san:dns:trainer.example.org\n"
                   "mesh generate san:uri:spiffe://example.org/job\n"
                   "both describe token:token-of-both\n");
  options.security.client_certificate_optional = true;
  Start(options);
  const std::string ca = authority_.cert();
  const auto with = [&](const std::string& names) {
    return authority_.Issue({names});
  };
  EXPECT_TRUE(IsServed({ca, with("DNS:a,DNS:trainer.example.org")}));
  EXPECT_EQ(Ask({ca, with("URI:spiffe://example.org/job")}).error_code(),
            grpc::PERMISSION_DENIED);
  EXPECT_EQ(Ask({ca, with("DNS:other.example.org")}).error_code(),
            grpc::UNAUTHENTICATED);
  EXPECT_EQ(Ask({ca}).error_code(), grpc::UNAUTHENTICATED);
  EXPECT_TRUE(Ask({ca, {}, "token-of-both"}).ok());
  // The token decides where there is one.
  EXPECT_TRUE(
      Ask({ca, with("URI:spiffe://example.org/job"), "token-of-both"}).ok());
  EXPECT_EQ(Ask({ca, with("DNS:trainer.example.org"), "wrong"}).error_code(),
            grpc::UNAUTHENTICATED);
}

TEST_F(AccessTest, ChangedFileIsUsedAndABadOneIsNot) {
  Start(AccessOptions());
  files_.Write("access", "new describe token:token-new\n");
  EXPECT_TRUE(IsServed({{}, {}, "token-new"}));
  EXPECT_EQ(Ask({{}, {}, "token-d"}).error_code(), grpc::UNAUTHENTICATED);
  EXPECT_EQ(server_->security_figures().access.succeeded, 1);
  files_.Write("access", "new describe\n");
  EXPECT_TRUE(Eventually(
      [&] { return server_->security_figures().access.failed == 1; }));
  EXPECT_TRUE(Ask({{}, {}, "token-new"}).ok());
}

TEST_F(AccessTest, ClientsOfOneAddressHaveStreamsOfTheirOwn) {
  ServerOptions options = AccessOptions();
  options.admission.max_streams_per_client = 1;
  Start(options);
  const auto stub = StubOf({}, server_->address());
  grpc::ClientContext first;
  Show("token-g", first);
  const auto reader = stub->InitializeTensor(&first, LargeRequest());
  v1::InitializeTensorResponse part;
  ASSERT_TRUE(reader->Read(&part));
  EXPECT_EQ(CodesOf("token-g", "seed: 1").tensor.error_code(),
            grpc::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(CodesOf("token-dgs", "seed: 1").tensor.ok());
  first.TryCancel();
  reader->Finish();
}

// Keeps the names of those who call.
class NamesOfClients final : public CallObserver {
 public:
  void OnBegin(const CallRecord& /*call*/) override {}
  void OnProgress(const CallRecord& /*call*/, int64_t /*bytes*/) override {}
  void OnRefusal(const CallRecord& call, const absl::Status& /*why*/) override {
    Add(call);
  }
  void OnEnd(const CallRecord& call, absl::StatusCode /*code*/) override {
    Add(call);
  }
  std::vector<std::string> names() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return names_;
  }

 private:
  void Add(const CallRecord& call) {
    const std::lock_guard<std::mutex> lock(mutex_);
    names_.push_back(call.client);
  }
  std::mutex mutex_;
  std::vector<std::string> names_;
};

TEST_F(AccessTest, ObserverIsToldWhoCalls) {
  NamesOfClients observer;
  ServerOptions options = AccessOptions();
  options.observer = &observer;
  Start(options);
  EXPECT_TRUE(Ask({{}, {}, "token-d"}).ok());
  EXPECT_EQ(Ask({{}, {}, "token-g"}).error_code(), grpc::PERMISSION_DENIED);
  server_.reset();
  EXPECT_THAT(observer.names(), AllOf(Contains("d"), Contains("g")));
}

// The message of a server that does not start.
std::string ErrorOf(const ServerOptions& options) {
  const auto server = Server::Start(options);
  EXPECT_EQ(server.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(server.status().message());
}

TEST_F(AccessTest, TokensAreRefusedWhereTheyCouldBeReadOnTheWay) {
  ServerOptions options = AccessOptions();
  options.listen = {"127.0.0.1:0", "0.0.0.0:0"};
  EXPECT_THAT(
      ErrorOf(options),
      HasSubstr("has tokens, which would come unencrypted to 0.0.0.0:"));
  options.listen = {"127.0.0.1.example.org:0"};
  EXPECT_THAT(ErrorOf(options), HasSubstr("would come unencrypted to 127.0.0"));
  options.listen = {"127.0.0.1:0", "0.0.0.0:0"};
  options.security.allow_plaintext_tokens = true;
  Start(options);
  options = AccessOptions();
  options.listen = {absl::StrCat("unix:", files_.Path("socket")), "[::1]:0"};
  Start(options);
}

TEST_F(AccessTest, NamesOfCertificatesNeedCertificates) {
  EXPECT_THAT(ErrorOf(AccessOptions("a seed san:dns:a\n")),
              HasSubstr("which need --tls-client-ca"));
}

}  // namespace
}  // namespace weightinit

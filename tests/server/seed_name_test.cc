// Requests that name their seed, over real sockets.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "tests/server/server_fixture.h"
#include "weightinit/core/root_seed.h"
#include "weightinit/v1/weight_init_service.grpc.pb.h"

namespace weightinit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// A server, by default one that has a root seed, and calls to it.
class SeededServer {
 public:
  explicit SeededServer(
      std::shared_ptr<const RootSeed> root_seed = RootSeedOf('r')) {
    ServerOptions options;
    options.root_seed = std::move(root_seed);
    server_ = StartServer(options);
    channel_ = Connect(server_->address());
    stub = v1::WeightInitService::NewStub(channel_);
  }

  grpc::Status Resolve(const std::string& name,
                       v1::ResolveSeedResponse* response) const {
    grpc::ClientContext context;
    v1::ResolveSeedRequest request;
    request.set_seed_name(name);
    return stub->ResolveSeed(&context, request, response);
  }

  uint64_t SeedOf(const std::string& name) const {
    v1::ResolveSeedResponse response;
    const grpc::Status status = Resolve(name, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.seed_name(), name);
    return response.seed();
  }

  v1::TensorDescription Describe(const std::string& request) const {
    grpc::ClientContext context;
    v1::DescribeTensorResponse response;
    const grpc::Status status = stub->DescribeTensor(
        &context, ParseRequest<v1::DescribeTensorRequest>(request), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.description();
  }

  std::string RootSeedId() const {
    grpc::ClientContext context;
    v1::GetServerInfoResponse info;
    EXPECT_TRUE(stub->GetServerInfo(&context, {}, &info).ok());
    return info.root_seed_id();
  }

  // The status of a call whose request is these bytes.
  grpc::Status CallRaw(const std::string& method,
                       const std::string& bytes) const {
    grpc::GenericStub generic(channel_);
    grpc::CompletionQueue queue;
    grpc::ClientContext context;
    const grpc::Slice slice(bytes);
    const auto call = generic.PrepareUnaryCall(
        &context, absl::StrCat("/weightinit.v1.WeightInitService/", method),
        grpc::ByteBuffer(&slice, 1), &queue);
    call->StartCall();
    grpc::ByteBuffer response;
    grpc::Status status;
    call->Finish(&response, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue.Next(&tag, &ok));
    return status;
  }

  std::unique_ptr<v1::WeightInitService::Stub> stub;

 private:
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

constexpr char kNamed[] =
    "tensor { name: 'w' shape: 64 scheme: SCHEME_NORMAL } seed_name: 'team/a'";

TEST(SeedNameTest, TensorOfANameIsThatOfItsNumber) {
  const SeededServer server;
  const Delivery named = Fetch(server.stub.get(), ParseRequest(kNamed));
  ASSERT_TRUE(named.status.ok()) << named.status.error_message();
  EXPECT_EQ(named.header->seed(), server.SeedOf("team/a"));
  EXPECT_EQ(named.header->seed_name(), "team/a");

  // Made again by a server that knows no names.
  const SeededServer other(nullptr);
  auto request = ParseRequest(kNamed);
  request.clear_seed_name();
  request.set_seed(named.header->seed());
  const Delivery again = Fetch(other.stub.get(), request);
  ASSERT_TRUE(again.status.ok()) << again.status.error_message();
  EXPECT_EQ(again.data, named.data);
  EXPECT_EQ(again.header->seed_name(), "");
}

TEST(SeedNameTest, DescriptionIsThatOfTheStream) {
  const SeededServer server;
  EXPECT_EQ(server.Describe(kNamed).SerializeAsString(),
            Fetch(server.stub.get(), ParseRequest(kNamed))
                .header->SerializeAsString());
}

TEST(SeedNameTest, ReplicasWithTheSameRootSeedAgreeAndOthersDoNot) {
  const SeededServer first;
  const SeededServer second;
  const SeededServer other(RootSeedOf('o'));
  EXPECT_EQ(first.SeedOf("team/a"), second.SeedOf("team/a"));
  EXPECT_EQ(first.RootSeedId(), second.RootSeedId());
  EXPECT_NE(first.SeedOf("team/a"), other.SeedOf("team/a"));
  EXPECT_NE(first.RootSeedId(), other.RootSeedId());
  EXPECT_THAT(first.RootSeedId(), SizeIs(16));
}

TEST(SeedNameTest, NamesThatDifferInOneByteHaveOtherSeeds) {
  const SeededServer server;
  EXPECT_NE(server.SeedOf("team/a"), server.SeedOf("team/a "));
  EXPECT_NE(server.SeedOf("team/a"), server.SeedOf("team/A"));
}

TEST(SeedNameTest, ServerWithoutARootSeedSaysTheRemedy) {
  const SeededServer server(nullptr);
  EXPECT_EQ(server.RootSeedId(), "");
  v1::ResolveSeedResponse response;
  for (const grpc::Status& status :
       {Fetch(server.stub.get(), ParseRequest(kNamed)).status,
        server.Resolve("team/a", &response)}) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
    EXPECT_THAT(status.error_message(),
                HasSubstr("start the server with --root-seed-file"));
    EXPECT_EQ(DetailsOf(status).reason, "NO_ROOT_SEED");
  }
}

TEST(SeedNameTest, NameBesideANumberIsInvalid) {
  const SeededServer server;
  auto request = ParseRequest(kNamed);
  request.set_seed(1);
  const grpc::Status status = Fetch(server.stub.get(), request).status;
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(DetailsOf(status).fields, ElementsAre("seed_name"));
}

TEST(SeedNameTest, NameIsAtMost256Bytes) {
  const SeededServer server;
  server.SeedOf(std::string(256, 'n'));
  auto request = ParseRequest(kNamed);
  request.set_seed_name(std::string(257, 'n'));
  v1::ResolveSeedResponse response;
  for (const grpc::Status& status :
       {Fetch(server.stub.get(), request).status,
        server.Resolve(std::string(257, 'n'), &response)}) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(DetailsOf(status).fields, ElementsAre("seed_name"));
    EXPECT_THAT(status.error_message(), HasSubstr("must have at most 256"));
  }
}

TEST(SeedNameTest, EmptyNameHasNoSeed) {
  const SeededServer server;
  v1::ResolveSeedResponse response;
  const grpc::Status status = server.Resolve("", &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "seed_name: is required");
}

TEST(SeedNameTest, NamesThatAreNotUtf8AreNamedTogether) {
  const SeededServer server;
  // tensor { name: "\xff" } seed_name: "\xff"
  const std::string both("\x0a\x03\x0a\x01\xff\x42\x01\xff");
  for (const char* const method : {"InitializeTensor", "DescribeTensor"}) {
    const grpc::Status status = server.CallRaw(method, both);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(DetailsOf(status).fields,
                ElementsAre("tensor.name", "seed_name"));
  }
  const grpc::Status status = server.CallRaw("ResolveSeed", "\x0a\x01\xff");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "seed_name: is not valid UTF-8");
}

TEST(SeedNameTest, BytesThatAreNoRequestForASeedAreInvalid) {
  const SeededServer server;
  const grpc::Status status = server.CallRaw("ResolveSeed", "\x0a\x05");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(),
              HasSubstr("not a valid ResolveSeedRequest"));
}

}  // namespace
}  // namespace weightinit

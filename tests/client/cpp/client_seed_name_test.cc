// Requests that name their seed: what the client checks of the answers.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/client/cpp/client_fixture.h"
#include "tests/client/cpp/fake_service.h"
#include "weightinit/client/weight_client.h"

namespace weightinit {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::InitializeTensorRequest NamedRequest() {
  v1::InitializeTensorRequest request = Request();
  request.clear_seed();
  request.set_seed_name("team/a");
  return request;
}

// How a fetch fails whose first stream is changed by `script`.
absl::Status FetchOf(const v1::InitializeTensorRequest& request,
                     FakeService::Script script) {
  FakeServer server({std::move(script)});
  CollectingSink sink;
  const auto result = ClientOf({server.address()})->Fetch(request, sink);
  EXPECT_EQ(sink.headers, 0);
  return result.status();
}

TEST(ClientSeedNameTest, ResultTellsTheNumberOfTheName) {
  FakeServer server;
  CollectingSink sink;
  const auto result = ClientOf({server.address()})->Fetch(NamedRequest(), sink);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->description.seed_name(), "team/a");
  EXPECT_EQ(result->description.seed(), kFakeNamedSeed);
  EXPECT_EQ(*ClientOf({server.address()})->ResolveSeed("team/a"),
            kFakeNamedSeed);
}

TEST(ClientSeedNameTest, ServerThatIgnoresTheNameIsNotBelieved) {
  // As one does that does not know the field.
  const absl::Status status = FetchOf(NamedRequest(), [](FakeStream& s) {
    s.description().clear_seed_name();
    s.description().set_seed(0);
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("has no seed_name"));
}

TEST(ClientSeedNameTest, TensorOfAnotherNameIsRefused) {
  const auto rename = [](FakeStream& s) {
    s.description().set_seed_name("team/b");
  };
  for (const auto& request : {NamedRequest(), Request()}) {
    const absl::Status status = FetchOf(request, rename);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("seed_name is another"));
  }
}

TEST(ClientSeedNameTest, DescriptionOfAnotherSeedIsRefused) {
  // A fake server that answers another request than the one sent.
  class Renaming final : public v1::WeightInitService::Service {
   public:
    grpc::Status DescribeTensor(grpc::ServerContext*,
                                const v1::DescribeTensorRequest*,
                                v1::DescribeTensorResponse* response) override {
      response->mutable_description()->set_seed(7);
      return grpc::Status::OK;
    }
    grpc::Status ResolveSeed(grpc::ServerContext*,
                             const v1::ResolveSeedRequest*,
                             v1::ResolveSeedResponse* response) override {
      response->set_seed_name("team/b");
      return grpc::Status::OK;
    }
  } service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                           &port);
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  const auto client = ClientOf({absl::StrCat("127.0.0.1:", port)});

  v1::DescribeTensorRequest request;
  request.set_seed_name("team/a");
  EXPECT_EQ(client->Describe(request).status().code(),
            absl::StatusCode::kDataLoss);
  request.clear_seed_name();
  request.set_seed(8);
  EXPECT_EQ(client->Describe(request).status().code(),
            absl::StatusCode::kDataLoss);
  request.set_seed(7);
  EXPECT_TRUE(client->Describe(request).ok());
  EXPECT_EQ(client->ResolveSeed("team/a").status().code(),
            absl::StatusCode::kDataLoss);
}

TEST(ClientSeedNameTest, BrokenStreamIsResumedByName) {
  FakeServer first({[](FakeStream& s) { s.BreakAfter(3, Unavailable()); }});
  FakeServer second;
  CollectingSink sink;
  const auto result = ClientOf({first.address(), second.address()})
                          ->Fetch(NamedRequest(), sink);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(sink.data, FakeData(0, kElements));
  ASSERT_THAT(second.service().requests(), SizeIs(1));
  EXPECT_EQ(second.service().requests()[0].seed_name(), "team/a");
  EXPECT_EQ(second.service().requests()[0].seed(), 0U);
}

TEST(ClientSeedNameTest, NameThatIsNotUtf8IsNotSent) {
  FakeServer server;
  const auto client = ClientOf({server.address()});
  v1::InitializeTensorRequest request = Request();
  request.set_seed_name("\xff");
  v1::DescribeTensorRequest describe;
  describe.set_seed_name("\xff");
  CollectingSink sink;
  for (const absl::Status& status : {client->Fetch(request, sink).status(),
                                     client->Describe(describe).status(),
                                     client->ResolveSeed("\xff").status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), "seed_name: is not valid UTF-8");
  }
  request.mutable_tensor()->set_name("\xff");
  EXPECT_EQ(client->Fetch(request, sink).status().message(),
            "tensor.name: is not valid UTF-8; seed_name: is not valid UTF-8");
  EXPECT_THAT(server.service().requests(), IsEmpty());
}

}  // namespace
}  // namespace weightinit

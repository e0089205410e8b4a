// A model, and a tensor, by several streams of several servers at once.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "proto/cpp/crc32.h"
#include "tests/client/cpp/client_fixture.h"
#include "tests/client/cpp/collecting_model.h"
#include "tests/client/cpp/fake_service.h"
#include "tests/server/server_fixture.h"
#include "weightinit/client/weight_client.h"

namespace weightinit {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// 44 MB: large tensors and small ones, parts, an alias, one of no elements.
v1::InitializeModelRequest ModelRequest() {
  v1::InitializeModelRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        model {
          version: 1
          entries {
            name: "none"
            tensor { shape: 0 }
          }
          entries {
            name: "wte"
            embedding { num_embeddings: 50000 embedding_dim: 100 }
          }
          entries { name: "lm_head.weight" alias: "wte.weight" }
          entries {
            name: "h.{i}"
            repeat { index: "i" count: 10 }
            block {
              entries {
                name: "attn"
                attention {
                  embed_dim: 64
                  num_heads: 4
                  fused_weight_name: "qkv.weight"
                  fused_bias_name: "qkv.bias"
                }
              }
              entries {
                name: "fc"
                defaults { dtype: DTYPE_BFLOAT16 }
                dense { in_features: 64 out_features: 4000 }
              }
            }
          }
        }
        seed: 11
      )pb",
      &request));
  return request;
}

struct Fetched {
  CollectingModel sink;
  absl::StatusOr<ModelFetchResult> result;
};

std::unique_ptr<Fetched> FetchFrom(WeightClient& client,
                                   const v1::InitializeModelRequest& request) {
  auto fetched = std::make_unique<Fetched>();
  fetched->result = client.FetchModel(request, fetched->sink);
  return fetched;
}

std::unique_ptr<WeightClient> ParallelClientOf(std::vector<std::string> servers,
                                               int parallel) {
  WeightClientOptions options = FastOptions(std::move(servers));
  options.parallel = parallel;
  auto client = WeightClient::Create(options);
  EXPECT_TRUE(client.ok()) << client.status();
  return *std::move(client);
}

void ExpectSame(const Fetched& one, const Fetched& other) {
  ASSERT_TRUE(one.result.ok()) << one.result.status();
  ASSERT_TRUE(other.result.ok()) << other.result.status();
  EXPECT_TRUE(one.sink.data_of == other.sink.data_of);
  EXPECT_EQ(one.sink.summaries, other.sink.summaries);
  EXPECT_EQ(one.sink.ended, other.sink.ended);
  EXPECT_EQ(one.result->crc32, other.result->crc32);
  EXPECT_EQ(one.result->bytes, other.result->bytes);
  EXPECT_EQ(one.result->tensors, other.result->tensors);
  EXPECT_EQ(one.result->summary.fingerprint(),
            other.result->summary.fingerprint());
}

TEST(ParallelFetchTest, AModelIsTheSameFromAnyNumberOfStreamsAndServers) {
  const auto first = StartServer();
  const auto second = StartServer();
  const auto third = StartServer();
  const auto local = FetchFrom(**WeightClient::Local(), ModelRequest());
  for (const int parallel : {0, 1, 2, 64}) {
    const auto client = ParallelClientOf(
        {first->address(), second->address(), third->address()}, parallel);
    const auto fetched = FetchFrom(*client, ModelRequest());
    ExpectSame(*local, *fetched);
    EXPECT_EQ(fetched->result->resumed, 0);
  }
}

TEST(ParallelFetchTest, ARangeOfAModelIsTheSame) {
  const auto server = StartServer();
  const auto client = ParallelClientOf({server->address()}, 3);
  v1::InitializeModelRequest request = ModelRequest();
  request.set_first_tensor(1);
  request.set_first_element(1001);
  ExpectSame(*FetchFrom(**WeightClient::Local(), request),
             *FetchFrom(*client, request));
  request.set_tensor_count(1);
  request.set_element_count(4'500'001);
  ExpectSame(*FetchFrom(**WeightClient::Local(), request),
             *FetchFrom(*client, request));
  request = ModelRequest();
  request.add_only("*.weight");
  v1::TensorSelection* const selection = request.add_selections();
  selection->set_match("*");
  selection->mutable_shard()->set_index(1);
  selection->mutable_shard()->set_count(3);
  ExpectSame(*FetchFrom(**WeightClient::Local(), request),
             *FetchFrom(*client, request));
}

TEST(ParallelFetchTest, OtherServersDoTheWorkOfOneThatRefuses) {
  const RefusingPort refusing;
  const auto server = StartServer();
  const auto client =
      ParallelClientOf({refusing.address(), server->address()}, 2);
  ExpectSame(*FetchFrom(**WeightClient::Local(), ModelRequest()),
             *FetchFrom(*client, ModelRequest()));
}

TEST(ParallelFetchTest, StreamsThatAServerHasNotAreNotNeeded) {
  ServerOptions options;
  options.admission.max_streams = 1;
  const auto server = StartServer(options);
  const auto client = ParallelClientOf({server->address()}, 4);
  ExpectSame(*FetchFrom(**WeightClient::Local(), ModelRequest()),
             *FetchFrom(*client, ModelRequest()));
}

// A server whose only place is taken.
class FullServer {
 public:
  FullServer() {
    ServerOptions options;
    options.admission.max_streams = 1;
    server_ = StartServer(options);
    stub_ = v1::WeightInitService::NewStub(Connect(server_->address()));
    stalled_ = std::make_unique<StalledStream>(stub_.get(),
                                               weightinit::LargeRequest());
  }
  ~FullServer() { stalled_->context.TryCancel(); }

  std::string address() const { return server_->address(); }

 private:
  std::unique_ptr<Server> server_;
  std::unique_ptr<v1::WeightInitService::Stub> stub_;
  std::unique_ptr<StalledStream> stalled_;
};

TEST(ParallelFetchTest, OtherServersDoTheWorkOfOneThatIsFull) {
  const FullServer full;
  const auto idle = StartServer();
  const auto local = FetchFrom(**WeightClient::Local(), ModelRequest());
  for (const int parallel : {1, 2, 4}) {
    const auto client =
        ParallelClientOf({full.address(), idle->address()}, parallel);
    ExpectSame(*local, *FetchFrom(*client, ModelRequest()));
  }
}

TEST(ParallelFetchTest, IfAllServersAreFullItSaysWhich) {
  const FullServer first;
  const FullServer second;
  WeightClientOptions options =
      FastOptions({first.address(), second.address()});
  options.parallel = 2;
  // Shorter than what the servers ask to be left alone for.
  options.max_wait_when_full = absl::Milliseconds(100);
  const auto client = WeightClient::Create(options);
  ASSERT_TRUE(client.ok());
  v1::InitializeTensorRequest request = Request();
  request.mutable_tensor()->clear_shape();
  request.mutable_tensor()->add_shape(4'000'000);
  std::vector<uint8_t> buffer(16'000'000);
  const auto tensor = (*client)->Fetch(request, absl::MakeSpan(buffer));
  const auto model = FetchFrom(**client, ModelRequest());
  for (const absl::Status& status : {tensor.status(), model->result.status()}) {
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("no server had room within 100ms"),
                      HasSubstr("max_streams")));
  }
}

TEST(ParallelFetchTest, IfNoServerAnswersItGivesUp) {
  const RefusingPort one;
  const RefusingPort other;
  const auto client = ParallelClientOf({one.address(), other.address()}, 4);
  const auto fetched = FetchFrom(*client, ModelRequest());
  EXPECT_TRUE(absl::IsUnavailable(fetched->result.status()))
      << fetched->result.status();
  EXPECT_EQ(fetched->sink.summaries, 0);
}

TEST(ParallelFetchTest, AnErrorOfTheSinkEndsAllStreams) {
  const auto server = StartServer();
  const auto client = ParallelClientOf({server->address()}, 4);
  CollectingModel sink;
  sink.fail_after = 20'000'000;
  sink.failure = absl::ResourceExhaustedError("full");
  const auto result = client->FetchModel(ModelRequest(), sink);
  EXPECT_TRUE(absl::IsResourceExhausted(result.status())) << result.status();
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("full"));
}

// 16 MB of the fake service's.
v1::InitializeTensorRequest LargeRequest() {
  v1::InitializeTensorRequest request = Request();
  request.mutable_tensor()->clear_shape();
  request.mutable_tensor()->add_shape(4'000'000);
  return request;
}

void ExpectFakeData(const std::vector<uint8_t>& buffer) {
  const std::string expected =
      FakeData(0, static_cast<int64_t>(buffer.size()) / 4);
  EXPECT_EQ(std::memcmp(buffer.data(), expected.data(), buffer.size()), 0);
}

TEST(ParallelFetchTest, ATensorIsFetchedIntoABufferByAllServers) {
  const FakeServer first;
  const FakeServer second;
  const auto client = ParallelClientOf({first.address(), second.address()}, 0);
  std::vector<uint8_t> buffer(16'000'000);
  const auto result = client->Fetch(LargeRequest(), absl::MakeSpan(buffer));
  ASSERT_TRUE(result.ok()) << result.status();
  ExpectFakeData(buffer);
  EXPECT_EQ(result->crc32, ExtendCrc32(0, buffer));
  EXPECT_EQ(result->elements, 4'000'000);
  EXPECT_FALSE(first.service().requests().empty());
  EXPECT_FALSE(second.service().requests().empty());
}

TEST(ParallelFetchTest, ABufferThatIsTooSmallStaysAsItIs) {
  const FakeServer server;
  const auto client = ParallelClientOf({server.address()}, 2);
  std::vector<uint8_t> buffer(15'999'999, 7);
  const auto result = client->Fetch(LargeRequest(), absl::MakeSpan(buffer));
  EXPECT_TRUE(absl::IsInvalidArgument(result.status())) << result.status();
  EXPECT_EQ(std::count(buffer.begin(), buffer.end(), 7), 15'999'999);
}

TEST(ParallelFetchTest, ATensorThatIsSmallComesByOneStream) {
  const FakeServer server;
  const auto client = ParallelClientOf({server.address()}, 4);
  std::vector<uint8_t> buffer(kElements * 4);
  ASSERT_TRUE(client->Fetch(Request(), absl::MakeSpan(buffer)).ok());
  EXPECT_EQ(server.service().requests().size(), 1U);
}

// The server sends the beginning of its segment, and then nothing more.
TEST(ParallelFetchTest, OtherServersDoTheWorkOfOneThatStandsStill) {
  absl::Notification done;
  const FakeServer frozen({[&](FakeStream& stream) {
    stream.BreakAfter(2, grpc::Status::OK);
    stream.before_end = [&] { done.WaitForNotification(); };
  }});
  const FakeServer good;
  const auto client = ParallelClientOf({frozen.address(), good.address()}, 2);
  std::vector<uint8_t> buffer(16'000'000);
  const auto result = client->Fetch(LargeRequest(), absl::MakeSpan(buffer));
  done.Notify();
  ASSERT_TRUE(result.ok()) << result.status();
  ExpectFakeData(buffer);
  EXPECT_EQ(result->resumed, 0);
}

TEST(ParallelFetchTest, AStreamThatBreaksIsContinued) {
  const FakeService::Script breaks = [](FakeStream& stream) {
    stream.BreakAfter(2, Unavailable());
  };
  // Of one server, whichever stream of the two comes first: of several, it
  // depends on the time which one is asked again.
  const FakeServer server({breaks, breaks, breaks});
  const auto client = ParallelClientOf({server.address()}, 2);
  std::vector<uint8_t> buffer(16'000'000);
  const auto result = client->Fetch(LargeRequest(), absl::MakeSpan(buffer));
  ASSERT_TRUE(result.ok()) << result.status();
  ExpectFakeData(buffer);
  EXPECT_EQ(result->resumed, 3);
}

// Neither server gets past its first chunk, so that neither can do the other's
// work before that one has described its tensor.
TEST(ParallelFetchTest, ServersThatDescribeDifferentTensorsAreFoundOut) {
  absl::Notification done;
  const auto stands_still = [&](FakeStream& stream) {
    stream.BreakAfter(1, grpc::Status::OK);
    stream.before_end = [&] { done.WaitForNotification(); };
  };
  const FakeServer first({stands_still});
  const FakeServer second({[&](FakeStream& stream) {
    stands_still(stream);
    stream.description().set_stddev(2);
  }});
  const auto client = ParallelClientOf({first.address(), second.address()}, 2);
  std::vector<uint8_t> buffer(16'000'000);
  const auto result = client->Fetch(LargeRequest(), absl::MakeSpan(buffer));
  done.Notify();
  EXPECT_TRUE(absl::IsDataLoss(result.status())) << result.status();
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("stddev"));
}

TEST(ParallelFetchTest, ADamagedChunkEndsTheFetch) {
  const FakeServer first({[](FakeStream& stream) {
    stream.chunk(1).set_crc32(stream.chunk(1).crc32() + 1);
  }});
  const auto client = ParallelClientOf({first.address()}, 2);
  std::vector<uint8_t> buffer(16'000'000);
  const auto result = client->Fetch(LargeRequest(), absl::MakeSpan(buffer));
  EXPECT_TRUE(absl::IsDataLoss(result.status())) << result.status();
}

TEST(ParallelFetchTest, ATimeoutEndsStreamsThatStandStill) {
  absl::Notification done;
  const FakeService::Script freezes = [&](FakeStream& stream) {
    stream.BreakAfter(1, grpc::Status::OK);
    stream.before_end = [&] { done.WaitForNotification(); };
  };
  const FakeServer frozen(std::vector<FakeService::Script>(64, freezes));
  WeightClientOptions options = FastOptions({frozen.address()});
  options.parallel = 2;
  options.timeout = absl::Milliseconds(100);
  const auto client = WeightClient::Create(options);
  ASSERT_TRUE(client.ok());
  std::vector<uint8_t> buffer(16'000'000);
  const auto result = (*client)->Fetch(LargeRequest(), absl::MakeSpan(buffer));
  done.Notify();
  EXPECT_TRUE(absl::IsDeadlineExceeded(result.status())) << result.status();
}

TEST(ParallelFetchTest, ANameStandsForEveryAddress) {
  const auto server = StartServer();
  const std::string port =
      server->address().substr(server->address().rfind(':'));
  // On most machines ::1 too, where no server listens.
  const auto client = ParallelClientOf({"dns:///localhost" + port}, 0);
  const auto info = client->Info();
  ASSERT_TRUE(info.ok()) << info.status();
  ExpectSame(*FetchFrom(**WeightClient::Local(), ModelRequest()),
             *FetchFrom(*client, ModelRequest()));
}

TEST(ParallelFetchTest, ANameThatDoesNotExistIsAnError) {
  const auto client =
      WeightClient::Create(FastOptions({"dns:///nowhere.invalid:1"}));
  EXPECT_TRUE(absl::IsUnavailable(client.status())) << client.status();
  EXPECT_THAT(std::string(client.status().message()),
              HasSubstr("nowhere.invalid"));
}

TEST(ParallelFetchTest, ParallelHasARange) {
  WeightClientOptions options = FastOptions({"127.0.0.1:1"});
  for (const int bad : {-1, 65}) {
    options.parallel = bad;
    EXPECT_THAT(std::string(WeightClient::Create(options).status().message()),
                HasSubstr("parallel"));
  }
}

}  // namespace
}  // namespace weightinit

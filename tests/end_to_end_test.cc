// The client library and real servers, over sockets.

#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/server.h"
#include "tests/client/cpp/client_fixture.h"
#include "tests/server/server_fixture.h"
#include "weightinit/client/weight_client.h"

namespace weightinit {
namespace {

using ::testing::HasSubstr;

// 8 MiB, more than flow control lets a server send ahead.
constexpr int64_t kRows = 1024;
constexpr int64_t kColumns = 2048;
constexpr int64_t kRowBytes = kColumns * 4;

v1::InitializeTensorRequest MatrixRequest() {
  return ParseRequest(
      "tensor { name: 'encoder.fc1.weight' shape: 1024 shape: 2048 "
      "activation: ACTIVATION_RELU } seed: 7 chunk_bytes: 65536");
}

std::string FetchAll(WeightClient& client,
                     const v1::InitializeTensorRequest& request) {
  CollectingSink sink;
  const auto result = client.Fetch(request, sink);
  EXPECT_TRUE(result.ok()) << result.status();
  return sink.data;
}

// Calls a function when a number of pieces has come.
class ActingSink final : public CollectingSink {
 public:
  ActingSink(int piece, std::function<absl::Status()> action)
      : piece_(piece), action_(std::move(action)) {}

  absl::Status OnData(absl::Span<const uint8_t> bytes) override {
    if (pieces == piece_) {
      if (absl::Status status = action_(); !status.ok()) return status;
    }
    return CollectingSink::OnData(bytes);
  }

 private:
  const int piece_;
  const std::function<absl::Status()> action_;
};

TEST(EndToEndTest, FourClientsOfTwoServersGetEqualBytes) {
  const auto first = StartServer();
  const auto second = StartServer();
  std::vector<std::string> fetched(4);
  std::vector<std::thread> threads;
  threads.reserve(fetched.size());
  for (size_t i = 0; i < fetched.size(); ++i) {
    const std::string& address =
        i % 2 == 0 ? first->address() : second->address();
    threads.emplace_back([&fetched, i, address] {
      fetched[i] = FetchAll(*ClientOf({address}), MatrixRequest());
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(fetched[0].size(), static_cast<size_t>(kRows * kRowBytes));
  for (size_t i = 1; i < fetched.size(); ++i) {
    EXPECT_TRUE(fetched[i] == fetched[0]) << "client " << i;
  }
}

TEST(EndToEndTest, CancelledFetchFreesItsPlaceOnTheServer) {
  ServerOptions options;
  options.admission.max_streams = 1;
  const auto server = StartServer(options);
  const auto client = ClientOf({server->address()});
  ActingSink sink(3, [] { return absl::CancelledError("enough"); });
  const auto cancelled = client->Fetch(LargeRequest(), sink);
  EXPECT_EQ(cancelled.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(sink.pieces, 3);
  ASSERT_TRUE(Eventually([&server] { return server->active_streams() == 0; }));
  EXPECT_EQ(FetchAll(*client, MatrixRequest()).size(),
            static_cast<size_t>(kRows * kRowBytes));
}

TEST(EndToEndTest, DeadlineEndsAFetchMidStream) {
  const auto server = StartServer();
  WeightClientOptions options = FastOptions({server->address()});
  options.timeout = absl::Milliseconds(500);
  const auto client = *WeightClient::Create(options);
  // Petabytes, in small pieces so that some come before the deadline.
  const auto request = ParseRequest(
      "tensor { shape: 1099511627776 scheme: SCHEME_ZEROS } chunk_bytes: 4096");
  class CountingSink final : public TensorSink {
   public:
    absl::Status OnData(absl::Span<const uint8_t> data) override {
      bytes += data.size();
      return absl::OkStatus();
    }
    size_t bytes = 0;
  } sink;
  const auto result = client->Fetch(request, sink);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_GT(sink.bytes, 0u);
  EXPECT_TRUE(Eventually([&server] { return server->active_streams() == 0; }));
}

TEST(EndToEndTest, FetchGoesOnElsewhereWhenItsServerIsKilled) {
  auto first = StartServer();
  const auto second = StartServer();
  const std::string whole =
      FetchAll(*ClientOf({second->address()}), MatrixRequest());

  const auto client = ClientOf({first->address(), second->address()});
  ActingSink sink(5, [&first] {
    first->Drain(absl::ZeroDuration());
    return absl::OkStatus();
  });
  const auto result = client->Fetch(MatrixRequest(), sink);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->resumed, 1);
  EXPECT_TRUE(sink.data == whole);
  EXPECT_EQ(result->crc32, Crc32(whole));
}

TEST(EndToEndTest, NamedSeedIsResumedOnlyWhereItHasTheSameNumber) {
  ServerOptions options;
  options.root_seed = RootSeedOf('r');
  const auto same = StartServer(options);
  options.root_seed = RootSeedOf('o');
  const auto other = StartServer(options);
  const auto without = StartServer();
  v1::InitializeTensorRequest request = MatrixRequest();
  request.clear_seed();
  request.set_seed_name("team/a");
  const std::string whole = FetchAll(*ClientOf({same->address()}), request);

  for (const auto& [second, code] :
       {std::pair{same.get(), absl::StatusCode::kOk},
        std::pair{other.get(), absl::StatusCode::kDataLoss},
        std::pair{without.get(), absl::StatusCode::kFailedPrecondition}}) {
    options.root_seed = RootSeedOf('r');
    auto first = StartServer(options);
    const auto client = ClientOf({first->address(), second->address()});
    ActingSink sink(5, [&first] {
      first->Drain(absl::ZeroDuration());
      return absl::OkStatus();
    });
    const auto result = client->Fetch(request, sink);
    EXPECT_EQ(result.status().code(), code) << result.status();
    // Never a byte of another tensor.
    EXPECT_TRUE(sink.data == whole.substr(0, sink.data.size()));
    EXPECT_EQ(sink.data.size() == whole.size(), result.ok());
  }
}

TEST(EndToEndTest, SlicesInReverseOrderFromTwoServersMakeTheWhole) {
  const auto first = StartServer();
  const auto second = StartServer();
  const std::string whole =
      FetchAll(*ClientOf({first->address()}), MatrixRequest());
  std::string from_slices;
  constexpr int64_t kSlices = 4;
  for (int64_t i = kSlices - 1; i >= 0; --i) {
    v1::InitializeTensorRequest request = MatrixRequest();
    v1::DimensionRange* const rows = request.add_slice();
    rows->set_start(i * kRows / kSlices);
    rows->set_stop((i + 1) * kRows / kSlices);
    request.add_slice();
    const auto& server = i % 2 == 0 ? first : second;
    from_slices.insert(0, FetchAll(*ClientOf({server->address()}), request));
  }
  EXPECT_TRUE(from_slices == whole);
}

TEST(EndToEndTest, InProcessChannelGivesTheBytesOfASocket) {
  const auto server = StartServer();
  const auto in_process = WeightClient::FromChannels(
      {server->InProcessChannel()}, WeightClientOptions());
  ASSERT_TRUE(in_process.ok()) << in_process.status();
  EXPECT_TRUE(FetchAll(**in_process, MatrixRequest()) ==
              FetchAll(*ClientOf({server->address()}), MatrixRequest()));
}

TEST(EndToEndTest, DescriptionIsTheOneOfTheHeader) {
  const auto server = StartServer();
  const auto client = ClientOf({server->address()});
  v1::DescribeTensorRequest request;
  ASSERT_TRUE(request.ParseFromString(MatrixRequest().SerializeAsString()));
  const auto description = client->Describe(request);
  ASSERT_TRUE(description.ok()) << description.status();
  CollectingSink sink;
  const auto result = client->Fetch(MatrixRequest(), sink);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(description->SerializeAsString(),
            result->description.SerializeAsString());
}

TEST(EndToEndTest, InvalidRequestNamesItsFields) {
  const auto server = StartServer();
  const auto client = ClientOf({server->address()});
  CollectingSink sink;
  const auto result = client->Fetch(
      ParseRequest(
          "tensor { shape: 4 shape: 6 fan { groups: 5 } } chunk_bytes: 1"),
      sink);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("chunk_bytes"));
  EXPECT_THAT(std::string(result.status().message()),
              HasSubstr("tensor.fan.groups"));
  EXPECT_EQ(sink.headers, 0);
}

}  // namespace
}  // namespace weightinit

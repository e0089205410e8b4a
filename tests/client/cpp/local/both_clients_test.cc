// What a caller of WeightClient sees is the same whether a server computes or
// the process itself.

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "gtest/gtest.h"
#include "proto/cpp/crc32.h"
#include "tests/client/cpp/client_fixture.h"
#include "tests/server/server_fixture.h"
#include "weightinit/client/weight_client.h"

namespace weightinit {
namespace {

// Puts the pieces where they belong, and checks that they fit.
class CollectingPieces final : public PieceSink {
 public:
  explicit CollectingPieces(absl::Status failure = absl::OkStatus())
      : failure_(std::move(failure)) {}

  absl::Status OnHeader(const v1::TensorDescription& description) override {
    ++headers;
    data.resize(static_cast<size_t>(description.bytes()));
    return absl::OkStatus();
  }

  absl::Status OnPiece(int64_t offset,
                       absl::Span<const uint8_t> piece) override {
    if (!failure_.ok()) return failure_;
    EXPECT_FALSE(piece.empty());
    EXPECT_LE(static_cast<size_t>(offset) + piece.size(), data.size());
    std::memcpy(data.data() + offset, piece.data(), piece.size());
    const absl::MutexLock lock(&mutex_);
    sizes_[offset] = static_cast<int64_t>(piece.size());
    return absl::OkStatus();
  }

  // Whether the pieces cover all of the data, once.
  bool Complete() const {
    const absl::MutexLock lock(&mutex_);
    int64_t end = 0;
    for (const auto& [offset, size] : sizes_) {
      if (offset != end) return false;
      end += size;
    }
    return end == static_cast<int64_t>(data.size());
  }

  int headers = 0;
  std::string data;

 private:
  const absl::Status failure_;
  mutable absl::Mutex mutex_;
  std::map<int64_t, int64_t> sizes_ ABSL_GUARDED_BY(mutex_);
};

// Of one request, by each overload of Fetch.
struct Fetched {
  absl::StatusOr<FetchResult> result;
  int headers = 0;
  std::string data;
};

Fetched IntoSink(WeightClient& client,
                 const v1::InitializeTensorRequest& request) {
  CollectingSink sink;
  auto result = client.Fetch(request, sink);
  return {std::move(result), sink.headers, sink.data};
}

Fetched IntoPieces(WeightClient& client,
                   const v1::InitializeTensorRequest& request) {
  CollectingPieces sink;
  auto result = client.Fetch(request, sink);
  EXPECT_TRUE(!result.ok() || sink.Complete());
  return {std::move(result), sink.headers, sink.data};
}

Fetched IntoBuffer(WeightClient& client,
                   const v1::InitializeTensorRequest& request) {
  std::string data(size_t{3} << 20, '\0');
  auto result = client.Fetch(
      request,
      absl::MakeSpan(reinterpret_cast<uint8_t*>(data.data()), data.size()));
  if (result.ok()) data.resize(static_cast<size_t>(result->bytes));
  return {std::move(result), 1, data};
}

constexpr int kThreads[] = {1, 2, 5};

// A local client with kThreads[i] threads for each i, and one of a server.
class BothClientsTest : public ::testing::Test {
 protected:
  static constexpr int64_t kMaxElements = 1'000'000;

  BothClientsTest() {
    ServerOptions options;
    options.limits.max_elements = kMaxElements;
    server_ = StartServer(options);
    remote_ = ClientOf({server_->address()});
    for (const int threads : kThreads) {
      local_.push_back(*WeightClient::Local({threads, kMaxElements}));
    }
  }

  std::unique_ptr<Server> server_;
  std::unique_ptr<WeightClient> remote_;
  std::vector<std::unique_ptr<WeightClient>> local_;
};

class SameAnswerTest : public BothClientsTest,
                       public ::testing::WithParamInterface<const char*> {};

void ExpectSame(const Fetched& local, const Fetched& remote) {
  ASSERT_EQ(local.result.status(), remote.result.status());
  EXPECT_EQ(local.headers, remote.headers);
  if (!local.result.ok()) return;
  EXPECT_TRUE(local.data == remote.data);
  EXPECT_EQ(local.result->description.SerializeAsString(),
            remote.result->description.SerializeAsString());
  EXPECT_EQ(local.result->crc32, remote.result->crc32);
  EXPECT_EQ(local.result->crc32,
            ExtendCrc32(0, absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(
                                                   local.data.data()),
                                               local.data.size())));
  EXPECT_EQ(local.result->elements, remote.result->elements);
  EXPECT_EQ(local.result->bytes, remote.result->bytes);
  EXPECT_EQ(local.result->resumed, 0);
}

TEST_P(SameAnswerTest, OfAServerAndOfTheProcess) {
  const auto request = ParseRequest(GetParam());
  for (const auto fetch : {IntoSink, IntoPieces, IntoBuffer}) {
    const Fetched remote = fetch(*remote_, request);
    for (const auto& local : local_) {
      ExpectSame(fetch(*local, request), remote);
    }
  }
  v1::DescribeTensorRequest describe;
  ASSERT_TRUE(describe.ParseFromString(request.SerializeAsString()));
  const auto local = local_[0]->Describe(describe);
  const auto remote = remote_->Describe(describe);
  ASSERT_EQ(local.status(), remote.status());
  if (local.ok()) {
    EXPECT_EQ(local->SerializeAsString(), remote->SerializeAsString());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Tensors, SameAnswerTest,
    ::testing::Values(
        "tensor { name: 'w' shape: 10 shape: 10 activation: ACTIVATION_RELU }",
        // Several pieces, the last one short; in each size of element.
        "tensor { shape: 601 shape: 1009 } seed: 3 chunk_bytes: 100000",
        "tensor { shape: 301 shape: 1009 dtype: DTYPE_FLOAT64 }",
        "tensor { shape: 700 shape: 1009 dtype: DTYPE_BFLOAT16 }",
        "tensor { shape: 601 shape: 1009 fan { layout: LAYOUT_IN_OUT } }",
        "tensor { shape: 601 shape: 1009 scheme: SCHEME_ONES }",
        "tensor { shape: 601 shape: 1009 } slice { start: 7 } slice { stop: "
        "999 }"
        " first_element: 77 element_count: 300001",
        "tensor { shape: 65536 }", "tensor { shape: 131072 }", "tensor {}",
        "tensor { shape: 4 shape: 0 }", "tensor { shape: 4 } first_element: 4",
        "tensor { shape: 4 } element_count: 0"));

INSTANTIATE_TEST_SUITE_P(
    Errors, SameAnswerTest,
    ::testing::Values(
        "", "seed: 1 slice {} chunk_bytes: 1",
        "tensor { shape: -1 dtype: 99 } chunk_bytes: 1 first_element: -1",
        "tensor { shape: 1000 shape: 1001 }",
        "tensor { shape: 4 } first_element: 5",
        "tensor { shape: 4 } first_element: 1 element_count: 4",
        // More violations, and more text, than an error carries.
        "tensor { shape: -1 shape: -2 shape: -3 shape: -4 shape: -5 shape: -6 "
        "shape: -7 shape: -8 shape: -9 shape: -10 shape: -11 shape: -12 "
        "scheme: 77 activation: 88 parameters { stddev: -1 gain: nan } } "
        "generator: 9 chunk_bytes: 1 first_element: -1 element_count: -1"));

TEST_F(BothClientsTest, NameThatIsNotUtf8IsRefusedAlike) {
  auto request = ParseRequest("tensor { shape: -1 }");
  request.mutable_tensor()->set_name("\xff");
  ExpectSame(IntoSink(*local_[0], request), IntoSink(*remote_, request));
}

TEST_F(BothClientsTest, BufferTooSmallIsRefusedAlikeAndStaysUntouched) {
  for (WeightClient* client : {local_[1].get(), remote_.get()}) {
    std::vector<uint8_t> buffer(399, 0xee);
    const auto result = client->Fetch(ParseRequest("tensor { shape: 100 }"),
                                      absl::MakeSpan(buffer));
    EXPECT_EQ(result.status(),
              absl::InvalidArgumentError(
                  "buffer has 399 bytes, the tensor needs 400"));
    EXPECT_EQ(buffer, std::vector<uint8_t>(399, 0xee));
  }
}

TEST_F(BothClientsTest, ErrorOfASinkIsReturnedAlike) {
  const auto request = ParseRequest("tensor { shape: 900000 }");
  const absl::Status failure = absl::UnavailableError("the disk is full");
  CollectingSink remote_sink(0, failure);
  EXPECT_EQ(remote_->Fetch(request, remote_sink).status(), failure);
  CollectingPieces remote_pieces(failure);
  EXPECT_EQ(remote_->Fetch(request, remote_pieces).status(), failure);
  for (const auto& local : local_) {
    CollectingSink sink(0, failure);
    EXPECT_EQ(local->Fetch(request, sink).status(), failure);
    CollectingPieces pieces(failure);
    EXPECT_EQ(local->Fetch(request, pieces).status(), failure);
  }
}

TEST_F(BothClientsTest, ErrorOfASinkSaysHowMuchCameBefore) {
  const auto request = ParseRequest("tensor { shape: 900000 }");
  for (const auto& local : local_) {
    CollectingSink sink(2, absl::InternalError("the disk is full"));
    const auto result = local->Fetch(request, sink);
    EXPECT_EQ(result.status().code(), absl::StatusCode::kInternal);
    const size_t elements = sink.data.size() / 4;
    EXPECT_EQ(std::string(result.status().message()),
              absl::StrCat("the disk is full (after ", elements,
                           " of 900000 elements)"));
  }
}

TEST_F(BothClientsTest, InfoDiffersInWhatBoundsCallsAlone) {
  auto local = local_[0]->Info();
  auto remote = remote_->Info();
  ASSERT_TRUE(local.ok() && remote.ok());
  EXPECT_EQ(local->limits().max_streams(), INT32_MAX);
  remote->mutable_limits()->set_max_streams(INT32_MAX);
  EXPECT_EQ(local->limits().max_operations(), INT64_MAX);
  remote->mutable_limits()->set_max_operations(INT64_MAX);
  EXPECT_EQ(local->SerializeAsString(), remote->SerializeAsString());
}

}  // namespace
}  // namespace weightinit

#include <cstdint>
#include <ostream>
#include <string>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/client/cpp/client_fixture.h"
#include "weightinit/client/weight_client.h"

namespace weightinit {
namespace {

using ::testing::HasSubstr;

class IgnoringSink final : public TensorSink {
 public:
  absl::Status OnData(absl::Span<const uint8_t> /*data*/) override {
    return absl::OkStatus();
  }
};

class IgnoringPieces final : public PieceSink {
 public:
  absl::Status OnPiece(int64_t /*offset*/,
                       absl::Span<const uint8_t> /*data*/) override {
    return absl::OkStatus();
  }
};

v1::InitializeTensorRequest LargeRequest() {
  v1::InitializeTensorRequest request = Request();
  request.mutable_tensor()->set_shape(0, int64_t{1} << 36);
  request.mutable_tensor()->set_scheme(v1::SCHEME_NORMAL);
  return request;
}

TEST(LocalClientTest, TimeoutEndsEachKindOfFetch) {
  for (const int threads : {1, 3}) {
    LocalOptions options;
    options.threads = threads;
    options.timeout = absl::Milliseconds(1);
    const auto client = *WeightClient::Local(options);
    IgnoringPieces pieces;
    EXPECT_EQ(client->Fetch(LargeRequest(), pieces).status().code(),
              absl::StatusCode::kDeadlineExceeded);
    IgnoringSink sink;
    EXPECT_EQ(client->Fetch(LargeRequest(), sink).status().code(),
              absl::StatusCode::kDeadlineExceeded);
  }
}

TEST(LocalClientTest, RunsOnAllCoresUnlessToldOtherwise) {
  const auto client = WeightClient::Local();
  ASSERT_TRUE(client.ok()) << client.status();
  CollectingSink sink;
  const auto result = (*client)->Fetch(Request(), sink);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->elements, kElements);
}

struct BadOptions {
  std::string name;
  LocalOptions options;
};

void PrintTo(const BadOptions& bad, std::ostream* out) { *out << bad.name; }

class BadLocalOptionsTest : public ::testing::TestWithParam<BadOptions> {};

TEST_P(BadLocalOptionsTest, AreNamed) {
  const auto client = WeightClient::Local(GetParam().options);
  EXPECT_EQ(client.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(client.status().message()),
              HasSubstr("LocalOptions." + GetParam().name));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadLocalOptionsTest,
    ::testing::Values(BadOptions{"threads", {-1}},
                      BadOptions{"threads", {1025}},
                      BadOptions{"max_elements", {0, 0}},
                      BadOptions{"max_elements", {0, (int64_t{1} << 59) + 1}},
                      BadOptions{"timeout", {0, 1, absl::ZeroDuration()}}));

}  // namespace
}  // namespace weightinit

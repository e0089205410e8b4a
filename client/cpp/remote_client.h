// A client of servers.

#ifndef WEIGHTINIT_CLIENT_CPP_REMOTE_CLIENT_H_
#define WEIGHTINIT_CLIENT_CPP_REMOTE_CLIENT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "client/cpp/fetch/chunk_destination.h"
#include "client/cpp/streams/parallel_streams.h"
#include "client/cpp/streams/replica.h"
#include "client/cpp/streams/retry_limits.h"
#include "client/cpp/streams/stream_calls.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "weightinit/client/weight_client.h"

namespace weightinit {

// One stream at a time, by one server after the other; or several at once, by
// all of them.
class RemoteClient final : public WeightClient {
 public:
  // REQUIRES: there is a channel, and the options are valid.
  RemoteClient(const std::vector<std::shared_ptr<grpc::Channel>>& channels,
               WeightClientOptions options);

  absl::StatusOr<v1::TensorDescription> Describe(
      const v1::DescribeTensorRequest& request) override;
  absl::StatusOr<v1::GetServerInfoResponse> Info() override;
  absl::StatusOr<uint64_t> ResolveSeed(const std::string& seed_name) override;
  absl::StatusOr<FetchResult> Fetch(const v1::InitializeTensorRequest& request,
                                    TensorSink& sink) override;
  absl::StatusOr<FetchResult> Fetch(const v1::InitializeTensorRequest& request,
                                    absl::Span<uint8_t> buffer) override;
  absl::StatusOr<FetchResult> Fetch(const v1::InitializeTensorRequest& request,
                                    PieceSink& sink) override;
  absl::StatusOr<v1::ModelSummary> DescribeModel(
      const v1::DescribeModelRequest& request,
      const std::function<absl::Status(const v1::ModelTensor&)>& visit)
      override;
  absl::StatusOr<ModelFetchResult> FetchModel(
      const v1::InitializeModelRequest& request, ModelSink& sink) override;

 private:
  // Calls attempt(replica, context) on one server after the other until it
  // succeeds, fails for good, or has to give up (RetryLimits). One that has no
  // room is passed over, and asked again when it said.
  absl::Status Retry(
      absl::Time deadline,
      const std::function<AttemptResult(const Replica&, grpc::ClientContext&)>&
          attempt);

  // The same of a call that has one answer, which has to come within
  // options_.stall_timeout.
  absl::Status RetryUnary(
      absl::Time deadline,
      const std::function<grpc::Status(v1::WeightInitService::Stub&,
                                       grpc::ClientContext&)>& call);

  absl::Time Deadline() const;
  RetryOptions RetryOptionsFor(absl::Time deadline) const;
  absl::StatusOr<v1::TensorDescription> DescribeUntil(
      absl::Time deadline, const v1::DescribeTensorRequest& request);

  // By one stream at a time.
  absl::StatusOr<FetchResult> FetchTo(
      const v1::InitializeTensorRequest& request,
      ChunkDestination& destination);
  absl::StatusOr<ModelFetchResult> FetchModelInOrder(
      const v1::InitializeModelRequest& request, ModelSink& sink);

  // By several.
  absl::StatusOr<FetchResult> FetchInParallel(
      const v1::InitializeTensorRequest& request, PieceSink& sink);
  absl::StatusOr<ModelFetchResult> FetchModelInParallel(
      const v1::InitializeModelRequest& request, ModelSink& sink);
  // All `bytes` bytes of `segments`, whose segments begin where `align` says.
  absl::Status Deliver(int64_t bytes,
                       const std::function<int64_t(int64_t)>& align,
                       absl::Time deadline, SegmentStreams& segments,
                       int* resumed);

  const WeightClientOptions options_;
  const int parallel_;
  const int max_fruitless_;  // Attempts in a row.
  std::vector<Replica> replicas_;
  // Where the next call starts: the server that was tried last.
  std::atomic<int> current_{0};
};

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_REMOTE_CLIENT_H_

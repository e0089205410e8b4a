#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cpp/fetch/model_buffer_sink.h"
#include "weightinit/client/fetch_result.h"
#include "weightinit/client/model_buffers.h"
#include "weightinit/client/weight_client.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {

absl::StatusOr<ModelFetchResult> WeightClient::FetchModel(
    const v1::InitializeModelRequest& request, const ModelBuffers& buffers) {
  // Their fields have the same numbers.
  v1::DescribeModelRequest describe;
  if (!describe.ParseFromString(request.SerializeAsString())) {
    return absl::InvalidArgumentError("the request cannot be serialized");
  }
  ModelBufferCheck check(buffers);
  const auto summary =
      DescribeModel(describe, [&](const v1::ModelTensor& tensor) {
        check.Add(tensor);
        return absl::OkStatus();
      });
  if (!summary.ok()) return summary.status();
  if (absl::Status status = check.Finish(); !status.ok()) return status;
  ModelBufferSink sink(buffers);
  return FetchModel(request, sink);
}

}  // namespace weightinit

// Between the bytes of a call and the core. Nothing else in the server knows
// both; its callers see wire buffers on one side and core types on the other.
//
// Every function is thread-safe.

#ifndef WEIGHTINIT_SERVER_CONVERT_H_
#define WEIGHTINIT_SERVER_CONVERT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/model_plan.h"
#include "weightinit/core/plan.h"
#include "weightinit/core/root_seed.h"

namespace weightinit {

namespace v1 {
class DescribeModelResponse;
}  // namespace v1

// The plan of a serialized request. INVALID_ARGUMENT carries every violation,
// also that of a request that cannot be parsed; OUT_OF_RANGE: first_element is
// past the end, or element_count reaches past it. FAILED_PRECONDITION: a
// seed_name, and `root_seed` is null.
absl::StatusOr<TensorPlan> PlanInitializeTensor(
    const grpc::ByteBuffer& request, const Limits& limits,
    const RootSeed* root_seed = nullptr);
absl::StatusOr<TensorPlan> PlanDescribeTensor(
    const grpc::ByteBuffer& request, const Limits& limits,
    const RootSeed* root_seed = nullptr);

// A seed, and the name that it was derived from.
struct NamedSeed {
  std::string name;
  uint64_t seed = 0;
};

// What a serialized ResolveSeedRequest asks for; errors as above.
absl::StatusOr<NamedSeed> ResolveSeed(const grpc::ByteBuffer& request,
                                      const RootSeed* root_seed);

// A serialized ResolveSeedResponse.
grpc::ByteBuffer SerializeSeed(const NamedSeed& seed);

// A serialized DescribeTensorResponse.
grpc::ByteBuffer SerializeDescription(const TensorPlan& plan);

// A serialized InitializeTensorResponse{header}.
grpc::ByteBuffer SerializeHeader(const TensorPlan& plan);

// A serialized InitializeTensorResponse{trailer}; `crc32` is of all bytes sent.
grpc::ByteBuffer SerializeTrailer(int64_t elements, int64_t bytes,
                                  uint32_t crc32);

// The plans of models. INVALID_ARGUMENT carries the violations, also that of a
// request that cannot be parsed; for other errors see ModelPlan::Make.
absl::StatusOr<std::shared_ptr<const ModelPlan>> PlanInitializeModel(
    const grpc::ByteBuffer& request, const Limits& limits,
    const RootSeed* root_seed);
absl::StatusOr<std::shared_ptr<const ModelPlan>> PlanDescribeModel(
    const grpc::ByteBuffer& request, const Limits& limits,
    const RootSeed* root_seed);

// Serialized InitializeModelResponses; `crc32` is of all bytes sent.
grpc::ByteBuffer SerializeModelSummary(const ModelSummary& summary);
grpc::ByteBuffer SerializeModelTensor(const ModelTensor& tensor);
grpc::ByteBuffer SerializeTensorTrailer(int64_t elements, int64_t bytes,
                                        uint32_t crc32);
grpc::ByteBuffer SerializeModelTrailer(int64_t tensors, int64_t bytes,
                                       uint32_t crc32);

// A serialized DescribeModelResponse{summary}.
grpc::ByteBuffer SerializeDescribedSummary(const ModelSummary& summary);

// A DescribeModelResponse{tensors}.
class DescribedTensors {
 public:
  DescribedTensors();
  ~DescribedTensors();

  void Add(const ModelTensor& tensor);
  // Of the tensors so far, serialized.
  int64_t bytes() const { return bytes_; }
  grpc::ByteBuffer Serialize() const;

 private:
  std::unique_ptr<v1::DescribeModelResponse> response_;
  int64_t bytes_ = 0;
};

}  // namespace weightinit

#endif  // WEIGHTINIT_SERVER_CONVERT_H_

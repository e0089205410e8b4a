// Between the models of the contract and those of the core.
//
// Every function is thread-safe.

#ifndef WEIGHTINIT_PROTO_CPP_MODEL_CONVERSION_H_
#define WEIGHTINIT_PROTO_CPP_MODEL_CONVERSION_H_

#include <memory>

#include "absl/status/statusor.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/model_plan.h"
#include "weightinit/core/root_seed.h"
#include "weightinit/v1/model.pb.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit {

// The plan of a request. INVALID_ARGUMENT carries the violations, also that no
// model is named; for other errors see ModelPlan::Make.
absl::StatusOr<std::shared_ptr<const ModelPlan>> PlanOf(
    const v1::InitializeModelRequest& request, const Limits& limits,
    const RootSeed* root_seed);
absl::StatusOr<std::shared_ptr<const ModelPlan>> PlanOf(
    const v1::DescribeModelRequest& request, const Limits& limits,
    const RootSeed* root_seed);

// Fills messages, which are empty.
void ToProto(const ModelTensor& tensor, v1::ModelTensor* proto);
void ToProto(const ModelSummary& summary, v1::ModelSummary* proto);

}  // namespace weightinit

#endif  // WEIGHTINIT_PROTO_CPP_MODEL_CONVERSION_H_

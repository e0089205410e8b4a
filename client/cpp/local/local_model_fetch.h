// Models that the process computes, on several threads.

#ifndef WEIGHTINIT_CLIENT_CPP_LOCAL_LOCAL_MODEL_FETCH_H_
#define WEIGHTINIT_CLIENT_CPP_LOCAL_LOCAL_MODEL_FETCH_H_

#include <memory>

#include "absl/status/statusor.h"
#include "client/cpp/local/local_fetch.h"
#include "weightinit/client/fetch_result.h"
#include "weightinit/client/model_sink.h"
#include "weightinit/core/model_plan.h"

namespace weightinit {

// Delivers what `plan` says, as WeightClient::FetchModel promises.
// DEADLINE_EXCEEDED: the deadline came first.
absl::StatusOr<ModelFetchResult> FetchModelLocally(
    std::shared_ptr<const ModelPlan> plan, const LocalFetchOptions& options,
    ModelSink& sink);

}  // namespace weightinit

#endif  // WEIGHTINIT_CLIENT_CPP_LOCAL_LOCAL_MODEL_FETCH_H_

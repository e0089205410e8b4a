// Fetching a model into its files.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_MODEL_FETCH_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_MODEL_FETCH_H_

#include "absl/status/statusor.h"
#include "client/cpp/cli/model_files.h"
#include "client/cpp/cli/model_layout.h"
#include "weightinit/client/fetch_result.h"
#include "weightinit/client/weight_client.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit::cli {

// Where the model goes that a request asks for.
struct ModelFiles {
  const ModelLayout& layout;        // Finished.
  const v1::ModelSummary& summary;  // The layout's.
  ModelOutput& output;
};

// Fetches what `request` asks for into `files`, and makes them visible. Errors
// are those of the client; DATA_LOSS also if it now describes another model.
absl::StatusOr<ModelFetchResult> FetchModelFiles(
    WeightClient& client, const v1::InitializeModelRequest& request,
    const ModelFiles& files);

// The same, going on with what is there of an earlier download, and keeping
// what there is if this one breaks off too. files.output was opened with
// keep_partial.
absl::StatusOr<ModelFetchResult> ResumeModelFiles(
    WeightClient& client, const v1::InitializeModelRequest& request,
    const ModelFiles& files);

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_MODEL_FETCH_H_

#include "client/cpp/cli/diff_command.h"

#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/cli/manifest_errors.h"
#include "client/cpp/cli/model_difference.h"
#include "client/cpp/cli/output.h"
#include "client/cpp/cli/preset_options.h"
#include "weightinit/client/manifest.h"
#include "weightinit/client/weight_client.h"
#include "weightinit/v1/model.pb.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit::cli {
namespace {

absl::StatusOr<ResolvedModel> Resolve(const std::string& path,
                                      const PresetOptions& presets) {
  const auto text = ReadManifestText(path);
  if (!text.ok()) return absl::InvalidArgumentError(text.status().message());
  auto spec = ParseManifest(*text, path);
  if (!spec.ok()) return spec.status();
  const auto applied = ApplyPresets(presets, *spec);
  if (!applied.ok()) return ExplainInManifest(applied.status(), *text, path);
  v1::DescribeModelRequest request;
  *request.mutable_model() = *std::move(spec);
  const auto client = WeightClient::Local();
  if (!client.ok()) return client.status();
  ResolvedModel model;
  model.path = path == "-" ? "standard input" : path;
  auto summary =
      (*client)->DescribeModel(request, [&](const v1::ModelTensor& tensor) {
        model.tensors.push_back(tensor);
        return absl::OkStatus();
      });
  if (!summary.ok()) return ExplainInManifest(summary.status(), *text, path);
  model.summary = *std::move(summary);
  return model;
}

}  // namespace

absl::Status RunModelDiff(const ModelDiffOptions& options) {
  if (options.a == "-" && options.b == "-") {
    return absl::InvalidArgumentError(
        "A and B: one of the two may be standard input, not both");
  }
  const auto a = Resolve(options.a, PresetOptions());
  if (!a.ok()) return a.status();
  const auto b = Resolve(options.b, options.presets);
  if (!b.ok()) return b.status();
  const std::vector<TensorDifference> differences = Differences(*a, *b);
  if (absl::Status status = WriteText(
          STDOUT_FILENO, options.json ? DifferenceJson(*a, *b, differences)
                                      : DifferenceText(*a, *b, differences));
      !status.ok()) {
    return status;
  }
  if (differences.empty()) return absl::OkStatus();
  return absl::AbortedError(
      absl::StrCat(a->path, " and ", b->path, " differ in ", differences.size(),
                   differences.size() == 1 ? " tensor" : " tensors"));
}

}  // namespace weightinit::cli

#include "client/cpp/cli/model_command.h"

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/types/span.h"
#include "client/cpp/cli/manifest_errors.h"
#include "client/cpp/cli/model_fetch.h"
#include "client/cpp/cli/model_files.h"
#include "client/cpp/cli/model_layout.h"
#include "client/cpp/cli/model_report.h"
#include "client/cpp/cli/model_selection.h"
#include "client/cpp/cli/model_verifier.h"
#include "client/cpp/cli/output.h"
#include "client/cpp/cli/preset_options.h"
#include "client/cpp/cli/request_options.h"
#include "client/cpp/cli/seed_command.h"
#include "weightinit/client/manifest.h"
#include "weightinit/client/weight_client.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit::cli {
namespace {

// A model as it was typed, and the request for it.
struct TypedModel {
  std::string path;
  std::string text;
  v1::InitializeModelRequest request;
  std::string seed_name;  // Also where it was resolved here.
  Selections parts;
  PresetRules presets;

  // `status` with the place in the manifest in front of each violation.
  absl::Status Explain(const absl::Status& status) const {
    return ExplainInManifest(
        status, text, path,
        [this](const std::string& field) { return parts.NameOf(field); });
  }
};

// A seed that is named and has no server is resolved here.
absl::StatusOr<TypedModel> ReadModel(const ModelOptions& options) {
  // Seeds are read as for a single tensor.
  RequestOptions seeds;
  seeds.shape = "";
  seeds.seed = options.seed;
  seeds.seed_name = options.seed_name;
  auto seed = ParseRequest(seeds);
  if (!seed.ok()) return seed.status();
  TypedModel model;
  model.seed_name = seed->seed_name();
  if (absl::Status status = ResolveSeedHere(options.connection, *seed);
      !status.ok()) {
    return status;
  }
  auto parts = ParseSelections(options.parts);
  if (!parts.ok()) return parts.status();
  model.parts = *std::move(parts);
  model.path = options.manifest;
  auto text = ReadManifestText(options.manifest);
  if (!text.ok()) return text.status();
  model.text = *std::move(text);
  auto spec = ParseManifest(model.text, model.path);
  if (!spec.ok()) return spec.status();
  *model.request.mutable_model() = *std::move(spec);
  auto presets = ApplyPresets(options.presets, *model.request.mutable_model());
  if (!presets.ok()) return model.Explain(presets.status());
  model.presets = *std::move(presets);
  model.request.set_seed(seed->seed());
  model.request.set_seed_name(seed->seed_name());
  for (const std::string& pattern : options.only) {
    model.request.add_only(pattern);
  }
  for (const v1::TensorSelection& part : model.parts.messages) {
    *model.request.add_selections() = part;
  }
  return model;
}

v1::DescribeModelRequest DescriptionOf(
    const v1::InitializeModelRequest& request) {
  v1::DescribeModelRequest description;
  *description.mutable_model() = request.model();
  description.set_seed(request.seed());
  description.set_seed_name(request.seed_name());
  *description.mutable_only() = request.only();
  *description.mutable_selections() = request.selections();
  return description;
}

// Fills the layout of the files for `model`.
absl::StatusOr<v1::ModelSummary> LayOutFiles(WeightClient& client,
                                             const TypedModel& model,
                                             ModelLayout& layout) {
  EmptyParts empty;
  TensorsWithoutPreset without_preset(model.presets);
  auto summary = client.DescribeModel(DescriptionOf(model.request),
                                      [&](const v1::ModelTensor& tensor) {
                                        empty.Add(tensor);
                                        without_preset.Add(tensor);
                                        return layout.Add(tensor);
                                      });
  if (!summary.ok()) return model.Explain(summary.status());
  WriteText(STDERR_FILENO, absl::StrCat(without_preset.text(), empty.text()))
      .IgnoreError();
  absl::Status status = layout.Finish(*summary);
  if (!status.ok()) return status;
  return summary;
}

}  // namespace

absl::Status RunModelPlan(const ModelOptions& options) {
  const auto model = ReadModel(options);
  if (!model.ok()) return model.status();
  const auto client = Connect(options.connection);
  if (!client.ok()) return client.status();
  ModelTable table(options.json, model->presets);
  EmptyParts empty;
  TensorsWithoutPreset without_preset(model->presets);
  auto summary = (*client)->DescribeModel(DescriptionOf(model->request),
                                          [&](const v1::ModelTensor& tensor) {
                                            table.Add(tensor);
                                            empty.Add(tensor);
                                            without_preset.Add(tensor);
                                            return absl::OkStatus();
                                          });
  if (!summary.ok()) return model->Explain(summary.status());
  summary->set_seed_name(model->seed_name);
  WriteText(STDERR_FILENO,
            absl::StrCat(ModelAdvisoryText(*summary), without_preset.text(),
                         table.advisories(), empty.text()))
      .IgnoreError();
  return WriteText(STDOUT_FILENO, table.Finish(*summary));
}

absl::Status RunModelInit(const ModelInitOptions& options) {
  const absl::Time start = absl::Now();
  if (options.resume) {
    absl::Status status = CheckCanResume(options.model.connection);
    if (!status.ok()) return status;
  }
  const auto layout = LayoutFor(options.output, options.max_file_bytes);
  if (!layout.ok()) return layout.status();
  const auto model = ReadModel(options.model);
  if (!model.ok()) return model.status();
  const auto client = Connect(options.model.connection);
  if (!client.ok()) return client.status();
  const auto summary = LayOutFiles(**client, *model, **layout);
  if (!summary.ok()) return summary.status();
  const auto output =
      ModelOutput::Open(options.output, **layout, options.resume);
  if (!output.ok()) return output.status();
  const ModelFiles files = {**layout, *summary, **output};
  const auto result = options.resume
                          ? ResumeModelFiles(**client, model->request, files)
                          : FetchModelFiles(**client, model->request, files);
  if (!result.ok()) return result.status();
  ModelReport report;
  report.result = *result;
  report.result.summary.set_seed_name(model->seed_name);
  report.output = options.output;
  for (const ModelFile& file : (*layout)->files()) {
    if (!file.name.empty()) report.files.push_back(file.name);
  }
  report.file_bytes = (*layout)->bytes();
  report.seconds = absl::ToDoubleSeconds(absl::Now() - start);
  WriteText(STDERR_FILENO, ModelAdvisoryText(result->summary)).IgnoreError();
  return WriteText(STDOUT_FILENO, options.model.json ? ModelInitJson(report)
                                                     : ModelInitText(report));
}

absl::Status RunModelVerify(const ModelVerifyOptions& options) {
  const auto model = ReadModel(options.model);
  if (!model.ok()) return model.status();
  const auto client = Connect(options.model.connection);
  if (!client.ok()) return client.status();
  const auto layout = LayoutOf(options.file);
  if (!layout.ok()) return layout.status();
  const auto summary = LayOutFiles(**client, *model, **layout);
  if (!summary.ok()) return summary.status();
  auto verifier = ModelVerifier::Open(options.file, **layout);
  if (!verifier.ok()) return verifier.status();
  const auto result = (*client)->FetchModel(model->request, **verifier);
  if (!result.ok()) return result.status();
  if (absl::Status status = (*verifier)->Finish(); !status.ok()) return status;
  return WriteText(
      STDOUT_FILENO,
      options.model.json
          ? ModelVerifyJson(options.file, *result)
          : absl::StrCat(options.file, ": ", result->tensors, " tensors, ",
                         result->bytes, " bytes, equal\n"));
}

}  // namespace weightinit::cli

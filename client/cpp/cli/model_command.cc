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
#include "client/cpp/cli/model_file.h"
#include "client/cpp/cli/model_report.h"
#include "client/cpp/cli/model_verifier.h"
#include "client/cpp/cli/output.h"
#include "client/cpp/cli/progress.h"
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

  // `status` with the place in the manifest in front of each violation.
  absl::Status Explain(const absl::Status& status) const {
    return ExplainInManifest(status, text, path);
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
  model.path = options.manifest;
  auto text = ReadManifestText(options.manifest);
  if (!text.ok()) return text.status();
  model.text = *std::move(text);
  auto spec = ParseManifest(model.text, model.path);
  if (!spec.ok()) return spec.status();
  *model.request.mutable_model() = *std::move(spec);
  model.request.set_seed(seed->seed());
  model.request.set_seed_name(seed->seed_name());
  for (const std::string& pattern : options.only) {
    model.request.add_only(pattern);
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
  return description;
}

// The layout of the file for `model`.
absl::StatusOr<ModelFile> LayOutFile(WeightClient& client,
                                     const TypedModel& model) {
  ModelFile file;
  const auto summary = client.DescribeModel(
      DescriptionOf(model.request),
      [&](const v1::ModelTensor& tensor) { return file.Add(tensor); });
  if (!summary.ok()) return model.Explain(summary.status());
  file.Finish(*summary);
  return file;
}

// Writes pieces where they belong in the file.
class FileSink final : public ModelSink {
 public:
  FileSink(const ModelFile& file, Output& output)
      : file_(file), output_(output) {}

  absl::Status OnSummary(const v1::ModelSummary& summary) override {
    progress_.Start(summary.bytes());
    return absl::OkStatus();
  }

  absl::Status OnPiece(const v1::ModelTensor& tensor, int64_t offset,
                       absl::Span<const uint8_t> data) override {
    progress_.Add(static_cast<int64_t>(data.size()));
    return output_.WriteAt(file_.OffsetOf(tensor) + offset, data);
  }

 private:
  const ModelFile& file_;
  Output& output_;
  ProgressBar progress_;
};

absl::Status CheckOutput(const std::string& path) {
  constexpr char kExtension[] = ".safetensors";
  const size_t size = sizeof(kExtension) - 1;
  if (path.size() > size &&
      path.compare(path.size() - size, size, kExtension) == 0) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--output: \"", path, "\" does not end in .safetensors"));
}

}  // namespace

absl::Status RunModelPlan(const ModelOptions& options) {
  const auto model = ReadModel(options);
  if (!model.ok()) return model.status();
  const auto client = Connect(options.connection);
  if (!client.ok()) return client.status();
  ModelTable table(options.json);
  auto summary = (*client)->DescribeModel(DescriptionOf(model->request),
                                          [&](const v1::ModelTensor& tensor) {
                                            table.Add(tensor);
                                            return absl::OkStatus();
                                          });
  if (!summary.ok()) return model->Explain(summary.status());
  summary->set_seed_name(model->seed_name);
  WriteText(STDERR_FILENO, ModelAdvisoryText(*summary) + table.advisories())
      .IgnoreError();
  return WriteText(STDOUT_FILENO, table.Finish(*summary));
}

absl::Status RunModelInit(const ModelInitOptions& options) {
  const absl::Time start = absl::Now();
  if (absl::Status status = CheckOutput(options.output); !status.ok()) {
    return status;
  }
  const auto model = ReadModel(options.model);
  if (!model.ok()) return model.status();
  const auto client = Connect(options.model.connection);
  if (!client.ok()) return client.status();
  const auto file = LayOutFile(**client, *model);
  if (!file.ok()) return file.status();
  auto output = Output::Open(options.output);
  if (!output.ok()) return output.status();
  if (!(*output)->has_offsets()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--output: \"", options.output, "\" is not a regular file"));
  }
  if (absl::Status status = (*output)->Write(file->header()); !status.ok()) {
    return status;
  }
  FileSink sink(*file, **output);
  const auto result = (*client)->FetchModel(model->request, sink);
  if (!result.ok()) return result.status();
  if (absl::Status status = (*output)->Commit(); !status.ok()) return status;
  ModelReport report;
  report.result = *result;
  report.result.summary.set_seed_name(model->seed_name);
  report.output = options.output;
  report.file_bytes = file->bytes();
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
  const auto file = LayOutFile(**client, *model);
  if (!file.ok()) return file.status();
  auto verifier = ModelVerifier::Open(options.file, *file);
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

#include "client/cpp/cli/from_safetensors_command.h"

#include <google/protobuf/util/json_util.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cpp/cli/checkpoint.h"
#include "client/cpp/cli/output.h"
#include "client/cpp/cli/preset_options.h"
#include "weightinit/client/manifest.h"
#include "weightinit/client/weight_client.h"
#include "weightinit/core/name_pattern.h"
#include "weightinit/core/names.h"
#include "weightinit/core/request.h"
#include "weightinit/core/violations.h"
#include "weightinit/v1/model.pb.h"
#include "weightinit/v1/tensor.pb.h"
#include "weightinit/v1/weight_init_service.pb.h"

namespace weightinit::cli {
namespace {

constexpr size_t kMaxAdvisories = 20;

// The wire's value of the name that an option has; `otherwise` without one.
template <typename Core, typename Wire>
absl::StatusOr<Wire> ParseName(const char* option,
                               const std::optional<std::string>& text,
                               Wire otherwise) {
  if (!text.has_value()) return otherwise;
  if (const std::optional<Core> value = Parse<Core>(*text)) {
    return static_cast<Wire>(static_cast<int>(*value));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      option, ": \"", *text, "\" is not one of ",
      absl::StrJoin(AllNamed<Core>(), ", ",
                    [](std::string* out, const Named<Core>& named) {
                      out->append(named.name);
                    })));
}

// Whether the service takes the model. Errors name tensors.
absl::Status CheckPlan(const v1::ModelSpec& spec) {
  const auto client = WeightClient::Local();
  if (!client.ok()) return client.status();
  v1::DescribeModelRequest request;
  *request.mutable_model() = spec;
  absl::Status status =
      (*client)
          ->DescribeModel(request,
                          [](const v1::ModelTensor& /*tensor*/) {
                            return absl::OkStatus();
                          })
          .status();
  const std::vector<Violation> violations = GetViolations(status);
  if (violations.empty()) return status;
  std::vector<std::string> lines;
  for (const Violation& violation : violations) {
    std::string name;
    for (int i = 0; i < spec.entries_size() && name.empty(); ++i) {
      const std::string entry = absl::StrCat("model.entries[", i, "]");
      if (violation.field == entry ||
          absl::StartsWith(violation.field, entry + ".")) {
        name = absl::StrCat("tensor \"",
                            absl::Utf8SafeCHexEscape(spec.entries(i).name()),
                            "\": ");
      }
    }
    lines.push_back(
        absl::StrCat(name, violation.field, ": ", violation.description));
  }
  return absl::Status(status.code(), absl::StrJoin(lines, "\n"));
}

// What cannot be known from a header, for whoever edits the manifest.
std::string Comment(const FromSafetensorsOptions& options,
                    const RecoveredModel& model, v1::Layout layout) {
  const size_t slash = options.file.find_last_of('/');
  std::string text = absl::StrCat(
      "# From the header of ",
      absl::CHexEscape(slash == std::string::npos
                           ? options.file
                           : options.file.substr(slash + 1)),
      ", by weightinit model from-safetensors.\n"
      "# The names, shapes and dtypes are those of the file; schemes are what "
      "names and\n# ranks tell. A header does not tell activations, groups, ",
      "transposed convolutions,\n"
      "# and the order of dimensions: ",
      layout == v1::LAYOUT_IN_OUT ? "in_out, (inputs, outputs)"
                                  : "out_in, (outputs, inputs)",
      ", is taken for all but embeddings.\n"
      "# GPT-2 and Keras have in_out, other models of PyTorch out_in.\n");
  if (!options.presets.presets.empty()) {
    absl::StrAppend(
        &text, "# The rules are those of the preset ",
        absl::CHexEscape(absl::StrJoin(options.presets.presets, " and of ")),
        ".\n");
  }
  for (const std::string& name : model.unknown) {
    absl::StrAppend(&text, "# A guess: the scheme of ", absl::CHexEscape(name),
                    "\n");
  }
  return text;
}

std::string Advisories(const FromSafetensorsOptions& options,
                       const Checkpoint& checkpoint,
                       const RecoveredModel& model) {
  std::vector<std::string> lines;
  for (const std::string& pattern : options.skip) {
    const bool matches =
        std::any_of(checkpoint.tensors.begin(), checkpoint.tensors.end(),
                    [&](const SafetensorsTensor& tensor) {
                      return MatchesPattern(pattern, tensor.name);
                    });
    if (matches) continue;
    lines.push_back(absl::StrCat("--skip \"", absl::Utf8SafeCHexEscape(pattern),
                                 "\" matches no tensor"));
  }
  for (const std::string& name : model.unknown) {
    lines.push_back(absl::StrCat(
        absl::Utf8SafeCHexEscape(name),
        ": is no norm or bias by its name; that it starts with ones if it is "
        "called weight, scale or gamma, else with zeros, is a guess"));
  }
  if (lines.size() > kMaxAdvisories) {
    const size_t more = lines.size() - kMaxAdvisories;
    lines.resize(kMaxAdvisories);
    lines.push_back(absl::StrCat("and ", more, " more"));
  }
  std::string text;
  for (const std::string& line : lines) {
    absl::StrAppend(&text, "advisory: ", line, "\n");
  }
  return text;
}

absl::StatusOr<std::string> JsonOf(const v1::ModelSpec& spec) {
  google::protobuf::util::JsonPrintOptions print;
  print.preserve_proto_field_names = true;
  std::string json;
  const auto status =
      google::protobuf::util::MessageToJsonString(spec, &json, print);
  if (!status.ok()) return absl::InternalError(status.ToString());
  return json + "\n";
}

absl::Status WriteOutput(const std::optional<std::string>& path,
                         const std::string& text) {
  if (!path.has_value()) return WriteText(STDOUT_FILENO, text);
  auto output = Output::Open(*path);
  if (!output.ok()) return output.status();
  if (absl::Status status = (*output)->Write(text); !status.ok()) {
    return status;
  }
  return (*output)->Commit();
}

}  // namespace

absl::Status RunFromSafetensors(const FromSafetensorsOptions& options) {
  const auto activation = ParseName<Activation>(
      "--activation", options.activation, v1::ACTIVATION_LINEAR);
  if (!activation.ok()) return activation.status();
  const auto layout =
      ParseName<Layout>("--layout", options.layout, v1::LAYOUT_OUT_IN);
  if (!layout.ok()) return layout.status();
  const auto checkpoint = ReadCheckpoint(options.file);
  if (!checkpoint.ok()) return checkpoint.status();
  auto model = RecoverModel(*checkpoint, options.skip, *activation, *layout);
  absl::Status status = model.ok() ? CheckPlan(model->spec) : model.status();
  if (status.ok()) status = ApplyPresets(options.presets, model->spec).status();
  if (!status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat(options.file, ": ", status.message()));
  }
  const bool json =
      options.json || absl::EndsWith(options.output.value_or(""), ".json");
  auto text =
      json ? JsonOf(model->spec)
           : Comment(options, *model, *layout) + WriteManifest(model->spec);
  if (!text.ok()) return text.status();
  if (text->size() > kMaxManifestBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(options.file, ": its manifest would have ", text->size(),
                     " bytes; at most ", kMaxManifestBytes, " are allowed"));
  }
  WriteText(STDERR_FILENO, Advisories(options, *checkpoint, *model))
      .IgnoreError();
  return WriteOutput(options.output, *text);
}

}  // namespace weightinit::cli

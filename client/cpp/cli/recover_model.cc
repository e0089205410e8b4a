// From the tensors of a checkpoint to a model.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cpp/cli/checkpoint.h"
#include "client/cpp/cli/from_safetensors_command.h"
#include "client/cpp/cli/safetensors_header.h"
#include "client/cpp/cli/safetensors_reader.h"
#include "client/cpp/cli/tensor_role.h"
#include "weightinit/core/limits.h"
#include "weightinit/core/name_pattern.h"
#include "weightinit/v1/model.pb.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit::cli {
namespace {

// Errors of one checkpoint; more are counted.
constexpr size_t kMaxErrors = 16;

bool IsSkipped(const std::string& name, const std::vector<std::string>& skip) {
  return std::any_of(skip.begin(), skip.end(), [&](const std::string& pattern) {
    return MatchesPattern(pattern, name);
  });
}

// What a manifest cannot say; empty if it can.
std::string ProblemOf(const std::string& name) {
  if (name.empty()) return "its name is empty";
  if (name.size() > kMaxNameBytes) {
    return absl::StrCat("its name has ", name.size(), " bytes; at most ",
                        kMaxNameBytes, " are allowed");
  }
  if (name.find_first_of("{}") != std::string::npos) {
    return "its name has a brace, which stands for an index in manifests";
  }
  return "";
}

std::string ProblemOf(const SafetensorsTensor& tensor) {
  std::string problem = ProblemOf(tensor.name);
  if (problem.empty() && !DtypeOfSafetensors(tensor.dtype).has_value()) {
    problem =
        absl::StrCat("its dtype is ", absl::Utf8SafeCHexEscape(tensor.dtype),
                     "; F64, F32, F16 and BF16 can be initialised");
  }
  if (problem.empty() && tensor.shape.size() > kMaxRank) {
    problem = absl::StrCat("it has ", tensor.shape.size(),
                           " dimensions; at most ", kMaxRank, " are allowed");
  }
  return problem;
}

// The lines of `errors`, not all of them if there are many.
absl::Status StatusOf(std::vector<std::string> errors) {
  const size_t count = errors.size();
  if (count > kMaxErrors) {
    errors.resize(kMaxErrors);
    errors.push_back(absl::StrCat("and ", count - kMaxErrors, " more"));
  }
  errors.emplace_back("--skip PATTERN leaves tensors out");
  return absl::InvalidArgumentError(absl::StrJoin(errors, "\n"));
}

absl::Status Check(const std::vector<const SafetensorsTensor*>& tensors) {
  std::vector<std::string> errors;
  for (const SafetensorsTensor* const tensor : tensors) {
    const std::string problem = ProblemOf(*tensor);
    if (problem.empty()) continue;
    errors.push_back(absl::StrCat(
        "tensor \"", absl::Utf8SafeCHexEscape(tensor->name), "\": ", problem));
  }
  return errors.empty() ? absl::OkStatus() : StatusOf(std::move(errors));
}

v1::Dtype DtypeOf(const SafetensorsTensor& tensor) {
  return DtypeOfSafetensors(tensor.dtype).value_or(v1::DTYPE_UNSPECIFIED);
}

// That of most tensors.
v1::Dtype UsualDtype(const std::vector<const SafetensorsTensor*>& tensors) {
  std::map<v1::Dtype, int64_t> counts;
  for (const SafetensorsTensor* const tensor : tensors) {
    ++counts[DtypeOf(*tensor)];
  }
  const auto usual = std::max_element(
      counts.begin(), counts.end(),
      [](const auto& a, const auto& b) { return a.second < b.second; });
  return usual->first;
}

// Sets how a tensor starts; a weight is left to the defaults.
void SetScheme(TensorRole role, v1::Layout layout, v1::TensorEntry& tensor) {
  switch (role) {
    case TensorRole::kWeight:
      break;
    case TensorRole::kEmbedding:
      // As the layer does: PyTorch's values, and the same order of dimensions
      // in every layout.
      tensor.set_scheme(v1::SCHEME_NORMAL);
      tensor.mutable_parameters()->set_stddev(1);
      if (layout == v1::LAYOUT_IN_OUT) {
        tensor.mutable_fan()->set_layout(v1::LAYOUT_OUT_IN);
      }
      break;
    case TensorRole::kNormWeight:
    case TensorRole::kUnknownScale:
    case TensorRole::kRunningVariance:
      tensor.set_scheme(v1::SCHEME_ONES);
      break;
    case TensorRole::kBias:
    case TensorRole::kUnknown:
    case TensorRole::kRunningMean:
      tensor.set_scheme(v1::SCHEME_ZEROS);
      break;
  }
  tensor.set_buffer(role == TensorRole::kRunningMean ||
                    role == TensorRole::kRunningVariance);
}

}  // namespace

absl::StatusOr<RecoveredModel> RecoverModel(
    const Checkpoint& checkpoint, const std::vector<std::string>& skip,
    v1::Activation activation, v1::Layout layout) {
  std::vector<const SafetensorsTensor*> tensors;
  TensorShapes shapes;
  for (const SafetensorsTensor& tensor : checkpoint.tensors) {
    if (IsSkipped(tensor.name, skip)) continue;
    tensors.push_back(&tensor);
    shapes[tensor.name] = tensor.shape;
  }
  if (tensors.empty()) {
    return absl::InvalidArgumentError(checkpoint.tensors.empty()
                                          ? "has no tensors"
                                          : "--skip leaves no tensors");
  }
  if (absl::Status status = Check(tensors); !status.ok()) return status;
  RecoveredModel model;
  model.spec.set_version(1);
  v1::TensorDefaults& defaults = *model.spec.mutable_defaults();
  defaults.set_dtype(UsualDtype(tensors));
  defaults.set_activation(activation);
  defaults.set_layout(layout);
  for (const SafetensorsTensor* const from : tensors) {
    v1::ModelEntry& entry = *model.spec.add_entries();
    entry.set_name(from->name);
    v1::TensorEntry& tensor = *entry.mutable_tensor();
    tensor.mutable_shape()->Add(from->shape.begin(), from->shape.end());
    if (DtypeOf(*from) != defaults.dtype()) tensor.set_dtype(DtypeOf(*from));
    const TensorRole role = RoleOf(from->name, shapes);
    SetScheme(role, layout, tensor);
    if (role == TensorRole::kUnknown || role == TensorRole::kUnknownScale) {
      model.unknown.push_back(from->name);
    }
  }
  for (const auto& [name, of] : checkpoint.aliases) {
    if (IsSkipped(name, skip) || !shapes.contains(of)) continue;
    if (const std::string problem = ProblemOf(name); !problem.empty()) {
      return StatusOf({absl::StrCat("alias \"", absl::Utf8SafeCHexEscape(name),
                                    "\": ", problem)});
    }
    v1::ModelEntry& entry = *model.spec.add_entries();
    entry.set_name(name);
    entry.set_alias(of);
  }
  return model;
}

}  // namespace weightinit::cli

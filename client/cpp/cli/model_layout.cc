#include "client/cpp/cli/model_layout.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/cli/part_metadata.h"
#include "proto/cpp/wire_names.h"
#include "weightinit/core/request.h"

namespace weightinit::cli {
namespace {

// Whether nothing of the model is left out.
bool IsWhole(const v1::ModelSummary& summary) {
  return summary.selected_tensors() == summary.tensors() - summary.aliases() &&
         summary.bytes() == summary.model_bytes();
}

}  // namespace

int64_t StoredTensor::element_bytes() const {
  return DtypeBytes(static_cast<Dtype>(dtype));
}

absl::Status ModelLayout::Add(const v1::ModelTensor& tensor) {
  const v1::TensorDescription& description = tensor.description();
  if (!tensor.alias_of().empty()) {
    absl::Status status = CheckAlias(description.name());
    if (status.ok()) aliases_[description.name()] = tensor.alias_of();
    return status;
  }
  if (absl::Status status = CheckTensor(description.name()); !status.ok()) {
    return status;
  }
  tensors_.push_back(
      {tensor.index(),
       description.name(),
       description.dtype(),
       {description.slice_shape().begin(), description.slice_shape().end()},
       description.bytes(),
       tensor.byte_offset(),
       PartMetadata(description)});
  return absl::OkStatus();
}

absl::Status ModelLayout::Finish(const v1::ModelSummary& summary) {
  if (IsWhole(summary)) {
    for (StoredTensor& tensor : tensors_) tensor.part_metadata.clear();
  }
  // That of safetensors' own writer: larger elements first, so that everything
  // is aligned, then by name.
  std::sort(tensors_.begin(), tensors_.end(),
            [](const StoredTensor& a, const StoredTensor& b) {
              return a.element_bytes() != b.element_bytes()
                         ? a.element_bytes() > b.element_bytes()
                         : a.name < b.name;
            });
  return LayOut(summary);
}

int64_t ModelLayout::bytes() const {
  return std::accumulate(
      files_.begin(), files_.end(), int64_t{0},
      [](int64_t sum, const ModelFile& file) { return sum + file.bytes; });
}

std::map<std::string, std::string> ModelMetadata(
    const v1::ModelSummary& summary) {
  return {
      {"weightinit.fingerprint", absl::BytesToHexString(summary.fingerprint())},
      {"weightinit.generator", WireName<Generator>(summary.generator())},
      {"weightinit.seed", absl::StrCat(summary.seed())},
  };
}

std::string TableDifference(const std::string& what,
                            const std::map<std::string, std::string>& there,
                            const std::map<std::string, std::string>& wanted) {
  const auto named = [&what](const std::string& name) {
    return absl::StrCat(what, " \"", absl::Utf8SafeCHexEscape(name), "\"");
  };
  for (const auto& [name, value] : wanted) {
    const auto found = there.find(name);
    if (found == there.end()) return absl::StrCat("has no ", named(name));
    if (found->second != value) {
      return absl::StrCat("has ", named(name), " as ", found->second,
                          ", the model has it as ", value);
    }
  }
  for (const auto& [name, value] : there) {
    if (wanted.count(name) == 0) {
      return absl::StrCat("has ", named(name),
                          ", which the model does not have");
    }
  }
  return "";
}

}  // namespace weightinit::cli

#include "client/cpp/cli/model_file.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/cli/safetensors_header.h"
#include "nlohmann/json.hpp"
#include "proto/cpp/wire_names.h"
#include "weightinit/core/request.h"

namespace weightinit::cli {
namespace {

// What the names of our own metadata begin with.
constexpr char kOwnMetadata[] = "weightinit.";

int64_t ElementBytes(v1::Dtype dtype) {
  return DtypeBytes(static_cast<Dtype>(dtype));
}

}  // namespace

absl::Status ModelFile::Add(const v1::ModelTensor& tensor) {
  const v1::TensorDescription& description = tensor.description();
  if (description.name() == kSafetensorsMetadata) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensor \"", kSafetensorsMetadata,
                     "\": the name is reserved in safetensors files"));
  }
  if (!tensor.alias_of().empty()) {
    if (description.name() == "format" ||
        absl::StartsWith(description.name(), kOwnMetadata)) {
      return absl::InvalidArgumentError(
          absl::StrCat("alias \"", absl::Utf8SafeCHexEscape(description.name()),
                       "\": the name is reserved in the metadata of the file"));
    }
    aliases_[description.name()] = tensor.alias_of();
    return absl::OkStatus();
  }
  tensors_.push_back(
      {tensor.index(),
       description.name(),
       description.dtype(),
       {description.slice_shape().begin(), description.slice_shape().end()},
       description.bytes()});
  return absl::OkStatus();
}

void ModelFile::Finish(const v1::ModelSummary& summary) {
  std::sort(tensors_.begin(), tensors_.end(),
            [](const Tensor& a, const Tensor& b) {
              const int64_t a_bytes = ElementBytes(a.dtype);
              const int64_t b_bytes = ElementBytes(b.dtype);
              return a_bytes != b_bytes ? a_bytes > b_bytes : a.name < b.name;
            });
  nlohmann::ordered_json header;
  // In the order of their names. The format allows strings only; without
  // "format", transformers refuses a file.
  std::map<std::string, std::string> metadata = aliases_;
  metadata["format"] = "pt";
  metadata["weightinit.fingerprint"] =
      absl::BytesToHexString(summary.fingerprint());
  metadata["weightinit.generator"] =
      std::string(WireName<Generator>(summary.generator()));
  metadata["weightinit.seed"] = absl::StrCat(summary.seed());
  header[kSafetensorsMetadata] = metadata;
  int64_t offset = 0;
  for (const Tensor& tensor : tensors_) {
    header[tensor.name] = {
        {"dtype", SafetensorsDtype(tensor.dtype)},
        {"shape", tensor.shape},
        {"data_offsets", {offset, offset + tensor.bytes}},
    };
    offset += tensor.bytes;
  }
  header_ = SafetensorsPreamble(header.dump());
  auto place = static_cast<int64_t>(header_.size());
  for (const Tensor& tensor : tensors_) {
    offsets_[tensor.index] = place;
    place += tensor.bytes;
  }
  bytes_ = place;
}

}  // namespace weightinit::cli

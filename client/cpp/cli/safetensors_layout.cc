#include "client/cpp/cli/safetensors_layout.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "client/cpp/cli/part_metadata.h"
#include "client/cpp/cli/safetensors_header.h"
#include "client/cpp/cli/safetensors_index.h"
#include "client/cpp/cli/safetensors_reader.h"
#include "nlohmann/json.hpp"

namespace weightinit::cli {
namespace {

// What the names of our own metadata begin with.
constexpr char kOwnMetadata[] = "weightinit.";
constexpr char kFingerprint[] = "weightinit.fingerprint";

// A header by its names.
struct HeaderTables {
  std::map<std::string, std::string> types;   // dtype and shape.
  std::map<std::string, std::string> places;  // data_offsets.
  std::map<std::string, std::string> metadata;
};

// Empty where `text` is no JSON object.
HeaderTables ReadHeader(absl::string_view text) {
  HeaderTables tables;
  const auto header =
      nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
  if (!header.is_object()) return tables;
  for (const auto& [name, value] : header.items()) {
    if (name != kSafetensorsMetadata) {
      auto type = value;
      if (value.is_object()) {
        type.erase("data_offsets");
        tables.places[name] = value.value("data_offsets", type).dump();
      }
      tables.types[name] = type.dump();
    } else if (value.is_object()) {
      for (const auto& [key, line] : value.items()) {
        tables.metadata[key] = line.dump();
      }
    }
  }
  return tables;
}

std::string HeaderDifference(absl::string_view there,
                             absl::string_view wanted) {
  HeaderTables there_tables = ReadHeader(there);
  HeaderTables wanted_tables = ReadHeader(wanted);
  if (there_tables.types.empty() && there_tables.metadata.empty()) return "";
  std::string difference =
      TableDifference("tensor", there_tables.types, wanted_tables.types);
  if (!difference.empty()) return "its header " + difference;
  // It follows from all else, and says least.
  const auto there_last = there_tables.metadata.extract(kFingerprint);
  const auto wanted_last = wanted_tables.metadata.extract(kFingerprint);
  difference = TableDifference("metadata", there_tables.metadata,
                               wanted_tables.metadata);
  if (difference.empty() && !there_last.empty() && !wanted_last.empty() &&
      there_last.mapped() != wanted_last.mapped()) {
    difference = absl::StrCat("has the fingerprint ", there_last.mapped(),
                              ", the model has ", wanted_last.mapped());
  }
  if (difference.empty()) {
    difference = TableDifference("data of tensor", there_tables.places,
                                 wanted_tables.places);
  }
  return difference.empty() ? "" : "its header " + difference;
}

// "model-00001-of-00003.safetensors".
std::string NameOf(size_t number, size_t count) {
  if (count == 1) return kOneSafetensorsFile;
  return absl::StrFormat("model-%05d-of-%05d.safetensors", number + 1, count);
}

}  // namespace

absl::Status SafetensorsLayout::CheckTensor(const std::string& name) const {
  if (name != kSafetensorsMetadata) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("tensor \"", kSafetensorsMetadata,
                   "\": the name is reserved in safetensors files"));
}

absl::Status SafetensorsLayout::CheckAlias(const std::string& name) const {
  if (absl::Status status = CheckTensor(name); !status.ok()) return status;
  if (name != "format" && !absl::StartsWith(name, kOwnMetadata)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("alias \"", absl::Utf8SafeCHexEscape(name),
                   "\": the name is reserved in the metadata of the file"));
}

SafetensorsLayout::Shares SafetensorsLayout::Cut() const {
  Shares shares(1);
  int64_t bytes = 0;
  for (const StoredTensor& tensor : tensors()) {
    if (directory_.has_value() && !shares.back().empty() &&
        tensor.bytes > directory_->max_file_bytes - bytes) {
      shares.emplace_back();
      bytes = 0;
    }
    shares.back().push_back(&tensor);
    bytes += tensor.bytes;
  }
  return shares;
}

absl::StatusOr<SafetensorsLayout::Shares> SafetensorsLayout::ShareAsIndexed() {
  std::map<std::string, std::string> there = *directory_->index;
  std::map<std::string, size_t> numbers;
  for (const auto& [name, file] : there) numbers[file] = 0;
  for (auto& [file, number] : numbers) {
    number = files_.size();
    files_.push_back({file, 0});
  }
  Shares shares(files_.size());
  // In which file a tensor is, is for the index to say.
  std::map<std::string, std::string> wanted;
  for (const StoredTensor& tensor : tensors()) {
    const auto found = there.find(tensor.name);
    wanted[tensor.name] = found == there.end() ? "" : found->second;
    if (found != there.end()) shares[numbers[found->second]].push_back(&tensor);
  }
  const std::string difference = TableDifference("tensor", there, wanted);
  if (difference.empty()) return shares;
  return absl::DataLossError(
      absl::StrCat(kSafetensorsIndex, " differs: it ", difference));
}

absl::Status SafetensorsLayout::LayOut(const v1::ModelSummary& summary) {
  Shares shares;
  const bool indexed = directory_.has_value() && directory_->index.has_value();
  if (indexed) {
    auto as_indexed = ShareAsIndexed();
    if (!as_indexed.ok()) return as_indexed.status();
    shares = *std::move(as_indexed);
  } else {
    shares = Cut();
    for (size_t i = 0; i < shares.size(); ++i) {
      files_.push_back(
          {directory_.has_value() ? NameOf(i, shares.size()) : "", 0});
    }
  }
  // The aliases of each file.
  absl::flat_hash_map<std::string, size_t> files_of;
  if (!aliases().empty()) {
    for (size_t i = 0; i < shares.size(); ++i) {
      for (const StoredTensor* tensor : shares[i]) files_of[tensor->name] = i;
    }
  }
  std::vector<std::map<std::string, std::string>> metadata(
      shares.size(), ModelMetadata(summary));
  for (const auto& [name, target] : aliases()) {
    const auto found = files_of.find(target);
    // Of a tensor that is not stored: in the first file.
    const size_t file = found == files_of.end() ? 0 : found->second;
    if (file < metadata.size()) metadata[file][name] = target;
  }
  for (size_t i = 0; i < shares.size(); ++i) {
    LayOutFile(i, shares[i], std::move(metadata[i]));
  }
  if (indexed || shares.size() > 1) AddIndex();
  return absl::OkStatus();
}

void SafetensorsLayout::LayOutFile(
    size_t file, const std::vector<const StoredTensor*>& share,
    std::map<std::string, std::string> metadata) {
  // The format allows strings only. Without "format", transformers refuses a
  // file.
  metadata["format"] = "pt";
  for (const StoredTensor* tensor : share) {
    if (!tensor->part_metadata.empty()) {
      metadata[kPartMetadataKey + tensor->name] = tensor->part_metadata;
    }
  }
  // By hand: an object that keeps an order looks through all of itself for each
  // name that is added.
  std::string header = absl::StrCat("{\"", kSafetensorsMetadata,
                                    "\":", nlohmann::json(metadata).dump());
  int64_t offset = 0;
  for (const StoredTensor* tensor : share) {
    const nlohmann::ordered_json entry = {
        {"dtype", SafetensorsDtype(tensor->dtype)},
        {"shape", tensor->shape},
        {"data_offsets", {offset, offset + tensor->bytes}},
    };
    absl::StrAppend(&header, ",", nlohmann::json(tensor->name).dump(), ":",
                    entry.dump());
    offset += tensor->bytes;
  }
  std::string preamble = SafetensorsPreamble(header + "}");
  auto place = static_cast<int64_t>(preamble.size());
  for (const StoredTensor* tensor : share) {
    places_[tensor->index] = {file, place};
    place += tensor->bytes;
  }
  files_[file].bytes = place;
  ahead_.push_back({file, 0, std::move(preamble), ""});
}

// As transformers writes it.
void SafetensorsLayout::AddIndex() {
  nlohmann::json index;
  int64_t total = 0;
  std::map<std::string, std::string> weight_map;
  for (const StoredTensor& tensor : tensors()) {
    total += tensor.bytes;
    weight_map[tensor.name] = files_[places_.at(tensor.index).file].name;
  }
  index["metadata"]["total_size"] = total;
  index["weight_map"] = weight_map;
  std::string text = index.dump(2) + "\n";
  files_.push_back({kSafetensorsIndex, static_cast<int64_t>(text.size())});
  ahead_.push_back({files_.size() - 1, 0, std::move(text), ""});
}

std::string SafetensorsLayout::Difference(size_t file,
                                          const InputFile& there) const {
  if (files_[file].name == kSafetensorsIndex) return "";
  const auto json = ReadSafetensorsJson(there);
  if (!json.ok()) return "";
  absl::string_view wanted = ahead_[file].bytes;
  wanted.remove_prefix(kSafetensorsLengthBytes);
  return HeaderDifference(*json, wanted);
}

}  // namespace weightinit::cli

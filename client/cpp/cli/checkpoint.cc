#include "client/cpp/cli/checkpoint.h"

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/cpp/cli/input_file.h"
#include "client/cpp/cli/safetensors_index.h"
#include "client/cpp/cli/safetensors_reader.h"

namespace weightinit::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kIndexExtension[] = ".safetensors.index.json";
constexpr char kExtension[] = ".safetensors";

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", absl::Utf8SafeCHexEscape(text), "\"");
}

absl::Status Wrong(absl::string_view path, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

// Puts files together.
class Collector {
 public:
  absl::Status Add(const std::string& path) {
    auto header = ReadSafetensorsHeader(path);
    if (!header.ok()) return header.status();
    for (SafetensorsTensor& tensor : header->tensors) {
      const auto [there, is_new] = files_.emplace(tensor.name, path);
      if (!is_new) {
        return Wrong(path, absl::StrCat("tensor ", Quoted(tensor.name),
                                        " is in ", there->second, " too"));
      }
      checkpoint_.tensors.push_back(std::move(tensor));
    }
    for (auto& pair : header->metadata) metadata_.insert(std::move(pair));
    return absl::OkStatus();
  }

  // Nothing of a tensor that no file has.
  const std::string* FileOf(const std::string& tensor) const {
    const auto found = files_.find(tensor);
    return found == files_.end() ? nullptr : &found->second;
  }

  bool IsAlias(const std::string& name) const {
    const auto found = metadata_.find(name);
    return found != metadata_.end() && FileOf(name) == nullptr &&
           FileOf(found->second) != nullptr;
  }

  Checkpoint Finish() {
    for (const auto& [name, value] : metadata_) {
      if (IsAlias(name)) checkpoint_.aliases.emplace_back(name, value);
    }
    return std::move(checkpoint_);
  }

 private:
  Checkpoint checkpoint_;
  absl::flat_hash_map<std::string, std::string> files_;  // By tensor.
  std::map<std::string, std::string> metadata_;
};

absl::StatusOr<Checkpoint> ReadIndex(const std::string& path) {
  const auto file = InputFile::Open(path);
  if (!file.ok()) return file.status();
  const auto weight_map = ReadSafetensorsIndex(**file);
  if (!weight_map.ok()) return weight_map.status();
  std::map<std::string, std::string> paths;  // By name in the index.
  for (const auto& [tensor, name] : *weight_map) {
    paths[name] = (fs::path(path).parent_path() / name).string();
  }
  Collector collector;
  for (const auto& [name, part] : paths) {
    if (absl::Status status = collector.Add(part); !status.ok()) return status;
  }
  for (const auto& [tensor, name] : *weight_map) {
    const std::string* const there = collector.FileOf(tensor);
    if (there == nullptr ? !collector.IsAlias(tensor)
                         : *there != paths.at(name)) {
      return Wrong(path, absl::StrCat("weight_map: ", Quoted(tensor),
                                      " is not in ", Quoted(name)));
    }
  }
  Checkpoint checkpoint = collector.Finish();
  for (const SafetensorsTensor& tensor : checkpoint.tensors) {
    if (weight_map->count(tensor.name) == 0) {
      return Wrong(path, absl::StrCat("weight_map: ", Quoted(tensor.name),
                                      " is missing; a file has it"));
    }
  }
  return checkpoint;
}

absl::StatusOr<Checkpoint> ReadFile(const std::string& path) {
  Collector collector;
  if (absl::Status status = collector.Add(path); !status.ok()) return status;
  return collector.Finish();
}

absl::StatusOr<Checkpoint> ReadDirectory(const std::string& path) {
  std::vector<std::string> indices;
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().string();
    if (absl::EndsWith(name, kIndexExtension)) indices.push_back(name);
    if (absl::EndsWith(name, kExtension)) files.push_back(name);
  }
  if (error) return absl::ErrnoToStatus(error.value(), path);
  if (indices.size() == 1) return ReadIndex(indices[0]);
  if (indices.empty() && files.size() == 1) return ReadFile(files[0]);
  if (indices.empty() && files.empty()) {
    return Wrong(path, "no file in it ends in .safetensors");
  }
  return Wrong(path, absl::StrCat("has ", indices.size(), " files that end in ",
                                  kIndexExtension, " and ", files.size(),
                                  " that end in ", kExtension,
                                  "; name the one that is meant"));
}

}  // namespace

absl::StatusOr<Checkpoint> ReadCheckpoint(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return ReadDirectory(path);
  return absl::EndsWith(path, ".json") ? ReadIndex(path) : ReadFile(path);
}

}  // namespace weightinit::cli

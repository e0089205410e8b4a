#include "client/cpp/cli/npz_layout.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "client/cpp/cli/file_format.h"
#include "client/cpp/cli/zip_format.h"
#include "nlohmann/json.hpp"
#include "proto/cpp/crc32.h"

namespace weightinit::cli {
namespace {

constexpr absl::string_view kSuffix = ".npy";
// Where the dictionary begins in a .npy header of version 1.0.
constexpr size_t kDictionaryAt = 10;
// Without the name.
constexpr int64_t kLocalHeaderBytes = 30;
// As much of a .npy header as is looked at.
constexpr int64_t kMaxHeaderBytes = 1024;

uint32_t Crc32Of(const std::string& text) {
  return ExtendCrc32(
      0, absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(text.data()),
                             text.size()));
}

// `text` without what a terminal would take for more than text.
std::string Printable(absl::string_view text) {
  return absl::StrReplaceAll(absl::Utf8SafeCHexEscape(text),
                             {{"\\'", "'"}, {"\\\"", "\""}});
}

// The dictionary in a .npy header, of which `header` has at least the first
// bytes.
std::string DictionaryIn(absl::string_view header) {
  header.remove_prefix(std::min(header.size(), kDictionaryAt));
  return Printable(header.substr(0, header.find('}') + 1));
}

// The same of an entry of any .npz file; empty if it cannot be read.
std::string DictionaryOf(const InputFile& file, const ZipEntry& entry) {
  if (entry.compressed) return "compressed";
  // The lengths of name and extra fields are those of the local header.
  const auto local = file.ReadAt(entry.offset, kLocalHeaderBytes);
  if (!local.ok()) return "";
  const auto number = [&local](size_t at) {
    return static_cast<uint8_t>((*local)[at]) +
           256 * static_cast<uint8_t>((*local)[at + 1]);
  };
  const int64_t offset =
      entry.offset + kLocalHeaderBytes + number(26) + number(28);
  const auto header = file.ReadAt(
      offset, std::clamp<int64_t>(file.bytes() - offset, 0,
                                  std::min(entry.bytes, kMaxHeaderBytes)));
  return header.ok() ? DictionaryIn(*header) : "";
}

std::string WithoutSuffix(absl::string_view name) {
  return std::string(absl::StripSuffix(name, kSuffix));
}

}  // namespace

absl::Status NpzLayout::CheckTensor(const std::string& name) const {
  if (name.find('\0') == std::string::npos) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("tensor \"", absl::Utf8SafeCHexEscape(name),
                   "\": a name in a .npz file has no byte 0"));
}

absl::Status NpzLayout::CheckAlias(const std::string& /*name*/) const {
  return absl::OkStatus();
}

absl::Status NpzLayout::LayOut(const v1::ModelSummary& summary) {
  absl::flat_hash_set<absl::string_view> names;
  for (const StoredTensor& tensor : tensors()) names.insert(tensor.name);
  int64_t offset = 0;
  for (const StoredTensor& tensor : tensors()) {
    ZipEntry entry;
    entry.name = absl::StrCat(tensor.name, kSuffix);
    if (names.contains(entry.name)) {
      // NumPy takes the one for the other.
      return absl::InvalidArgumentError(
          absl::StrCat("tensor \"", absl::Utf8SafeCHexEscape(entry.name),
                       "\": a .npz file cannot hold it beside \"",
                       absl::Utf8SafeCHexEscape(tensor.name), "\""));
    }
    std::string header = NpyHeader(tensor.dtype, tensor.shape);
    const auto header_bytes = static_cast<int64_t>(header.size());
    entry.bytes = header_bytes + tensor.bytes;
    entry.offset = offset;
    offset += static_cast<int64_t>(ZipLocalHeader(entry).size());
    ahead_.push_back({0, offset, std::move(header), tensor.name});
    places_[tensor.index] = {0, offset + header_bytes};
    offset += entry.bytes;
    entries_.push_back(std::move(entry));
  }
  directory_ = offset;
  comment_ = nlohmann::json(ModelMetadata(summary)).dump();
  files_ = {{"", directory_ +
                     static_cast<int64_t>(
                         ZipDirectory(entries_, directory_, comment_).size())}};
  // It is behind the data, but is known before, and says which model this is.
  ahead_.push_back({0, files_[0].bytes - static_cast<int64_t>(comment_.size()),
                    comment_, ""});
  return absl::OkStatus();
}

std::vector<FixedBytes> NpzLayout::Behind(const Crc32s& crc32s) const {
  std::vector<ZipEntry> entries = entries_;
  std::vector<FixedBytes> fixed;
  fixed.reserve(entries.size() + 1);
  for (size_t i = 0; i < entries.size(); ++i) {
    const StoredTensor& tensor = tensors()[i];
    entries[i].crc32 = ConcatCrc32(Crc32Of(ahead_[i].bytes),
                                   crc32s.at(tensor.index), tensor.bytes);
    fixed.push_back(
        {0, entries[i].offset, ZipLocalHeader(entries[i]), tensor.name});
  }
  fixed.push_back(
      {0, directory_, ZipDirectory(entries, directory_, comment_), ""});
  return fixed;
}

std::string NpzLayout::Difference(size_t /*file*/,
                                  const InputFile& there) const {
  const auto listing = ReadZipDirectory(there);
  if (!listing.has_value()) return "";
  std::map<std::string, std::string> contained;
  for (const ZipEntry& entry : listing->entries) {
    contained[WithoutSuffix(entry.name)] = DictionaryOf(there, entry);
  }
  std::map<std::string, std::string> wanted;
  for (size_t i = 0; i < entries_.size(); ++i) {
    wanted[WithoutSuffix(entries_[i].name)] = DictionaryIn(ahead_[i].bytes);
  }
  std::string difference = TableDifference("tensor", contained, wanted);
  if (!difference.empty()) return difference;
  if (listing->comment == comment_) return "";
  return absl::StrCat("has the comment ", Printable(listing->comment),
                      ", the model has ", comment_);
}

}  // namespace weightinit::cli

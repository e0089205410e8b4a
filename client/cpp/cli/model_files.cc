#include "client/cpp/cli/model_files.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "client/cpp/cli/input_file.h"
#include "client/cpp/cli/npz_layout.h"
#include "client/cpp/cli/output.h"
#include "client/cpp/cli/output_directory.h"
#include "client/cpp/cli/raw_layout.h"
#include "client/cpp/cli/safetensors_index.h"
#include "client/cpp/cli/safetensors_layout.h"

namespace weightinit::cli {
namespace {

constexpr int64_t kDefaultMaxFileBytes = 5'000'000'000;

bool IsDirectory(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

// Nothing for an extension that is not known.
std::optional<ModelFormat> FormatOf(const std::string& path) {
  constexpr std::pair<absl::string_view, ModelFormat> kExtensions[] = {
      {".safetensors", ModelFormat::kSafetensors},
      {".npz", ModelFormat::kNpz},
      {".bin", ModelFormat::kRaw},
  };
  if (path.empty() || path == "-") return std::nullopt;
  const absl::string_view name =
      absl::string_view(path).substr(path.find_last_of('/') + 1);
  for (const auto& [extension, format] : kExtensions) {
    if (name == extension) return std::nullopt;
    if (absl::EndsWith(name, extension)) return format;
  }
  if (name.find('.') == absl::string_view::npos || IsDirectory(path)) {
    return ModelFormat::kDirectory;
  }
  return std::nullopt;
}

absl::Status UnknownFormat(absl::string_view what, const std::string& path) {
  return absl::InvalidArgumentError(absl::StrCat(
      what, ": \"", path,
      "\" does not end in .safetensors, .npz or .bin; a directory ends in /"));
}

std::unique_ptr<ModelLayout> LayoutOfFile(ModelFormat format) {
  switch (format) {
    case ModelFormat::kNpz:
      return std::make_unique<NpzLayout>();
    case ModelFormat::kRaw:
      return std::make_unique<RawLayout>();
    case ModelFormat::kSafetensors:
    case ModelFormat::kDirectory:
      break;
  }
  return std::make_unique<SafetensorsLayout>();
}

absl::Span<const uint8_t> BytesOf(const std::string& text) {
  return absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(text.data()),
                             text.size());
}

class OneFile final : public ModelOutput {
 public:
  explicit OneFile(std::unique_ptr<Output> output)
      : output_(std::move(output)) {}

  absl::Status WriteAt(size_t /*file*/, int64_t offset,
                       absl::Span<const uint8_t> data) const override {
    return output_->WriteAt(offset, data);
  }
  std::string partial_path() const override { return output_->partial_path(); }
  absl::Status ReadAt(size_t /*file*/, int64_t offset,
                      absl::Span<uint8_t> data) const override {
    return output_->ReadAt(offset, data);
  }
  absl::Status Clear() override { return output_->CutBehind(0); }
  absl::Status Commit() override { return output_->Commit(); }

 private:
  const std::unique_ptr<Output> output_;
};

class Directory final : public ModelOutput {
 public:
  explicit Directory(std::unique_ptr<OutputDirectory> output)
      : output_(std::move(output)) {}

  absl::Status WriteAt(size_t file, int64_t offset,
                       absl::Span<const uint8_t> data) const override {
    return output_->WriteAt(file, offset, data);
  }
  std::string partial_path() const override { return output_->partial_path(); }
  absl::Status ReadAt(size_t file, int64_t offset,
                      absl::Span<uint8_t> data) const override {
    return output_->ReadAt(file, offset, data);
  }
  absl::Status Clear() override { return output_->Clear(); }
  absl::Status Commit() override { return output_->Commit(); }

 private:
  const std::unique_ptr<OutputDirectory> output_;
};

bool IsOneFile(const ModelLayout& layout) {
  return layout.files().front().name.empty();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ModelLayout>> LayoutFor(
    const std::string& path, const std::optional<std::string>& max_file_bytes) {
  const std::optional<ModelFormat> format = FormatOf(path);
  if (!format.has_value()) return UnknownFormat("--output", path);
  SafetensorsFiles files;
  files.max_file_bytes = kDefaultMaxFileBytes;
  if (max_file_bytes.has_value()) {
    if (!absl::SimpleAtoi(*max_file_bytes, &files.max_file_bytes) ||
        files.max_file_bytes < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("--max-file-bytes: \"", *max_file_bytes,
                       "\" is not an integer from 1 to 2^63 - 1"));
    }
    if (format != ModelFormat::kDirectory) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--max-file-bytes: \"", path,
          "\" is one file; only a directory has several, and ends in /"));
    }
  }
  if (format == ModelFormat::kDirectory) {
    return std::make_unique<SafetensorsLayout>(std::move(files));
  }
  return LayoutOfFile(*format);
}

absl::StatusOr<std::unique_ptr<ModelLayout>> LayoutOf(const std::string& path) {
  if (!IsDirectory(path)) {
    const std::optional<ModelFormat> format = FormatOf(path);
    if (!format.has_value()) return UnknownFormat("FILE", path);
    return LayoutOfFile(*format);
  }
  SafetensorsFiles files;
  files.max_file_bytes = std::numeric_limits<int64_t>::max();
  const auto index =
      InputFile::Open(absl::StrCat(path, "/", kSafetensorsIndex));
  if (index.ok()) {
    auto read = ReadSafetensorsIndex(**index);
    if (absl::IsInvalidArgument(read.status())) {
      return absl::DataLossError(read.status().message());
    }
    if (!read.ok()) return read.status();
    files.index = *std::move(read);
  } else if (!absl::IsNotFound(index.status())) {
    return index.status();
  } else if (!std::filesystem::exists(
                 absl::StrCat(path, "/", kOneSafetensorsFile))) {
    return absl::NotFoundError(absl::StrCat(path, ": has neither ",
                                            kOneSafetensorsFile, " nor ",
                                            kSafetensorsIndex));
  }
  return std::make_unique<SafetensorsLayout>(std::move(files));
}

std::vector<std::string> PathsOf(const std::string& path,
                                 const ModelLayout& layout) {
  if (IsOneFile(layout)) return {path};
  std::vector<std::string> paths;
  for (const ModelFile& file : layout.files()) {
    paths.push_back(
        absl::StrCat(path, absl::EndsWith(path, "/") ? "" : "/", file.name));
  }
  return paths;
}

absl::StatusOr<std::unique_ptr<ModelOutput>> ModelOutput::Open(
    const std::string& path, const ModelLayout& layout, bool keep_partial) {
  if (!IsOneFile(layout)) {
    std::vector<std::string> names;
    for (const ModelFile& file : layout.files()) names.push_back(file.name);
    auto directory = OutputDirectory::Open(path, names, keep_partial);
    if (!directory.ok()) return directory.status();
    return std::make_unique<Directory>(*std::move(directory));
  }
  OutputOptions options;
  options.keep_partial = keep_partial;
  auto output = Output::Open(path, options);
  if (!output.ok()) return output.status();
  if (!(*output)->has_offsets()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--output: \"", path, "\" is not a regular file"));
  }
  return std::make_unique<OneFile>(*std::move(output));
}

absl::Status ModelOutput::Write(const std::vector<FixedBytes>& fixed) const {
  for (const FixedBytes& part : fixed) {
    absl::Status status = WriteAt(part.file, part.offset, BytesOf(part.bytes));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace weightinit::cli

// The files that a model can be stored in: which ones, by the path; and writing
// them.

#ifndef WEIGHTINIT_CLIENT_CPP_CLI_MODEL_FILES_H_
#define WEIGHTINIT_CLIENT_CPP_CLI_MODEL_FILES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "client/cpp/cli/model_layout.h"

namespace weightinit::cli {

enum class ModelFormat {
  kSafetensors,
  kNpz,
  kRaw,
  kDirectory,  // Of safetensors files.
};

// The layout of a new model at `path`: by its extension; a directory if it ends
// in "/", has no extension, or is one that is there. `max_file_bytes`, as
// typed, is of a directory's files; default 5 GB, as transformers has it.
// INVALID_ARGUMENT names the option and lists the choices.
absl::StatusOr<std::unique_ptr<ModelLayout>> LayoutFor(
    const std::string& path, const std::optional<std::string>& max_file_bytes);

// The layout of the files of a model that are at `path`, chosen likewise; what
// is a directory is one whatever its name. DATA_LOSS: a directory has an index
// that is none. NOT_FOUND: it has no model.
absl::StatusOr<std::unique_ptr<ModelLayout>> LayoutOf(const std::string& path);

// The path of each of the layout's files, of a model at `path`.
std::vector<std::string> PathsOf(const std::string& path,
                                 const ModelLayout& layout);

// Where a model is written to: files that appear together, complete, or not at
// all. Not thread-safe, but for WriteAt. A process has one at a time.
class ModelOutput {
 public:
  // `layout` is finished. `keep_partial`: what is written is PATH.partial, a
  // file or directory, with what is in it; it stays without Commit if there is
  // anything in it. INVALID_ARGUMENT: no such files can be made there.
  static absl::StatusOr<std::unique_ptr<ModelOutput>> Open(
      const std::string& path, const ModelLayout& layout, bool keep_partial);

  virtual ~ModelOutput() = default;

  // To file number `file` of the layout, from `offset` on.
  virtual absl::Status WriteAt(size_t file, int64_t offset,
                               absl::Span<const uint8_t> data) const = 0;
  // With keep_partial: the path that is written; what a file has, INTERNAL if
  // it ends before; and making all files empty.
  virtual std::string partial_path() const = 0;
  virtual absl::Status ReadAt(size_t file, int64_t offset,
                              absl::Span<uint8_t> data) const = 0;
  virtual absl::Status Clear() = 0;
  // Call it once, last.
  virtual absl::Status Commit() = 0;

  absl::Status Write(const std::vector<FixedBytes>& fixed) const;
};

}  // namespace weightinit::cli

#endif  // WEIGHTINIT_CLIENT_CPP_CLI_MODEL_FILES_H_

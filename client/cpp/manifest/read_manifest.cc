// From the text of a manifest to the message.

#include <fcntl.h>
#include <google/protobuf/message.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "client/cpp/manifest/document.h"
#include "client/cpp/manifest/message_reader.h"
#include "client/cpp/manifest/read_message.h"
#include "client/cpp/manifest/scalars.h"
#include "client/cpp/manifest/source.h"
#include "weightinit/client/manifest.h"
#include "weightinit/v1/model.pb.h"

namespace weightinit {
namespace {

using manifest::Document;
using manifest::MessageReader;
using manifest::Problem;
using manifest::Source;
using manifest::TreeNode;

absl::Status TooLarge(const std::string& path) {
  return absl::InvalidArgumentError(absl::StrCat(
      manifest::FileName(path), ": has more than ", kMaxManifestBytes,
      " bytes, which is the most that a manifest may have"));
}

absl::Status Invalid(const Source& source,
                     const std::vector<Problem>& problems) {
  return absl::InvalidArgumentError(absl::StrJoin(
      problems, "\n", [&](std::string* out, const Problem& problem) {
        absl::StrAppend(out, source.Place(problem.offset), ": ", problem.what);
      }));
}

// The version comes first: one that is not known may have other fields.
std::optional<Problem> CheckVersion(const TreeNode& root) {
  for (size_t i = 0; i < root.items.size(); i += 2) {
    if (root.items[i]->text != "version") continue;
    const TreeNode& value = *root.items[i + 1];
    if (value.kind != TreeNode::Kind::kScalar) break;
    const absl::StatusOr<int64_t> version =
        manifest::ParseInteger(value.text, 1, 1);
    if (version.ok()) return std::nullopt;
    return Problem{value.offset,
                   absl::StrCat("version: is ", manifest::Quoted(value.text),
                                "; must be 1")};
  }
  return Problem{root.offset, "version: is required; must be 1"};
}

}  // namespace

absl::Status manifest::ReadMessage(absl::string_view text,
                                   const std::string& file_name,
                                   google::protobuf::Message& message) {
  if (text.size() > kMaxManifestBytes) return TooLarge(file_name);
  const Source source(text, file_name);
  Document document;
  std::optional<Problem> problem = source.Load(document);
  if (!problem.has_value()) problem = CheckVersion(*document.root);
  if (problem.has_value()) return Invalid(source, {*problem});

  std::vector<Problem> problems;
  MessageReader(problems).Read(*document.root, message);
  return problems.empty() ? absl::OkStatus() : Invalid(source, problems);
}

absl::StatusOr<v1::ModelSpec> ParseManifest(absl::string_view text,
                                            const std::string& file_name) {
  v1::ModelSpec model;
  absl::Status status = manifest::ReadMessage(text, file_name, model);
  if (!status.ok()) return status;
  return model;
}

std::string PlaceInManifest(absl::string_view text,
                            const std::string& file_name,
                            absl::string_view field) {
  const Source source(text, file_name);
  Document document;
  if (const std::optional<Problem> problem = source.Load(document)) {
    return source.Place(problem->offset);
  }
  absl::ConsumePrefix(&field, "model.");
  return source.Place(manifest::FindField(document, field).offset);
}

absl::StatusOr<std::string> ReadManifestText(const std::string& path) {
  const bool is_standard_input = path == "-";
  const std::string failure = "cannot read " + manifest::FileName(path);
  const int fd = is_standard_input ? STDIN_FILENO
                                   : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, failure);
  std::string text;
  absl::Status status;
  // One byte more than allowed tells a file that is too large.
  while (text.size() <= kMaxManifestBytes) {
    constexpr size_t kPiece = 65536;
    const size_t before = text.size();
    text.resize(before + kPiece);
    const ssize_t bytes = read(fd, &text[before], kPiece);
    text.resize(before + (bytes > 0 ? static_cast<size_t>(bytes) : 0));
    if (bytes == 0) break;
    if (bytes < 0 && errno != EINTR) {
      status = absl::ErrnoToStatus(errno, failure);
      break;
    }
  }
  if (!is_standard_input) close(fd);
  if (!status.ok()) return status;
  if (text.size() > kMaxManifestBytes) return TooLarge(path);
  return text;
}

absl::StatusOr<v1::ModelSpec> ReadManifest(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadManifestText(path);
  if (!text.ok()) return text.status();
  return ParseManifest(*text, path);
}

}  // namespace weightinit

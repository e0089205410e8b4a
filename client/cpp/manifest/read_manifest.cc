// From the text of a manifest to the message.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "client/cpp/manifest/document.h"
#include "client/cpp/manifest/message_reader.h"
#include "client/cpp/manifest/scalars.h"
#include "weightinit/client/manifest.h"
#include "weightinit/core/utf8.h"
#include "weightinit/v1/model.pb.h"

namespace weightinit {
namespace {

using manifest::Document;
using manifest::MessageReader;
using manifest::Node;
using manifest::Problem;

constexpr absl::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr absl::string_view kVersion = "version";

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7f;
}

// Bytes of the character that `text` begins with; 0 if it is none.
size_t CharacterBytes(absl::string_view text) {
  for (size_t bytes = 1; bytes <= std::min<size_t>(4, text.size()); ++bytes) {
    if (IsUtf8(std::string_view(text.data(), bytes))) return bytes;
  }
  return 0;
}

// What is wrong with the characters of a text.
std::optional<Problem> CheckCharacters(absl::string_view text) {
  if (!IsUtf8(std::string_view(text.data(), text.size()))) {
    size_t at = 0;
    while (const size_t bytes = CharacterBytes(text.substr(at))) at += bytes;
    return Problem{at, "is not UTF-8, as a manifest must be"};
  }
  const auto* const control = std::find_if(text.begin(), text.end(), IsControl);
  if (control == text.end()) return std::nullopt;
  return Problem{
      static_cast<size_t>(control - text.begin()),
      absl::StrFormat("is the control character 0x%02x; of these only tabs "
                      "and ends of lines may be in a manifest",
                      static_cast<unsigned char>(*control))};
}

std::string Called(const std::string& file_name) {
  return file_name == "-" ? "standard input" : file_name;
}

// "FILE:LINE:COLUMN" of a byte.
std::string Place(absl::string_view text, const std::string& file_name,
                  size_t offset) {
  const absl::string_view before = text.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t end = before.rfind('\n');
  const absl::string_view in_line =
      end == absl::string_view::npos ? before : before.substr(end + 1);
  // Characters, that is bytes that do not continue one.
  const auto column = std::count_if(in_line.begin(), in_line.end(),
                                    [](char c) { return (c & 0xc0) != 0x80; }) +
                      1;
  return absl::StrCat(Called(file_name), ":", line, ":", column);
}

absl::Status Invalid(absl::string_view text, const std::string& file_name,
                     const std::vector<Problem>& problems) {
  return absl::InvalidArgumentError(absl::StrJoin(
      problems, "\n", [&](std::string* out, const Problem& problem) {
        absl::StrAppend(out, Place(text, file_name, problem.offset), ": ",
                        problem.what);
      }));
}

bool IsJson(absl::string_view text, const std::string& file_name) {
  const std::string name = absl::AsciiStrToLower(file_name);
  if (absl::EndsWith(name, ".json")) return true;
  if (absl::EndsWith(name, ".yaml") || absl::EndsWith(name, ".yml")) {
    return false;
  }
  return absl::StartsWith(absl::StripLeadingAsciiWhitespace(text), "{");
}

// The version comes first: one that is not known may have other fields.
std::optional<Problem> CheckVersion(const Node& root) {
  for (size_t i = 0; i < root.items.size(); i += 2) {
    if (root.items[i]->text != kVersion) continue;
    const Node& value = *root.items[i + 1];
    if (value.kind != Node::Kind::kScalar) break;
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

absl::StatusOr<v1::ModelSpec> ParseManifest(absl::string_view text,
                                            const std::string& file_name) {
  if (text.size() > kMaxManifestBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(Called(file_name), ": has more than ", kMaxManifestBytes,
                     " bytes, which is the most that a manifest may have"));
  }
  if (absl::StartsWith(text, kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  std::optional<Problem> problem = CheckCharacters(text);
  Document document;
  if (!problem.has_value()) {
    problem = IsJson(text, file_name) ? ReadJson(text, document)
                                      : ReadYaml(text, document);
  }
  if (!problem.has_value() &&
      (document.root == nullptr || document.root->kind != Node::Kind::kMap)) {
    problem =
        Problem{document.root == nullptr ? 0 : document.root->offset,
                "is no map of fields; a manifest begins with \"version: 1\""};
  }
  if (!problem.has_value()) problem = CheckVersion(*document.root);
  if (problem.has_value()) return Invalid(text, file_name, {*problem});

  v1::ModelSpec model;
  std::vector<Problem> problems;
  MessageReader(problems).Read(*document.root, model);
  if (!problems.empty()) return Invalid(text, file_name, problems);
  return model;
}

absl::StatusOr<v1::ModelSpec> ReadManifest(const std::string& path) {
  const bool is_standard_input = path == "-";
  const std::string name = Called(path);
  const int fd = is_standard_input ? STDIN_FILENO
                                   : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, "cannot read " + name);
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
      status = absl::ErrnoToStatus(errno, "cannot read " + name);
      break;
    }
  }
  if (!is_standard_input) close(fd);
  if (!status.ok()) return status;
  return ParseManifest(text, path);
}

}  // namespace weightinit

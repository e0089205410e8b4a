#include "client/cpp/manifest/source.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "client/cpp/manifest/document.h"
#include "weightinit/core/utf8.h"

namespace weightinit::manifest {
namespace {

constexpr absl::string_view kByteOrderMark = "\xef\xbb\xbf";

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

// "in_features" as JSON has it: "inFeatures".
std::string JsonName(absl::string_view name) {
  std::string json;
  for (size_t i = 0; i < name.size(); ++i) {
    const bool capital = i > 0 && name[i - 1] == '_';
    if (name[i] == '_') continue;
    json.push_back(
        capital ? absl::ascii_toupper(static_cast<unsigned char>(name[i]))
                : name[i]);
  }
  return json;
}

// The value of a key, by the name of the field or another text; null if there
// is none.
const TreeNode* ValueOf(const TreeNode& node, absl::string_view key) {
  if (node.kind != TreeNode::Kind::kMap) return nullptr;
  const std::string json = JsonName(key);
  for (size_t i = 0; i < node.items.size(); i += 2) {
    const std::string& text = node.items[i]->text;
    if (text == key || text == json) return node.items[i + 1];
  }
  return nullptr;
}

// What "[index]" is of a list or a map; null if there is none.
const TreeNode* ItemOf(const TreeNode& node, absl::string_view index) {
  if (node.kind != TreeNode::Kind::kList) return ValueOf(node, index);
  size_t number = 0;
  if (!absl::SimpleAtoi(index, &number) || number >= node.items.size()) {
    return nullptr;
  }
  return node.items[number];
}

}  // namespace

std::string FileName(const std::string& path) {
  return path == "-" ? "standard input" : path;
}

Source::Source(absl::string_view text, std::string path)
    : text_(absl::StripPrefix(text, kByteOrderMark)), path_(std::move(path)) {}

std::optional<Problem> Source::Load(Document& document) const {
  std::optional<Problem> problem = CheckCharacters();
  if (!problem.has_value()) {
    problem = IsJson() ? ReadJson(text_, document) : ReadYaml(text_, document);
  }
  if (problem.has_value()) return problem;
  const TreeNode* const root = document.root;
  if (root != nullptr && root->kind == TreeNode::Kind::kMap) {
    return std::nullopt;
  }
  return Problem{root == nullptr ? 0 : root->offset,
                 "is no map of fields; a manifest begins with \"version: 1\""};
}

std::string Source::Place(size_t offset) const {
  const absl::string_view before = text_.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t end = before.rfind('\n');
  const absl::string_view in_line =
      end == absl::string_view::npos ? before : before.substr(end + 1);
  // Bytes that do not continue a character.
  const auto column = std::count_if(in_line.begin(), in_line.end(),
                                    [](char c) { return (c & 0xc0) != 0x80; }) +
                      1;
  return absl::StrCat(FileName(path_), ":", line, ":", column);
}

bool Source::IsJson() const {
  const std::string name = absl::AsciiStrToLower(path_);
  if (absl::EndsWith(name, ".json")) return true;
  if (absl::EndsWith(name, ".yaml") || absl::EndsWith(name, ".yml")) {
    return false;
  }
  return absl::StartsWith(absl::StripLeadingAsciiWhitespace(text_), "{");
}

std::optional<Problem> Source::CheckCharacters() const {
  if (!IsUtf8(std::string_view(text_.data(), text_.size()))) {
    size_t at = 0;
    while (const size_t bytes = CharacterBytes(text_.substr(at))) at += bytes;
    return Problem{at, "is not UTF-8, as a manifest must be"};
  }
  const auto* const control =
      std::find_if(text_.begin(), text_.end(), IsControl);
  if (control == text_.end()) return std::nullopt;
  return Problem{
      static_cast<size_t>(control - text_.begin()),
      absl::StrFormat("is the control character 0x%02x; of these only tabs "
                      "and ends of lines may be in a manifest",
                      static_cast<unsigned char>(*control))};
}

const TreeNode& FindField(const Document& document, absl::string_view field) {
  const TreeNode* node = document.root;
  // "entries[2].dense" is a name, "[2]" and "." with a name.
  while (!field.empty()) {
    const TreeNode* next = nullptr;
    if (absl::ConsumePrefix(&field, "[")) {
      const size_t end = std::min(field.find(']'), field.size());
      next = ItemOf(*node, field.substr(0, end));
      field.remove_prefix(std::min(end + 1, field.size()));
    } else {
      absl::ConsumePrefix(&field, ".");
      const size_t end = std::min(field.find_first_of(".["), field.size());
      next = ValueOf(*node, field.substr(0, end));
      field.remove_prefix(end);
    }
    if (next == nullptr) break;
    node = next;
  }
  return *node;
}

}  // namespace weightinit::manifest

#include "client/cpp/manifest/document.h"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace weightinit::manifest {

std::optional<Problem> DocumentBuilder::AddNull(size_t offset) {
  TreeNode node;
  node.offset = offset;
  return Add(std::move(node));
}

std::optional<Problem> DocumentBuilder::AddScalar(size_t offset,
                                                  std::string text,
                                                  bool quoted) {
  TreeNode node;
  node.kind = TreeNode::Kind::kScalar;
  node.quoted = quoted;
  node.offset = offset;
  node.text = std::move(text);
  return Add(std::move(node));
}

std::optional<Problem> DocumentBuilder::Open(size_t offset,
                                             TreeNode::Kind kind) {
  if (open_.size() == kMaxDepth) {
    return Problem{offset, absl::StrCat("has more than ", kMaxDepth,
                                        " lists and maps in each other")};
  }
  TreeNode node;
  node.kind = kind;
  node.offset = offset;
  if (std::optional<Problem> problem = Add(std::move(node))) return problem;
  open_.push_back(&document_.nodes.back());
  return std::nullopt;
}

std::optional<Problem> DocumentBuilder::AddAgain(size_t offset,
                                                 const TreeNode& node) {
  for (const TreeNode* open : open_) {
    if (open == &node) return Problem{offset, "an alias is inside its anchor"};
  }
  Attach(node);
  return std::nullopt;
}

std::optional<Problem> DocumentBuilder::Add(TreeNode node) {
  if (document_.nodes.size() == kMaxNodes) {
    return Problem{node.offset,
                   absl::StrCat("has more than ", kMaxNodes, " values")};
  }
  document_.nodes.push_back(std::move(node));
  Attach(document_.nodes.back());
  return std::nullopt;
}

void DocumentBuilder::Attach(const TreeNode& node) {
  if (open_.empty()) {
    document_.root = &node;
  } else {
    open_.back()->items.push_back(&node);
  }
}

}  // namespace weightinit::manifest

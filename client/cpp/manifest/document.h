// What a manifest's text says, before it is known what it means: the same for
// YAML and JSON.

#ifndef WEIGHTINIT_CLIENT_CPP_MANIFEST_DOCUMENT_H_
#define WEIGHTINIT_CLIENT_CPP_MANIFEST_DOCUMENT_H_

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace weightinit::manifest {

// Nodes of a document, and how many a reader visits, which is more where
// aliases repeat some.
inline constexpr size_t kMaxNodes = 1000000;
// Lists and maps in each other.
inline constexpr size_t kMaxDepth = 100;

struct TreeNode {
  enum class Kind { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  bool quoted = false;  // Of a scalar.
  size_t offset = 0;    // Byte of the text where it begins.
  std::string text;     // Of a scalar.
  // The items of a list; of a map key, value, key, value and so on.
  std::vector<const TreeNode*> items;
};

// Something wrong at a byte of the text.
struct Problem {
  size_t offset;
  std::string what;
};

// A tree of nodes; with aliases a node may have several parents, but no node is
// inside itself.
struct Document {
  std::deque<TreeNode> nodes;  // References stay valid.
  const TreeNode* root = nullptr;
};

// Puts a document together from the outside in.
class DocumentBuilder {
 public:
  // The builder fills `document`, which must outlive it.
  explicit DocumentBuilder(Document& document) : document_(document) {}

  // Each adds a node to the innermost open list or map, or as the root, and
  // returns a problem if that is too much.
  std::optional<Problem> AddNull(size_t offset);
  std::optional<Problem> AddScalar(size_t offset, std::string text,
                                   bool quoted);
  // A list or map, which stays open until Close.
  std::optional<Problem> Open(size_t offset, TreeNode::Kind kind);
  // A node that is there already and closed.
  std::optional<Problem> AddAgain(size_t offset, const TreeNode& node);
  // Closes the innermost list or map.
  void Close() { open_.pop_back(); }

  // The node that was added or opened last.
  const TreeNode& last() const { return document_.nodes.back(); }

 private:
  std::optional<Problem> Add(TreeNode node);
  void Attach(const TreeNode& node);

  Document& document_;
  std::vector<TreeNode*> open_;
};

// Fill a document, which is empty, from a text that is UTF-8 without control
// characters and without byte order mark.
std::optional<Problem> ReadYaml(absl::string_view text, Document& document);
std::optional<Problem> ReadJson(absl::string_view text, Document& document);

}  // namespace weightinit::manifest

#endif  // WEIGHTINIT_CLIENT_CPP_MANIFEST_DOCUMENT_H_

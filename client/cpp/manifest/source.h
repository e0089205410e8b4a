// The text of a manifest, and places in it.

#ifndef WEIGHTINIT_CLIENT_CPP_MANIFEST_SOURCE_H_
#define WEIGHTINIT_CLIENT_CPP_MANIFEST_SOURCE_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "client/cpp/manifest/document.h"

namespace weightinit::manifest {

// How a file is called in messages: "-" is standard input.
std::string FileName(const std::string& path);

class Source {
 public:
  // `text` must outlive the source. A byte order mark is skipped.
  Source(absl::string_view text, std::string path);

  // Reads the text as YAML or JSON into `document`, which is empty. Without a
  // problem its root is a map.
  std::optional<Problem> Load(Document& document) const;

  // "FILE:LINE:COLUMN" of a byte; the column counts characters.
  std::string Place(size_t offset) const;

 private:
  bool IsJson() const;
  std::optional<Problem> CheckCharacters() const;

  absl::string_view text_;
  const std::string path_;
};

// The node of a field such as "entries[2].block.entries[0].dense.bias", as
// messages call it; where the document does not have it, the innermost node
// around that is there. REQUIRES: the document has a root.
const TreeNode& FindField(const Document& document, absl::string_view field);

}  // namespace weightinit::manifest

#endif  // WEIGHTINIT_CLIENT_CPP_MANIFEST_SOURCE_H_

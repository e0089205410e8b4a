// YAML, read by yaml-cpp: its events rather than its nodes, which do not tell
// quoted scalars from others reliably and grow without bound.

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/emitterstyle.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <optional>
#include <sstream>
#include <string>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/cpp/manifest/document.h"

namespace weightinit::manifest {
namespace {

// How yaml-cpp calls what has no tag, without quotes and with them.
constexpr absl::string_view kPlain = "?";
constexpr absl::string_view kQuoted = "!";

size_t OffsetOf(const YAML::Mark& mark) {
  return mark.pos < 0 ? 0 : static_cast<size_t>(mark.pos);
}

// Leaves the parser through yaml-cpp's own exception.
void Check(const YAML::Mark& mark, const std::optional<Problem>& problem) {
  if (problem.has_value()) throw YAML::ParserException(mark, problem->what);
}

class Events : public YAML::EventHandler {
 public:
  explicit Events(Document& document) : builder_(document) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) {
      Check(mark, Problem{0, "there is a second document; a manifest is one"});
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Check(mark, builder_.AddNull(OffsetOf(mark)));
    Remember(anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      Check(mark, Problem{0, "an alias has no anchor"});
    }
    Check(mark, builder_.AddAgain(OffsetOf(mark), *found->second));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag,
                YAML::anchor_t anchor, const std::string& value) override {
    CheckTag(mark, tag);
    Check(mark, builder_.AddScalar(OffsetOf(mark), value, tag == kQuoted));
    Remember(anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    CheckTag(mark, tag);
    Check(mark, builder_.Open(OffsetOf(mark), TreeNode::Kind::kList));
    Remember(anchor);
  }
  void OnSequenceEnd() override { builder_.Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag,
                  YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    CheckTag(mark, tag);
    Check(mark, builder_.Open(OffsetOf(mark), TreeNode::Kind::kMap));
    Remember(anchor);
  }
  void OnMapEnd() override { builder_.Close(); }

 private:
  static void CheckTag(const YAML::Mark& mark, absl::string_view tag) {
    if (!tag.empty() && tag != kPlain && tag != kQuoted) {
      Check(mark, Problem{0, absl::StrCat("has the tag ", tag,
                                          "; a manifest has no tags")});
    }
  }

  void Remember(YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = &builder_.last();
  }

  DocumentBuilder builder_;
  int documents_ = 0;
  std::unordered_map<YAML::anchor_t, const TreeNode*> anchors_;
};

}  // namespace

std::optional<Problem> ReadYaml(absl::string_view text, Document& document) {
  // yaml-cpp takes a text in quotes that ends with the last line for complete;
  // with a comment behind it, it sees that the quote is missing.
  constexpr absl::string_view kComment = "\n#";
  try {
    std::istringstream stream{absl::StrCat(text, kComment)};
    YAML::Parser parser(stream);
    Events events(document);
    while (parser.HandleNextDocument(events)) {
    }
  } catch (const YAML::Exception& exception) {
    return Problem{std::min(OffsetOf(exception.mark), text.size()),
                   exception.msg};
  } catch (const std::exception& exception) {
    return Problem{0, absl::StrCat("cannot be read: ", exception.what())};
  }
  return std::nullopt;
}

}  // namespace weightinit::manifest

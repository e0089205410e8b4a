// JSON (RFC 8259). A reader of our own, because errors about what a value means
// need its place in the text, which the SAX parser of nlohmann_json 3.11 does
// not tell; and YAML's reader refuses JSON's surrogate pairs ("\ud83d\ude00").

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/cpp/manifest/document.h"
#include "client/cpp/manifest/scalars.h"

namespace weightinit::manifest {
namespace {

void AppendUtf8(uint32_t code, std::string& text) {
  const auto byte = [&](uint32_t value) {
    text.push_back(static_cast<char>(static_cast<unsigned char>(value)));
  };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xc0 | code >> 6);
    byte(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    byte(0xe0 | code >> 12);
    byte(0x80 | (code >> 6 & 0x3f));
    byte(0x80 | (code & 0x3f));
  } else {
    byte(0xf0 | code >> 18);
    byte(0x80 | (code >> 12 & 0x3f));
    byte(0x80 | (code >> 6 & 0x3f));
    byte(0x80 | (code & 0x3f));
  }
}

// Reads from left to right. Functions return false after a problem, which is
// kept.
class Reader {
 public:
  Reader(absl::string_view text, Document& document)
      : text_(text), builder_(document) {}

  std::optional<Problem> Read() {
    if (Value() && Peek() != '\0') Fail(at_, "the end of the text is expected");
    return std::move(problem_);
  }

 private:
  // The depth of the recursion is bounded by the builder's.
  bool Value() {
    switch (Peek()) {
      case '{':
        return Open(TreeNode::Kind::kMap) &&
               Items('}', [this] { return Member(); });
      case '[':
        return Open(TreeNode::Kind::kList) &&
               Items(']', [this] { return Value(); });
      case '"':
        return String();
      default:
        return Literal();
    }
  }

  bool Open(TreeNode::Kind kind) { return Keep(builder_.Open(at_++, kind)); }

  // What stands between brackets, the first of which is read.
  template <typename Item>
  bool Items(char end, Item item) {
    if (Peek() != end) {
      do {
        if (!item()) return false;
      } while (Take(','));
    }
    if (!Take(end)) {
      return Fail(at_, absl::StrCat(R"("," or ")", std::string(1, end),
                                    "\" is expected"));
    }
    builder_.Close();
    return true;
  }

  bool Member() {
    if (Peek() != '"') return Fail(at_, "a name in double quotes is expected");
    if (!String()) return false;
    if (!Take(':')) return Fail(at_, "\":\" is expected");
    return Value();
  }

  bool Literal() {
    const size_t start = at_;
    while (at_ < text_.size() &&
           (absl::ascii_isalnum(static_cast<unsigned char>(text_[at_])) ||
            text_[at_] == '+' || text_[at_] == '-' || text_[at_] == '.')) {
      ++at_;
    }
    const absl::string_view literal = text_.substr(start, at_ - start);
    if (literal.empty()) return Fail(start, "a value is expected");
    if (literal == "null") return Keep(builder_.AddNull(start));
    if (literal != "true" && literal != "false" && !IsNumber(literal)) {
      return Fail(start, absl::StrCat(Quoted(literal), " is no value of JSON"));
    }
    return Keep(
        builder_.AddScalar(start, std::string(literal), /*quoted=*/false));
  }

  bool String() {
    const size_t start = at_++;
    std::string value;
    while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\n' &&
           text_[at_] != '\r') {
      if (text_[at_] != '\\') {
        value.push_back(text_[at_++]);
      } else if (!Escape(value)) {
        return false;
      }
    }
    if (at_ == text_.size() || text_[at_] != '"') {
      return Fail(start, "the end of this text is missing");
    }
    ++at_;
    return Keep(builder_.AddScalar(start, std::move(value), /*quoted=*/true));
  }

  bool Escape(std::string& value) {
    constexpr absl::string_view kLetters = R"("\/bfnrt)";
    constexpr absl::string_view kCharacters = "\"\\/\b\f\n\r\t";
    const size_t start = at_++;
    const char letter = at_ < text_.size() ? text_[at_] : '\0';
    if (letter == 'u') {
      --at_;
      uint32_t code = 0;
      if (!Unit(code)) return false;
      uint32_t low = 0;
      if (code >= 0xd800 && code < 0xdc00 && Unit(low) && low >= 0xdc00 &&
          low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      }
      if (code >= 0xd800 && code < 0xe000) {
        problem_.reset();
        return Fail(start, "a surrogate stands alone; they come in pairs");
      }
      AppendUtf8(code, value);
      return true;
    }
    const size_t found = kLetters.find(letter);
    if (letter == '\0' || found == absl::string_view::npos) {
      return Fail(start, "there is no such escape");
    }
    value.push_back(kCharacters[found]);
    ++at_;
    return true;
  }

  // One "\uXXXX".
  bool Unit(uint32_t& code) {
    const absl::string_view digits =
        text_.substr(at_, 2) == "\\u" ? text_.substr(at_ + 2, 4) : "";
    code = 0;
    for (const char digit : digits) {
      if (!absl::ascii_isxdigit(static_cast<unsigned char>(digit))) {
        return Fail(at_, "four hexadecimal digits are expected");
      }
      const int value =
          absl::ascii_isdigit(static_cast<unsigned char>(digit))
              ? digit - '0'
              : absl::ascii_tolower(static_cast<unsigned char>(digit)) - 'a' +
                    10;
      code = code * 16 + static_cast<uint32_t>(value);
    }
    if (digits.size() < 4) {
      return Fail(at_, "four hexadecimal digits are expected");
    }
    at_ += 6;
    return true;
  }

  // The next character that is no white space; 0 at the end.
  char Peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' ||
                                  text_[at_] == '\n' || text_[at_] == '\r')) {
      ++at_;
    }
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  bool Take(char c) {
    if (Peek() != c) return false;
    ++at_;
    return true;
  }

  bool Fail(size_t offset, std::string what) {
    if (!problem_.has_value()) problem_ = Problem{offset, std::move(what)};
    return false;
  }

  bool Keep(std::optional<Problem> problem) {
    if (problem.has_value()) return Fail(problem->offset, problem->what);
    return true;
  }

  const absl::string_view text_;
  DocumentBuilder builder_;
  size_t at_ = 0;
  std::optional<Problem> problem_;
};

}  // namespace

std::optional<Problem> ReadJson(absl::string_view text, Document& document) {
  return Reader(text, document).Read();
}

}  // namespace weightinit::manifest

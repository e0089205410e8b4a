#include "weightinit/core/expression.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/charconv.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "weightinit/core/limits.h"

namespace weightinit {
namespace {

// Brackets and signs in each other.
constexpr int kMaxLevels = 32;
constexpr std::string_view kSquareRoot = "sqrt";

bool StartsName(char c) {
  return absl::ascii_isalpha(static_cast<unsigned char>(c)) || c == '_';
}

bool IsDigit(char c) {
  return absl::ascii_isdigit(static_cast<unsigned char>(c));
}

bool ContinuesName(char c) { return StartsName(c) || IsDigit(c); }

// Where digits that start at `at` end.
size_t EndOfDigits(std::string_view text, size_t at) {
  while (at < text.size() && IsDigit(text[at])) ++at;
  return at;
}

// Where a number that starts at `at` ends; not behind it if there is none.
size_t EndOfNumber(std::string_view text, size_t at) {
  size_t end = EndOfDigits(text, at);
  size_t digits = end - at;
  if (end < text.size() && text[end] == '.') {
    const size_t fraction = EndOfDigits(text, end + 1);
    digits += fraction - end - 1;
    end = fraction;
  }
  if (digits == 0) return at;
  if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
    size_t exponent = end + 1;
    if (exponent < text.size() &&
        (text[exponent] == '+' || text[exponent] == '-')) {
      ++exponent;
    }
    const size_t last = EndOfDigits(text, exponent);
    if (last > exponent) end = last;
  }
  return end;
}

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

// Reads an expression from left to right. After an error, which is kept, all
// functions return 0.
class Reader {
 public:
  Reader(std::string_view text, const std::vector<NamedNumber>& numbers)
      : text_(text), numbers_(numbers) {}

  absl::StatusOr<double> Read() {
    const double value = Expression();
    if (error_.empty() && Peek() != '\0') Fail("an operator is expected");
    if (error_.empty() && at_ < text_.size()) {
      Fail("a character is not allowed");
    }
    if (error_.empty() && !std::isfinite(value)) {
      error_ = "the value is not finite";
    }
    if (!error_.empty()) return absl::InvalidArgumentError(error_);
    return value;
  }

 private:
  double Expression() {
    double value = Product();
    for (char c = Peek(); c == '+' || c == '-'; c = Peek()) {
      ++at_;
      const double right = Product();
      value = c == '+' ? value + right : value - right;
    }
    return value;
  }

  double Product() {
    double value = Factor();
    for (char c = Peek(); c == '*' || c == '/'; c = Peek()) {
      ++at_;
      const double right = Factor();
      value = c == '*' ? value * right : value / right;
    }
    return value;
  }

  double Factor() {
    const char c = Peek();
    if (c == '+' || c == '-') {
      ++at_;
      const double value = Primary();
      return c == '-' ? -value : value;
    }
    return Primary();
  }

  double Primary() {
    const char c = Peek();
    if (c == '(') return Bracket();
    if (IsDigit(c) || c == '.') return Number();
    if (!StartsName(c)) {
      return Fail("a number, a name or \"(\" is expected");
    }
    const size_t start = at_;
    while (at_ < text_.size() && ContinuesName(text_[at_])) ++at_;
    const std::string_view name = text_.substr(start, at_ - start);
    if (name == kSquareRoot) {
      if (Peek() != '(') return Fail("\"(\" is expected");
      return std::sqrt(Bracket());
    }
    for (auto number = numbers_.rbegin(); number != numbers_.rend(); ++number) {
      if (number->name == name) return number->value;
    }
    at_ = start;
    return Fail(
        absl::StrCat("\"", View(name), "\" is no constant and no index here"));
  }

  double Bracket() {
    if (++level_ > kMaxLevels) {
      return Fail(absl::StrCat("there are more than ", kMaxLevels,
                               " brackets in each other"));
    }
    ++at_;
    const double value = Expression();
    if (Peek() != ')') return Fail("\")\" is expected");
    ++at_;
    --level_;
    return value;
  }

  double Number() {
    const size_t end = EndOfNumber(text_, at_);
    if (end == at_) return Fail("a number is expected");
    double value = 0;
    const absl::from_chars_result result =
        absl::from_chars(text_.data() + at_, text_.data() + end, value);
    // What is too small is rounded to 0; what is too large has no value.
    if (result.ec != std::errc() && value >= 1) {
      return Fail("a number is out of range");
    }
    at_ = end;
    return value;
  }

  // The next character that is no space; 0 at the end and after an error.
  char Peek() {
    if (!error_.empty()) return '\0';
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  double Fail(absl::string_view what) {
    if (error_.empty()) {
      error_ = absl::StrCat(what, ", at character ", at_ + 1);
    }
    return 0;
  }

  const std::string_view text_;
  const std::vector<NamedNumber>& numbers_;
  size_t at_ = 0;
  int level_ = 0;
  std::string error_;
};

}  // namespace

absl::StatusOr<double> Evaluate(std::string_view expression,
                                const std::vector<NamedNumber>& numbers) {
  if (expression.size() > kMaxExpressionBytes) {
    return absl::InvalidArgumentError(absl::StrCat("has ", expression.size(),
                                                   " bytes; must have at most ",
                                                   kMaxExpressionBytes));
  }
  return Reader(expression, numbers).Read();
}

bool IsExpressionName(std::string_view text) {
  if (text.empty() || text.size() > kMaxExpressionBytes ||
      text == kSquareRoot || !StartsName(text.front())) {
    return false;
  }
  return std::all_of(text.begin(), text.end(), ContinuesName);
}

}  // namespace weightinit

#include "client/cpp/manifest/scalars.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/charconv.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "proto/cpp/nearest.h"
#include "weightinit/core/framework_schemes.h"
#include "weightinit/core/names.h"
#include "weightinit/core/request.h"
#include "weightinit/v1/tensor.pb.h"

namespace weightinit::manifest {
namespace {

using google::protobuf::EnumDescriptor;

// Above it not every whole number is a double.
constexpr double kMaxExactInteger = 9007199254740992.0;

bool IsDigit(char c) {
  return absl::ascii_isdigit(static_cast<unsigned char>(c));
}

size_t Digits(absl::string_view text) {
  size_t count = 0;
  while (count < text.size() && IsDigit(text[count])) ++count;
  return count;
}

absl::Status IsNot(absl::string_view text, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("is ", Quoted(text), "; must be ", what));
}

// The names that the core has for an enum.
struct CoreNames {
  const EnumDescriptor* type;
  std::string (*name_of)(int value);
  std::optional<int> (*parse)(absl::string_view text);
};

template <typename E>
CoreNames NamesOf(const EnumDescriptor* type) {
  return {type,
          [](int value) { return std::string(NameOf(static_cast<E>(value))); },
          [](absl::string_view text) -> std::optional<int> {
            const auto value =
                Parse<E>(std::string_view(text.data(), text.size()));
            if (!value.has_value()) return std::nullopt;
            return static_cast<int>(*value);
          }};
}

// Null for an enum that the core has no names for.
const CoreNames* FindCoreNames(const EnumDescriptor& type) {
  static const auto& all = *new std::vector<CoreNames>{
      NamesOf<Scheme>(v1::Scheme_descriptor()),
      NamesOf<TensorRole>(v1::TensorRole_descriptor()),
      NamesOf<Activation>(v1::Activation_descriptor()),
      NamesOf<Dtype>(v1::Dtype_descriptor()),
      NamesOf<Layout>(v1::Layout_descriptor()),
      NamesOf<FanMode>(v1::FanMode_descriptor()),
      NamesOf<Distribution>(v1::Distribution_descriptor())};
  for (const CoreNames& names : all) {
    if (names.type == &type) return &names;
  }
  return nullptr;
}

// "keras" of GATE_ORDER_KERAS. Value 0 of every enum is PREFIX_UNSPECIFIED.
std::string WithoutPrefix(const EnumDescriptor& type, int value) {
  constexpr absl::string_view kUnspecified = "UNSPECIFIED";
  const absl::string_view zero = type.FindValueByNumber(0)->name();
  absl::string_view name = type.FindValueByNumber(value)->name();
  absl::ConsumePrefix(&name, absl::StripSuffix(zero, kUnspecified));
  return absl::AsciiStrToLower(name);
}

}  // namespace

bool IsNumber(absl::string_view text) {
  absl::ConsumePrefix(&text, "-");
  const size_t whole = Digits(text);
  if (whole == 0 || (whole > 1 && text[0] == '0')) return false;
  text.remove_prefix(whole);
  if (absl::ConsumePrefix(&text, ".")) {
    const size_t fraction = Digits(text);
    if (fraction == 0) return false;
    text.remove_prefix(fraction);
  }
  if (text.empty()) return true;
  if (!absl::ConsumePrefix(&text, "e") && !absl::ConsumePrefix(&text, "E")) {
    return false;
  }
  if (!absl::ConsumePrefix(&text, "+")) absl::ConsumePrefix(&text, "-");
  return !text.empty() && Digits(text) == text.size();
}

absl::StatusOr<int64_t> ParseInteger(absl::string_view text, int64_t low,
                                     int64_t high) {
  const std::string allowed =
      absl::StrCat("a whole number from ", low, " to ", high);
  if (!IsNumber(text)) return IsNot(text, allowed);
  int64_t value = 0;
  if (!absl::SimpleAtoi(text, &value)) {
    const absl::StatusOr<double> number = ParseDouble(text);
    if (!number.ok() || std::trunc(*number) != *number ||
        std::abs(*number) > kMaxExactInteger) {
      return IsNot(text, allowed);
    }
    value = static_cast<int64_t>(*number);
  }
  if (value < low || value > high) return IsNot(text, allowed);
  return value;
}

absl::StatusOr<double> ParseDouble(absl::string_view text) {
  if (!IsNumber(text)) {
    return IsNot(text, "a finite number as JSON writes it, such as 0.5");
  }
  double value = 0;
  const absl::from_chars_result result =
      absl::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc()) {
    return IsNot(text, "0 or from 4.9e-324 to 1.8e308 in size");
  }
  return value;
}

absl::StatusOr<int> ParseEnum(const EnumDescriptor& type,
                              absl::string_view text) {
  const auto* const exact = type.FindValueByName(std::string(text));
  if (exact != nullptr) return exact->number();
  const CoreNames* const core = FindCoreNames(type);
  if (core != nullptr) {
    if (const std::optional<int> value = core->parse(text)) return *value;
  }
  std::vector<std::string> names;
  for (int i = 0; i < type.value_count(); ++i) {
    const int number = type.value(i)->number();
    if (number == 0) continue;
    names.push_back(EnumName(type, number));
    if (core == nullptr && names.back() == text) return number;
  }
  const std::string nearest = Nearest(text, names);
  return absl::InvalidArgumentError(absl::StrCat(
      "is ", Quoted(text), "; ",
      nearest.empty() ? "" : absl::StrCat("did you mean ", nearest, "? "),
      "must be one of ", absl::StrJoin(names, ", "),
      &type == v1::Scheme_descriptor()
          ? FrameworkHint({text.data(), text.size()})
          : ""));
}

std::string EnumName(const EnumDescriptor& type, int value) {
  const CoreNames* const core = FindCoreNames(type);
  // The core has no name for value 0.
  if (value == 0) return std::string(type.FindValueByNumber(0)->name());
  return core != nullptr ? core->name_of(value) : WithoutPrefix(type, value);
}

std::string Shown(absl::string_view text) {
  constexpr size_t kLongest = 60;
  const bool cut = text.size() > kLongest;
  text = text.substr(0, kLongest);
  // Not in the middle of a character.
  while (cut && !text.empty() && (text.back() & 0x80) != 0) {
    text.remove_suffix(1);
  }
  return absl::StrCat(absl::Utf8SafeCEscape(text), cut ? "..." : "");
}

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", Shown(text), "\"");
}

}  // namespace weightinit::manifest

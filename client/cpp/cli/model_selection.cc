#include "client/cpp/cli/model_selection.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace weightinit::cli {
namespace {

constexpr size_t kMaxNamesSaid = 5;

constexpr char kShardForm[] =
    "INDEX/COUNT, as 3/8, or PATTERN=INDEX/COUNT:AXIS, as *.weight=3/8:0";
constexpr char kSliceForm[] =
    "PATTERN=START:STOP,START:STOP, as fc1.weight=0:16,: with ends from 0 on; "
    "PATTERN=: is the whole tensor";

// A number from 0 on, in digits.
std::optional<int64_t> Number(absl::string_view text) {
  int64_t value = 0;
  if (text.empty() ||
      !std::all_of(text.begin(), text.end(), absl::ascii_isdigit)) {
    return std::nullopt;
  }
  if (!absl::SimpleAtoi(text, &value)) return std::nullopt;
  return value;
}

// The pattern before the last "=", and what follows it; without a pattern
// `otherwise`.
std::pair<absl::string_view, absl::string_view> SplitPattern(
    absl::string_view text, absl::string_view otherwise) {
  const size_t equals = text.rfind('=');
  if (equals == absl::string_view::npos) return {otherwise, text};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

std::optional<v1::TensorSelection> ParseShard(
    absl::string_view text, const std::optional<int64_t>& axis) {
  const auto [pattern, share] = SplitPattern(text, "*");
  const std::optional<ShardText> parsed = ParseShardText(share);
  if (pattern.empty() || !parsed.has_value()) return std::nullopt;
  v1::TensorSelection selection;
  selection.set_match(std::string(pattern));
  v1::Shard& shard = *selection.mutable_shard();
  shard.set_index(parsed->index);
  shard.set_count(parsed->count);
  shard.set_axis(static_cast<int32_t>(parsed->axis.value_or(axis.value_or(0))));
  return selection;
}

std::optional<v1::TensorSelection> ParseSlice(absl::string_view text) {
  const auto [pattern, ranges] = SplitPattern(text, "");
  if (pattern.empty()) return std::nullopt;
  v1::TensorSelection selection;
  selection.set_match(std::string(pattern));
  // Of a scalar too.
  if (ranges == ":") return selection;
  for (const absl::string_view part : absl::StrSplit(ranges, ',')) {
    const std::vector<absl::string_view> ends = absl::StrSplit(part, ':');
    if (ends.size() != 2) return std::nullopt;
    v1::DimensionRange& range = *selection.add_slice();
    const absl::string_view start = absl::StripAsciiWhitespace(ends[0]);
    const absl::string_view stop = absl::StripAsciiWhitespace(ends[1]);
    if (!start.empty()) {
      const std::optional<int64_t> value = Number(start);
      if (!value.has_value()) return std::nullopt;
      range.set_start(*value);
    }
    if (!stop.empty()) {
      const std::optional<int64_t> value = Number(stop);
      if (!value.has_value()) return std::nullopt;
      range.set_stop(*value);
    }
  }
  return selection;
}

}  // namespace

std::optional<ShardText> ParseShardText(absl::string_view text) {
  // A dimension's number is small; more digits are no axis of any tensor.
  constexpr int64_t kMostAxis = 1 << 30;
  ShardText shard;
  const size_t colon = text.find(':');
  if (colon != absl::string_view::npos) {
    shard.axis = Number(text.substr(colon + 1));
    if (!shard.axis.has_value() || *shard.axis > kMostAxis) return std::nullopt;
    text = text.substr(0, colon);
  }
  const std::vector<absl::string_view> numbers = absl::StrSplit(text, '/');
  if (numbers.size() != 2) return std::nullopt;
  const std::optional<int64_t> index = Number(numbers[0]);
  const std::optional<int64_t> count = Number(numbers[1]);
  if (!index.has_value() || !count.has_value()) return std::nullopt;
  shard.index = *index;
  shard.count = *count;
  return shard;
}

std::string Selections::NameOf(const std::string& field) const {
  absl::string_view rest = field;
  if (!absl::ConsumePrefix(&rest, "selections[")) return field;
  const size_t bracket = rest.find(']');
  uint64_t index = 0;
  if (bracket == absl::string_view::npos ||
      !absl::SimpleAtoi(rest.substr(0, bracket), &index) ||
      index >= options.size()) {
    return field;
  }
  rest.remove_prefix(bracket + 1);
  if (!absl::ConsumePrefix(&rest, ".")) return options[index];
  return absl::StrCat(options[index], ": ", rest);
}

absl::StatusOr<Selections> ParseSelections(const SelectionOptions& options) {
  std::vector<std::string> errors;
  const auto fail = [&](absl::string_view option, absl::string_view text,
                        absl::string_view expected) {
    errors.push_back(
        absl::StrCat(option, ": \"", text, "\" is not ", expected));
  };
  std::optional<int64_t> axis;
  if (options.axis.has_value()) {
    axis = Number(*options.axis);
    if (!axis.has_value() || *axis > INT32_MAX) {
      fail("--axis", *options.axis, "a dimension's number, counted from 0");
    } else if (options.shards.empty()) {
      errors.emplace_back(
          "--axis: says of which dimension a --shard is, and "
          "there is none");
    }
  }
  Selections selections;
  const auto add = [&](absl::string_view option, const std::string& text,
                       std::optional<v1::TensorSelection> selection,
                       absl::string_view form) {
    if (!selection.has_value()) {
      fail(option, text, form);
      return;
    }
    selections.messages.push_back(*std::move(selection));
    selections.options.push_back(absl::StrCat(option, " ", text));
  };
  for (const std::string& text : options.shards) {
    add("--shard", text, ParseShard(text, axis), kShardForm);
  }
  for (const std::string& text : options.slices) {
    add("--slice", text, ParseSlice(text), kSliceForm);
  }
  if (!errors.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(errors, "\n"));
  }
  return selections;
}

void EmptyParts::Add(const v1::ModelTensor& tensor) {
  const v1::TensorDescription& description = tensor.description();
  const auto& shape = description.shape();
  if (!tensor.alias_of().empty() || description.elements() > 0 ||
      std::find(shape.begin(), shape.end(), 0) != shape.end()) {
    return;
  }
  if (++count_ <= static_cast<int64_t>(kMaxNamesSaid)) {
    names_.push_back(absl::Utf8SafeCHexEscape(description.name()));
  }
}

std::string EmptyParts::text() const {
  if (count_ == 0) return "";
  return absl::StrCat(
      "advisory: this part has no element of ", count_,
      count_ == 1 ? " tensor: " : " tensors: ", absl::StrJoin(names_, ", "),
      count_ > static_cast<int64_t>(kMaxNamesSaid) ? ", ..." : "", "\n");
}

}  // namespace weightinit::cli
